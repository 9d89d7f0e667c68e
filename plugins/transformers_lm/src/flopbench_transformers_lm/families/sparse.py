"""Families whose attention chooses its keys, and others whose layers differ."""

from __future__ import annotations

from flopbench_transformers_lm.families.indexed import INDEXED
from flopbench_transformers_lm.families.layered import LAYERED
from flopbench_transformers_lm.families.parts import Family

SPARSE: dict[str, Family] = {**INDEXED, **LAYERED}
