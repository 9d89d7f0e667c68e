"""What families with experts ask of a config's fields, and refuse."""

from __future__ import annotations

from typing import Any

from flopbench_transformers_lm.families.fields import Fields, NotCoveredError

ROPE_TYPES = ("default", "linear", "llama3", "yarn")
"""Kinds of rotary positions whose frequencies are made once, not in each pass."""


def refused(fields: Fields, name: str, right: str) -> NotCoveredError:
    """Return what is raised for a field's value, and say which are covered."""
    return NotCoveredError(f"{fields.refused(name, fields.get(name))}, only {right}")


def number(fields: Fields, name: str, least: int = 1) -> int:
    """Return a field that is a whole number of at least ``least``."""
    value = fields.get(name)
    if type(value) is not int or value < least:
        raise refused(fields, name, f"whole numbers of at least {least}")
    return value


def one_of(fields: Fields, name: str, *covered: Any) -> Any:
    """Return a field that has one of some values; the first if it is missing or null."""
    value = fields.get(name, covered[0])
    if value not in covered:
        raise refused(fields, name, " or ".join(map(repr, covered)))
    return value


def per_layer(fields: Fields, name: str, *covered: str) -> list[str]:
    """Return a field that lists one of some words for each layer."""
    words = fields.get(name)
    if not isinstance(words, list) or len(words) != fields.layers or set(words) - {*covered}:
        raise refused(fields, name, f"{fields.layers} of {' or '.join(covered)}")
    return words


def kv_heads(fields: Fields) -> int:
    """Return the key and value heads, which divide the query heads."""
    found = number(fields, "num_key_value_heads")
    if fields.heads % found:
        raise refused(fields, "num_key_value_heads", f"divisors of the {fields.heads} query heads")
    return found


def rope_dim(fields: Fields, width: int, *, partly: bool = False) -> int:
    """Return how many of a head's ``width`` elements are rotated.

    Args:
        partly: whether the family heeds ``partial_rotary_factor``.
    """
    rope = fields.get("rope_parameters", {})
    part = rope.get("partial_rotary_factor", 1.0)
    if rope.get("rope_type", "default") not in ROPE_TYPES:
        raise refused(fields, "rope_parameters", f"rope_type {', '.join(ROPE_TYPES)}")
    if part != 1 and not partly:
        raise refused(fields, "rope_parameters", "partial_rotary_factor 1.0")
    # There is a frequency for every other element, so that an odd number is rounded up.
    rotated = 2 * ((int(width * part) + 1) // 2)
    if rotated > width:
        raise refused(fields, "rope_parameters", f"an even part of heads {width} wide")
    return rotated


def no_window(fields: Fields) -> None:
    """Refuse windows in a family whose mask has none: transformers' cache would have them."""
    fields.expect(sliding_window=None, attention_chunk_size=None)
    if fields.get("layer_types") is not None:
        per_layer(fields, "layer_types", "full_attention")
