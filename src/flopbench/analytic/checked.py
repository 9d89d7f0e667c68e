"""What plugins answer, checked: a wrong answer is told as itself, not as what follows from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from flopbench.analytic.model import AnalyticModel
from flopbench.boundary import answer, calling, require_type, told_mapping
from flopbench.errors import PluginError


def workload_facts(model: AnalyticModel, workload: Any) -> dict[str, Any]:
    """Return what a model tells of a workload.

    Raises:
        PluginError: it raises, tells no mapping, or a value that JSON does not know.
    """
    return told_mapping(f"model {model.name!r}: workload_facts", model.workload_facts, workload)


def assumptions(model: AnalyticModel) -> tuple[str, ...]:
    """Return what a model takes for granted.

    Raises:
        PluginError: it raises, or returns no tuple or list.
    """
    found = answer(f"model {model.name!r}: assumptions", tuple | list, model.assumptions)
    return tuple(map(str, found))


def stage_sizes(model: AnalyticModel, stage: str, workload: Any) -> dict[str, int]:
    """Return the sizes of a stage of a workload whose sizes are ints.

    Raises:
        PluginError: it raises, returns no mapping, or names a size that ``sizes`` lacks.
    """
    what = f"model {model.name!r}: stage_sizes"
    found = answer(what, Mapping, model.stage_sizes, stage, workload)
    known = [size.name for size in model.sizes]
    for name in found:
        if name not in known:
            declared = f"sizes declares {', '.join(known)}" if known else "sizes is empty"
            raise PluginError(f"{what} names {name!r} in stage {stage!r}, but {declared}")
    for name, value in found.items():
        require_type(value, int, f"{what} of {name!r} in stage {stage!r}")
    return dict(found)


@contextmanager
def with_symbols(what: str) -> Iterator[None]:
    """Turn what a plugin's code raises into a `PluginError`, as `calling` does.

    What cannot be done with a symbol is told with the rule.
    """
    try:
        with calling(what):
            yield
    except PluginError as error:
        if "truth value of Relational" not in str(error):
            raise
        raise PluginError(
            f"{error}: a symbol for a size takes no `if`; flopbench.dims has minimum, maximum and "
            "where"
        ) from error


def operations(what: str, value: Any, kind: type) -> Iterable[Any]:
    """Yield the operations that a plugin returned.

    Raises:
        TypeError: it returned none, or one that is of another kind.
    """
    if not isinstance(value, Iterable):
        raise TypeError(f"{what} returned {value!r}, which is no iterable of operations")
    for op in value:
        if not isinstance(op, kind):
            raise TypeError(f"{what} yields {op!r}, which is no {kind.__name__}")
        yield op
