"""Parquet files: exact numbers, types that widen, and what cannot be written."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from flopbench.errors import UsageError
from flopbench.values.parquet import ParquetWriter, parquet_file

WHOLE = st.integers(-(10**76) + 1, 10**76 - 1) | st.integers(-9, 9) | st.integers(-(2**63), 2**63)
COLUMNS = {
    "whole": WHOLE | st.none(),
    "number": st.floats(allow_nan=False),
    "flag": st.booleans() | st.none(),
    "text": st.text("ab\n€", max_size=3) | st.none(),
}


def read(path):
    table = parquet.read_table(path)
    return table.to_pylist(), {field.name: str(field.type) for field in table.schema}


@given(st.lists(st.lists(st.fixed_dictionaries(COLUMNS), min_size=1, max_size=4), max_size=4))
def test_what_is_written_in_blocks_is_read_as_it_was(tmp_path_factory, blocks):
    path = tmp_path_factory.mktemp("parquet") / "table.parquet"
    with ParquetWriter(path) as writer:
        for rows in blocks:
            writer.add({name: [row[name] for row in rows] for name in COLUMNS})
    rows, kinds = read(path)
    assert rows == [row for block in blocks for row in block]
    whole = [row["whole"] for row in rows if row["whole"] is not None]
    largest = max(map(abs, whole), default=0)
    if whole and min(whole) >= -(2**63) and max(whole) < 2**63:
        assert kinds["whole"] == "int64"
    elif whole:
        wanted = "decimal128(38, 0)" if largest < 10**38 else "decimal256(76, 0)"
        assert kinds["whole"] == wanted
    assert [path.name for path in path.parent.iterdir()] == ["table.parquet"]


def test_columns_widen_while_a_file_is_written(tmp_path):
    path = tmp_path / "table.parquet"
    with ParquetWriter(path) as writer:
        writer.add({"n": np.array([1, 2]), "x": np.array([1, 2]), "mixed": [None, None]})
        writer.add({"n": [2**63], "x": np.array([0.5]), "mixed": [1]})
        writer.add({"n": [10**40], "mixed": ["a\x1bb"], "late": [True]})
    rows, kinds = read(path)
    assert kinds == {
        "n": "decimal256(76, 0)",
        "x": "double",
        "mixed": "string",
        "late": "bool",
    }
    assert [row["n"] for row in rows] == [1, 2, 2**63, 10**40]
    assert all(type(row["n"]) is Decimal for row in rows)
    assert [row["x"] for row in rows] == [1.0, 2.0, 0.5, None]
    assert [row["mixed"] for row in rows] == [None, None, "1", "a\\u001bb"]
    assert [row["late"] for row in rows] == [None, None, None, True]


def test_rows_that_lack_columns_have_nulls(tmp_path):
    parquet_file(tmp_path / "rows.parquet", [{"a": 1}, {"b": "x"}])
    assert read(tmp_path / "rows.parquet")[0] == [{"a": 1, "b": None}, {"a": None, "b": "x"}]
    parquet_file(tmp_path / "none.parquet", [])
    assert read(tmp_path / "none.parquet") == ([], {})


def test_what_parquet_cannot_hold_is_one_sentence(tmp_path):
    with pytest.raises(UsageError, match=r"more than 76 digits, and one of flops is 1\.000e\+76"):
        parquet_file(tmp_path / "table.parquet", [{"flops": 10**76}])


def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("flopbench.values.parquet.find_spec", lambda _name: None)
    with pytest.raises(UsageError, match=r"^Parquet needs pyarrow \(pip install 'flopbench\[par"):
        ParquetWriter(tmp_path / "table.parquet")
