"""Build the real model: transformers' own class, on the meta device without weights.

Attention is eager in every module. Experts run as ``batched_mm`` where the model has that
switch: the ``grouped_mm`` default has no formula in torch's registry, and ``eager`` experts
loop over data that meta tensors do not have.
"""

from __future__ import annotations

from typing import Any

from flopbench import UsageError
from flopbench.dims import DTYPE_BYTES
from flopbench.vendor.transformers import ATTENTION, EXPERTS, require_eager
from flopbench_transformers_lm.config import LmConfig, quiet, to_transformers
from flopbench_transformers_lm.failures import cannot_build
from flopbench_transformers_lm.model_types import needs_transformers


def built(config: LmConfig, name: str) -> Any:
    """Return the ``torch.nn.Module`` of a config, by the name of its class.

    Raises:
        UsageError: torch or transformers is not installed.
        CountError: transformers cannot build the model, or not with eager attention.
    """
    try:
        import torch
        import transformers
    except ImportError as error:
        raise needs_transformers(error) from error
    kind = getattr(transformers, name)
    try:
        with quiet(), torch.device("meta"):
            module = kind._from_config(  # noqa: SLF001 - as its auto classes do
                _buildable(_for_class(kind, to_transformers(config))),
                attn_implementation=ATTENTION,
                experts_implementation=EXPERTS,
            )
    except UsageError:
        raise
    except Exception as error:
        raise cannot_build(config, error) from error
    _on_meta(module)
    require_eager(module)
    # Without a mask some warn of padding, and look for it in token values that do not exist.
    # This bypasses the config's own check: a few types demand a number, others warn.
    with quiet():
        object.__setattr__(module.config, "pad_token_id", None)
    return module.eval()


def class_of(table: str, model_type: str) -> str:
    """Return the name of the class that a table of transformers has for a type."""
    from transformers.models.auto import modeling_auto

    name: str = getattr(modeling_auto, table)[model_type]
    return name


def _on_meta(module: Any) -> None:
    """Move parameters to meta that a class makes on the CPU whatever it is told (XLNet's)."""
    import torch

    for part in module.modules():
        for name, weight in part.named_parameters(recurse=False):
            if not weight.is_meta:
                setattr(part, name, torch.nn.Parameter(torch.empty_like(weight, device="meta")))


def _for_class(kind: Any, config: Any) -> Any:
    """Return a config for a class: a part of what it describes, if the class is for that."""
    wanted = kind.config_class
    parts = (part for part in vars(config).values() if isinstance(part, wanted))
    return config if isinstance(config, wanted) else next(parts, config)


def _buildable(config: Any) -> Any:
    """Return a config whose dtype torch can build a model in; FLOPs do not depend on it."""
    if str(config.dtype).removeprefix("torch.") not in DTYPE_BYTES:
        config.dtype = None
    return config
