"""Families of models, by transformers' model type."""

from __future__ import annotations

from collections.abc import Mapping

from flopbench_transformers_vlm.families.encoder_decoder import FAMILIES as ENCODER_DECODER
from flopbench_transformers_vlm.families.family import Family
from flopbench_transformers_vlm.families.florence2 import FAMILIES as FLORENCE2
from flopbench_transformers_vlm.families.glm_ocr import FAMILIES as GLM_OCR
from flopbench_transformers_vlm.families.internvl import FAMILIES as INTERNVL

FAMILIES: Mapping[str, type[Family]] = {
    **ENCODER_DECODER,
    **FLORENCE2,
    **GLM_OCR,
    **INTERNVL,
}
"""The classes that say what a page becomes and what a tower runs."""
