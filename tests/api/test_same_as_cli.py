"""A function and its command go the same way: one JSON form, and one sentence for what is wrong."""

import json
from pathlib import Path

import pytest
from PIL import Image

import flopbench
from flopbench.cli.app import make_app
from flopbench.cli.common import Session
from flopbench.errors import FlopbenchError
from toy import write_toy

SMALL = {"hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 2, "vocab_size": 16}
SMALL |= {"num_attention_heads": 2, "num_key_value_heads": 1, "model_type": "llama"}
GRID = {"crop_grid": {"rows": 1, "cols": 2}, "decode_steps": 5}
GRID_TEXTS = ("workload.crop_grid.rows=1", "workload.crop_grid.cols=2", "workload.decode_steps=5")


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    """Work where a config, a YAML file, an image and a plugin are."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(SMALL))
    (tmp_path / "page.yaml").write_text("workload: {mode: base, batch_size: 3}\n")
    Image.new("RGB", (700, 900)).save(tmp_path / "a page.png")
    write_toy(tmp_path)


def command(*args):
    """Run a command in this process; what it raises passes."""
    make_app(args[:1])(args=[*map(str, args)], obj=Session(), standalone_mode=False)


RUNS = {
    "counted": (
        ("deepseek_ocr", "--stages", "vision,prefill", *GRID_TEXTS),
        ("deepseek_ocr", {"stages": ["vision", "prefill"], "workload": GRID}),
    ),
    "options": (
        ("deepseek_ocr", "--analytic-only", "--attention", "eager", "--image", "a page.png"),
        (
            "deepseek_ocr",
            {"analytic_only": True, "attention": "eager", "image": Path("a page.png")},
        ),
    ),
    "sections": (
        (
            *("deepseek_ocr", "--analytic-only", "--config", "page.yaml", "workload.batch_size=2"),
            *("model.dtype=float16", "conventions.softmax=7", "workload.image=[640,480]"),
        ),
        (
            "deepseek_ocr",
            {
                "analytic_only": True,
                "config": "page.yaml",
                "workload": {"batch_size": 2, "image": (640, 480)},
                "model_options": {"dtype": "float16"},
                "conventions": {"softmax": 7},
            },
        ),
    ),
    "a path": (
        (
            *(
                "config.json",
                "run.method=symbolic",
                "workload.context_tokens=8",
                "vendor.decode=every",
            ),
            *("workload.decode_steps=2", "model.overrides={num_hidden_layers: 1}"),
        ),
        (
            Path("config.json"),
            {
                "method": "symbolic",
                "workload": {"context_tokens": "8", "decode_steps": 2},
                "model_options": {"overrides": {"num_hidden_layers": 1}},
                "vendor": {"decode": "every"},
            },
        ),
    ),
    "a plugin": (("-p", "toy.py", "toy"), ("toy", {"plugins": "toy.py"})),
}


@pytest.mark.parametrize("name", RUNS)
def test_run(name, capsys):
    texts, (model, options) = RUNS[name]
    command("run", *texts, "--format", "json", "--out", "out")
    printed = capsys.readouterr().out
    report = flopbench.run(model, **options)
    assert report.to_dict() == json.loads(printed)
    assert isinstance(report, flopbench.report.Report)
    for ending in ("json", "csv", "md"):
        file = report.save(f"saved.{ending}")
        assert file.read_bytes() == Path("out", f"report.{ending}").read_bytes()
    command("run", *texts)
    assert capsys.readouterr().out == f"{report}\n"
    assert [row["flops"] for row in report.rows() if row["kind"] == "vendor"] == [
        series.flops for series in report.series if series.kind == "vendor"
    ]


def test_referee(capsys):
    texts = ("referee", "deepseek_ocr", "--formulas", "palm,vllm", "--phases", "decode,train")
    command(*texts, *GRID_TEXTS, "--format", "json", "--out", "out")
    found = flopbench.referee(
        "deepseek_ocr", formulas=["palm", "vllm"], phases=("train", "decode"), workload=GRID
    )
    assert found.to_dict() == json.loads(capsys.readouterr().out)
    for ending in ("json", "md"):
        file = found.save(f"saved.{ending}")
        assert file.read_bytes() == Path("out", f"referee.{ending}").read_bytes()
    command(*texts, *GRID_TEXTS)
    assert capsys.readouterr().out == f"{found}\n"


def test_referee_of_a_rate(capsys):
    rate = ("--tokens-per-second", "45000", "--gpu", "h100", "--gpus", "8")
    command("referee", "deepseek_ocr", "dtypes.activations=float16", *rate, "--format", "json")
    found = flopbench.referee(
        "deepseek_ocr",
        dtypes={"activations": "float16"},
        tokens_per_second=45000,
        gpu="h100",
        gpus=8,
    )
    assert found.to_dict() == json.loads(capsys.readouterr().out)
    assert found.rate.dtype == "float16"


def test_survey(capsys):
    options = ("--analytic-only", "--gpu", "h200", "--image", "a page.png", "--no-seconds")
    command("survey", "config.json", *options, "workload.context_tokens=8", "--out", "out")
    text = capsys.readouterr().out
    found = flopbench.survey(
        Path("config.json"),
        workload={"context_tokens": 8},
        analytic_only=True,
        gpu="h200",
        image=Path("a page.png"),
        out="mine",
    ).without_seconds()
    assert text.startswith(f"{found}\n4 files in out: survey.json, ")
    (row,) = json.loads(Path("out", "survey.json").read_text())["configs"]
    assert row == found.configs[0]
    assert row["notes"] == ["hf/llama has no workload.image: it is left out"]
    for ending in ("json", "csv", "md", "parquet"):
        file = found.save(f"saved.{ending}")
        if ending != "json":  # another indent
            assert file.read_bytes() == Path("out", f"survey.{ending}").read_bytes()
    assert {file.name for file in Path("mine").iterdir()} == {
        *(f"survey.{ending}" for ending in ("json", "csv", "md", "parquet")),
        ".survey.files",
    }


def test_explain(capsys):
    texts = ("explain", "deepseek_ocr", "--stages", "decode", "--depth", "2", "--work", "all")
    command(*texts, *GRID_TEXTS, "--format", "json", "--out", "out")
    found = flopbench.explain("deepseek_ocr", stages="decode", depth=2, work="all", workload=GRID)
    assert found.to_dict() == json.loads(capsys.readouterr().out)
    for ending in ("json", "md", "folded"):
        file = found.save(f"saved.{ending}")
        assert file.read_bytes() == Path("out", f"explain.{ending}").read_bytes()
    command(*texts, *GRID_TEXTS)
    assert capsys.readouterr().out == f"{found}\n"
    rows = found.rows()
    assert rows[0]["flops"] == found.root.flops == found.tree().value
    assert {row["depth"] for row in rows} == {0, 1, 2}


def test_prove(capsys):
    texts = ("prove", "config.json", "--stages", "prefill", "--symbols", "B")
    command(*texts, "--format", "json", "--out", "out")
    found = flopbench.prove("config.json", stages=["prefill"], symbols=["B"])
    assert found.verdict == "proved"
    assert found.to_dict() == json.loads(capsys.readouterr().out)
    for ending in ("json", "md", "tex"):
        file = found.save(f"saved.{ending}")
        assert file.read_bytes() == Path("out", f"proof.{ending}").read_bytes()
    command(*texts)
    assert capsys.readouterr().out == f"{found}\n"
    whole, *parts = found.rows()
    assert whole["component"] is None
    assert whole["difference"] == "0"
    notes = [child.note for child in found.tree().children[0].children]
    assert notes == [f"proved: {part['vendor']}" for part in parts]


VARIED = ("--vary", "workload.batch_size=1,2", "--vary", "workload.mode=tiny,base")
SWEEPS = {
    "varied": (
        ("deepseek_ocr", *VARIED, "--stages", "vision", "--ttft", "1"),
        (
            ("deepseek_ocr",),
            {
                "vary": {"workload.batch_size": range(1, 3), "workload.mode": ["tiny", "base"]},
                "stages": "vision",
                "ttft": 1,
            },
        ),
    ),
    "named": (
        (
            *("deepseek_ocr", "decode", "--analytic-only", "--grid", "1x2", "--grid", "2x2"),
            "workload.decode_steps=3",
        ),
        (
            ("deepseek_ocr", "decode"),
            {
                "analytic_only": True,
                "grids": [(1, 2), "2x2"],
                "workload": {"decode_steps": 3},
            },
        ),
    ),
}


@pytest.mark.parametrize("name", SWEEPS)
def test_sweep(name, capsys):
    texts, (models, options) = SWEEPS[name]
    command("sweep", *texts, "--out", "out", "--no-plots")
    capsys.readouterr()
    report = flopbench.sweep(*models, **options, out="mine")
    files = sorted(path.name for path in Path("out").iterdir())
    assert files == sorted(path.name for path in Path("mine").iterdir())
    for file in files:
        assert Path("mine", file).read_bytes() == Path("out", file).read_bytes(), file
    assert report.to_dict() == json.loads(Path("out", "sweep.json").read_text())
    assert report.save("a.csv").read_bytes() == Path("out", "sweep.csv").read_bytes()
    assert report.save("a.md").read_bytes() == Path("out", "sweep.md").read_bytes()
    command("sweep", *texts)
    assert capsys.readouterr().out == f"{report}\n"
    assert report.failed == []
    assert [point.name for point in report.tree().children] == [
        point["label"] for point in report.points
    ]


def test_compare(capsys):
    texts = ("config.json", "deepseek_ocr", "deepseek_ocr:workload.mode=tiny,model.dtype=float16")
    texts = ("compare", *texts, "--stages", "prefill", "workload.batch_size=2")
    command(*texts, "--format", "json")
    found = flopbench.compare(
        "config.json",
        "deepseek_ocr",
        ("deepseek_ocr", {"workload": {"mode": "tiny"}, "model_options": {"dtype": "float16"}}),
        stages=["prefill"],
        workload={"batch_size": 2},
    )
    assert found.to_dict() == json.loads(capsys.readouterr().out)
    command(*texts)
    assert capsys.readouterr().out == f"{found}\n"
    assert {(row["model"], row["attention"], row["flops"]) for row in found.rows()} == {
        (side.label, mode, cost["flops"])
        for side in found.sides
        for mode, cost in side.costs["prefill"].items()
    }
    assert flopbench.compare(*texts[1:4], stages="prefill", workload={"batch_size": 2}) == found


O = "deepseek_ocr"  # noqa: E741 - it is in every line of the table
A = {"analytic_only": True}
WRONG = {
    "model": (("run", "deepseek_orc"), ("run", ("deepseek_orc",), {})),
    "no model": (("run", "no/config.json"), ("run", (Path("no/config.json"),), {})),
    "mode": (("run", O, "--attention", "flahs"), ("run", (O,), {"attention": ["flahs"]})),
    "no mode": (("run", O, "--attention", ","), ("run", (O,), {"attention": []})),
    "stage": (("run", O, "--stages", "prefil"), ("run", (O,), {"stages": "prefil"})),
    "counter": (("run", O, "--counters", "torhc"), ("run", (O,), {"counters": ["torhc"]})),
    "method": (("run", O, "run.method=symbolc"), ("run", (O,), {"method": "symbolc"})),
    "key": (("run", O, "workload.batchsize=2"), ("run", (O,), {"workload": {"batchsize": 2}})),
    "type": (
        ("run", O, "workload.batch_size=two"),
        ("run", (O,), {"workload": {"batch_size": "two"}}),
    ),
    "zero": (("run", O, "workload.batch_size=0"), ("run", (O,), {"workload": {"batch_size": 0}})),
    "flag": (
        ("run", O, "workload.batch_size=true"),
        ("run", (O,), {"workload": {"batch_size": True}}),
    ),
    "empty": (
        ("run", O, 'workload.mode=""'),
        ("run", (O,), {"workload": {"mode": ""}}),
    ),
    "convention": (
        ("run", O, "conventions.sofmax=2"),
        ("run", (O,), {"conventions": {"sofmax": 2}}),
    ),
    "image": (("run", O, "--image", "none.png"), ("run", (O,), {**A, "image": "none.png"})),
    "empty image": (("run", O, "--image", ""), ("run", (O,), {"image": ""})),
    "config": (("run", O, "--config", "none.yaml"), ("run", (O,), {"config": Path("none.yaml")})),
    "two configs": (
        ("run", "config.json", "model.config=config.json"),
        ("run", ("config.json",), {"model_options": {"config": "config.json"}}),
    ),
    "plugin": (("run", O, "-p", "no:such"), ("run", (O,), {"plugins": ["no:such"]})),
    "symbol": (("prove", O, "--symbols", "Q"), ("prove", (O,), {"symbols": "Q"})),
    "no symbol": (("prove", O, "--symbols", ","), ("prove", (O,), {"symbols": ()})),
    "depth": (("explain", O, "--depth", "-1"), ("explain", (O,), {"depth": -1})),
    "work": (("explain", O, "--work", "vectr"), ("explain", (O,), {"work": "vectr"})),
    "formula": (
        ("referee", O, "--formulas", "palmm"),
        ("referee", (O,), {"formulas": ["palmm"]}),
    ),
    "phase": (("referee", O, "--phases", "step"), ("referee", (O,), {"phases": "step"})),
    "rate": (
        ("referee", O, "--tokens-per-second", "0", "--gpu", "h100"),
        ("referee", (O,), {"tokens_per_second": 0.0, "gpu": "h100"}),
    ),
    "no path": (("survey", "hf/llama"), ("survey", ("hf/llama",), {})),
    "check": (("survey", ".", "--check", "prov"), ("survey", (".",), {"check": "prov"})),
    "GPU": (("survey", ".", "--gpu", "h2000"), ("survey", (".",), {"gpu": "h2000"})),
    "page": (("survey", ".", "--image", "no.png"), ("survey", (".",), {"image": "no.png"})),
    "value": (
        ("survey", ".", "workload.batch_size=-1"),
        ("survey", (".",), {"workload": {"batch_size": -1}}),
    ),
    "no model's": (
        ("survey", ".", "workload.batchsize=1"),
        ("survey", (".",), {"workload": {"batchsize": 1}}),
    ),
    "own option": (
        ("survey", ".", "hardware.gpu=h200"),
        ("survey", (".",), {"hardware": {"gpu": "h200"}}),
    ),
    "no GPU": (
        ("survey", ".", "hardware.memory_gb=3"),
        ("survey", (".",), {"hardware": {"memory_gb": 3}}),
    ),
    "modes": (
        ("explain", O, "--attention", "eager,flash"),
        ("explain", (O,), {"attention": "eager,flash"}),
    ),
    "no sweep": (("sweep", O), ("sweep", (O,), {})),
    "sweep": (("sweep", O, "decod"), ("sweep", (O, "decod"), {})),
    "vary": (
        ("sweep", O, "--vary", "decode_steps=1,2"),
        ("sweep", (O,), {"vary": {"decode_steps": [1, 2]}}),
    ),
    "vary twice": (
        ("sweep", O, "--vary", "workload.mode=base", "workload.mode=tiny"),
        ("sweep", (O,), {"vary": {"workload.mode": "base"}, "workload": {"mode": "tiny"}}),
    ),
    "grid": (
        ("sweep", O, "decode", "--grid", "0x1"),
        ("sweep", (O, "decode"), {"grids": [(0, 1)]}),
    ),
    "ttft": (("sweep", O, "decode", "--ttft", "0"), ("sweep", (O, "decode"), {"ttft": 0.0})),
    "out": (
        ("sweep", O, "decode", "--out", "config.json/x"),
        ("sweep", (O, "decode"), {"out": "config.json/x"}),
    ),
    "none": (("compare", "workload.mode=base"), ("compare", (), {"workload": {"mode": "base"}})),
    "twice": (("compare", O, O), ("compare", (O, O), {})),
    "no settings": (("compare", O, f"{O}:"), ("compare", (O, f"{O}:"), {})),
    "run setting": (
        ("compare", O, f"{O}:run.stages=[decode]"),
        ("compare", (O, (O, {"run": {"stages": ["decode"]}})), {}),
    ),
    "its key": (
        ("compare", O, f"{O}:workload.mod=base"),
        ("compare", (O, (O, {"workload": {"mod": "base"}})), {}),
    ),
    "no stage": (
        ("compare", O, "config.json", "--stages", "x"),
        ("compare", (O, "config.json"), {"stages": "x"}),
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_in_the_same_sentence(name):
    texts, (function, models, options) = WRONG[name]
    with pytest.raises(FlopbenchError) as by_command:
        command(*texts)
    with pytest.raises(type(by_command.value)) as by_function:
        getattr(flopbench, function)(*models, **options)
    assert str(by_function.value) == str(by_command.value)
