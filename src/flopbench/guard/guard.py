"""The fixture ``flops``: what a test holds against the lock file."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest

from flopbench.errors import FlopbenchError, UsageError
from flopbench.guard.changes import changes, growth, lines
from flopbench.guard.entry import Entry
from flopbench.guard.lock import Lock
from flopbench.inputs.numbers import quoted
from flopbench.inputs.shares import share
from flopbench.text import visible

if TYPE_CHECKING:
    from flopbench.modules.counted import ModuleCount


class Guard:
    """Holds what a test counts against the lock file; the fixture ``flops`` is one.

    Attributes:
        made: the entries of the checks so far, by name or number.
    """

    def __init__(self, test: str, lock: Callable[[], Lock], *, update: bool) -> None:
        self.made: dict[str, Entry] = {}
        self._test = test
        self._lock = lock
        self._update = update
        self._unnamed = 0

    def check(
        self,
        target: Any,
        /,
        *args: Any,
        name: str | None = None,
        tolerance: float | str | Fraction = 0,
        peak: bool = False,
        **options: Any,
    ) -> ModuleCount:
        """Count a call, and fail the test if it does not cost what the lock file says.

        What must be as before: FLOPs of each component, calls of each uncounted op, and the number
        of parameters. More fails the test, and so does less: the lock file would allow the growth
        back. ``pytest --flops-update`` writes the entry in place of comparing it. The count is
        returned.

        Args:
            target: what `flopbench.count` takes; or its result, or that of `flopbench.counting`.
            args, options: what `flopbench.count` takes besides: ``backward``, ``components``,
                ``depth`` …, and the keywords of the call.
            name: of the check, if a test has several; without one they are numbered.
            tolerance: the share by which each integer may change, such as ``"1%"`` or 0.01.
            peak: also hold the peak activations, which another version of torch may change.

        Raises:
            flopbench.errors.UsageError: an argument or the lock file is wrong.
            flopbench.errors.CountError: the call fails.
        """
        __tracebackhide__ = True
        try:
            allowed = share(tolerance, "the tolerance")
            label = self._label(name)
            count = _count(target, args, options)
            entry = Entry.of(count, peak=peak)
            self.made[label] = entry
            failure = None if self._update else self._failure(label, entry, allowed)
        except FlopbenchError as error:
            # The frames of flopbench say nothing to the author of the test; a cause stays.
            raise error.with_traceback(None)  # noqa: B904
        if failure:
            pytest.fail(visible(failure))
        return count

    def _label(self, name: str | None) -> str:
        """Return the name of a check, or its number."""
        if name is None:
            self._unnamed += 1
            return str(self._unnamed)
        if not isinstance(name, str) or not name.strip() or name.isdecimal():
            raise UsageError(
                f"the name of a check must be a text with a letter, got {quoted(name)}"
            )
        if name in self.made:
            raise UsageError(
                f"two checks of {self._test} are called {name!r}: give each its own name"
            )
        return name

    def _failure(self, label: str, entry: Entry, tolerance: Fraction) -> str | None:
        """Say what a check that fails must say; None if it passes."""
        lock = self._lock()
        file = lock.path.name
        what = self._test if label == "1" else f"{self._test}, check {label!r}"
        old = lock.checks.get(self._test, {}).get(label)
        if old is None:
            return (
                f"no entry in {file}: run pytest --flops-update and commit {file} "
                f"({what} costs {entry.flops:,} FLOPs)"
            )
        found = changes(old, entry, tolerance)
        if not found:
            return None
        # The first words are what a summary of many tests has room for.
        total = f"{old.flops:,} -> {entry.flops:,} FLOPs ({growth(old.flops, entry.flops)})"
        if old.flops == entry.flops:
            total = f"{old.flops:,} FLOPs in all, but other parts"
        allowed = f" ({float(100 * tolerance):g} % allowed)" if tolerance else ""
        hint = f"If that is meant, run pytest --flops-update and commit {file}."
        if all(change.growth <= 0 for change in found):
            hint = (
                f"Nothing grew: run pytest --flops-update and commit {file}, so that it stays so."
            )
        head = f"{total}, not as in {file}{allowed}: {what}"
        return "\n".join((head, "", *lines(found), "", hint))


def _count(target: Any, args: tuple[Any, ...], options: dict[str, Any]) -> ModuleCount:
    """Return the count of a call, or the one that is given.

    Raises:
        UsageError: a count is given with options, or before its block has ended.
        CountError: the call fails.
    """
    from flopbench.modules.counted import ModuleCount

    if not isinstance(target, ModuleCount):
        # These load torch, which a count that is there does without.
        from flopbench.modules.count import Counting, count

        if not isinstance(target, Counting):
            return count(target, *args, **options)
        if target.result is None:
            raise UsageError("the block of flopbench.counting has not ended: check it after that")
        target = target.result
    made: ModuleCount = target
    if args or options:
        extra = next(iter(options), "arguments")
        raise UsageError(
            f"a count that is made already takes name, tolerance and peak, got {extra}: "
            "give that to flopbench.count"
        )
    return made
