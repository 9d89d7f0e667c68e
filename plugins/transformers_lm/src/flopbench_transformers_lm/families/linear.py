"""Families with linear attention, or short convolutions, in the place of attention."""

from __future__ import annotations

from flopbench_transformers_lm.families.parts import Family

LINEAR: dict[str, Family] = {}
