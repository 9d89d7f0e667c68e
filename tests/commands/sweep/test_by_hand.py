"""What --vary takes: ranges and lists."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flopbench.commands.sweep.by_hand import parse_vary
from flopbench.errors import UsageError


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("workload.x=1:5:2", [1, 3, 5]),
        ("workload.x=1:6:2", [1, 3, 5]),
        ("workload.x=4:6", [4, 5, 6]),
        ("workload.x=7:7", [7]),
        ("workload.x=base, large", ["base", "large"]),
        ("workload.x=3", [3]),
        ("workload.x=1024:131072:x2", [2**power for power in range(10, 18)]),
        ("workload.x=1k:7k:x3", [1024, 3072]),
        ("workload.x=2:5:x10", [2]),
        ("workload.x=1k:1M:256k", [1024 + 262144 * k for k in range(4)]),
        ("workload.x=8k, 1Mi, 3", [8192, 1048576, 3]),
        ("workload.x=8k, base", ["8k", "base"]),
        ("workload.x=a:b", ["a:b"]),
        ("workload.x=no, on", ["no", "on"]),
        ("workload.x=[1, 2],[3, 4]", [[1, 2], [3, 4]]),
    ],
)
def test_ranges_and_lists(text, values):
    key, found = parse_vary(text)
    assert (key, [*found]) == ("workload.x", values)


@given(st.integers(1, 2000), st.integers(1, 10**6), st.integers(2, 9))
def test_a_geometric_range_has_the_powers_up_to_its_end(start, more, factor):
    stop = start + more
    _, found = parse_vary(f"workload.x={start}:{stop}:x{factor}")
    assert found == [start * factor**power for power in range(len(found))]
    assert found[-1] <= stop < found[-1] * factor


WRONG = {
    "4:1:x2": "must rise",
    "0:8:x2": "must rise",
    "1:8:x1": "must rise",
    "1:8:x-2": "must rise",
    "010:20": "write 10, or 8 if that was octal",
    "1:" + "9" * 5000: "at most 40 digits, got one of 5,000",
    "9" * 5000: "at most 40 digits, got one of 5,000",
    "[" * 2000: "nested too deeply",
    "!!int abc": "found what is not an integer",
    "1:30,5": "neither one range",
    "1:2:3:4": "neither one range",
    ".nan": "is not a number",
    "8k,8192": "has a value twice",
}


@pytest.mark.parametrize("values", WRONG, ids=lambda text: text[:20])
def test_what_is_no_range_and_no_list_is_one_short_sentence(values):
    with pytest.raises(UsageError) as error:
        parse_vary(f"workload.x={values}")
    assert WRONG[values] in str(error.value)
    assert len(str(error.value)) < 300


def test_a_value_is_taken_apart_only_if_it_can_be():
    with pytest.raises(UsageError, match="must be KEY=VALUES"):
        parse_vary("workload.x")
    with pytest.raises(UsageError, match="is not a comma-separated list"):
        parse_vary("workload.x=[base")
