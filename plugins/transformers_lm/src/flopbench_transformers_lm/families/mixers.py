"""Mamba's mixers, from the fields that give their sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flopbench.blocks import Mamba, Mamba2
from flopbench_transformers_lm.families.fields import Fields

MAMBA = {"state_size": "state_size", "rank": "time_step_rank", "kernel": "conv_kernel"}
MAMBA2 = {
    "heads": "num_heads",
    "head_dim": "head_dim",
    "state_size": "state_size",
    "groups": "n_groups",
    "kernel": "conv_kernel",
    "chunk": "chunk_size",
}
NEMOTRON = {
    **MAMBA2,
    "heads": "mamba_num_heads",
    "head_dim": "mamba_head_dim",
    "state_size": "ssm_state_size",
}
BAMBA = {
    "heads": "mamba_n_heads",
    "head_dim": "mamba_d_head",
    "state_size": "mamba_d_state",
    "groups": "mamba_n_groups",
    "kernel": "mamba_d_conv",
    "chunk": "mamba_chunk_size",
}
ZAMBA2 = {
    **BAMBA,
    "heads": "n_mamba_heads",
    "head_dim": "mamba_headdim",
    "groups": "mamba_ngroups",
    "chunk": "chunk_size",
}
JAMBA = {"state_size": "mamba_d_state", "rank": "mamba_dt_rank", "kernel": "mamba_d_conv"}
"""Fields with the sizes of a mixer, by their names in the block."""


def mamba2(
    fields: Fields, names: Mapping[str, str], *, inner: int | None = None, **options: Any
) -> Mamba2:
    """Return a mixer of Mamba 2.

    Args:
        names: the fields with its sizes.
        inner: the width of all heads, if the config gives it.
        options: fields of the block to set directly.
    """
    sizes: dict[str, Any] = {size: fields.size(name) for size, name in names.items()}
    heads = sizes["heads"]
    if inner is not None and heads * sizes["head_dim"] != inner:
        raise fields.refused(names["heads"], f"heads that make up a width of {inner}")
    if heads % sizes["groups"]:
        raise fields.refused(names["groups"], f"divisors of the {heads} heads")
    if "activation" not in options:
        options["activation"] = fields.activation()
    return Mamba2(width=fields.width, **sizes, **options)


def mamba(fields: Fields, names: Mapping[str, str], **options: Any) -> Mamba:
    """Return a mixer of Mamba.

    Args:
        names: the fields with its sizes.
        options: fields of the block to set directly.
    """
    sizes: dict[str, Any] = {size: fields.size(name) for size, name in names.items()}
    if "activation" not in options:
        options["activation"] = fields.activation()
    return Mamba(width=fields.width, **sizes, **options)
