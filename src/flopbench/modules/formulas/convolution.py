"""Formulas of convolutions that are called by the name of a kernel of ``aten.convolution``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from flopbench.conventions import MAC_FLOPS


def convolution(_x: Any, weight: Any, *_args: Any, out_val: Any, **_: Any) -> Any:
    """Return 2 per element of the weight, [out, in / groups, *kernel], and output position.

    Each output position multiplies every element of the weight by one element of the (padded)
    input, which is what torch's formula of ``aten.convolution`` says.
    """
    return MAC_FLOPS * prod(weight.shape) * _positions(out_val.shape, weight.dim() - 2)


def transposed(x: Any, weight: Any, *_args: Any, **_: Any) -> Any:
    """Return 2 per element of the weight, [in, out / groups, *kernel], and input position."""
    return MAC_FLOPS * prod(weight.shape) * _positions(x.shape, weight.dim() - 2)


def time_batch_channel(_x: Any, weight: Any, *_args: Any, out_val: Any, **_: Any) -> Any:
    """Return 2 k in out per output position: the weight is [k, in, out], the output [t, b, out]."""
    time, batch, _out = out_val.shape
    return MAC_FLOPS * prod(weight.shape) * time * batch


def gradients(
    grad: Any,
    x: Any,
    weight: Any,
    _bias_sizes: Any,
    _stride: Any,
    _padding: Any,
    _dilation: Any,
    is_transposed: bool,
    _output_padding: Any,
    _groups: int,
    wanted: Sequence[bool],
    **_: Any,
) -> Any:
    """Return the FLOPs of the convolution itself for each of its input's and weight's gradients.

    Each product of a weight and an input gives rise to one for either gradient, also in groups.
    Torch's formula (2.13) takes the weight's gradient to be that of a convolution without groups.
    """
    sizes = (x if is_transposed else grad).shape
    once = MAC_FLOPS * prod(weight.shape) * _positions(sizes, weight.dim() - 2)
    return once * sum(wanted[:2])


def _positions(shape: Sequence[Any], dims: int) -> Any:
    """Return the positions of [batch, channels, *positions] or [channels, *positions]."""
    batch = shape[0] if len(shape) == dims + 2 else 1
    return batch * prod(shape[-dims:])


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

CORRECTIONS: dict[str, Callable[..., Any]] = {"convolution_backward": gradients}
"""Of ops whose formula in torch is wrong, by the name of the op."""
