"""What differs is found, all of it, and is shown on one screen."""

from fractions import Fraction

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from flopbench.guard.changes import Change, changes, growth, lines
from flopbench.guard.entry import KINDS, PEAK, Entry
from guard.strategies import entries

shares = st.fractions(0, 2)
FLOPS, CALLS, PARAMETERS, _ = KINDS


@given(entries, shares)
def test_nothing_differs_from_itself(entry, tolerance):
    assert changes(entry, entry, tolerance) == []


@given(entries, entries)
def test_what_differs_adds_up(old, new):
    found = changes(old, new, Fraction(0))
    assert sum(c.growth for c in found if c.kind == FLOPS) == new.flops - old.flops
    known = evolve(old, peak_activation_bytes=new.peak_activation_bytes)
    asked = old if new.peak_activation_bytes is not None else known
    assert (found == []) == (dict(asked.amounts()) == dict(new.amounts()))


@given(entries, entries, shares, shares)
def test_a_larger_tolerance_allows_all_that_a_smaller_one_does(old, new, one, other):
    strict, loose = (changes(old, new, t) for t in sorted([one, other]))
    assert [change for change in strict if change in loose] == loose


@given(st.integers(1, 10**30), st.integers(0, 10**6))
def test_the_bound_is_exact(old, parts):
    tolerance = Fraction(parts, 10**6)
    most = old + int(old * tolerance)  # the largest that is allowed
    before = Entry({"a": old}, {}, 0)
    assert changes(before, Entry({"a": most}, {}, 0), tolerance) == []
    (found,) = changes(before, Entry({"a": most + 1}, {}, 0), tolerance)
    assert found == Change(FLOPS, "a", old, most + 1)


def test_less_differs_as_more_does():
    before = Entry({"a": 100}, {}, 0)
    assert changes(before, Entry({"a": 99}, {}, 0), Fraction(1, 100)) == []
    assert changes(before, Entry({"a": 98}, {}, 0), Fraction(1, 100)) != []


def test_a_part_that_appears_or_goes_differs_whatever_is_allowed():
    old, new = Entry({"a": 1}, {}, 0), Entry({"b": 1}, {"fft in b": 1}, 0)
    found = {(c.kind, c.name): (c.old, c.new) for c in changes(old, new, Fraction(100))}
    assert found == {
        (FLOPS, "a"): (1, None),
        (FLOPS, "b"): (None, 1),
        (CALLS, "fft in b"): (None, 1),
    }


def test_peaks_are_compared_only_if_asked_for():
    old, new = Entry({}, {}, 0, 64), Entry({}, {}, 0, 65)
    assert changes(old, Entry({}, {}, 0), Fraction(0)) == []
    assert changes(old, new, Fraction(0)) == [Change(PEAK, "all", 64, 65)]
    assert changes(Entry({}, {}, 0), new, Fraction(0)) == [Change(PEAK, "all", None, 65)]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (100, 106, "+6.0 %"),
        (100, 99, "-1.0 %"),
        (10**12, 10**12 + 1, "+1e-10 %"),
        (1, 100, "+9,900.0 %"),
        (0, 5, "was 0"),
        (5, 0, "-100.0 %"),
        (None, 5, "new"),
        (5, None, "gone"),
    ],
)
def test_growth_is_a_share_of_what_was(old, new, said):
    assert growth(old, new) == said


def test_parts_alike_but_for_a_number_are_one_line():
    old = Entry({f"layers.{i}.mlp": 100 for i in range(24)} | {"head": 5}, {}, 7)
    new = Entry({f"layers.{i}.mlp": 200 for i in range(24)} | {"head": 6}, {"fft in head": 1}, 8)
    assert [*lines(changes(old, new, Fraction(0)))] == [
        "  FLOPs                        before  now",
        "    layers.*.mlp (each of 24)     100  200  +100.0 %",
        "    head                            5    6   +20.0 %",
        "  calls without a formula      before  now",
        "    fft in head                     -    1       new",
        "  parameters                   before  now",
        "    all                             7    8   +14.3 %",
    ]


@given(entries, entries)
def test_every_kind_that_differs_is_shown_and_no_other(old, new):
    found = changes(old, new, Fraction(0))
    shown = [line.removesuffix("now").removesuffix("before ") for line in lines(found)]
    heads = {kind for kind in KINDS if any(line.startswith(f"  {kind} ") for line in shown)}
    assert {change.kind for change in found} == heads


def test_a_large_difference_fits_a_screen():
    new = Entry({f"{'x' * 90}{chr(97 + i)}": 10**15 + i for i in range(26)}, {}, 0)
    shown = [*lines(changes(Entry({}, {}, 0), new, Fraction(0)))]
    assert len(shown) == 22
    assert shown[-1] == "  and 6 more"
    assert max(map(len, shown)) <= 100
    assert shown[1].lstrip().startswith("…xxx")
