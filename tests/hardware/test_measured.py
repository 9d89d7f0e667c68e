"""A measured time beside the bounds."""

import pytest

from flopbench.analytic.price import price
from flopbench.builtin.eager import Eager
from flopbench.conventions import Conventions
from flopbench.errors import UsageError
from flopbench.hardware.measured import measured
from flopbench.hardware.times import StageTimes
from flopbench.ops import Linear
from support.machines import TOY, toy


def times():
    """Floor: 64 + 512 + 64 bytes and 2 x 1024 FLOPs; bound: 64 + 512 + 128 + 64 bytes."""
    sizes = {"rows": 4, "in_features": 8, "out_features": 16}
    first = Linear(component="l", **sizes)
    second = Linear(component="l", rows=4, in_features=16, out_features=8)
    return StageTimes.of(price([first, second], Eager(), Eager(), Conventions()), toy())


def test_utilisation():
    found = measured("prefill", 1024, times(), TOY)
    assert found.mfu == 2 * 1024 / 8 / 1024
    assert found.mbu == (64 + 512 + 64) / 1024
    assert found.note is None


def test_a_time_between_floor_and_bound_is_remarked():
    found = measured("prefill", 700, times(), TOY)
    assert found.note.startswith("prefill took 700 ms, less than the bound of 896 ms op by op")


def test_a_time_below_the_floor_is_wrong():
    with pytest.raises(UsageError, match="prefill cannot take less than 640 ms on Toy"):
        measured("prefill", 639, times(), TOY)
    assert measured("prefill", 640, times(), TOY).mbu == 1
