"""Families of models, by transformers' model type."""

from __future__ import annotations

from collections.abc import Mapping

from flopbench_transformers_vlm.families.cohere_vision import FAMILIES as COHERE_VISION
from flopbench_transformers_vlm.families.deepseek_vl import FAMILIES as DEEPSEEK_VL
from flopbench_transformers_vlm.families.family import Family
from flopbench_transformers_vlm.families.gemma3 import FAMILIES as GEMMA3
from flopbench_transformers_vlm.families.glm_ocr import FAMILIES as GLM_OCR
from flopbench_transformers_vlm.families.got_ocr2 import FAMILIES as GOT_OCR2
from flopbench_transformers_vlm.families.granite_docling import FAMILIES as GRANITE_DOCLING
from flopbench_transformers_vlm.families.idefics3 import FAMILIES as IDEFICS3
from flopbench_transformers_vlm.families.internvl import FAMILIES as INTERNVL
from flopbench_transformers_vlm.families.llava import FAMILIES as LLAVA
from flopbench_transformers_vlm.families.minicpm import FAMILIES as MINICPM
from flopbench_transformers_vlm.families.ovis2 import FAMILIES as OVIS2

FAMILIES: Mapping[str, type[Family]] = {
    **COHERE_VISION,
    **DEEPSEEK_VL,
    **GEMMA3,
    **GLM_OCR,
    **GOT_OCR2,
    **GRANITE_DOCLING,
    **IDEFICS3,
    **INTERNVL,
    **LLAVA,
    **MINICPM,
    **OVIS2,
}
"""The classes that say what a page becomes and what a tower runs."""
