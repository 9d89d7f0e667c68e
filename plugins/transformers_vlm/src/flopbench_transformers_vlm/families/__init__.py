"""Families of models, by transformers' model type."""

from __future__ import annotations

from collections.abc import Mapping

from flopbench_transformers_vlm.families.family import Family
from flopbench_transformers_vlm.families.glm_ocr import FAMILIES as GLM_OCR
from flopbench_transformers_vlm.families.hunyuan_vl import FAMILIES as HUNYUAN_VL
from flopbench_transformers_vlm.families.internvl import FAMILIES as INTERNVL
from flopbench_transformers_vlm.families.paddleocr_vl import FAMILIES as PADDLEOCR_VL
from flopbench_transformers_vlm.families.pixtral import FAMILIES as PIXTRAL
from flopbench_transformers_vlm.families.qwen_vl import FAMILIES as QWEN_VL

FAMILIES: Mapping[str, type[Family]] = {
    **GLM_OCR,
    **HUNYUAN_VL,
    **INTERNVL,
    **PADDLEOCR_VL,
    **PIXTRAL,
    **QWEN_VL,
}
"""The classes that say what a page becomes and what a tower runs."""
