"""What --vary takes: ranges and lists."""

import pytest

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
        ("workload.x=[1, 2],[3, 4]", [[1, 2], [3, 4]]),
    ],
)
def test_ranges_and_lists(text, values):
    assert parse_vary(text) == ("workload.x", values)


def test_a_value_is_taken_apart_only_if_it_can_be():
    with pytest.raises(UsageError, match="must be KEY=VALUES"):
        parse_vary("workload.x")
    with pytest.raises(UsageError, match="is not a comma-separated list"):
        parse_vary("workload.x=[base")
