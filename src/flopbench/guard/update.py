"""``--flops-update``: a lock file made new from what the tests of a run checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from flopbench.guard.changes import growth
from flopbench.guard.entry import Entry
from flopbench.guard.gone import gone_with_file
from flopbench.guard.lock import Checks, Lock
from flopbench.text import plural, visible

_LISTED = 40


def updated(lock: Lock, ran: Iterable[Mapping[str, Any]], root: Path) -> Lock:
    """Return a lock file with the entries of the tests that ran; others stay.

    A test that did not pass keeps the entries that it did not get to. Those of tests that are no
    more are left out.

    Args:
        ran: what `flopbench.guard.plugin` reports of each test.
        root: what the paths of node ids start from.
    """
    checks = {test: dict(entries) for test, entries in lock.checks.items()}
    ran = list(ran)
    for each in ran:
        for test in each["gone"]:
            checks.pop(test, None)
    # Another project may share a lock file that is not in this one's folder.
    if root in lock.path.parents:
        for test in list(gone_with_file(checks, root)):
            del checks[test]
    for each in ran:
        made = {name: Entry.from_dict(values) for name, values in each["checks"].items()}
        kept = {} if each["passed"] else checks.get(each["test"], {})
        checks[each["test"]] = {**kept, **made}
    return Lock(lock.path, {test: entries for test, entries in checks.items() if entries})


def told(before: Lock, after: Lock) -> Iterator[str]:
    """Yield what people read of an update: how many entries changed, and which."""
    old, new = _flat(before.checks), _flat(after.checks)
    added = [key for key in new if key not in old]
    changed = [key for key in new if key in old and new[key] != old[key]]
    removed = [key for key in old if key not in new]
    same = len(new) - len(added) - len(changed)
    counts = f"{len(added)} added, {len(changed)} changed, {len(removed)} removed, {same} as before"
    yield f"{after.path.name}: {counts}"
    lines = [f"  added    {_name(key)}: {new[key].flops:,} FLOPs{_but(new[key])}" for key in added]
    lines += [f"  changed  {_name(key)}: {_change(old[key], new[key])}" for key in changed]
    lines += [f"  removed  {_name(key)}" for key in removed]
    yield from map(visible, lines[:_LISTED])
    if len(lines) > _LISTED:
        yield f"  and {len(lines) - _LISTED} more"


def unused(lock: Lock, ran: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield what people read of entries that tests passed without."""
    found = [
        _name((each["test"], name))
        for each in ran
        if each["passed"]
        for name in lock.checks.get(each["test"], {})
        if name not in each["checks"]
    ]
    if found:
        entries = "1 entry" if len(found) == 1 else f"{len(found)} entries"
        yield (
            f"{lock.path.name}: {entries} that no test checks any more; pytest --flops-update "
            "removes them"
        )
        yield from (f"  unused   {visible(name)}" for name in sorted(found)[:_LISTED])


def _flat(checks: Checks) -> dict[tuple[str, str], Entry]:
    return {
        (test, name): entry
        for test, entries in sorted(checks.items())
        for name, entry in entries.items()
    }


def _name(key: tuple[str, str]) -> str:
    test, name = key
    return test if name == "1" else f"{test}, check {name!r}"


def _change(old: Entry, new: Entry) -> str:
    if old.flops == new.flops:
        return f"{new.flops:,} FLOPs in all, as before{_but(new)}"
    return f"{old.flops:,} -> {new.flops:,} FLOPs ({growth(old.flops, new.flops)}){_but(new)}"


def _but(entry: Entry) -> str:
    """Say what an entry does not count."""
    kinds = len(entry.uncounted)
    return f", besides {plural(kinds, 'op')} without a formula" if kinds else ""
