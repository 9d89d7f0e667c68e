"""Language models of multimodal models: those of other families, with positions on several axes.

On text alone, what comes from an encoder (embeddings of images, features added between layers) does
not run.
"""

from __future__ import annotations

import attrs

from flopbench.blocks import Decoder, RotaryAngles, SelfAttention
from flopbench_transformers_lm.config import LmConfig
from flopbench_transformers_lm.families.dense import ernie, glm4, granite, hunyuan, qwen2, qwen3
from flopbench_transformers_lm.families.fields import Fields
from flopbench_transformers_lm.families.moe import qwen3_moe
from flopbench_transformers_lm.families.parts import Family
from flopbench_transformers_lm.families.routed import glm4_moe


def glm4v(config: LmConfig) -> Decoder:
    """GLM-4.1V (arXiv:2507.01006): GLM-4 whose queries, keys and values always have a bias."""
    return glm4(_with(config, attention_bias=True))


def qwen3_vl_moe(config: LmConfig) -> Decoder:
    """Qwen3-VL's experts (arXiv:2511.21631): Qwen3-MoE's, their weights always normalised."""
    return qwen3_moe(_with(config, norm_topk_prob=True))


def _with(config: LmConfig, **fields: object) -> LmConfig:
    """Return a config with fields as the model has them, whatever the config says."""
    return attrs.evolve(config, values={**config.values, **fields})


def on_axes(family: Family, *, as_sections: bool = False) -> Family:
    """Return a family whose tokens have positions in time, height and width.

    Source: M-RoPE of Qwen2-VL (arXiv:2409.12191).

    Args:
        as_sections: whether there are as many positions as sections in the config, not three.
    """

    def build(config: LmConfig) -> Decoder:
        made, axes = family(config), _sections(config) if as_sections else 3
        angles = tuple(attrs.evolve(_angles(each), axes=axes) for each in made.angles)
        groups = tuple(
            attrs.evolve(group, attention=attrs.evolve(_own(group.attention), rope_shared=False))
            for group in made.groups
        )
        return attrs.evolve(made, angles=angles, groups=groups)

    build.__doc__ = family.__doc__
    return build


def _sections(config: LmConfig) -> int:
    """Return how many sections of a head's pairs have positions of their own."""
    fields = Fields(config)
    sections = fields.get("rope_parameters", {}).get("mrope_section")
    if not sections:
        raise fields.refused("rope_parameters", "those with an mrope_section")
    return len(sections)


def _angles(angles: object) -> RotaryAngles:
    if not isinstance(angles, RotaryAngles):
        raise TypeError(f"only RotaryAngles have axes, got {angles!r}")
    return angles


def _own(attention: object) -> SelfAttention:
    if not isinstance(attention, SelfAttention):
        raise TypeError(f"only SelfAttention has angles per sequence, got {attention!r}")
    return attention


MULTIMODAL: dict[str, Family] = {
    "glm4v_moe_text": on_axes(glm4_moe),
    "glm4v_text": on_axes(glm4v),
    "glm_ocr_text": on_axes(glm4),
    "granite_docling_text": granite,
    "hunyuan_vl_text": on_axes(hunyuan, as_sections=True),
    "paddleocr_vl_text": on_axes(ernie),
    "qwen2_5_omni_text": on_axes(qwen2),
    "qwen2_5_vl_text": on_axes(qwen2),
    "qwen2_vl_text": on_axes(qwen2),
    "qwen3_omni_moe_text": on_axes(qwen3_moe),
    "qwen3_vl_moe_text": on_axes(qwen3_vl_moe),
    "qwen3_vl_text": on_axes(qwen3),
}
"""Text configs, by the type that transformers gives them inside the whole model's config."""
