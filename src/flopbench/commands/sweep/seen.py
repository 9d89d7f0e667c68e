"""What is known of all points of a sweep, gathered block by block, and what is refused there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flopbench.analytic import Stage, Sweep
from flopbench.commands.sweep.request import names_of
from flopbench.commands.sweep.workloads import Made
from flopbench.errors import PluginError, UsageError, unknown
from flopbench.plan import Plan
from flopbench.plan.config import unused_keys
from flopbench.text import listed

_SHOWN = ("batch_size", "decode_steps")


class Seen:
    """What points have in common, and in what they differ.

    Attributes:
        layouts: the names of facts of points, each list once, in the order of points.
        runs: each distinct run by its ``id``, with the index of its first point.
        notes: of all runs and workloads, each once.
        stages: those that all workloads have.
    """

    def __init__(self, base: Plan, sweep: Sweep, *, x_is_required: bool) -> None:
        self._base, self._sweep = base, sweep
        self._x = sweep.x if x_is_required else None
        self._first: str | None = None
        self._values: dict[str, list[Any]] = {key: [] for key in _SHOWN}
        self._notes: dict[str, None] = {}
        self.layouts: dict[tuple[str, ...], None] = {}
        self.runs: dict[int, tuple[Plan, int]] = {}
        self.stages: tuple[Stage, ...] = ()

    def add(self, block: Iterable[Made]) -> None:
        """Take in points.

        Raises:
            PluginError: a fact has a name that ``sweep.json`` uses itself, or x is none.
            UsageError: the points have other stages than the first one.
        """
        ordered = sorted(block, key=lambda made: int(made.indices[0]))
        for made in ordered:
            self.layouts[tuple(made.facts)] = None
            self.runs.setdefault(id(made.run), (made.run, int(made.indices[0])))
        self._check_facts()
        for made in ordered:
            self._check_stages(made)
            self._notes |= dict.fromkeys(made.notes)
            for key, values in self._values.items():
                _keep(values, _value(made, key))

    def _check_facts(self) -> None:
        """Refuse facts that lack the horizontal axis, or use a name that is reserved."""
        first = next(iter(self.layouts))
        if self._x is not None and any(self._x not in names for names in self.layouts):
            lacks = unknown("fact of every point for x", self._x, first)
            raise PluginError(f"sweep {self._sweep.name!r}: {lacks}")
        taken = {"label", "required", *names_of(self._base.model.stages)}
        if clash := taken & {name for names in self.layouts for name in names}:
            raise PluginError(
                f"model {self._base.model.name!r}: a fact of a workload cannot be called "
                f"{min(clash)!r}, which sweep.json uses itself"
            )

    def _check_stages(self, made: Made) -> None:
        """Refuse points with other stages."""
        if self._first is None:
            self._first, self.stages = made.labels[0], made.stages
        if names_of(made.stages) != names_of(self.stages):
            raise UsageError(
                f"all points of a sweep need the same stages: {self._first} has "
                f"{listed(names_of(self.stages), 'and')}, {made.labels[0]} has "
                f"{listed(names_of(made.stages), 'and')}"
            )

    @property
    def notes(self) -> list[str]:
        """The notes of all runs, then those of all workloads, each once."""
        of_runs = (note for run, _ in self.runs.values() for note in run.notes)
        return [*dict.fromkeys((*of_runs, *self._notes))]

    @property
    def dtype(self) -> str | None:
        """The dtype of all models; None if there are several."""
        found = {run.model.dtype for run, _ in self.runs.values()}
        return found.pop() if len(found) == 1 else None

    @property
    def size(self) -> str:
        """The axis of one of the model's own sweeps, or x: a varied key is in the label."""
        known = [sweep.x for sweep in self._base.model.sweeps]
        shared = (name for name in known if all(name in names for names in self.layouts))
        return next(shared, self._sweep.x)

    def common(self, key: str) -> Any:
        """Return an input's value at all points; None if it is varied, or if they do not use it."""
        values = self._values[key]
        return values[0] if len(values) == 1 else None


_VARIED = object()


def _value(made: Made, key: str) -> Any:
    if key in unused_keys(made.inputs):
        return None
    return _VARIED if key in made.varied else getattr(made.inputs, key, None)


def _keep(values: list[Any], value: Any) -> None:
    """Keep a value that is another one, until there are two."""
    if value is _VARIED:
        values += [value] * 2
    elif not values or (len(values) == 1 and value != values[0]):
        values.append(value)
