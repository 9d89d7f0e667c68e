"""What the backward pass of a model of transformers repeats in place of keeping its results."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any
from unittest.mock import patch

from flopbench.errors import CountError, describe


def recompute_layers(module: Any, what: str) -> None:
    """Have each layer run again in the backward pass, as transformers does it.

    Args:
        what: the model, for the error.

    Raises:
        CountError: transformers cannot do it for this model.
    """
    from transformers.modeling_layers import GradientCheckpointingLayer

    layers = [each for each in module.modules() if isinstance(each, GradientCheckpointingLayer)]
    # Its new name, if this version of transformers has it.
    enable = getattr(
        module, "activation_checkpointing_enable", module.gradient_checkpointing_enable
    )
    try:
        enable({"use_reentrant": False})
    except Exception as error:
        raise CountError(f"transformers cannot recompute {what}: {describe(error)}") from error
    if not layers:
        raise CountError(f"transformers cannot recompute {what}: it marks no layers for it")
    for layer in layers:
        # Only in training mode is a layer recomputed. Its parts stay as they are, and drop nothing
        # out; what the layer itself would drop out is none.
        layer.training = True
        for name, value in vars(layer).items():
            if "dropout" in name and isinstance(value, float):
                setattr(layer, name, 0.0)


@contextmanager
def attention_core_recomputed(cores: set[Any], what: str) -> Iterator[None]:
    """Have the core of attention run again in the backward pass (arXiv:2205.05198, section 5).

    Args:
        cores: the modules that have it.
        what: the model, for the error.

    Raises:
        CountError: at the end, if one of them did not call the function that has the core.
    """
    from torch.utils.checkpoint import checkpoint
    from transformers.modeling_utils import AttentionInterface

    called = set()
    find = AttentionInterface.get_interface

    def found(self: Any, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        core = find(self, *args, **kwargs)

        @wraps(core)
        def recomputed(layer: Any, *args: Any, **kwargs: Any) -> Any:
            called.add(layer)
            return checkpoint(core, layer, *args, use_reentrant=False, **kwargs)

        return recomputed

    with patch.object(AttentionInterface, "get_interface", found):
        yield
    if not called or cores - called:
        raise CountError(
            f"transformers computes the core of attention of {what} in the code of its layers, "
            "where it cannot be recomputed alone: set train.recompute to none or full"
        )
