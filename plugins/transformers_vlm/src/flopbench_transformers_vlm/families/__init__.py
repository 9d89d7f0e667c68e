"""Families of models, by transformers' model type."""

from __future__ import annotations

from collections.abc import Mapping

from flopbench_transformers_vlm.families.cohere_vision import FAMILIES as COHERE_VISION
from flopbench_transformers_vlm.families.deepseek_vl import FAMILIES as DEEPSEEK_VL
from flopbench_transformers_vlm.families.encoder_decoder import FAMILIES as ENCODER_DECODER
from flopbench_transformers_vlm.families.family import Family
from flopbench_transformers_vlm.families.florence2 import FAMILIES as FLORENCE2
from flopbench_transformers_vlm.families.gemma3 import FAMILIES as GEMMA3
from flopbench_transformers_vlm.families.glm import FAMILIES as GLM
from flopbench_transformers_vlm.families.got_ocr2 import FAMILIES as GOT_OCR2
from flopbench_transformers_vlm.families.granite_docling import FAMILIES as GRANITE_DOCLING
from flopbench_transformers_vlm.families.hunyuan_vl import FAMILIES as HUNYUAN_VL
from flopbench_transformers_vlm.families.idefics3 import FAMILIES as IDEFICS3
from flopbench_transformers_vlm.families.internvl import FAMILIES as INTERNVL
from flopbench_transformers_vlm.families.kosmos2_5 import FAMILIES as KOSMOS2_5
from flopbench_transformers_vlm.families.llava import FAMILIES as LLAVA
from flopbench_transformers_vlm.families.minicpm import FAMILIES as MINICPM
from flopbench_transformers_vlm.families.ovis2 import FAMILIES as OVIS2
from flopbench_transformers_vlm.families.paddleocr_vl import FAMILIES as PADDLEOCR_VL
from flopbench_transformers_vlm.families.pix2struct import FAMILIES as PIX2STRUCT
from flopbench_transformers_vlm.families.pixtral import FAMILIES as PIXTRAL
from flopbench_transformers_vlm.families.qwen_vl import FAMILIES as QWEN_VL

FAMILIES: Mapping[str, type[Family]] = {
    **COHERE_VISION,
    **DEEPSEEK_VL,
    **ENCODER_DECODER,
    **FLORENCE2,
    **GEMMA3,
    **GLM,
    **GOT_OCR2,
    **GRANITE_DOCLING,
    **IDEFICS3,
    **HUNYUAN_VL,
    **INTERNVL,
    **LLAVA,
    **MINICPM,
    **OVIS2,
    **PADDLEOCR_VL,
    **PIXTRAL,
    **KOSMOS2_5,
    **PIX2STRUCT,
    **QWEN_VL,
}
"""The classes that say what a page becomes and what a tower runs."""
