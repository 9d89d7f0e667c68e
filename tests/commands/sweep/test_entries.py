"""A count in a journal: what was written is read, and nothing of another form is."""

import json

import pytest

from flopbench.commands.sweep.entries import count_of, entry_of, is_entry
from flopbench.commands.sweep.units import UnitCount, failed
from flopbench.vendor.method import Method

COUNT = UnitCount({"layer": 192, "head": 3}, Method.CONCRETE, own_ops=("aten.solve",))


def on_disk(counted):
    return json.loads(json.dumps(entry_of(counted)))


@pytest.mark.parametrize("counted", [COUNT, UnitCount({}, Method.SYMBOLIC)], ids=str)
def test_a_count_is_read_as_it_was_written(counted):
    assert is_entry(on_disk(counted))
    assert count_of(on_disk(counted)) == counted


def test_a_failed_count_is_none():
    assert is_entry(on_disk(failed("out of memory")))
    assert count_of(on_disk(failed("out of memory"))) is None
    assert count_of(None) is None


WRONG_FORMS = (
    {"flops": [["c", 1]]},
    {"flops": {"layer": "1"}},
    {"flops": {"layer": -1}},
    {"flops": {"layer": 1.5}},
    {"flops": {"layer": True}},
    {"flops": 5},
    {"flops": None},
    {"own_ops": [1]},
    {"own_ops": "op"},
    {"method": "law"},
    {"method": None},
    {"error": 7},
    {"another": 1},
)


@pytest.mark.parametrize("change", WRONG_FORMS, ids=str)
def test_another_form_is_no_count(change):
    assert not is_entry(on_disk(COUNT) | change)


@pytest.mark.parametrize("data", [None, 3, [], "count", {}])
def test_what_is_no_mapping_of_these_names_is_no_count(data):
    assert not is_entry(data)
