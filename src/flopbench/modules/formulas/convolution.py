"""Formulas of convolutions that are called by the name of a kernel of ``aten.convolution``."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from flopbench.builtin.torch_convolutions import positions
from flopbench.conventions import MAC_FLOPS


def convolution(_x: Any, weight: Any, *_args: Any, out_val: Any, **_: Any) -> Any:
    """Return 2 per element of the weight, [out, in / groups, *kernel], and output position.

    Each output position multiplies every element of the weight by one element of the (padded)
    input, which is what torch's formula of ``aten.convolution`` says.
    """
    return MAC_FLOPS * prod(weight.shape) * positions(out_val.shape, weight.dim() - 2)


def transposed(x: Any, weight: Any, *_args: Any, **_: Any) -> Any:
    """Return 2 per element of the weight, [in, out / groups, *kernel], and input position."""
    return MAC_FLOPS * prod(weight.shape) * positions(x.shape, weight.dim() - 2)


def time_batch_channel(_x: Any, weight: Any, *_args: Any, out_val: Any, **_: Any) -> Any:
    """Return 2 k in out per output position: the weight is [k, in, out], the output [t, b, out]."""
    time, batch, _out = out_val.shape
    return MAC_FLOPS * prod(weight.shape) * time * batch


FORMULAS: dict[str, Callable[..., Any]] = {
    "_conv_depthwise2d": convolution,
    "_mps_convolution": convolution,
    "_mps_convolution_transpose": transposed,
    "_nnpack_spatial_convolution": convolution,
    "conv_depthwise3d": convolution,
    "conv_tbc": time_batch_channel,
    "cudnn_convolution_add_relu": convolution,
    "cudnn_convolution_relu": convolution,
    "cudnn_convolution_transpose": transposed,
    "miopen_convolution": convolution,
    "miopen_convolution_add_relu": convolution,
    "miopen_convolution_relu": convolution,
    "miopen_convolution_transpose": transposed,
    "miopen_depthwise_convolution": convolution,
    "mkldnn_convolution": convolution,
    "slow_conv3d_forward": convolution,
    "slow_conv_dilated2d": convolution,
    "slow_conv_dilated3d": convolution,
    "slow_conv_transpose2d": transposed,
    "slow_conv_transpose3d": transposed,
}
"""By the name of the op."""
