"""A sweep in columns says of each point what it says of a point alone, and files hold all of it."""

import csv
import io
import json
import pickle
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

import flopbench
from flopbench.commands.sweep import plan as planning
from flopbench.commands.sweep import text as markdown
from flopbench.commands.sweep.points import Product
from flopbench.errors import UsageError
from flopbench.text import json_text
from flopbench.values.tables import csv_text, data_frame

OF_THE_MODEL = {
    "hf/llama": {
        "workload.context_tokens": st.integers(1, 10**6),
        "workload.batch_size": st.integers(1, 300),
        "workload.decode_steps": st.integers(1, 10**5),
        "workload.lm_head": st.sampled_from(["all", "last"]),
        "model.dtype": st.sampled_from(["bfloat16", "float32"]),
    },
    "deepseek_ocr": {
        "workload.crop_grid.rows": st.integers(1, 20),
        "workload.crop_grid.cols": st.integers(1, 20),
        "workload.prompt_tokens": st.integers(0, 10**6),
        "workload.decode_steps": st.integers(1, 1000),
        "workload.tile_size": st.sampled_from([640, 1024, None]),
    },
}


@st.composite
def sweeps(draw, model):
    """Draw some keys, in any order, each with up to three values."""
    known = OF_THE_MODEL[model]
    keys = draw(st.permutations([*known]).flatmap(lambda k: st.integers(1, 3).map(lambda n: k[:n])))
    grid = {"workload.crop_grid.rows", "workload.crop_grid.cols"}
    if grid & {*keys}:
        keys = [*keys, *(grid - {*keys})]
    values = (st.lists(known[k], min_size=1, max_size=3, unique_by=str) for k in keys)
    return dict(zip(keys, map(draw, values), strict=True))


def swept(model, vary, **options):
    return flopbench.sweep(model, vary=vary, analytic_only=True, **options)


