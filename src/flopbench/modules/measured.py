"""The search for the law of a module: what is open, what is traced, what it is held against."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import combinations
from typing import Any

from attrs import evolve, frozen

from flopbench.builtin.torch_layers import Layers
from flopbench.dims.forms import STEP, symbol
from flopbench.errors import CountError, DimError
from flopbench.laws.law import Key, Law
from flopbench.laws.measure import measured_law
from flopbench.laws.opened import Opened
from flopbench.laws.search import Search
from flopbench.modules.counted import is_within
from flopbench.modules.counter import ModuleCounter, SizedCall
from flopbench.modules.module_law import ModuleLaw, inner_name
from flopbench.tally import sums
from flopbench.text import key_values, plural
from flopbench.vendor import VendorCall

Sizes = Mapping[str, int]
Counted = Mapping[Key, int]


@frozen(eq=False, kw_only=True)
class OpenedCall(Opened):
    """A call of a module, opened."""

    call: SizedCall

    def prepare(self, values: Mapping[str, Any]) -> VendorCall:
        return self.call.prepare({_shown(n): v for n, v in {**self.values, **values}.items()})

    def by_component(self, found: Mapping[Key, Any]) -> dict[Key, Any]:
        return dict(found)


@frozen
class Measured:
    """A call and an example of each size, to be measured."""

    call: SizedCall
    sizes: Sizes

    def with_every_layer(self) -> ModuleLaw:
        """Return the law of a trace of the whole call.

        Raises:
            CountError: the call fails, no size can be left open, or the law is wrong.
        """
        counted = self._count(self.sizes)
        law = self._law(None)
        for module, _ in _wrong(law, self.sizes, counted):
            raise CountError(
                f"the law of {law.name} gives other FLOPs for {module or 'the outermost module'} "
                "at its examples than were counted"
            )
        return law

    def with_equal_layers_once(self) -> ModuleLaw | None:
        """Return the law of a trace that runs equal layers once; None if that gives none.

        It must give what a plain count of every layer gives, module by module, at the examples,
        near them and far from them. Layers where it does not are traced.

        Raises:
            CountError: the call fails.
        """
        layers = Layers()
        counts = [(self.sizes, self._count(self.sizes))]
        for _ in range(_TRIES):
            try:
                law = self._law(layers)
                if layers.repeated and len(counts) == 1:
                    counts += self._other_counts(law)
            except CountError:
                return None
            wrong = {module for at, count in counts for module, _ in _wrong(law, at, count)}
            if not wrong:
                said = _said(layers, counts)
                return evolve(
                    law, assumptions=(*law.assumptions, *said), stood_for=dict(layers.repeated)
                )
            apart = {path for path in layers.repeated if _within(path, wrong)}
            apart |= {layers.repeated[path] for path in apart}
            layers = Layers(apart=layers.apart | apart)
        return None

    def _other_counts(self, law: ModuleLaw) -> Iterator[tuple[Sizes, Counted]]:
        """Count every layer near the examples and far from them, where a law holds.

        Raises:
            CountError: the call takes none of the sizes that were tried.
        """
        taken = 0
        for factors in (_NEAR, _FAR):
            others = ({n: a * v + b for n, v in self.sizes.items()} for a, b in factors)
            for other in others:
                if law.law.holds_at({inner_name(name): value for name, value in other.items()}):
                    with suppress(CountError):
                        yield other, self._count(other)
                        taken += 1
                        break
        if not taken:
            raise CountError("the call takes no other sizes")

    def _count(self, sizes: Sizes) -> Counted:
        count = ModuleCounter().count(self.call.prepare(sizes))
        return sums(((entry.module, entry.op), entry.flops) for entry in count.counted)

    def _law(self, layers: Layers | None) -> ModuleLaw:
        """Leave as many sizes open as can be.

        Raises:
            CountError: none can.
        """
        reasons: list[str] = []
        for number in range(len(self.sizes), 0, -1):
            for names in combinations(self.sizes, number):
                search = Search(self._opened(names, layers), lambda _call: None)
                try:
                    return self._result(names, measured_law(search), search, reasons)
                except CountError as error:
                    reasons.append(str(error))
        raise CountError(f"no size of {self.call.name} can be left open: {reasons[0]}")

    def _opened(self, names: Sequence[str], layers: Layers | None) -> OpenedCall:
        return OpenedCall(
            call=self.call,
            counter=ModuleCounter(layers),
            values={inner_name(name): value for name, value in self.sizes.items()},
            lows={inner_name(name): 1 for name in names},
            symbols={inner_name(name): symbol(inner_name(name)) for name in names},
            may_refuse=True,
            what=self.call.name,
        )

    def _result(
        self, names: Sequence[str], found: Law, search: Search, reasons: Sequence[str]
    ) -> ModuleLaw:
        closed = {name: value for name, value in self.sizes.items() if name not in names}
        inner = inner_name(STEP.name)
        texts = [text.replace(inner, STEP.name) for text in found.assumptions]
        texts += [f"{name} = {value} ({reasons[0]})" for name, value in closed.items()]
        return ModuleLaw(
            name=self.call.name,
            law=found,
            examples=dict(self.sizes),
            open=tuple(names),
            closed=closed,
            interpolated={_shown(name): why for name, why in search.assumed.interpolated.items()},
            assumptions=tuple(texts),
        )


_TRIES = 3
"""How often layers that turn out to differ are traced apart, before all are."""

_NEAR = ((2, 0), (1, 1), (3, 0))
_FAR = ((97, 0), (64, 0), (16, 0), (5, 0))
"""Other sizes than an example: a times it, plus b. Far ones show what long inputs run otherwise."""


def _wrong(law: ModuleLaw, sizes: Sizes, counted: Counted) -> Iterator[Key]:
    """Yield the modules and ops for which a law does not give what was counted."""
    values = {inner_name(name): value for name, value in sizes.items()}
    try:
        by_law = law.law.at(values) if law.law.holds_at(values) else {}
    except DimError:
        by_law = {}
    for key in dict.fromkeys((*by_law, *counted)):
        if by_law.get(key, 0) != counted.get(key, 0):
            yield key


def _within(path: str, modules: set[str]) -> bool:
    """Return whether a layer, or a module within it, is among modules."""
    return any(is_within(module, path) for module in modules)


def _said(layers: Layers, counts: Sequence[tuple[Sizes, Counted]]) -> Iterator[str]:
    groups: dict[str, list[str]] = {}
    for path, traced in layers.repeated.items():
        groups.setdefault(traced, []).append(path)
    at = "; ".join(", ".join(key_values(sizes)) for sizes, _ in counts)
    for traced, paths in groups.items():
        yield (
            f"{traced} stands for {plural(len(paths), 'more layer')}, {_ends(paths)}: equal but "
            f"for their index, and each module of each was counted at {at}"
        )


def _ends(paths: Sequence[str]) -> str:
    return paths[0] if len(paths) == 1 else f"{paths[0]} to {paths[-1]}"


def _shown(name: str) -> str:
    return STEP.name if name == inner_name(STEP.name) else name
