"""Long calls counted by shorter ones: exactly, or in full."""

import pytest
from attrs import evolve

from flopbench.laws.by_length import count_by_length
from flopbench.vendor import Count, Counted, Uncounted, VendorCall, VendorStage
from flopbench.vendor.method import Method
from flopbench.vendor.model import ByLength


class Lengths:
    """A counter whose calls return what they count; it remembers their lengths."""

    name = "lengths"

    def __init__(self):
        self.seen = []

    def own_formulas_of(self, ops):
        return ()

    def count(self, call):
        length = call.run()
        self.seen.append(length)
        return call.root(length)


def stage(count, **series):
    def prepare(length):
        return VendorCall(count, lambda: length)

    given = {"length": 1000, "first": 4, "unit": "words", "what": "calls", **series}
    found = ByLength(prepare, **given)
    return VendorStage(lambda _step: prepare(given["length"]), by_length=lambda: found)


def a_loop(flops):
    return lambda n: Count((Counted("scan", "mm", flops(n)),), (Uncounted("scan", "solve", 3 * n),))


@pytest.mark.parametrize(
    ("flops", "degree"),
    [(lambda _n: 5, 0), (lambda n: 7 * n + 11, 1), (lambda n: n * (n + 1) // 2, 2)],
)
def test_a_polynomial_gives_the_long_call(flops, degree):
    counter, count = Lengths(), a_loop(flops)
    found = count_by_length(counter, stage(count))
    assert found.count == count(1000)
    assert max(counter.seen) < 30
    (note,) = found.assumptions
    assert note.startswith("calls of 4, 5, ")
    assert note.endswith(
        " words were counted; they lie exactly on a polynomial of degree "
        f"{max(degree, 1)} in every module and op, which gives that of 1,000"
    )
    assert found.method is Method.INTERPOLATED


@pytest.mark.parametrize("flops", [lambda n: n // 7, lambda n: n % 2, lambda n: n if n < 15 else 0])
def test_what_is_no_polynomial_is_counted_in_full(flops):
    counter, count = Lengths(), a_loop(flops)
    found = count_by_length(counter, stage(count))
    assert found.count == count(1000)
    assert counter.seen[-1] == 1000
    assert not found.assumptions


def test_a_work_in_chunks_is_a_polynomial_in_their_number():
    counter, count = Lengths(), a_loop(lambda n: 10 * (n // 8) + n % 8)
    found = count_by_length(counter, stage(count, length=1003, stride=8))
    assert found.count == count(1003)
    assert {n % 8 for n in counter.seen} == {3}


@pytest.mark.parametrize("series", [{"length": 60}, {"first": 400}, {"stride": 64}])
def test_a_call_that_shorter_ones_do_not_make_cheaper_is_counted_once(series):
    counter = Lengths()
    made = stage(a_loop(lambda n: n), **series)
    count_by_length(counter, made)
    assert counter.seen == [series.get("length", 1000)]


def test_a_stage_without_shorter_calls_is_counted_as_it_is():
    made = stage(a_loop(lambda n: n))
    for by_length in (None, lambda: None):
        counter = Lengths()
        count_by_length(counter, evolve(made, by_length=by_length))
        assert counter.seen == [1000]
