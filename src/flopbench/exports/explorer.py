"""The explorer: a page whose sliders evaluate laws in the browser, exactly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flopbench.errors import UsageError
from flopbench.exports.laws import QUANTITIES, ExportedLaws, StageLaws, Symbol
from flopbench.hardware import DTYPES, Gpu, known_gpus
from flopbench.pages import Lines, Page, Section, Verdict
from flopbench.pages.blocks import Block, Tone
from flopbench.text import key_values, listed

_TONES: Mapping[str, Tone] = {"proved": "good"}
_WORDS = {
    "proved": "proved: matrix FLOPs equal the vendor's count at every size that the assumptions "
    "allow; other modes and costs are closed forms",
    "interpolated": "interpolated: matrix FLOPs equal the vendor's counts at many sizes, which is "
    "no proof; other modes and costs are closed forms",
    "analytic only": "closed forms alone: not proved against a vendor's model",
}
_MOST, _FEWEST = 128, 1024
"""A slider ends at a multiple of the workload's size, or at the second number if that is more."""


def page(laws: Sequence[ExportedLaws]) -> Page:
    """Return the page of laws, side by side if there are several."""
    labels = _labels(laws)
    worst = max((each.verdict for each in laws), key=list(_WORDS).index)
    return Page(
        title=f"Cost laws of {listed(labels, 'and')}",
        verdict=Verdict(_WORDS[worst], _TONES.get(worst, "neutral")),
        about=["Move a size: all numbers below are evaluated here, as exact integers."],
        sections=[
            Section(label, tuple(_about(each))) for label, each in zip(labels, laws, strict=True)
        ],
        explorer={
            "models": [_model(label, each) for label, each in zip(labels, laws, strict=True)],
            "symbols": _symbols(laws),
            "attention": list(dict.fromkeys(mode for each in laws for mode in each.attention)),
            "quantities": _quantities(laws),
            "gpus": [_gpu(gpu) for gpu in known_gpus().values()],
            "dtypes": list(DTYPES),
            "options": _options(laws),
        },
    )


def _labels(laws: Sequence[ExportedLaws]) -> list[str]:
    """Return a name for each: the model's, with what differs if it is there more than once."""
    count = Counter(each.name for each in laws)
    same = [_settings(each) if count[each.name] > 1 else {} for each in laws]
    labels = []
    for index, each in enumerate(laws):
        others = [same[i] for i, other in enumerate(laws) if other.name == each.name]
        own = [
            f"{key}={value}"
            for key, value in same[index].items()
            if any(other.get(key) != value for other in others)
        ]
        label = f"{each.name} ({', '.join(own)})" if own else each.name
        labels.append(label if label not in labels else f"{label} #{index + 1}")
    return labels


def _settings(laws: ExportedLaws) -> dict[str, str]:
    lines = key_values(laws.provenance.get("config", {}))
    return {key: value for key, _, value in (line.partition("=") for line in lines)}


def _model(label: str, laws: ExportedLaws) -> dict[str, Any]:
    return {
        "name": laws.name,
        "label": label,
        "attention": list(laws.attention),
        "symbols": [{"name": s.name, "minimum": s.minimum} for s in laws.symbols],
        "stages": [_stage(stage) for stage in laws.stages],
    }


def _stage(stage: StageLaws) -> dict[str, Any]:
    return {
        "name": stage.name,
        "title": stage.title,
        "verdict": stage.verdict,
        "symbols": list(stage.symbols),
        "assumptions": [{"text": a.text, "condition": a.condition} for a in stage.conditions],
        "laws": [
            {
                "quantity": law.quantity,
                "attention": law.attention,
                "component": law.component,
                "tree": law.tree,
                "text": law.text,
            }
            for law in stage.laws
        ],
    }


def _symbols(laws: Sequence[ExportedLaws]) -> list[dict[str, Any]]:
    """Return the sizes of all models; those of one name share a slider."""
    found: dict[str, list[Symbol]] = {}
    for each in laws:
        for symbol in each.symbols:
            found.setdefault(symbol.name, []).append(symbol)
    return [
        {
            "name": name,
            "meaning": "; ".join(dict.fromkeys(symbol.meaning for symbol in symbols)),
            "minimum": min(symbol.minimum for symbol in symbols),
            "example": symbols[0].example,
            "most": max(_FEWEST, *(_MOST * symbol.example for symbol in symbols)),
        }
        for name, symbols in found.items()
    ]


def _quantities(laws: Sequence[ExportedLaws]) -> list[dict[str, str]]:
    found = {law.quantity for each in laws for stage in each.stages for law in stage.laws}
    return [
        {"name": name, "unit": unit, "meaning": meaning}
        for name, (unit, meaning) in QUANTITIES.items()
        if name in found
    ]


def _gpu(gpu: Gpu) -> dict[str, Any]:
    return {
        "name": gpu.name,
        "title": gpu.title,
        "memory": gpu.memory_bytes,
        "bandwidth": gpu.bandwidth,
        "peaks": dict(gpu.peaks),
    }


def _options(laws: Sequence[ExportedLaws]) -> dict[str, str]:
    """Return what is chosen at first: by name of the control.

    Raises:
        UsageError: no model leaves a size open.
    """
    first = laws[0]
    names = [s.name for s in sorted((s for e in laws for s in e.symbols), key=lambda s: s.steps)]
    if not names:
        raise UsageError(f"{first.name} leaves no size open, and html needs one to move")
    return {
        "attention": first.attention[0],
        "gpu": "",
        "dtype": "bfloat16",
        "show": "flops",
        "stage": first.stages[-1].name,
        "over": "S" if "S" in names else names[0],
        "axes": "log",
    }


def _about(laws: ExportedLaws) -> Iterator[Block]:
    """Yield what a reader must know of a model's laws."""
    if laws.notes or laws.left_out:
        yield Lines("What to know of these laws", [*laws.notes, *laws.left_out])
    assumed = dict.fromkeys(a.text for stage in laws.stages for a in stage.assumptions)
    if assumed:
        yield Lines(f"Assumed ({len(assumed)})", list(assumed), closed=True)
    missing = dict.fromkeys(
        f"{stage.title}, {each.quantity}, {each.attention}: {each.reason}"
        for stage in laws.stages
        for each in stage.left_out
    )
    if missing:
        yield Lines(f"Quantities without a law ({len(missing)})", list(missing), closed=True)
    settled = [*key_values(laws.closed), *key_values(laws.provenance)]
    yield Lines("Settings and provenance", settled, monospace=True, closed=True)
