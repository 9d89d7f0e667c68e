"""Calls from a roomy function map no memory, however deep they stand; those from others may."""

import pickle
import resource
from inspect import signature

import pytest

from flopbench.executors.frames import roomy

CALLS = 500


def leaf():
    return None


def faults(depth):
    """Return the pages that calls from some depth touch for the first time."""
    if depth:
        return faults(depth - 1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(CALLS):
        leaf()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@roomy
def joined(first, *, last="b"):
    """Join two."""
    return first + last


def test_calls_from_a_roomy_function_touch_no_new_page_at_any_depth():
    depths = range(300)
    if max(map(faults, depths)) < CALLS:
        pytest.skip("this Python does not unmap a chunk of frames when a call returns")
    assert max(map(roomy(faults), depths)) < CALLS / 10


def test_a_roomy_function_is_called_pickled_and_described_as_it_was():
    assert joined("a") == "ab"
    assert joined("a", last="c") == "ac"
    assert pickle.loads(pickle.dumps(joined)) is joined  # noqa: S301
    assert str(signature(joined)) == "(first, *, last='b')"
    assert joined.__doc__ == "Join two."


def test_what_a_roomy_function_raises_comes_through():
    with pytest.raises(TypeError, match="first"):
        joined()
