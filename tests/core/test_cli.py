"""The command line: what it prints, writes and exits with."""

import csv
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from cli_helpers import one_sentence

REPORTS = ["report.csv", "report.json", "report.md"]
GRID = ("workload.crop_grid.rows=1", "workload.crop_grid.cols=2", "workload.decode_steps=5")
ANALYTIC = ("run", "deepseek_ocr", "--analytic-only")


@pytest.fixture(scope="module")
def full_run(tmp_path_factory):
    """A whole run on a small workload, with its files."""
    out = tmp_path_factory.mktemp("run") / "new" / "folder"
    result = subprocess.run(
        [sys.executable, "-m", "flopbench.cli", "run", "deepseek_ocr", *GRID, "--out", out],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return result.stdout, out


def test_the_console_shows_the_three_lines_of_each_stage(full_run):
    stdout, _ = full_run
    lines = stdout.splitlines()
    start = lines.index("Prefill FLOPs (TFLOPs):")
    assert lines[start + 1].startswith("  vendor (eager, torch)        : 0.580991")
    assert lines[start + 2].startswith("  analytic eager (full)        : 0.581658")
    assert lines[start + 3].startswith("  analytic flash (full)        : 0.574083")
    assert lines[start + 3].endswith("   [no vendor match]")
    assert "exact: eager = vendor (torch) in each of 8 components" in lines[start + 4]
    assert "softmax" in lines[start + 5]
    note = "no vendor match: not compared, because the vendor runs eager attention"
    assert lines.count(note) == 1
    assert lines[-1].startswith("verdict: verified")


def test_report_json_has_all_that_it_promises(full_run):
    _, out = full_run
    report = json.loads((out / "report.json").read_text())
    assert report["schema_version"] == "1.2"
    assert report["model"] == "deepseek_ocr"
    workload = report["workload"]
    assert (workload["image_tokens"], workload["context_tokens"]) == (483, 493)
    assert workload["decode_steps"] == 5
    assert workload["crop_grid"] == {"rows": 1, "cols": 2}
    provenance = report["provenance"]
    assert set(provenance) == {
        "versions",
        "plugins",
        "vendor",
        "counters",
        "convention",
        "config",
        "assumptions",
        "fallbacks",
    }
    assert provenance["convention"]["softmax"] == 5
    assert provenance["vendor"]["attention"] == "eager"
    assert provenance["fallbacks"][0]["component"] == "vision/sam/attention/core"
    assert any("built to its length" in note for note in provenance["assumptions"])


STAGES = ["vision", "prefill", "decode", "vision_prefill", "end2end"]


def test_series_are_exact_integers_that_add_up(full_run):
    _, out = full_run
    series = json.loads((out / "report.json").read_text())["series"]
    labels = ["vendor (eager, torch)", "analytic eager (full)", "analytic flash (full)"]
    assert [(s["stage"], s["label"]) for s in series] == [(a, b) for a in STAGES for b in labels]
    for s in series:
        assert isinstance(s["flops"], int)
        assert sum(entry["flops"] for entry in s["breakdown"]) == s["flops"]
        if s["kind"] == "analytic":
            assert s["flops"] == s["tensor_flops"] + s["vector_flops"]
            assert s["torch_visible_flops"] <= s["tensor_flops"]
    for label in labels:
        flops = {s["stage"]: s["flops"] for s in series if s["label"] == label}
        assert flops["vision_prefill"] == flops["vision"] + flops["prefill"]
        assert flops["end2end"] == flops["vision_prefill"] + flops["decode"]


def test_comparisons_say_what_is_exact_and_what_has_no_match(full_run):
    _, out = full_run
    comparisons = json.loads((out / "report.json").read_text())["comparisons"]
    verdicts = {(c["stage"], c["attention"]): c["verdict"] for c in comparisons}
    assert verdicts == {
        **{(stage, "eager"): "exact" for stage in STAGES},
        **{(stage, "flash"): "no_vendor_match" for stage in STAGES},
    }
    for c in comparisons:
        if c["attention"] == "eager":
            assert c["difference"] == 0
            assert c["vendor_flops"] == c["torch_visible_flops"]
            assert sum(part["vendor_flops"] for part in c["components"]) == c["vendor_flops"]


def test_csv_and_markdown_carry_the_same_numbers(full_run):
    _, out = full_run
    report = json.loads((out / "report.json").read_text())
    rows = list(csv.DictReader((out / "report.csv").read_text().splitlines()))
    assert [int(row["flops"]) for row in rows] == [s["flops"] for s in report["series"]]
    assert {row["verdict"] for row in rows} == {"", "exact", "no_vendor_match"}
    markdown = (out / "report.md").read_text()
    assert all(f"{s['flops']:,}" in markdown for s in report["series"])
    assert "| decoder/moe/experts |" in markdown
    assert sorted(path.name for path in out.iterdir()) == REPORTS


def test_an_analytic_run_compares_nothing(flopbench):
    result = flopbench(*ANALYTIC, *GRID, "--format", "json")
    assert result.returncode == 0
    report = json.loads(result.stdout)
    assert report["comparisons"] == []
    assert {s["kind"] for s in report["series"]} == {"analytic"}


def test_chosen_stages_and_modes_only(flopbench):
    result = flopbench(
        *ANALYTIC, "--stages", "end2end,prefill", "--attention", "flash_torch", "--format", "json"
    )
    series = json.loads(result.stdout)["series"]
    assert [s["stage"] for s in series] == ["prefill", "end2end"]
    assert {s["label"] for s in series} == {"analytic flash (torch-visible)"}
    assert all(s["flops"] == s["torch_visible_flops"] for s in series)


def test_executed_work_is_shown_with_its_useful_part(flopbench, tmp_path):
    modes = ("--attention", "eager,flash,flash_executed", "--stages", "prefill")
    result = flopbench(*ANALYTIC, *modes, "--out", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    eager, flash, executed = report["series"]
    assert executed["useful_flops"] == flash["tensor_flops"]
    padding = 12 * (2_684_354_560 - 4 * 128 * 10 * (913 * 914 // 2))
    assert executed["tensor_flops"] == flash["tensor_flops"] + padding
    assert executed["executed_ratio"] == executed["tensor_flops"] / flash["tensor_flops"]
    assert executed["vector_flops"] == flash["vector_flops"]
    for series in (eager, flash):
        assert series["useful_flops"] is series["executed_ratio"] is None
    line = "    tensor work: 1.080510 executed for 1.073933 useful, 1.0061 times as much"
    assert line in result.stdout.splitlines()
    markdown = (tmp_path / "out" / "report.md").read_text()
    assert "| useful tensor | executed / useful |" in markdown
    assert f"| {executed['useful_flops']:,} | 1.0061 |" in markdown
    rows = list(csv.DictReader((tmp_path / "out" / "report.csv").read_text().splitlines()))
    assert [row["useful_flops"] for row in rows] == ["", "", str(executed["useful_flops"])]
    assert float(rows[2]["executed_ratio"]) == executed["executed_ratio"]


def test_a_convention_can_be_overridden_and_is_printed(flopbench):
    result = flopbench(*ANALYTIC, "conventions.softmax=7")
    assert "softmax=7" in result.stdout


def test_an_image_option_is_short_for_the_key(flopbench, tmp_path):
    from PIL import Image

    Image.new("L", (2000, 1000)).save(tmp_path / "wide.png")
    result = flopbench(*ANALYTIC, "--image", "wide.png", "--format", "json")
    workload = json.loads(result.stdout)["workload"]
    assert workload["image"] == "wide.png"
    assert (workload["tile_rows"], workload["tile_cols"]) == (2, 4)


def test_a_config_file_is_read(flopbench, tmp_path):
    (tmp_path / "mine.yaml").write_text("workload: {mode: tiny}\nrun: {analytic_only: true}\n")
    result = flopbench("run", "deepseek_ocr", "--config", "mine.yaml", "--format", "json")
    assert json.loads(result.stdout)["workload"]["image_tokens"] == 73


BAD = {
    "model": (("run", "deepseek_orc"), "unknown model 'deepseek_orc': did you mean"),
    "mode": ((*ANALYTIC, "--attention", "flahs"), "did you mean 'flash'?"),
    "no mode": ((*ANALYTIC, "--attention", ","), "run.attention must name at least one"),
    "stage": ((*ANALYTIC, "--stages", "prefil"), "did you mean 'prefill'?"),
    "counter": (("run", "deepseek_ocr", "--counters", "torhc"), "did you mean 'torch'?"),
    "reporter": ((*ANALYTIC, "--format", "jsn"), "did you mean 'json'?"),
    "key": ((*ANALYTIC, "workload.batchsize=2"), "did you mean 'batch_size'?"),
    "type": ((*ANALYTIC, "workload.batch_size=two"), "must be an integer, got 'two'"),
    "zero": ((*ANALYTIC, "workload.batch_size=0"), "workload.batch_size must be >= 1, got 0"),
    "negative": ((*ANALYTIC, "workload.prompt_tokens=-1"), "must be >= 0, got -1"),
    "size": ((*ANALYTIC, "workload.image=[0,10]"), "both at least 1 pixel"),
    "no image": ((*ANALYTIC, "--image", "none.png"), "none.png: No such file"),
    "no config": ((*ANALYTIC, "--config", "none.yaml"), "none.yaml: No such file"),
    "no model config": ((*ANALYTIC, "model.config=none.json"), "none.json: No such file"),
    "vendor attention": (
        ("run", "deepseek_ocr", "vendor.attention=sdpa"),
        "vendor.attention must be 'eager' (FlopCounterMode cannot see",
    ),
    "blocked": (("-p", "no:deepseek_ocr", *ANALYTIC), "unknown model 'deepseek_ocr'"),
    "empty image": ((*ANALYTIC, "--image", ""), "--image is empty"),
    "empty out": ((*ANALYTIC, "--out", ""), "--out is empty"),
    "empty format": ((*ANALYTIC, "--format", ""), "--format must name at least one"),
    "empty plugin": ((*ANALYTIC, "-p", ""), "-p needs the name"),
    "long out": ((*ANALYTIC, "--out", "x" * 300), "File name too long"),
    "no plugin": (("-p", "no:such", "list"), "unknown plugin to block 'such'"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_sentence(name, flopbench):
    args, message = BAD[name]
    assert message in one_sentence(flopbench(*args))


@pytest.mark.parametrize("args", [(), ("run",), ("run", "deepseek_ocr", "--nonsense"), ("sing",)])
def test_usage_errors_exit_with_2(args, flopbench):
    result = flopbench(*args)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr


def test_an_unwritable_out_fails_before_any_work(flopbench, tmp_path):
    (tmp_path / "file").write_text("")
    for out in ("file", "file/below"):
        message = one_sentence(flopbench(*ANALYTIC, "--out", out))
        assert message.startswith(f"cannot write to --out {out}: ")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_failed_run_leaves_no_folder(flopbench, tmp_path):
    one_sentence(flopbench(*ANALYTIC, "--out", "new/folder", "workload.mode=bse"))
    assert list(tmp_path.iterdir()) == []


def plugin(folder, source):
    (folder / "mine.py").write_text(textwrap.dedent(source))
    return "mine.py"


def test_an_attention_mode_of_ten_lines_runs_on_the_model(flopbench, tmp_path):
    name = plugin(
        tmp_path,
        """
        from flopbench import AttentionMode, MatMul, hookimpl

        class Scores(AttentionMode):
            name = "scores"

            def lower(self, op):
                yield MatMul(component=op.component, layers=op.layers, batch=op.batch * op.heads,
                             m=1, k=op.head_dim, n=op.pairs)

        @hookimpl
        def flopbench_attention_modes():
            return [Scores]
        """,
    )
    result = flopbench(*ANALYTIC, "-p", name, "--attention", "eager,scores", "--format", "json")
    series = json.loads(result.stdout)["series"]
    assert {s["label"] for s in series} == {"analytic eager (full)", "analytic scores (full)"}
    listed = flopbench("-p", name, "list").stdout
    assert "scores" in listed
    assert "[mine, -p]" in listed


RAISES = """
    from flopbench import AttentionMode, Reporter, hookimpl

    class Bad(AttentionMode):
        name = "bad"
        def lower(self, op):
            raise RuntimeError("no attention today")

    class Mute(Reporter):
        name = "mute"
        filename = "mute.txt"
        def render(self, report):
            raise RuntimeError("no words")

    @hookimpl
    def flopbench_attention_modes():
        return [Bad]

    @hookimpl
    def flopbench_reporters():
        return [Mute]
"""


def test_a_mode_that_raises_is_named(flopbench, tmp_path):
    name = plugin(tmp_path, RAISES)
    message = one_sentence(flopbench(*ANALYTIC, "-p", name, "--attention", "bad"))
    assert "attention mode 'bad'" in message
    assert "RuntimeError: no attention today" in message


def test_a_reporter_that_raises_is_named_and_fatal_if_asked_for(flopbench, tmp_path):
    name = plugin(tmp_path, RAISES)
    result = flopbench(*ANALYTIC, "-p", name, "--out", "out")
    assert result.returncode == 2
    assert "plugin 'mine' (-p): reporter 'mute' failed: RuntimeError: no words" in result.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == REPORTS
    message = one_sentence(flopbench(*ANALYTIC, "-p", name, "--out", "new", "--format", "mute"))
    assert message == "reporter 'mute' failed: RuntimeError: no words (mine.py, line 13)"
    assert not (tmp_path / "new").exists()


def test_files_are_written_all_or_not_at_all(flopbench, tmp_path):
    (tmp_path / "report.md").mkdir()
    message = one_sentence(flopbench(*ANALYTIC, "--out", "."))
    assert message == "cannot write to --out .: report.md is a directory"
    assert [path.name for path in tmp_path.iterdir()] == ["report.md"]


def test_a_name_that_is_no_utf8_does_not_stop_the_report(tmp_path):
    from PIL import Image

    Image.new("L", (9, 9)).save(tmp_path / "page.png")
    odd = os.fsencode(tmp_path) + b"/odd\xff.png"
    (tmp_path / "page.png").rename(os.fsdecode(odd))
    command = [sys.executable, "-m", "flopbench.cli", *ANALYTIC, "--image", odd, "--out", "out"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == REPORTS


@pytest.mark.parametrize("after", ["| head -1", ">&-"])
def test_a_reader_that_left_is_no_error(after):
    command = f"{sys.executable} -m flopbench.cli {' '.join(ANALYTIC)} {after}"
    done = subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_full_disk_is_one_sentence():
    command = [sys.executable, "-m", "flopbench.cli", *ANALYTIC]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert "cannot write the output" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_broken_plugin_is_named_and_fatal_when_strict(flopbench, tmp_path):
    name = plugin(tmp_path, "import not_a_module")
    result = flopbench(*ANALYTIC, "-p", name)
    assert result.returncode == 2
    assert "error: plugin 'mine' (-p) failed to import: ModuleNotFoundError" in result.stderr
    assert "warning: plugin 'mine' (-p) failed to import" in result.stdout
    assert "failed to import" in flopbench("list", "-p", name).stdout
    for args in (
        (*ANALYTIC, "-p", name, "--strict-plugins"),
        ("--strict-plugins", "-p", name, "list"),
    ):
        assert "failed to import" in one_sentence(flopbench(*args))


BLIND = """
    import torch
    from torch import nn
    from flopbench import VendorCall, VendorModel, VendorStage, hookimpl
    from flopbench_deepseek_ocr.vendor import VendorOptions

    class Blind(VendorModel):
        name = "deepseek_ocr"
        options_type = VendorOptions

        @classmethod
        def from_options(cls, architecture, options):
            return cls()

        def stage(self, name, workload):
            if name == "decode":
                raise RuntimeError("no decoder")
            q = torch.zeros(1, 2, 8, 16)
            attend = nn.functional.scaled_dot_product_attention
            return VendorStage(lambda step: VendorCall(nn.Identity(), lambda: attend(q, q, q)))

        def component(self, module):
            return "vision"

    @hookimpl
    def flopbench_vendor_models():
        return [Blind]
"""


def test_what_cannot_be_counted_is_incomplete_never_0(flopbench, tmp_path):
    name = plugin(tmp_path, BLIND)
    # Without the real vendor model its name is free for another.
    (tmp_path / "closed_forms.py").write_text(
        "from flopbench_deepseek_ocr.plugin import flopbench_analytic_models\n"
    )
    args = ("-p", "no:deepseek_ocr", "-p", "closed_forms.py", "-p", name)
    result = flopbench("run", "deepseek_ocr", *args, "--format", "json")
    assert result.returncode == 1, result.stderr
    report = json.loads(result.stdout)
    eager = {c["stage"]: c for c in report["comparisons"] if c["attention"] == "eager"}
    assert {c["verdict"] for c in eager.values()} == {"incomplete"}
    (uncounted,) = eager["vision"]["uncounted"]
    assert uncounted["op"] == "aten._scaled_dot_product_flash_attention_for_cpu"
    assert uncounted["calls"] == 1
    assert eager["decode"]["vendor_flops"] is None
    assert "RuntimeError: no decoder" in eager["decode"]["reason"]
    assert eager["end2end"]["vendor_flops"] is None
    vendor = {s["stage"]: s for s in report["series"] if s["kind"] == "vendor"}
    assert vendor["decode"]["flops"] is None
    assert "no decoder" in vendor["decode"]["error"]
    flash = flopbench("run", "deepseek_ocr", *args, "--stages", "vision", "--attention", "flash")
    assert flash.returncode == 1
    assert "not verified: vision (torch: uncounted ops)" in flash.stdout
    console = flopbench("run", "deepseek_ocr", *args).stdout
    assert "not counted" in console
    assert (
        "uncounted: aten._scaled_dot_product_flash_attention_for_cpu in vision, 1 calls" in console
    )


def test_list_and_version(flopbench):
    listed = flopbench("list").stdout
    for text in ("deepseek_ocr", "flash_torch", "torch", "console", "end2end = vision + prefill"):
        assert text in listed
    assert flopbench("--version").stdout.startswith("flopbench 0.")


@pytest.mark.parametrize(
    "code",
    [
        "import flopbench",
        "import flopbench.cli",
        """
import sys
from flopbench.cli import main
sys.argv = ['flopbench', 'run', 'deepseek_ocr', '--analytic-only']
try:
    main()
except SystemExit as end:
    assert end.code == 0
        """.strip(),
    ],
    ids=["import", "cli", "analytic only"],
)
def test_no_heavy_library_is_loaded_without_need(code):
    heavy = ("torch", "transformers", "matplotlib", "sympy")
    check = f"{code}\nimport sys; print([m for m in {heavy!r} if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip().endswith("[]")


COUNTERS = """
    from flopbench import Convention, Count, Counted, CountError, VendorCounter, hookimpl

    class Instructions(VendorCounter):
        name = "instructions"
        convention = Convention(unit="instruction", sees=frozenset({"linear", "matmul"}))
        def count(self, call):
            return Count((Counted("lm_head", "mm", 5),))

    class Failing(VendorCounter):
        name = "failing"
        convention = Convention(unit="FLOP", sees=frozenset({"linear"}))
        def count(self, call):
            raise CountError("no counter today")

    @hookimpl
    def flopbench_vendor_counters():
        return [Instructions, Failing]
"""


def test_another_unit_is_shown_and_not_compared(flopbench, tmp_path):
    name = plugin(tmp_path, COUNTERS)
    args = ("run", "deepseek_ocr", *GRID, "-p", name, "--stages", "prefill")
    result = flopbench(*args, "--counters", "instructions")
    assert result.returncode == 0
    assert "(unit: instruction)" in result.stdout
    assert (
        "not_comparable: eager, instructions: the counter's unit is instruction, not FLOP or MAC"
        in result.stdout
    )
    assert result.stdout.splitlines()[-1] == (
        "verdict: nothing was checked: eager and flash not compared with vendor (instructions), "
        "because the counter's unit is instruction, not FLOP or MAC"
    )


def test_a_count_that_failed_fails_the_run_in_any_mode(flopbench, tmp_path):
    name = plugin(tmp_path, COUNTERS)
    args = (
        "run",
        "deepseek_ocr",
        *GRID,
        "-p",
        name,
        "--stages",
        "prefill",
        "--counters",
        "failing",
    )
    for mode in ("eager", "flash"):
        result = flopbench(*args, "--attention", mode)
        assert result.returncode == 1
        assert "vendor (eager, failing)      : not counted" in result.stdout
        assert "verdict: not verified: prefill" in result.stdout


def test_every_vendor_counter_has_rows_of_its_own(flopbench, tmp_path):
    name = plugin(tmp_path, COUNTERS)
    args = ("run", "deepseek_ocr", *GRID, "-p", name, "--stages", "prefill")
    result = flopbench(*args, "--counters", "instructions,failing", "--format", "csv")
    rows = list(csv.DictReader(result.stdout.splitlines()))
    eager = {r["vendor_counter"]: r for r in rows if r["attention"] == "eager" and r["verdict"]}
    assert eager["instructions"]["verdict"] == "not_comparable"
    assert eager["failing"]["reason"] == "no counter today"


MODEL = """
    from __future__ import annotations
    from typing import Literal
    from attrs import frozen
    from flopbench import AnalyticModel, Linear, Stage, hookimpl

    @frozen
    class Inputs:
        rows: int = 3
        kind: Literal["a", "b"] = "a"

    @frozen
    class Options:
        pass

    class Toy(AnalyticModel):
        name = "toy"
        stages = (Stage("all", "All"),)
        options_type, inputs_type = Options, Inputs

        @classmethod
        def from_options(cls, options):
            return cls()

        architecture = None

        def workload(self, inputs):
            return inputs.rows

        def workload_facts(self, workload):
            return {}

        def ops(self, stage, workload):
            yield Linear(component="all", rows=workload, in_features=2, out_features=5)

    @hookimpl
    def flopbench_analytic_models():
        return [Toy]
"""


def test_a_model_in_one_file_with_postponed_annotations(flopbench, tmp_path):
    name = plugin(tmp_path, MODEL)
    result = flopbench("run", "toy", "rows=1", "-p", name, "--analytic-only")
    assert "must name a section: workload.rows" in one_sentence(result)
    result = flopbench("run", "toy", "workload.rows=4", "-p", name, "--analytic-only")
    assert result.returncode == 0, result.stderr
    assert "verdict: nothing was checked against a vendor" in result.stdout
    message = one_sentence(flopbench("run", "toy", "-p", name))
    assert "model 'toy' has no vendor model" in message
    assert "`flopbench run --analytic-only` prices its closed forms alone" in message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("return inputs.rows", "raise RuntimeError('no rows')", "workload failed: RuntimeError"),
        ("return cls()", "raise RuntimeError('no')", "from_options failed: RuntimeError: no"),
        ("return {}", "return None", "workload_facts returned None, which is no Mapping"),
        ("rows=workload", "rows=1.5", "pricing stage 'all' of model 'toy'"),
        ("rows=workload", "rows=__import__('sympy').Symbol('S')", "must be an int, got 20*S"),
    ],
)
def test_a_model_that_breaks_is_named(flopbench, tmp_path, old, new, message):
    name = plugin(tmp_path, MODEL.replace(old, new))
    assert message in one_sentence(flopbench("run", "toy", "-p", name, "--analytic-only"))


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('stages = (Stage("all", "All"),)', "stages = ()", "stages"),
        ('Stage("all", "All"),', 'Stage("all", "All", parts=("none",)),', "stages"),
        ("inputs_type = Options, Inputs", "inputs_type = Options, dict", "inputs_type"),
        ("architecture = None", "architecture, parts = None, 5", "parts"),
        ("architecture = None", "architecture, sweeps = None, (5,)", "sweeps"),
    ],
)
def test_a_model_without_its_class_attributes_is_not_listed(flopbench, tmp_path, old, new, what):
    result = flopbench("list", "-p", plugin(tmp_path, MODEL.replace(old, new)))
    assert result.returncode == 2
    assert f"AnalyticModel Toy has no proper {what}" in result.stdout


def test_a_default_that_fails_is_told_and_the_rest_is_listed(flopbench, tmp_path):
    text = MODEL.replace("import frozen", "import field, frozen")
    name = plugin(
        tmp_path, text.replace("rows: int = 3", "rows: int = field(factory=lambda: 1 // 0)")
    )
    result = flopbench("list", "-p", name)
    assert result.returncode == 0
    assert "toy: workload.rows (its default failed: ZeroDivisionError: " in result.stdout
    assert "mine.py, line " in result.stdout
    assert "toy: workload.kind=a" in result.stdout
    assert "Failed plugins: none" in result.stdout
