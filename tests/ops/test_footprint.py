"""What ops hold in memory: the most at once, of those that run."""

import numpy as np

from flopbench.analytic.price import price
from flopbench.builtin.eager import Eager
from flopbench.conventions import Conventions
from flopbench.ops import (
    Linear,
)


def test_an_op_without_copies_is_none():
    """Such as windowed attention where every layer is global: its peak is nobody's."""
    sizes = {"component": "c", "in_features": 3, "out_features": 5}
    small, large = Linear(rows=1, **sizes), Linear(rows=100, layers=0, **sizes)
    held = price([small, large], Eager(), Eager(), Conventions(), "float32").footprint
    assert (held.peak_activation_bytes, held.total_weight_bytes) == (4 * 8, 4 * 15)
    some = Linear(rows=100, layers=np.array([0, 2]), **sizes)
    held = price([small, some], Eager(), Eager(), Conventions(), "float32").footprint
    assert held.peak_activation_bytes.tolist() == [4 * 8, 4 * 800]


def test_stages_after_each_other_have_the_larger_peak():
    sizes = {"component": "c", "in_features": 3, "out_features": 5}
    one, other = (
        price([Linear(rows=rows, **sizes)], Eager(), Eager(), Conventions(), "float32").footprint
        for rows in (1, 7)
    )
    assert one.then(other).peak_activation_bytes == 4 * 8 * 7
    assert other.then(one).peak_activation_bytes == 4 * 8 * 7
