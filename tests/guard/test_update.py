"""An update writes what ran, keeps what did not, and leaves out what is no more."""

import random
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from flopbench.guard.entry import Entry
from flopbench.guard.lock import Lock
from flopbench.guard.update import told, unused, updated
from guard.strategies import checks, entries, tests

NOWHERE = Path("/nowhere")
"""A root that the lock file is not in: no file of a test is looked for."""


def ran(test, made, *, passed=True, gone=()):
    values = {name: entry.to_dict() for name, entry in made.items()}
    return {"test": test, "passed": passed, "checks": values, "gone": list(gone)}


names = st.sampled_from(["1", "2", "encoder"])
runs = st.lists(
    st.builds(ran, tests, st.dictionaries(names, entries), passed=st.booleans()),
    unique_by=lambda each: each["test"],
)
locks = st.builds(Lock, st.just(Path("flops.lock.json")), checks)


@given(locks, runs)
def test_an_update_twice_is_as_once(lock, runs):
    once = updated(lock, runs, NOWHERE)
    assert updated(once, runs, NOWHERE) == once


@given(locks, runs)
def test_the_order_of_the_tests_does_not_matter(lock, runs):
    mixed = random.Random(0).sample(runs, len(runs))  # noqa: S311 - any order will do
    assert updated(lock, mixed, NOWHERE) == updated(lock, runs, NOWHERE)


@given(locks, runs)
def test_tests_that_did_not_run_keep_their_entries(lock, runs):
    after = updated(lock, runs, NOWHERE).checks
    did = {each["test"] for each in runs}
    others = {test: found for test, found in lock.checks.items() if test not in did}
    assert {test: found for test, found in after.items() if test not in did} == others


@given(locks, runs)
def test_a_test_that_passed_has_what_it_checked_and_another_keeps_the_rest(lock, runs):
    after = updated(lock, runs, NOWHERE).checks
    for each in runs:
        now = {name: entry.to_dict() for name, entry in after.get(each["test"], {}).items()}
        before = {name: e.to_dict() for name, e in lock.checks.get(each["test"], {}).items()}
        assert now == (each["checks"] if each["passed"] else before | each["checks"])


def test_what_is_gone_is_left_out_unless_it_ran():
    entry = Entry({"a": 1}, {}, 0)
    lock = Lock(Path("l"), {"t::old": {"1": entry}, "t::new": {"1": entry}})
    found = [ran("t::new", {"1": entry}), ran("t::other", {}, gone=["t::old", "t::new"])]
    assert updated(lock, found, NOWHERE).checks == {"t::new": {"1": entry}}


def test_entries_of_deleted_files_go_if_the_lock_file_is_of_this_project(tmp_path):
    entry = Entry({"a": 1}, {}, 0)
    (tmp_path / "test_here.py").touch()
    checks = {"test_here.py::t": {"1": entry}, "test_deleted.py::t": {"1": entry}}
    inner = Lock(tmp_path / "flops.lock.json", checks)
    assert updated(inner, [], tmp_path).checks == {"test_here.py::t": {"1": entry}}
    shared = Lock(tmp_path.parent / "flops.lock.json", checks)
    assert updated(shared, [], tmp_path).checks == checks


def test_an_update_says_what_changed():
    one, two, fft = Entry({"a": 1000}, {}, 0), Entry({"a": 1500}, {}, 0), {"fft in a": 2}
    other = Entry({"a": 1000}, fft, 0)
    before = Lock(Path("x.json"), {"t::a": {"1": one, "2": one}, "t::b": {"1": one, "e": one}})
    after = Lock(Path("x.json"), {"t::a": {"1": two, "2": one}, "t::b": {"e": other, "f": one}})
    assert [*told(before, after)] == [
        "x.json: 1 added, 2 changed, 1 removed, 1 as before",
        "  added    t::b, check 'f': 1,000 FLOPs",
        "  changed  t::a: 1,000 -> 1,500 FLOPs (+50.0 %)",
        "  changed  t::b, check 'e': 1,000 FLOPs in all, as before, besides 1 op without a formula",
        "  removed  t::b",
    ]


@given(locks, runs)
def test_an_update_leaves_nothing_unused(lock, runs):
    assert [*unused(updated(lock, runs, NOWHERE), runs)] == []


def test_what_is_unused_is_named():
    entry = Entry({"a": 1}, {}, 0)
    lock = Lock(Path("x.json"), {"t::a": {"1": entry, "2": entry}, "t::b": {"1": entry}})
    found = [ran("t::a", {"1": entry}), ran("t::b", {}, passed=False)]
    assert [*unused(lock, found)] == [
        "x.json: 1 entry that no test checks any more; pytest --flops-update removes them",
        "  unused   t::a, check '2'",
    ]
