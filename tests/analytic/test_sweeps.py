"""Named sweeps and their points are checked when they are made."""

import pytest

from flopbench.analytic import Sweep, SweepLimits, SweepPoint


def test_points_and_sweeps_are_checked_when_they_are_made():
    with pytest.raises(TypeError, match=r"SweepPoint.facts must have values that JSON can hold"):
        SweepPoint(label="one", inputs={}, facts={"z": float("nan")})
    with pytest.raises(TypeError, match=r"Sweep.name must be a non-empty string, got ''"):
        Sweep(name="", description="d", stages=("prefill",), x="x", points=list)
    with pytest.raises(TypeError, match=r"Sweep.takes must name limits among \['grids', 'max_im"):
        Sweep(name="s", description="d", stages=("a",), x="x", points=list, takes=("grid",))
    assert SweepLimits() == SweepLimits(grids=(), max_image_tokens=None)
