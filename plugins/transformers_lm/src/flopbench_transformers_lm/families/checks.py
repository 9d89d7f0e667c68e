"""What families with experts ask of a config's fields, and refuse."""

from __future__ import annotations

from typing import Any

from flopbench_transformers_lm.families.fields import Fields, NotCoveredError


def refused(fields: Fields, name: str, right: str) -> NotCoveredError:
    """Return what is raised for a field's value, and say which are covered."""
    return fields.refused(name, fields.get(name), right)


def number(fields: Fields, name: str, least: int = 1) -> int:
    """Return a field that is a whole number of at least ``least``."""
    return fields.size(name, least=least)


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
    """Return the key and value heads, which must be said."""
    number(fields, "num_key_value_heads")
    return fields.kv_heads


def no_window(fields: Fields) -> None:
    """Refuse windows in a family whose mask has none: transformers' cache would have them."""
    fields.expect(sliding_window=None, attention_chunk_size=None)
    if fields.get("layer_types") is not None:
        per_layer(fields, "layer_types", "full_attention")
