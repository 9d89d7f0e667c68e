"""A run: what it shows, writes and compares."""

import csv
import hashlib
import json
import subprocess
import sys

import pytest

from support.cli import ANALYTIC, GRID, REPORTS, plugin, shown


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
    assert (
        result.stderr
        == f"flopbench: wrote report.json, report.md, report.csv, report.html in {out}\n"
    )
    return result.stdout, out


def test_the_console_shows_the_three_lines_of_each_stage(full_run):
    stdout, out = full_run
    report = json.loads((out / "report.json").read_text())
    prefill = {s["label"]: s["flops"] for s in report["series"] if s["stage"] == "prefill"}
    assert prefill == {
        "vendor (eager, torch)": 580_990_955_520,
        "analytic eager (full)": 581_657_985_506,
        "analytic flash (full)": 574_083_139_106,
    }
    lines = stdout.splitlines()
    start = lines.index("Prefill FLOPs (TFLOPs):") + 1
    printed = dict(map(str.strip, line.split(":", 1)) for line in lines[start : start + 3])
    assert list(printed) == list(prefill)
    for label, flops in prefill.items():
        assert printed[label].split()[0] == f"{flops / 10**12:.6f}"
    eager, flash = (c for c in report["comparisons"] if c["stage"] == "prefill")
    assert (eager["verdict"], len(eager["components"])) == ("exact", 8)
    assert "softmax" in eager["unseen"]
    assert flash["verdict"] == "no_vendor_match"
    assert report["verdict"] == "verified"


def test_report_json_has_all_that_it_promises(full_run):
    _, out = full_run
    report = json.loads((out / "report.json").read_text())
    assert report["schema_version"] == "1.7"
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
        "architecture",
    }
    fields = provenance["architecture"]["fields"]
    assert (fields["sam"]["layers"], fields["clip"]["width"]) == (12, 1024)
    # As anyone can make it, without flopbench.
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert provenance["architecture"]["digest"] == f"sha256:{digest}"
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
    assert (executed["tensor_flops"], executed["useful_flops"]) == (
        1_080_510_382_080,
        1_073_933_414_400,
    )
    rows = list(csv.DictReader((tmp_path / "out" / "report.csv").read_text().splitlines()))
    assert [row["useful_flops"] for row in rows] == ["", "", str(executed["useful_flops"])]
    assert float(rows[2]["executed_ratio"]) == executed["executed_ratio"]


def test_a_convention_can_be_overridden_and_is_printed(flopbench):
    text, report = shown(flopbench(*ANALYTIC, "conventions.softmax=7", "--format", "console,json"))
    assert report["provenance"]["convention"]["softmax"] == 7
    assert "softmax=7" in text


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


def vendor_flops(report):
    return {s["stage"]: s["flops"] for s in report["series"] if s["kind"] == "vendor"}


@pytest.mark.slow
def test_counting_by_law_gives_what_counting_gives_and_says_so(flopbench):
    reports = {
        method: json.loads(
            flopbench(
                "run", "deepseek_ocr", *GRID, f"run.method={method}", "--format", "json"
            ).stdout
        )
        for method in ("symbolic", "concrete")
    }
    assert vendor_flops(reports["symbolic"]) == vendor_flops(reports["concrete"])
    for method, report in reports.items():
        assert report["verdict"] == "verified"
        assert report["provenance"]["counters"]["torch"]["method"] == method
    notes = reports["symbolic"]["provenance"]["assumptions"]
    assert any("61440*S**2 + 1148190720*S" in note for note in notes)
    assert not any("law" in note for note in reports["concrete"]["provenance"]["assumptions"])


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
    alone = ("--stages", "vision", "--attention", "flash", "--format", "json")
    flash = flopbench("run", "deepseek_ocr", *args, *alone)
    assert flash.returncode == 1
    report = json.loads(flash.stdout)
    assert report["verdict"] == "not_verified"
    (vendor,) = (s for s in report["series"] if s["kind"] == "vendor")
    assert vendor["uncounted"] == [uncounted]
    assert uncounted["component"] == "vision"


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
    result = flopbench(*args, "--counters", "instructions", "--format", "json")
    assert result.returncode == 0
    report = json.loads(result.stdout)
    (vendor,) = (s for s in report["series"] if s["kind"] == "vendor")
    assert (vendor["flops"], vendor["unit"]) == (5, "instruction")
    (eager,) = (c for c in report["comparisons"] if c["attention"] == "eager")
    assert eager["verdict"] == "not_comparable"
    assert eager["reason"] == "the counter's unit is instruction, not FLOP or MAC"
    assert report["verdict"] == "not_checked"


def test_a_count_that_failed_fails_the_run_in_any_mode(flopbench, tmp_path):
    name = plugin(tmp_path, COUNTERS)
    args = ("run", "deepseek_ocr", *GRID, "-p", name, "--stages", "prefill")
    for mode in ("eager", "flash"):
        options = ("--counters", "failing", "--attention", mode, "--format", "json")
        result = flopbench(*args, *options)
        assert result.returncode == 1
        report = json.loads(result.stdout)
        (vendor,) = (s for s in report["series"] if s["kind"] == "vendor")
        assert vendor["label"] == "vendor (eager, failing)"
        assert (vendor["flops"], vendor["error"]) == (None, "no counter today")
        assert report["verdict"] == "not_verified"


def test_every_vendor_counter_has_rows_of_its_own(flopbench, tmp_path):
    name = plugin(tmp_path, COUNTERS)
    args = ("run", "deepseek_ocr", *GRID, "-p", name, "--stages", "prefill")
    result = flopbench(*args, "--counters", "instructions,failing", "--format", "csv")
    rows = list(csv.DictReader(result.stdout.splitlines()))
    eager = {r["vendor_counter"]: r for r in rows if r["attention"] == "eager" and r["verdict"]}
    assert eager["instructions"]["verdict"] == "not_comparable"
    assert eager["failing"]["reason"] == "no counter today"
