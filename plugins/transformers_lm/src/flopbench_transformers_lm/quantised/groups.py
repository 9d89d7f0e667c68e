"""The groups of a compressed-tensors config: which modules have which scheme."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from flopbench.storage import Packed, Scheme, bytes_of, is_dtype, schemes

_CLASSES = ("Linear",)
"""Targets that are classes of modules, and thus all products."""

_BLOCKS: Mapping[str, tuple[int | None, int | None]] = {
    "tensor": (None, None),
    "channel": (1, None),
}
"""What shares a scale, by strategy."""

_MX_GROUP, NV_GROUP = 32, 16
"""Weights that share a scale in MXFP4 and NVFP4."""


def from_groups(found: Mapping[str, Any], dtype: str) -> list[tuple[tuple[str, ...], Scheme]]:
    """Return the groups: the targets that are names or patterns (none: all products), the scheme.

    Args:
        dtype: the model's, in which scales are stored.

    Raises:
        ValueError: a group is stored in a way that is not known.
    """
    made: list[tuple[tuple[str, ...], Scheme]] = []
    for group in (found.get("config_groups") or {}).values():
        if group.get("weights") is None:
            continue
        scheme = _scheme(group, group.get("format") or found.get("format"), dtype)
        scheme = attrs.evolve(scheme, compute=_compute(group.get("input_activations") or {}))
        targets = group.get("targets") or ()
        if isinstance(targets, str):
            raise TypeError(f"targets must be a list of texts, got {targets!r}")
        named = tuple(target for target in targets if target not in _CLASSES)
        if named:
            made.append((named, scheme))
        if len(named) < len(targets) or not targets:
            made.append(((), scheme))
    return made


def _scheme(group: Mapping[str, Any], form: str | None, dtype: str) -> Packed:
    weights, inputs = group["weights"], group.get("input_activations") or {}
    strategy, size = _strategy(weights), weights.get("group_size")
    symmetric = bool(weights.get("symmetric", True))
    kind = f"{weights.get('type', 'int')}{weights.get('num_bits', 8)}"
    match kind, strategy:
        case "float4", _ if size == _MX_GROUP:
            return schemes.mxfp4()
        case "float4", _ if size == NV_GROUP:
            # The scale of all activations is stored even if those of groups are not.
            whole = bool(inputs) and inputs.get("dynamic", False) is not True
            return schemes.nvfp4("nvfp4" if whole else "nvfp4_a16", activations=4 * whole)
        case "float8", "tensor" | "channel" | "block":
            rows, columns = weights.get("block_structure") or (128, 128)
            block = _BLOCKS.get(strategy, (int(rows), int(columns)))
            stored = _activations(inputs, dtype)
            return schemes.fp8(f"ct_fp8_{strategy}", block, scale=dtype, activations=stored)
        case _, "group" | "channel" if form == "pack-quantized" and kind.startswith("int"):
            bits = int(weights.get("num_bits", 8))
            shared = int(size) if strategy == "group" else None
            return schemes.pack_quantized(bits, shared, symmetric=symmetric, scale=dtype)
        case "int8", "tensor" | "channel":
            made = schemes.int8("ct_int8", scale=dtype, zero=not symmetric)
            stored = _activations(inputs, dtype)
            return attrs.evolve(made, block=_BLOCKS[strategy], activations=stored)
    raise ValueError(f"{kind} weights by {strategy} in format {form!r} are not known")


def _compute(inputs: Mapping[str, Any]) -> str | None:
    """Return the dtype of activations, and so of products, if they are quantised, too."""
    kind = f"{inputs.get('type', 'int')}{inputs.get('num_bits', 8)}"
    return kind if inputs and is_dtype(kind) else None


def _activations(inputs: Mapping[str, Any], dtype: str) -> int:
    """Return the bytes of a stored scale of all activations, if there is one."""
    static = bool(inputs) and inputs.get("dynamic", False) is False
    one = static and inputs.get("strategy", "tensor") == "tensor"
    return int(bytes_of(1, dtype)) if one else 0


def _strategy(weights: Mapping[str, Any]) -> str:
    """Return how weights share scales; without a word for it, by their group size."""
    size = weights.get("group_size")
    usual = "tensor" if size is None else "channel" if size == -1 else "group"
    return str(weights.get("strategy") or usual)
