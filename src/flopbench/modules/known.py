"""The second witness: what a module of a known kind computes, by its attributes and its shapes.

Nothing here sees what was dispatched, so that the two counts of a call are independent.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from flopbench.modules import known_layers, known_sequences
from flopbench.ops import PricedOp

Kind = Callable[[Any, Mapping[str, Any], Any], Iterable[PricedOp]]
"""Takes a module, the arguments of its call by name, and its output."""

_WITH_MATRICES: Mapping[str, Kind] = {**known_layers.KINDS, **known_sequences.KINDS}

_WITHOUT_MATRICES = """
    AlphaDropout Dropout Dropout1d Dropout2d Dropout3d FeatureAlphaDropout Identity
    CELU ELU GELU GLU Hardshrink Hardsigmoid Hardswish Hardtanh LeakyReLU LogSigmoid LogSoftmax Mish
    PReLU ReLU ReLU6 RReLU SELU Sigmoid SiLU Softmax Softmax2d Softmin Softplus Softshrink Softsign
    Tanh Tanhshrink Threshold
    BatchNorm1d BatchNorm2d BatchNorm3d GroupNorm InstanceNorm1d InstanceNorm2d InstanceNorm3d
    LayerNorm LocalResponseNorm RMSNorm
    AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d
    AdaptiveMaxPool3d AvgPool1d AvgPool2d AvgPool3d FractionalMaxPool2d FractionalMaxPool3d LPPool1d
    LPPool2d LPPool3d MaxPool1d MaxPool2d MaxPool3d MaxUnpool1d MaxUnpool2d MaxUnpool3d
    Embedding
    ChannelShuffle CircularPad1d CircularPad2d CircularPad3d ConstantPad1d ConstantPad2d
    ConstantPad3d Flatten Fold PixelShuffle PixelUnshuffle ReflectionPad1d ReflectionPad2d
    ReflectionPad3d ReplicationPad1d ReplicationPad2d ReplicationPad3d Unflatten Unfold Upsample
    UpsamplingBilinear2d UpsamplingNearest2d ZeroPad1d ZeroPad2d ZeroPad3d
    BCELoss BCEWithLogitsLoss CosineSimilarity CrossEntropyLoss HuberLoss KLDivLoss L1Loss MSELoss
    NLLLoss PairwiseDistance SmoothL1Loss
"""
"""Modules of torch.nn without a product of matrices."""


def known_ops(
    module: Any, args: Sequence[Any], kwargs: Mapping[str, Any], output: Any
) -> tuple[PricedOp, ...] | None:
    """Return the matrix work of a call of a module, or None if its kind is not known.

    A module is of a known kind if its class is: a subclass may compute something else, and so may a
    module whose ``forward`` is replaced or whose weights are computed in each call. Within
    ``torch.vmap``, shapes do not tell how much is done.

    Args:
        args, kwargs: what the module was called with.
        output: what it returned.
    """
    kind = _kinds().get(type(module)) or _elsewhere(type(module))
    if kind is None or _is_altered(module) or _is_mapped():
        return None
    call = inspect.signature(module.forward).bind(*args, **kwargs).arguments
    if any(getattr(value, "is_nested", False) for value in call.values()):
        return None
    return tuple(kind(module, call, output))


@cache
def _kinds() -> Mapping[type, Kind]:
    """Return the kinds by class, those that this torch has."""
    from torch import nn

    kinds = {**dict.fromkeys(_WITHOUT_MATRICES.split(), _nothing), **_WITH_MATRICES}
    found = {getattr(nn, name, None): kind for name, kind in kinds.items()}
    return {known: kind for known, kind in found.items() if known is not None}


def _nothing(_module: Any, _call: Mapping[str, Any], _output: Any) -> Iterable[PricedOp]:
    return ()


def _elsewhere(found: type) -> Kind | None:
    """Return the kind of a class outside torch, without loading what defines it."""
    pytorch_utils = sys.modules.get("transformers.pytorch_utils")
    is_conv1d = pytorch_utils is not None and found is pytorch_utils.Conv1D
    return known_layers.transposed_linear if is_conv1d else None


def _is_altered(module: Any) -> bool:
    """Return whether a call of a module runs more than the forward of its class.

    The hooks of ``torch.nn.utils`` (spectral norm, weight norm, pruning) compute the weights. Other
    hooks may be those of who counts.
    """
    hooks = module._forward_pre_hooks.values()  # noqa: SLF001 - no public way
    computing = any(type(hook).__module__.startswith("torch.nn.utils") for hook in hooks)
    return computing or "forward" in vars(module)


def _is_mapped() -> bool:
    """Return whether what runs is transformed: mapped over samples, or derived forward.

    ``torch.vmap`` hides a dimension of tensors, and forward derivatives are computed beside values.
    """
    from torch._C import _functorch
    from torch.autograd import forward_ad

    levels = _functorch.get_interpreter_stack() or ()
    changing = {_functorch.TransformType.Vmap, _functorch.TransformType.Jvp}
    derived = forward_ad._current_level >= 0  # noqa: SLF001 - no public way
    return derived or any(level.key() in changing for level in levels)
