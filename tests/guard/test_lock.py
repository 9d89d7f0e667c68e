"""A lock file is read as it was written; a damaged one is told in a sentence."""

import json
import random

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from flopbench import UsageError, schemas
from flopbench.guard.entry import Entry
from flopbench.guard.lock import SCHEMA_VERSION, Lock
from guard.strategies import checks, entries

SCHEMA = Draft202012Validator(schemas.load("lock"))
GOOD = {
    "schema_version": SCHEMA_VERSION,
    "checks": {
        "test_a.py::test": {
            "1": {"flops": 3, "components": {"a": 1, "b": 2}, "uncounted": {}, "parameters": 4}
        }
    },
}


@given(checks)
def test_what_is_written_is_read_back(tmp_path, checks):
    lock = Lock(tmp_path / "flops.lock.json", checks)
    lock.write()
    assert Lock.read(lock.path) == lock
    SCHEMA.validate(json.loads(lock.path.read_bytes()))


@given(checks)
def test_the_text_does_not_depend_on_the_order(tmp_path, checks):
    def shuffled(values):
        pairs = [(k, shuffled(v) if isinstance(v, dict) else v) for k, v in values.items()]
        random.Random(0).shuffle(pairs)  # noqa: S311 - any order will do
        return dict(pairs)

    lock = Lock(tmp_path / "flops.lock.json", checks)
    other = Lock(lock.path, shuffled(checks))
    assert other.text() == lock.text()
    assert lock.text().isascii()


def test_names_are_sorted_as_people_do(tmp_path):
    names = ["head", "layers.2", "layers.10.mlp", "layers.10.attn", "10", "2"]
    entry = Entry(dict.fromkeys(names, 1), {}, 0)
    document = json.loads(Lock(tmp_path, {"t": {"a": entry, "10": entry, "2": entry}}).text())
    found = document["checks"]["t"]
    assert [*found] == ["2", "10", "a"]
    right = ["2", "10", "head", "layers.2", "layers.10.attn", "layers.10.mlp"]
    assert [*found["a"]["components"]] == right


def test_a_file_that_is_not_there_has_no_entries(tmp_path):
    assert Lock.read(tmp_path / "flops.lock.json").checks == {}


@given(entries)
def test_the_sum_is_that_of_the_components(entry):
    assert entry.to_dict()["flops"] == sum(entry.components.values())


def changed(**values):
    entry = GOOD["checks"]["test_a.py::test"]["1"] | values
    return GOOD | {"checks": {"test_a.py::test": {"1": entry}}}


DAMAGED = {
    "is not a JSON file: ": '{"checks": <<<<<<< HEAD',
    "an object is missing, in place of []": [],
    "it has no schema_version": {"checks": {}},
    "an object is missing, in place of None": {"schema_version": "1.0"},
    "in the entry of test_a.py::test, flops of 4 are not the sum": changed(flops=4),
    "a whole number is missing, in place of 3.0": changed(flops=3.0),
    "a whole number is missing, in place of None": changed(parameters=None),
    "a whole number is missing, in place of True": changed(parameters=True),
    "a whole number is missing, in place of -1": changed(flops=1, components={"a": -1, "b": 2}),
    "an object is missing, in place of 3": changed(components=3),
    "a whole number is missing, in place of 'x'": changed(peak_activation_bytes="x"),
}


@pytest.mark.parametrize("reason", DAMAGED)
def test_a_damaged_file_is_told_in_a_sentence(tmp_path, reason):
    path = tmp_path / "flops.lock.json"
    content = DAMAGED[reason]
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(UsageError) as error:
        Lock.read(path)
    assert reason in str(error.value)
    assert str(error.value).startswith("flops.lock.json ")
    assert "\n" not in str(error.value)


def test_another_version_is_not_read(tmp_path):
    path = tmp_path / "flops.lock.json"
    path.write_text(json.dumps(GOOD | {"schema_version": "2.0"}))
    with pytest.raises(UsageError, match=r"has schema_version 2.0, and this flopbench reads 1.x"):
        Lock.read(path)


def test_fields_of_a_later_minor_version_are_left_out(tmp_path):
    path = tmp_path / "flops.lock.json"
    path.write_text(json.dumps(changed(more=1) | {"schema_version": "1.9", "more": {}}))
    (entry,) = Lock.read(path).checks["test_a.py::test"].values()
    assert entry == Entry({"a": 1, "b": 2}, {}, 4)


@pytest.mark.parametrize(
    "wrong",
    [
        changed(flops=-1),
        changed(flops=3.5),
        changed(more=1),
        GOOD | {"schema_version": "0.9"},
        GOOD | {"checks": {"t": {}}},
    ],
)
def test_the_schema_is_strict(wrong):
    SCHEMA.validate(GOOD)
    assert list(SCHEMA.iter_errors(wrong))
