"""Families with state spaces in the place of attention: Mamba and its relatives."""

from __future__ import annotations

from flopbench.blocks import Decoder, Mamba, Mamba2, NormSpec
from flopbench_transformers_lm.config import LmConfig
from flopbench_transformers_lm.families.fields import Fields
from flopbench_transformers_lm.families.parts import Family, decoder

WEIGHTLESS = NormSpec("rms_norm", parameters=0)


def mamba2(config: LmConfig) -> Decoder:
    """Mamba 2 (arXiv:2405.21060): a state space in each layer, and nothing else."""
    fields = Fields(config)
    heads, head_dim = fields.size("num_heads"), fields.size("head_dim")
    if heads * head_dim != int(fields.get("expand") * fields.width):
        raise fields.refused("num_heads", "heads that make up expand x hidden_size")
    mixer = Mamba2(
        width=fields.width,
        heads=heads,
        head_dim=head_dim,
        state_size=fields.size("state_size"),
        groups=fields.size("n_groups"),
        kernel=fields.size("conv_kernel"),
        chunk=fields.size("chunk_size"),
        bias=fields.flag("use_bias"),
        convolution_bias=fields.flag("use_conv_bias"),
        activation=fields.activation(),
    )
    return decoder(fields, [(mixer, None)] * fields.layers)


def mamba(config: LmConfig) -> Decoder:
    """Mamba (arXiv:2312.00752): a selective scan in each layer, and nothing else.

    Falcon Mamba (arXiv:2410.05355) has norms without weights of steps, keys and queries.
    """
    fields = Fields(config)
    normed = config.model_type == "falcon_mamba"
    mixer = Mamba(
        width=fields.width,
        inner=fields.size("intermediate_size", int(fields.get("expand") * fields.width)),
        state_size=fields.size("state_size"),
        rank=fields.size("time_step_rank"),
        kernel=fields.size("conv_kernel"),
        bias=fields.flag("use_bias"),
        convolution_bias=fields.flag("use_conv_bias"),
        activation=fields.activation(),
        norm=WEIGHTLESS if normed else None,
    )
    return decoder(fields, [(mixer, None)] * fields.layers)


STATE_SPACE: dict[str, Family] = {"falcon_mamba": mamba, "mamba": mamba, "mamba2": mamba2}
