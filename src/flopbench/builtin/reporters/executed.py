"""What a GPU executed, by component: for the console and Markdown reporters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from flopbench.report import ExecutedComponent, ExecutedKernel
from flopbench.text import table, tera


def console(parts: Sequence[ExecutedComponent]) -> Iterator[str]:
    """Yield a line per component, and under it one per kernel with its tile."""
    for counter, components in groupby(parts, key=lambda part: part.counter):
        title = f"executed, by component ({counter})"
        yield f"    {title:<36}{'useful':>12}{'executed':>12}  ratio"
        for part in components:
            useful, executed, ratio = _numbers(part)
            mark = "" if part.kernels else "  no tensor work"
            if part.useful_flops is None:
                mark = "in no component of the model"
            yield f"      {part.component:<34}{useful:>12}{executed:>12}  {ratio}{mark}"
            yield from (f"        {_kernel(kernel)}" for kernel in part.kernels)


def markdown(parts: Sequence[ExecutedComponent]) -> Iterator[str]:
    """Yield a table, or nothing if there are no components."""
    if parts:
        header = ("counter", "component", "useful TFLOPs", "executed TFLOPs", "ratio", "kernels")
        rows = ([part.counter, part.component, *_numbers(part), _kernels(part)] for part in parts)
        yield from table(header, rows)
        yield ""


def _numbers(part: ExecutedComponent) -> tuple[str, str, str]:
    useful = "none" if part.useful_flops is None else tera(part.useful_flops)
    ratio = "" if part.ratio is None else f"{part.ratio:.4f}"
    return useful, tera(part.executed_flops), ratio


def _kernels(part: ExecutedComponent) -> str:
    return "; ".join(map(_kernel, part.kernels)) or "no tensor work"


def _kernel(kernel: ExecutedKernel) -> str:
    return f"{kernel.name}, tile {kernel.tile or 'not named'}"
