"""The conformance suite of a vendor counter."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

import pytest

from flopbench.conventions import MAC_FLOPS
from flopbench.errors import CountError, UsageError
from flopbench.testing.suite import Conformance, check, require
from flopbench.vendor import Count, SymbolicCounter, VendorCall, VendorCounter
from flopbench.vendor.checked import checked_count


class CounterConformance(Conformance):
    """Checks a vendor counter against its contract, on small modules whose FLOPs are known by hand.

    A complete test file::

        from flopbench.testing import CounterConformance

        class TestMine(CounterConformance):
            counter = "mine"

    Attributes:
        counter: the counter's name.
        device: the device of the modules: ``meta``, or ``cpu`` for a counter that needs data.
    """

    counter: ClassVar[str]
    device: ClassVar[str] = "meta"

    @classmethod
    def _class(cls) -> type[VendorCounter]:
        return cls._catalog().counters.get(cls.counter)

    @classmethod
    def _counter(cls) -> VendorCounter:
        try:
            return _new(cls._class())
        except UsageError as error:  # something that it needs is missing
            pytest.skip(str(error))

    @classmethod
    def _by_hand(cls) -> list[str]:
        from flopbench.testing.modules import BY_HAND

        return list(BY_HAND)

    @classmethod
    def _blind_spots(cls) -> list[str]:
        from flopbench.testing.modules import BLIND_SPOTS

        return list(BLIND_SPOTS)

    def _count(self, call: VendorCall) -> Count:
        count = self._counter().count(call)
        require(isinstance(count, Count), f"count must return a Count, got {count!r}")
        return checked_count(count, self.counter)

    @check()
    def test_declares_itself(self) -> None:
        """It has a summary, a unit and the kinds of operation that it sees."""
        counter = self._class()
        require(counter.summary, f"counter {counter.name!r} has no summary for `flopbench list`")
        convention = counter.convention
        require(
            isinstance(convention.unit, str) and convention.unit,
            f"the unit must be text, got {convention.unit!r}",
        )
        require(
            isinstance(convention.sees, frozenset) and convention.sees,
            f"sees must be a frozenset of kinds of operation, got {convention.sees!r}",
        )

    @check(cases="_by_hand")
    def test_counts_what_is_known_by_hand(self, case: str) -> None:
        """FLOPs are whole numbers that equal those by hand, in the module where they arise."""
        from flopbench.testing.modules import BY_HAND

        example, convention = BY_HAND[case], self._class().convention
        if not convention.comparable:
            pytest.skip(f"{convention.unit}s cannot be computed by hand")
        count = self._count(example.make(self.device))
        found: Counter[str] = Counter()
        for entry in count.counted:
            found[entry.module] += entry.flops
        seen = example.macs if example.kind in convention.sees else {}
        wanted = {module: convention.matrix_work(MAC_FLOPS * n) for module, n in seen.items()}
        told = {module: flops for module, flops in found.items() if flops}
        require(
            told == wanted,
            f"{example.make.__doc__} This takes {wanted} {convention.unit}s by module, "
            f"but {told} were counted",
        )

    @check(cases="_blind_spots")
    def test_uncounted_work_is_told(self, case: str) -> None:
        """An op without a formula is listed as uncounted or refused, never a silent 0."""
        from flopbench.testing.modules import BLIND_SPOTS

        example, convention = BLIND_SPOTS[case], self._class().convention
        try:
            count = self._count(example.make(self.device))
        except CountError:
            return
        wanted = convention.matrix_work(MAC_FLOPS * example.macs)
        counted = count.flops == wanted if convention.comparable else count.flops
        require(
            count.uncounted or counted,
            f"{example.make.__doc__} This takes {wanted}. The counter counts {count.flops} "
            "and lists nothing of what it missed",
        )

    @check()
    def test_same_answer_twice(self) -> None:
        """A count depends on the call alone, not on what was counted before."""
        from flopbench.testing.modules import convolution, linears

        counter = self._counter()
        first = counter.count(linears(self.device))
        counter.count(convolution(self.device))
        call = linears(self.device)
        for _ in range(2):
            again = counter.count(call)
            require(again == first, f"the same call is counted as {again}, but was {first} before")

    @check()
    def test_leaves_the_module_as_it_was(self) -> None:
        """It leaves no hook, attribute or buffer behind."""
        from flopbench.testing.modules import linears, state_of

        call = linears(self.device)
        before = state_of(call.root)
        self._counter().count(call)
        require(state_of(call.root) == before, "hooks, attributes or buffers are left behind")

    @check()
    def test_a_call_that_fails_is_no_count(self) -> None:
        """A call that raises becomes a CountError, and does not affect the next count."""
        from flopbench.testing.modules import failing, linears, state_of

        counter, call = self._counter(), failing(self.device)
        wanted = counter.count(linears(self.device))
        before = state_of(call.root)
        try:
            count: Any = counter.count(call)
        except CountError:
            count = None
        require(count is None, f"a call that raises was counted as {count}")
        require(state_of(call.root) == before, "a failed count leaves hooks or attributes behind")
        require(counter.count(linears(self.device)) == wanted, "a failed count changes the next")

    @check()
    def test_provenance_is_text(self) -> None:
        """It returns the versions that it counts with, as text."""
        for key, value in self._counter().provenance().items():
            require(
                isinstance(key, str) and isinstance(value, str),
                f"provenance must map text to text, got {key!r}: {value!r}",
            )

    @check()
    def test_symbols_equal_ints(self) -> None:
        """Substituting numbers in a count with symbolic sizes gives the count at those numbers."""
        counter = self._counter()
        if not isinstance(counter, SymbolicCounter):
            pytest.skip("the counter takes no symbols")
        from flopbench.dims.forms import symbol
        from flopbench.testing.modules import rows_of_a_linear

        rows = symbol("rows", 2)
        trace = counter.trace(lambda sizes: rows_of_a_linear(sizes["rows"]), {rows: 5})
        for value in (2, 5, 1000):
            count = counter.count(rows_of_a_linear(value))
            found = sum(int(form.subs(rows, value)) for form in trace.flops.values())
            require(found == count.flops, f"the form gives {found} at {value}, not {count.flops}")


def _new(counter: type[VendorCounter]) -> VendorCounter:
    return counter()
