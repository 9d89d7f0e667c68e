"""The sentence that says how a decoder's weights are stored."""

from __future__ import annotations

from collections import Counter

from flopbench.blocks import Decoder
from flopbench.text import listed, shortened
from flopbench_transformers_lm.quantised.rules import Quantised

_SHOWN = 60
"""Characters of what a file says that are shown."""

FLOPS = "FLOPs are those of the same products"


def unpriced(quantised: Quantised) -> str:
    """Return the sentence for a model without closed forms, whose bytes are not known anyway."""
    return f"the file says that its weights are quantised ({quantised.method}): {FLOPS}"


def unknown_method(quantised: Quantised, dtype: str) -> str:
    """Return the sentence for a file that is not understood."""
    return (
        f"the file says that its weights are quantised ({quantised.method}), but not in a way that "
        f"is known ({quantised.problem}): bytes are those of {dtype}; {FLOPS}"
    )


def told(decoder: Decoder, quantised: Quantised) -> str:
    """Return which components are stored how, as ``scheme: components; scheme: components``."""
    totals: Counter[str] = Counter()
    placed: Counter[tuple[str, str]] = Counter()
    stores = [(group.schemes, int(group.count)) for group in decoder.groups]
    for schemes, layers in [*stores, (decoder.schemes, 1)]:
        for key, scheme in schemes.items():
            totals[key] += layers
            placed[scheme.name, key] += layers
    by_scheme: dict[str, dict[tuple[str, str], list[str]]] = {}
    for (name, key), layers in placed.items():
        component, _, role = key.removeprefix("decoder/").partition(".")
        where = f" in {layers} of {totals[key]} layers" if layers < totals[key] else ""
        parts = by_scheme.setdefault(name, {})
        parts.setdefault((component, where), []).append(role)
    roles = Counter(key.removeprefix("decoder/").partition(".")[0] for key in totals)
    said = (f"{name}: {_parts(parts, roles)}" for name, parts in by_scheme.items())
    cache = f"; KV cache: {quantised.kv_cache}" if quantised.kv_cache else ""
    if quantised.unknown_cache:
        name = shortened(quantised.unknown_cache, _SHOWN)
        cache = f"; KV cache: the model's dtype, since {name} is not known"
    single = any(patterns.names_experts for patterns, _ in quantised.special)
    experts = quantised.kept.names_experts or single
    first = "; single experts that it names are taken to be as the first" if experts else ""
    return (
        f"weights are stored as the file says ({quantised.method}): {'; '.join(said)}{cache}"
        f"{first}; {FLOPS}"
    )


def _parts(parts: dict[tuple[str, str], list[str]], roles: Counter[str]) -> str:
    """Return components, with their roles if not all of them are stored alike."""
    return listed(
        [
            f"{component}{where}"
            if len(found) == roles[component]
            else f"{component} ({listed(found, 'and')}){where}"
            for (component, where), found in parts.items()
        ],
        "and",
    )
