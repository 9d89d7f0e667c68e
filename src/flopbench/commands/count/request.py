"""A count that the command line asks for: what, with which inputs, and what to show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve, frozen

from flopbench.commands.count.inputs import Input, maker, named_sizes, parse_dims, parse_input
from flopbench.errors import UsageError
from flopbench.inputs.numbers import quoted


@frozen(kw_only=True)
class Request:
    """The words of a command line; see ``flopbench count --help``."""

    target: str
    overrides: Sequence[str]
    inputs: Sequence[str]
    dims: str | None
    backward: bool
    depth: int | None
    components: Sequence[str]
    dtype: str | None
    run: bool

    @staticmethod
    def satisfied(result: Any) -> bool:
        """Return whether nothing is missing in a result."""
        return bool(getattr(result, "complete", not getattr(result, "uncounted", ())))


def answer(request: Request) -> Any:
    """Return the count that is asked for, or the law if sizes are left open.

    Raises:
        UsageError: a word of the command line is wrong.
        CountError: the call fails.
    """
    from flopbench.modules.count import Asked, Shown, count_call
    from flopbench.modules.counter import Arguments
    from flopbench.modules.found import name_of
    from flopbench.modules.law import law

    if request.depth is not None and request.depth < 0:
        raise UsageError(f"--depth must be 0 or more, got {request.depth}")
    _refuse_for_laws(request)
    components = _components(request.components)
    inputs = [parse_input(text) for text in request.inputs]
    dims = parse_dims(request.dims) if request.dims is not None else {}
    target, usual = _target(request)
    shapes: Sequence[Input] = inputs or usual
    shapes, examples = named_sizes(shapes, dims)
    make = maker(shapes, "cpu" if request.run else "meta")
    if dims:
        return law(
            target, lambda **sizes: Arguments(*make(**sizes)), examples, backward=request.backward
        )
    positional, keywords = make(**examples)
    result = count_call(
        target,
        positional,
        keywords,
        Shown.of(name_of(target), request.depth, components),
        Asked(backward=request.backward, dtype=request.dtype, run=request.run),
    )
    said = f"called with {' '.join(map(str, usual))}; --input gives other inputs"
    return evolve(result, notes=(*result.notes, said)) if usual else result


def _refuse_for_laws(request: Request) -> None:
    """Refuse options that a law does not have."""
    asked = {
        "--run": request.run,
        "--dtype": request.dtype,
        "--depth": request.depth is not None,
        "--component": request.components,
    }
    for option in (option for option, given in asked.items() if given and request.dims is not None):
        raise UsageError(f"{option} is for counts, and --dims asks for a law: leave one out")


def _target(request: Request) -> tuple[Any, Sequence[Input]]:
    prefix, _, name = request.target.partition(":")
    if prefix == "transformers":
        from flopbench.commands.count.pretrained import load_pretrained, usual_inputs

        model = load_pretrained(name, request.overrides, "cpu" if request.run else "meta")
        return model, () if request.inputs else usual_inputs(model)
    if request.overrides:
        raise UsageError(
            f"{request.overrides[0]!r} sets a field of a config, which only transformers:NAME has"
        )
    from flopbench.commands.count.target import load_target

    return load_target(request.target, "cpu" if request.run else "meta"), ()


def _components(texts: Sequence[str]) -> Mapping[str, str]:
    found = {}
    for text in texts:
        pattern, given, name = text.partition("=")
        if not (pattern and given and name):
            raise UsageError(f"--component must be PATTERN=NAME, got {quoted(text)}")
        found[pattern] = name
    return found