@pytest.mark.parametrize("model", OF_THE_MODEL)
def test_each_point_is_what_it_is_alone(model):
    @settings(max_examples=5)
    @given(sweeps(model))
    def law(vary):
        report = swept(model, vary, ttft=0.5, tpot=0.02)
        assert len(report.points) == np.prod([len(values) for values in vary.values()])
        for index in {0, len(report.points) // 2, len(report.points) - 1}:
            places = Product(tuple(vary.items())).places(index)
            one = {k: [v[i]] for (k, v), i in zip(vary.items(), places, strict=True)}
            alone = swept(model, one, ttft=0.5, tpot=0.02)
            assert rounded(report.points[index]) == rounded(alone.points[0])

    law()


def rounded(point):
    """Return a point; what is expected of routed experts may differ in the last bit."""
    if isinstance(point, dict):
        return {name: rounded(value) for name, value in point.items()}
    return pytest.approx(point, rel=1e-12) if isinstance(point, float) else point


MIXED = {
    "points that differ in sizes": {
        "workload.context_tokens": "1:5",
        "workload.batch_size": [1, 3],
    },
    "one point": {"workload.context_tokens": [7]},
    "sizes and words": {"workload.lm_head": ["all", "last"], "workload.context_tokens": "5:9:2"},
    "lists": {"workload.lengths": [[1, 2, 3], [5, 6], [4]]},
    "models": {"workload.batch_size": [1, 2], "model.dtype": ["float32", "bfloat16"]},
    "beyond int64": {"workload.batch_size": [1, 10**17], "workload.context_tokens": [5, 10**9]},
}


@pytest.mark.parametrize("name", MIXED)
@pytest.mark.parametrize("block", [1, 3, 1000])
def test_files_are_those_of_the_points_whatever_the_blocks(tmp_path, monkeypatch, name, block):
    monkeypatch.setattr(planning, "BLOCK", block)
    report = swept("hf/llama", MIXED[name], out=tmp_path, formats="json,csv,parquet", ttft=0.1)
    whole = report.to_dict()
    assert len(whole["points"]) == whole["num_points"] == len(report.points)
    assert (tmp_path / "sweep.json").read_text() == json_text(whole, 1) + "\n"
    assert report.to_json() == json_text(whole, 2)
    text = (tmp_path / "sweep.csv").read_text()
    assert text == csv_text(report.rows()) == report.to_csv()
    in_parquet = parquet.read_table(tmp_path / "sweep.parquet").to_pylist()
    wanted = list(csv.DictReader(io.StringIO(text)))
    assert [{k: as_text(v) for k, v in row.items()} for row in in_parquet] == [
        {k: as_text(v) for k, v in number(row).items()} for row in wanted
    ]
    frame = report.to_pandas()
    assert [*frame.columns] == [*wanted[0]]
    assert [*frame.dtypes] == [*data_frame(report.rows()).dtypes]
    assert [int(value) for value in frame["flops"]] == [row["flops"] for row in report.rows()]


def number(row):
    """Return a row of CSV with numbers, as far as its texts are some."""
    return {name: float(text) if is_number(text) else text for name, text in row.items()}


def is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def as_text(value):
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return f"{float(value)!r}"
    return "" if value is None else str(value)


def test_numbers_beyond_int64_are_exact_in_each_format(tmp_path):
    vary = {"workload.batch_size": [1, 10**15], "workload.context_tokens": [5, 10**6]}
    report = swept("hf/llama", vary, out=tmp_path, formats="json,csv,parquet", stages="prefill")
    flops = [row["flops"] for row in report.rows()]
    assert max(flops) > 2**63
    assert min(flops) < 2**63
    points = json.loads((tmp_path / "sweep.json").read_text())["points"]
    assert flops == [
        cost["flops"] for point in points for cost in point["prefill"]["cost"].values()
    ]
    rows = csv.DictReader(io.StringIO((tmp_path / "sweep.csv").read_text()))
    assert flops == [int(row["flops"]) for row in rows]
    column = parquet.read_table(tmp_path / "sweep.parquet")["flops"]
    assert str(column.type) == "decimal128(38, 0)"
    assert flops == [int(value) for value in column.to_pylist()]


def test_a_late_point_that_is_refused_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(UsageError, match=r"^point batch_size=0: workload\.batch_size must be >= 1"):
        swept("hf/llama", {"workload.batch_size": [*range(3000, -1, -1)]}, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    vary = {"workload.context_tokens": [5, 6], "workload.batch_size": [2, 1, 0]}
    with pytest.raises(UsageError, match=r"^point context_tokens=5 batch_size=0: "):
        swept("hf/llama", vary, out=tmp_path / "out")


def test_an_error_while_files_are_written_leaves_those_that_were_there(tmp_path, monkeypatch):
    vary = {"workload.batch_size": [1, 2]}
    swept("hf/llama", vary, out=tmp_path, formats="json,csv")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    report = swept("hf/llama", {"workload.batch_size": [3, 4]})
    chunks = type(report.points).chunks

    def failing(table, size=2048):
        yield from chunks(table, size)
        raise UsageError("the last block fails")

    monkeypatch.setattr(type(report.points), "chunks", failing)
    with pytest.raises(UsageError, match="the last block fails"):
        swept("hf/llama", {"workload.batch_size": [3, 4]}, out=tmp_path, formats="json,csv,parquet")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_markdown_has_the_first_thousand_rows_and_says_so(tmp_path, monkeypatch):
    vary = {"workload.batch_size": "1:4"}
    few = swept("hf/llama", vary, tpot=1).to_markdown()
    assert "rows." not in few
    monkeypatch.setattr(markdown, "MOST_ROWS", 5)
    text = swept("hf/llama", vary, tpot=1, out=tmp_path).to_markdown()
    assert (tmp_path / "sweep.md").read_text() == text
    said = "Each table has the first 5 of 8 rows."
    assert text.count(said) == 1
    assert text.index(said) < text.index("| point |")
    tables = [part.splitlines() for part in text.split("| --- |\n")[1:]]
    for table in tables:
        assert sum(line.startswith("| batch_size=") for line in table) == 5
    whole = few.splitlines()
    assert all(line in whole for line in text.splitlines() if line.startswith("|"))


def test_only_the_formats_that_are_named_are_written(tmp_path):
    swept("hf/llama", {"workload.batch_size": [1]}, out=tmp_path)
    names = {path.name for path in tmp_path.iterdir() if path.name[0] != "."}
    assert names == {"sweep.json", "sweep.csv", "sweep.md", "sweep.html"}
    swept("hf/llama", {"workload.batch_size": [1]}, out=tmp_path, formats=["parquet"])
    assert {path.name for path in tmp_path.iterdir() if path.name[0] != "."} == {"sweep.parquet"}
    with pytest.raises(UsageError, match="unknown format of a sweep 'parket': did you mean 'parqu"):
        swept("hf/llama", {"workload.batch_size": [1]}, out=tmp_path, formats="parket")
    with pytest.raises(UsageError, match="--format names the files of --out DIR, which is not"):
        swept("hf/llama", {"workload.batch_size": [1]}, formats="csv")


def test_parquet_without_pyarrow_names_the_extra_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr("flopbench.values.parquet.find_spec", lambda _name: None)
    said = r"^Parquet needs pyarrow \(pip install 'flopbench\[parquet\]'\), or leave parquet out of"
    with pytest.raises(UsageError, match=said):
        swept("hf/llama", {"workload.batch_size": [0]}, out=tmp_path, formats="parquet")


def test_points_are_a_sequence_that_is_not_held():
    report = swept("hf/llama", {"workload.context_tokens": "1:300000"}, stages="prefill")
    points = report.points
    assert len(points) == 300_000
    assert points[-1]["label"] == "context_tokens=300000"
    assert [p["context_tokens"] for p in points[::100_000]] == [1, 100_001, 200_001]
    assert [p["context_tokens"] for p in points[::-150_000]] == [300_000, 150_000]
    assert points[5] == points[5:6][0] == next(p for p in points if p["context_tokens"] == 6)
    with pytest.raises(IndexError):
        points[300_000]


def test_reports_are_equal_if_their_points_are():
    vary = {"workload.batch_size": [1, 2]}
    assert swept("hf/llama", vary) == swept("hf/llama", vary)
    points = swept("hf/llama", vary).points
    assert points == [*points]
    assert points != [*points][:1]
    assert points != [*points][::-1]


@pytest.mark.parametrize("name", ["lists", "sizes and words"])
def test_another_process_gets_all_of_a_report(name):
    report = swept("hf/llama", MIXED[name], ttft=0.1)
    there = pickle.loads(pickle.dumps(report))  # noqa: S301 - its own
    assert there == report
    assert there.points[-1] == report.points[-1]
    for form in ("to_json", "to_csv", "to_markdown", "rows", "to_dict"):
        assert getattr(there, form)() == getattr(report, form)()
    assert there.to_pandas().equals(report.to_pandas())


def test_an_image_is_read_once(tmp_path, monkeypatch):
    from PIL import Image

    Image.new("RGB", (1300, 700)).save(tmp_path / "page.png")
    opened = []
    real = Image.open
    monkeypatch.setattr(Image, "open", lambda *a, **k: opened.append(1) or real(*a, **k))
    vary = {"workload.prompt_tokens": "1:50", "workload.lm_head": ["all", "last"]}
    report = swept("deepseek_ocr", vary, image=tmp_path / "page.png", stages="prefill")
    assert len(report.points) == 100
    assert len(opened) == 1
    Image.new("RGB", (700, 1400)).save(tmp_path / "page.png")
    other = swept("deepseek_ocr", vary, image=tmp_path / "page.png", stages="prefill")
    assert len(opened) == 2
    assert other.points[0]["image_tokens"] != report.points[0]["image_tokens"]
