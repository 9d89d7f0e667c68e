"""What a stage moves and holds, and what targets in time ask for, in words and tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from flopbench.hardware.targets import TITLES
from flopbench.ops.tensors import described
from flopbench.report import Report, Series
from flopbench.text import listed, milliseconds, si, table
from flopbench.training_step import TRAINING

_HELD = {
    "weight_bytes": "weights",
    "kv_cache_bytes": "KV cache",
    "peak_activation_bytes": "peak activations",
}
_MOVED = {
    "weight_bytes_read": "weights read",
    "expected_expert_bytes_read": "experts read (expected)",
    "kv_cache_bytes_read": "cache read",
    "kv_cache_bytes_written": "cache written",
    "activation_bytes_read": "activations read",
    "activation_bytes_written": "activations written",
    "expected_bytes_moved": "moved",
}


HINT = "--attention flash3"
"""What a fallback of FlashAttention-2 names, if the next version runs the op."""


def lines(series: Iterable[Series]) -> Iterator[str]:
    """Yield a stage's bytes moved, and its bytes held; what modes share is said once."""
    priced = [s for s in series if s.costs]
    if priced:
        yield f"moved: {_by_mode(priced, _moved)}"
        held = (f"{word} {_by_mode(priced, _bytes(name))}" for name, word in _HELD.items())
        yield f"held: {'; '.join(held)}"
        yield from _largest(priced)
        yield from _bounds(priced)


def _largest(priced: list[Series]) -> Iterator[str]:
    """Yield the largest tensor that a stage makes."""
    made = [s for s in priced if s.largest_tensor]
    if made:
        yield f"largest tensor: {_by_mode(made, lambda s: described(s.largest_tensor or {}))}"


def _bounds(priced: list[Series]) -> Iterator[str]:
    """Yield the bounds on a stage's time, and what a measured time uses of the GPU."""
    timed = [s for s in priced if s.bound]
    if not timed:
        return
    gpu = (timed[0].bound or {})["gpu"]
    bound, floor = _by_mode(timed, _bound), _by_mode(timed, _floor)
    yield f"bound on {gpu}: {bound}, op by op and unfused; nothing can beat {floor}"
    yield from measured(timed)


def measured(series: Iterable[Series]) -> Iterator[str]:
    """Yield what a measured time uses of the GPU, if there is one."""
    found = [s for s in series if s.bound and s.bound["measured"]]
    if found:
        yield f"measured: {_by_mode(found, _measured)}"


def _bound(series: Series) -> str:
    found = series.bound or {}
    by = f" ({found['bound_by']} binds)" if found["bound_by"] else ""
    return f"{milliseconds(found['bound_ms'])} ms{by}"


def _floor(series: Series) -> str:
    return f"{milliseconds((series.bound or {})['floor_ms'])} ms"


def _measured(series: Series) -> str:
    found = (series.bound or {})["measured"]
    # A training step's FLOPs include what is recomputed.
    rate = "HFU" if series.stage in TRAINING else "MFU"
    used = f"{rate} {100 * found['mfu']:.3g} %, MBU {100 * found['mbu']:.3g} %"
    return f"{milliseconds(found['ms'])} ms ({used})"


def deployment(report: Report) -> Iterator[str]:
    """Yield what a GPU makes of the run, in the attention mode whose bounds are lowest.

    The first line is a heading.
    """
    found = report.deployment
    if found is None:
        return
    mode = _best(report)
    yield f"On {found.gpu['title']}, with {mode} attention:"
    if any(HINT in each.reason for each in report.provenance.fallbacks):
        yield f"what flash cannot run is priced eagerly here; {HINT} can run more of it"
    words = {
        "speed: ": found.speeds,
        "limits: ": found.limits,
        "share of the run: ": found.shares,
    }
    more = {"target: ": found.targets, "price: ": found.prices}
    for word, entries in {"": (*found.fit, *found.step_fit), **words, **more}.items():
        said = (each["text"] for each in entries if each["attention"] == mode)
        yield from (f"{word}{text}" for text in said if text)


def _best(report: Report) -> str:
    """Return the attention mode with the lowest sum of bounds."""
    sums: dict[str, float] = {}
    for series in report.series:
        if series.bound:
            sums[series.attention] = sums.get(series.attention, 0.0) + series.bound["bound_ms"]
    return min(sums, key=lambda mode: sums[mode])


def _bytes(name: str) -> Callable[[Series], str]:
    return lambda series: si((series.costs or {})[name], "B")


def _moved(series: Series) -> str:
    costs = series.costs or {}
    ratio = costs["flops_per_byte"]
    moved = si(costs["expected_bytes_moved"], "B")
    return moved if ratio is None else f"{moved} ({ratio:.4g} FLOP/B)"


def _by_mode(priced: list[Series], text: Callable[[Series], str]) -> str:
    texts = {s.attention: text(s) for s in priced}
    if len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return ", ".join(f"{mode} {shown}" for mode, shown in texts.items())


def cost_table(series: Iterable[Series]) -> Iterator[str]:
    """Yield a table of bytes, a row per attention mode."""
    priced = [s for s in series if s.costs]
    if priced:
        names = {**_MOVED, **_HELD, "largest_tensor_bytes": "largest tensor"}
        rows = ([s.attention, *_cells(s, names)] for s in priced)
        yield from table(["attention", *names.values(), "FLOP/B"], rows)
        yield ""
        for line in _largest(priced):
            yield from (f"{line[0].upper()}{line[1:]}.", "")


def bound_table(series: Iterable[Series]) -> Iterator[str]:
    """Yield a table of the bounds on a stage's time, a row per attention mode."""
    timed = [(s.attention, s.bound) for s in series if s.bound]
    if timed:
        header = ("attention", "GPU", "floor", "bound", "bound by", "compute-bound", "memory-bound")
        rows = (
            [
                mode,
                found["gpu"],
                *(f"{milliseconds(found[name])} ms" for name in ("floor_ms", "bound_ms")),
                found["bound_by"] or "",
                *(
                    f"{milliseconds(found[name])} ms"
                    for name in ("compute_bound_ms", "memory_bound_ms")
                ),
            ]
            for mode, found in timed
        )
        yield from table(header, rows)
        yield ""


def _cells(series: Series, names: Iterable[str]) -> Iterator[str]:
    costs = series.costs or {}
    yield from (si(costs[name], "B") for name in names)
    ratio = costs["flops_per_byte"]
    yield "" if ratio is None else f"{ratio:.4g}"


def required(report: Report) -> Iterator[str]:
    """Yield what each target asks for."""
    targets = dict.fromkeys((r.target, r.target_s, r.stages) for r in report.required)
    for name, seconds, stages in targets:
        asked = [
            f"{r.attention} {r.tflops_per_s:.4g} TFLOP/s and {r.gigabytes_per_s:.4g} GB/s"
            for r in report.required
            if r.target == name
        ]
        yield f"{TITLES[name]} within {seconds:g} s ({listed(stages, 'and')}): {'; '.join(asked)}"
