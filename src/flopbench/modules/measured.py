"""The search for the law of a module: what is open, what is traced, what it is held against."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from attrs import frozen

from flopbench.dims.forms import STEP, symbol
from flopbench.errors import CountError, DimError
from flopbench.laws.law import Key, Law
from flopbench.laws.measure import measured_law
from flopbench.laws.opened import Opened
from flopbench.laws.search import Search
from flopbench.modules.counter import ModuleCounter, SizedCall
from flopbench.modules.module_law import ModuleLaw, inner_name
from flopbench.tally import sums
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

    def law(self, *, every_layer: bool) -> ModuleLaw:
        """Return the law of the call.

        Args:
            every_layer: whether each layer is traced, equal ones as well.

        Raises:
            CountError: the call fails, no size can be left open, or the law is wrong.
        """
        counted = self._count(self.sizes)
        law = self._law(every_layer)
        for module, _ in _wrong(law, self.sizes, counted):
            if law.stood_for:
                return self.law(every_layer=True)
            raise CountError(
                f"the law of {law.name} gives other FLOPs for {module or 'the outermost module'} "
                "at its examples than were counted"
            )
        return law

    def _count(self, sizes: Sizes) -> Counted:
        count = ModuleCounter().count(self.call.prepare(sizes))
        return sums(((entry.module, entry.op), entry.flops) for entry in count.counted)

    def _law(self, every_layer: bool) -> ModuleLaw:
        """Leave as many sizes open as can be.

        Raises:
            CountError: none can.
        """
        reasons: list[str] = []
        for number in range(len(self.sizes), 0, -1):
            for names in combinations(self.sizes, number):
                search = Search(self._opened(names, every_layer), lambda _call: None)
                try:
                    return self._result(names, measured_law(search), search, reasons)
                except CountError as error:
                    reasons.append(str(error))
        raise CountError(f"no size of {self.call.name} can be left open: {reasons[0]}")

    def _opened(self, names: Sequence[str], every_layer: bool) -> OpenedCall:
        return OpenedCall(
            call=self.call,
            counter=ModuleCounter(),
            values={inner_name(name): value for name, value in self.sizes.items()},
            lows={inner_name(name): 1 for name in names},
            symbols={inner_name(name): symbol(inner_name(name)) for name in names},
            may_refuse=True,
            every_layer=every_layer,
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
            stood_for=dict(search.layers.stood_for),
        )


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


def _shown(name: str) -> str:
    return STEP.name if name == inner_name(STEP.name) else name
