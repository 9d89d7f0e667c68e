"""Families whose attention chooses its keys, and others whose layers differ."""

from __future__ import annotations

from flopbench_transformers_lm.families.gemma3n import GEMMA3N
from flopbench_transformers_lm.families.gemma4 import GEMMA4
from flopbench_transformers_lm.families.indexed import INDEXED
from flopbench_transformers_lm.families.layered import LAYERED
from flopbench_transformers_lm.families.mixed import MIXED
from flopbench_transformers_lm.families.parts import Family
from flopbench_transformers_lm.families.relatives import RELATIVES

SPARSE: dict[str, Family] = {**GEMMA3N, **GEMMA4, **INDEXED, **LAYERED, **MIXED, **RELATIVES}
