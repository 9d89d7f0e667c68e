"""Families with state spaces in the place of attention: Mamba and its relatives."""

from __future__ import annotations

from flopbench.blocks import Decoder, NormSpec
from flopbench_transformers_lm.config import LmConfig
from flopbench_transformers_lm.families import mixers
from flopbench_transformers_lm.families.fields import Fields
from flopbench_transformers_lm.families.hybrid import HYBRID
from flopbench_transformers_lm.families.parts import Family, decoder
from flopbench_transformers_lm.families.shared import SHARED

WEIGHTLESS = NormSpec("rms_norm", parameters=0)


def mamba2(config: LmConfig) -> Decoder:
    """Mamba 2 (arXiv:2405.21060): a state space in each layer, and nothing else."""
    fields = Fields(config)
    bias = fields.flag("use_bias")
    mixer = mixers.mamba2(
        fields,
        mixers.MAMBA2,
        inner=int(fields.get("expand") * fields.width),
        in_bias=bias,
        out_bias=bias,
        convolution_bias=fields.flag("use_conv_bias"),
    )
    return decoder(fields, [(mixer, None)] * fields.layers)


def mamba(config: LmConfig) -> Decoder:
    """Mamba (arXiv:2312.00752): a selective scan in each layer, and nothing else.

    Falcon Mamba (arXiv:2410.05355) has norms without weights of steps, keys and queries.
    """
    fields = Fields(config)
    mixer = mixers.mamba(
        fields,
        mixers.MAMBA,
        inner=fields.size("intermediate_size"),
        bias=fields.flag("use_bias"),
        convolution_bias=fields.flag("use_conv_bias"),
        norm=WEIGHTLESS if config.model_type == "falcon_mamba" else None,
    )
    return decoder(fields, [(mixer, None)] * fields.layers)


STATE_SPACE: dict[str, Family] = {
    "falcon_mamba": mamba,
    "mamba": mamba,
    "mamba2": mamba2,
    **HYBRID,
    **SHARED,
}
