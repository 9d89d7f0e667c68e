"""``flopbench sweep``: its points, its files and its numbers."""

import csv
import json
import os
import pty
import subprocess
import sys

import pytest

from flopbench.commands.sweep.by_hand import grids
from flopbench.inputs import pages
from flopbench.text import si
from support.cli import one_sentence, read_all
from toy.sweep import ToySweep

PAGE = str(pages.SAMPLE_PAGE)

SWEEP = ("sweep", "deepseek_ocr", "--analytic-only")
FILES = ("--no-plots", "--out", "out")


@pytest.fixture
def sweep(flopbench, tmp_path):
    """Run an analytic sweep of DeepSeek-OCR; return its report."""

    def run(*args):
        result = flopbench(*SWEEP, *args, *FILES)
        assert (result.returncode, result.stderr) == (0, ""), result.stderr
        return json.loads((tmp_path / "out" / "sweep.json").read_text())

    return run


def test_two_axes_make_all_pairs_the_last_one_fastest(sweep):
    vary = ("--vary", "workload.mode=base,large", "--vary", "workload.decode_steps=1:3")
    report = sweep(*vary, "--stages", "decode")
    assert report["sweep"] == "vary"
    assert report["num_points"] == len(report["points"]) == 6
    assert report["x"] == "decode_steps"
    pairs = [(p["mode"], p["decode_steps"], p["view_size"]) for p in report["points"]]
    assert pairs == [(m, k, v) for m, v in (("base", 1024), ("large", 1280)) for k in (1, 2, 3)]
    assert {frozenset(p) & {"vision", "prefill", "decode"} for p in report["points"]} == {
        frozenset({"decode"})
    }


def test_a_key_of_a_section_leaves_the_others(sweep):
    rows = ("--vary", "workload.crop_grid.rows=1,2", "workload.crop_grid={rows: 3, cols: 2}")
    report = sweep(*rows, "--stages", "vision")
    assert [p["tiles"] for p in report["points"]] == [2, 4]


def test_points_of_a_sweep_cost_what_each_costs_alone(sweep):
    together = sweep("vision_prefill", "--grid", "1x2", "--grid", "2x3")
    alone = [sweep("vision_prefill", "--grid", grid)["points"][0] for grid in ("1x2", "2x3")]
    assert together["points"] == alone


def test_grids_by_hand_are_in_the_order_of_their_tokens(sweep):
    report = sweep("crops", "--grid", "3x2", "--grid", "1x2", "--grid", "3x2")
    # 273 tokens of the page, and (10 x rows) x (10 x columns + 1) of the tiles.
    assert [(p["grid"], p["image_tokens"]) for p in report["points"]] == [
        ("1x2", 273 + 10 * 21),
        ("3x2", 273 + 30 * 21),
    ]
    assert grids(["15x26"]) == ((15, 26),)


def test_max_image_tokens_goes_on_to_hundreds_of_tiles(sweep):
    report = sweep("crops", "--max-image-tokens", "20273")
    found = {(p["rows"], p["cols"]) for p in report["points"]}
    every = {
        (rows, cols)
        for rows in range(1, 100)
        for cols in range(rows, 201)
        if rows * cols >= 2 and 10 * rows * (10 * cols + 1) <= 20_000
    }
    assert found == every
    assert max(p["tiles"] for p in report["points"]) == 199
    assert (10, 19) in found
    assert (10, 20) not in found


TOP = {
    *("schema_version", "model", "sweep", "description", "batch_size", "decode_steps"),
    *("num_points", "points", "x", "stages", "modes", "vendor_counter", "dtype"),
    *("ttft_s", "tpot_s", "versions", "vendor", "counters", "config"),
    *("size", "compared", "fallbacks", "notes", "own_formulas", "vendor_attention"),
}
COST = {
    *("flops", "tensor_flops", "vector_flops", "torch_visible_flops", "padding_flops"),
    *("weight_bytes", "weight_bytes_read", "expected_expert_bytes_read"),
    *("kv_cache_bytes", "kv_cache_bytes_read", "kv_cache_bytes_written"),
    *("activation_bytes_read", "activation_bytes_written", "peak_activation_bytes"),
    *(
        "largest_activation_bytes",
        "largest_tensor_bytes",
        "expected_bytes_moved",
        "flops_per_byte",
        "parts_flops",
    ),
}


def test_sweep_json_has_its_keys_and_what_was_not_measured_is_null(sweep):
    report = sweep("vision_prefill", "--grid", "2x3", "workload.batch_size=2")
    assert set(report) == TOP
    head = {key: report[key] for key in list(report)[:7]}
    assert head == {
        "schema_version": "1.4",
        "model": "deepseek_ocr",
        "sweep": "vision_prefill",
        "description": "Vision and prefill over grids of tiles",
        "batch_size": 2,
        "decode_steps": 100,
        "num_points": 1,
    }
    assert report["modes"] == {
        "eager": "analytic (eager, full)",
        "flash": "analytic (flash, full)",
    }
    assert report["vendor_counter"] is None
    (point,) = report["points"]
    facts = [point[key] for key in ("label", "grid", "rows", "cols", "tiles", "image_tokens")]
    assert facts == ["2x3", "2x3", 2, 3, 6, 893]
    assert point["context_tokens"] == 903
    for stage in ("vision", "prefill", "vision_prefill"):
        found = point[stage]
        for mode in ("eager", "flash"):
            flops = found[f"analytic_{mode}_flops"]
            assert type(flops) is int
            assert found[f"analytic_{mode}_tflops"] == flops / 10**12
            cost = found["cost"][mode]
            assert set(cost) == COST
            assert cost["flops"] == flops == cost["tensor_flops"] + cost["vector_flops"]
            assert sum(cost["parts_flops"].values()) == flops
            moved = [v for k, v in cost.items() if k.endswith(("bytes_read", "bytes_written"))]
            assert cost["expected_bytes_moved"] == pytest.approx(sum(moved), rel=1e-12)
            assert cost["flops_per_byte"] == flops / cost["expected_bytes_moved"]
        assert found["analytic_tflops"] == found["analytic_eager_tflops"]
        nothing = ("vendor_tflops", "vendor_flops", "vendor_error", "vendor_method")
        nothing += ("difference", "components_differ")
        assert [found[key] for key in nothing] == [None] * 6
    parts = [point[stage]["cost"]["eager"] for stage in ("vision", "prefill", "vision_prefill")]
    vision, prefill, both = parts
    assert both["flops"] == vision["flops"] + prefill["flops"]
    # A sum of stages needs the most of either at once, not the sum.
    peaks = vision["peak_activation_bytes"], prefill["peak_activation_bytes"]
    assert both["peak_activation_bytes"] == max(peaks)
    # Keys and values of 12 layers, 1,280 wide, 2 bytes each, for two pages.
    assert prefill["kv_cache_bytes"] == 2 * 2 * 12 * 1280 * 2 * 903


def test_required_throughput_is_work_by_time(sweep):
    """To the first token: vision and prefill. Per output token: a decode step on average."""
    report = sweep(
        *("--vary", "workload.decode_steps=4", "--ttft", "0.5", "--tpot", "0.02"),
        *("workload.crop_grid.rows=1", "workload.crop_grid.cols=2"),
    )
    assert (report["ttft_s"], report["tpot_s"]) == (0.5, 0.02)
    (point,) = report["points"]
    for mode in ("eager", "flash"):
        costs = {stage: point[stage]["cost"][mode] for stage in ("vision", "prefill", "decode")}
        for target, stages, seconds in (
            ("ttft", ("vision", "prefill"), 0.5),
            ("tpot", ("decode",), 4 * 0.02),
        ):
            flops = sum(costs[stage]["flops"] for stage in stages)
            moved = sum(costs[stage]["expected_bytes_moved"] for stage in stages)
            assert point["required"][target][mode] == {
                "tflops_per_s": pytest.approx(flops / seconds / 1e12, rel=1e-12),
                "gigabytes_per_s": pytest.approx(moved / seconds / 1e9, rel=1e-12),
            }


def test_required_throughput_of_a_toy_by_hand(tmp_path):
    """A row through a 4 x 8 layer in bfloat16: 64 FLOPs; 4 + 8 + 32 elements, 88 bytes."""
    toy = ToySweep(tmp_path, points=1)
    targets = ("--ttft", "0.25", "--analytic-only")
    assert toy.run("out", *targets) == (0, "")
    (point,) = toy.report("out")["points"]
    cost = point["prefill"]["cost"]["eager"]
    assert cost["flops"] == 64
    assert (cost["activation_bytes_read"], cost["activation_bytes_written"]) == (8, 16)
    assert cost["weight_bytes_read"] == cost["weight_bytes"] == 64
    assert cost["flops_per_byte"] == 64 / 88
    rates = {"tflops_per_s": 256 / 10**12, "gigabytes_per_s": 352 / 10**9}
    assert point["required"] == {"ttft": {"eager": rates, "flash": rates}}


def test_a_target_that_a_model_does_not_know_is_refused(tmp_path):
    toy = ToySweep(tmp_path, points=1)
    code, stderr = toy.run("out", "--tpot", "0.25", "--analytic-only")
    assert code == 2
    assert "--tpot: model 'toy' does not say which stage makes the other tokens" in stderr
    toy.change(('first_token = ("prefill",)', ""))
    code, stderr = toy.run("out", "--ttft", "0.25", "--analytic-only")
    assert code == 2
    assert "--ttft: model 'toy' does not say which stages make the first token" in stderr
    toy.change(('first_token = ("prefill",)', 'per_token = "prefill"'))
    code, stderr = toy.run("out", "--tpot", "0.25", "--analytic-only")
    assert code == 2
    assert "model 'toy' has per_token, but its workload has no decode_steps" in stderr


def test_a_targets_stages_need_not_be_reported(sweep):
    report = sweep("crops", "--grid", "1x2", "--ttft", "1", "--tpot", "0.1")
    assert [stage["name"] for stage in report["stages"]] == ["vision"]
    full = sweep("crops", "--grid", "1x2", "--stages", "prefill,vision,decode")["points"][0]
    flops = [full[stage]["analytic_eager_flops"] for stage in ("vision", "prefill", "decode")]
    required = report["points"][0]["required"]
    assert required["ttft"]["eager"]["tflops_per_s"] == pytest.approx(sum(flops[:2]) / 1e12)
    assert required["tpot"]["eager"]["tflops_per_s"] == pytest.approx(flops[2] / 10 / 1e12)


def test_stages_that_nobody_asked_for_are_not_priced(sweep):
    # The prefill of 2000 x 2000 tiles has 4 * 10**8 tokens; its square is beyond 64 bits.
    report = sweep("crops", "--grid", "2000x2000", "--grid", "1x2")
    assert [point["grid"] for point in report["points"]] == ["1x2", "2000x2000"]


def test_points_beyond_64_bits_are_exact_together_as_alone(sweep):
    def decode(*tokens):
        vary = ("--vary", f"workload.prompt_tokens={','.join(map(str, tokens))}")
        points = sweep(*vary, "workload.mode=base", "--stages", "prefill")["points"]
        return [point["prefill"] for point in points]

    together = decode(10**10, 2 * 10**10)
    assert together == decode(10**10) + decode(2 * 10**10)
    assert together[1]["analytic_eager_flops"] > 2**63


def test_a_model_that_branches_on_a_size_is_priced_point_by_point(tmp_path):
    toy = ToySweep(tmp_path, points=4)
    assert toy.run("out", "--analytic-only", TOY_BRANCHES="1") == (0, "")
    flops = [point["prefill"]["analytic_eager_flops"] for point in toy.report("out")["points"]]
    assert flops == [64, 128, 0, 0]
    # Nothing is moved where nothing is done, so that there is no intensity.
    cost = toy.report("out")["points"][3]["prefill"]["cost"]["eager"]
    assert cost["flops_per_byte"] is None
    assert toy.files("out")["sweep.md"].decode().count("| rows=4 | 4 | eager |") == 2


def test_heads_say_what_all_points_have(sweep, tmp_path):
    vary = ("--vary", "workload.decode_steps=2,3", "--vary", "workload.batch_size=1")
    report = sweep(*vary, "--stages", "decode", "workload.mode=base")
    assert (report["batch_size"], report["decode_steps"]) == (1, None)
    text = (tmp_path / "out" / "sweep.md").read_text()
    assert "Sweep `vary`, 2 points, bfloat16, batch size 1. Prefixes" in text
    assert report["size"] == "image_tokens"
    assert "| point | image_tokens | attention |" in text
    assert "| decode_steps=2 batch_size=1 | 273 | eager |" in text


def test_tables_say_what_falls_back_and_what_was_checked(sweep, tmp_path):
    report = sweep("crops", "--grid", "1x2")
    (fallback,) = report["fallbacks"]
    assert (fallback["stage"], fallback["attention"]) == ("vision", "flash")
    assert fallback["component"] == "vision/sam/attention/core"
    text = (tmp_path / "out" / "sweep.md").read_text()
    assert "fallback: flash runs vision/sam/attention/core eagerly: FlashAttention-2 takes" in text
    assert "verdict: nothing was checked: analytic only" in text


def test_only_rows_of_the_vendors_attention_have_its_difference(tmp_path):
    toy = ToySweep(tmp_path, points=1)
    assert toy.run("out") == (0, "")
    rows = list(csv.DictReader((tmp_path / "out" / "sweep.csv").read_text().splitlines()))
    assert [(row["attention"], row["difference"]) for row in rows] == [
        ("eager", "0"),
        ("flash", ""),
    ]
    assert {row["vendor_method"] for row in rows} == {"call"}
    text = toy.files("out")["sweep.md"].decode()
    assert text.count("| 64 FLOP | 0 |") == 1
    assert "verified, vendor = analytic to the last FLOP in every component of 1 result" in text
    assert toy.run("flash", "--attention", "flash") == (0, "")
    assert (
        "nothing was checked: the vendor runs none of the attention modes"
        in toy.files("flash")["sweep.md"].decode()
    )


def test_a_fact_that_hides_a_stage_is_refused(tmp_path):
    toy = ToySweep(tmp_path, points=1)
    toy.change(('{"rows": workload', '{"prefill": workload'))
    code, stderr = toy.run("out")
    assert code == 2
    assert "a fact of a workload cannot be called 'prefill'" in stderr


def test_the_list_shows_named_sweeps(flopbench):
    lines = flopbench("list", "sweeps").stdout.splitlines()
    assert "  deepseek_ocr: crops = vision: Vision over grids of tiles" in lines
    assert "  deepseek_ocr: crops, vision_prefill, decode" in flopbench("list").stdout.splitlines()


def test_without_targets_nothing_is_required(sweep):
    report = sweep("decode", "--grid", "1x2")
    assert report["ttft_s"] is report["tpot_s"] is None
    assert "required" not in report["points"][0]


def test_csv_has_a_row_for_each_point_stage_and_strategy(sweep, tmp_path):
    report = sweep("vision_prefill", "--grid", "1x2", "--grid", "2x2")
    rows = list(csv.DictReader((tmp_path / "out" / "sweep.csv").read_text().splitlines()))
    keys = [(row["grid"], row["stage"], row["attention"]) for row in rows]
    stages = ("vision", "prefill", "vision_prefill")
    assert keys == [(g, s, m) for g in ("1x2", "2x2") for s in stages for m in ("eager", "flash")]
    points = {point["grid"]: point for point in report["points"]}
    for row in rows:
        cost = points[row["grid"]][row["stage"]]["cost"][row["attention"]]
        assert {name: float(row[name]) for name in cost if name != "parts_flops"} == {
            name: value for name, value in cost.items() if name != "parts_flops"
        }
        assert row["vendor_flops"] == row["difference"] == ""


def test_markdown_has_the_four_tables(sweep, tmp_path):
    report = sweep(*("decode", "--grid", "1x2", "--tpot", "0.05"))
    lines = (tmp_path / "out" / "sweep.md").read_text().splitlines()
    cost = report["points"][0]["decode"]["cost"]["eager"]
    row = next(line for line in lines if line.startswith("| 1x2 | 483 | eager |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[3:6] == [si(cost[f"{kind}flops"], "FLOP") for kind in ("", "tensor_", "vector_")]
    assert cells[6] == f"{cost['tensor_flops'] / cost['vector_flops']:.1f} : 1"
    assert cells[7:] == ["not counted", ""]
    assert any(si(cost["kv_cache_bytes"], "B") in line for line in lines)
    title = lines.index("## Required throughput for a time per output token of 0.05 s")
    rates = report["points"][0]["required"]["tpot"]["eager"]
    assert f"{rates['tflops_per_s']:.4g} TFLOP/s" in lines[title + 4]
    assert f"{rates['gigabytes_per_s']:.4g} GB/s" in lines[title + 4]


def test_without_out_the_tables_are_printed(flopbench, tmp_path):
    result = flopbench(*SWEEP, "crops", "--grid", "1x2")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("# deepseek_ocr: Vision over grids of tiles\n")
    assert list(tmp_path.iterdir()) == []


def test_no_matplotlib_is_said_before_any_work(flopbench, tmp_path):
    # A folder first on the path whose matplotlib cannot be found.
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as util\n"
        "found = util.find_spec\n"
        "util.find_spec = lambda name, *a: None if name == 'matplotlib' else found(name, *a)\n"
    )
    command = (*SWEEP, "crops", "--grid", "1x2", "--out", "out")
    message = one_sentence(flopbench(*command, "--plots", PYTHONPATH=str(tmp_path)))
    assert message == "plots need matplotlib (pip install 'flopbench[plot]'), or use --no-plots"
    assert not (tmp_path / "out").exists()
    assert flopbench(*command, PYTHONPATH=str(tmp_path)).returncode == 0


def test_a_terminal_sees_progress_and_files_are_the_same(tmp_path):
    toy = ToySweep(tmp_path, points=3)
    assert toy.run("plain") == (0, "")
    terminal, stderr = pty.openpty()
    vary = ("--vary", "workload.rows=1:3", "--no-plots", "--out", "shown")
    with (tmp_path / "stdout").open("w+") as stdout:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "flopbench.cli", "sweep", "toy", "-p", "toy.py"),
                *("--counters", "slow", *vary),
            ],
            cwd=tmp_path,
            stdout=stdout,
            stderr=stderr,
            env={
                **os.environ,
                "TOY_LOG": str(toy.log),
                "TOY_SECONDS": "0.3",
                "TERM": "xterm",
                "COLUMNS": "120",
            },
        )
        os.close(stderr)
        shown = read_all(terminal)
        os.close(terminal)
        assert process.wait() == 0
        stdout.seek(0)
        assert stdout.read() == (
            "3 points, 4 files in shown: sweep.json, sweep.csv, sweep.md, sweep.html\n"
            "verdict: verified, vendor = analytic to the last FLOP in every component of 3 "
            "results\n"
        )
    assert "counted prefill of rows=" in shown
    assert "3/3" in shown
    assert "left" in shown
    assert toy.files("shown") == toy.files("plain")


VARIED = (
    ('class Options:\n    """Nothing can be set."""', "class Options:\n    width: int = 8"),
    ('architecture = "toy"', "architecture = 8"),
    (
        "        return cls()\n\n    def workload(",
        """        model = cls()
        model.architecture = options.width
        model.dtype = "float32" if options.width > 16 else "bfloat16"
        return model

    def workload(""",
    ),
    ("out_features=8)", "out_features=self.architecture)"),
    (
        "        return cls()\n\n    def stage(",
        """        vendor = cls()
        vendor.width = architecture
        return vendor

    def stage(""",
    ),
    ("lambda: workload.rows))", "lambda: workload.rows * self.width // 8))"),
)
"""Turns the toy into a model of any width, wide ones in float32; its architecture is the width."""


def test_any_key_of_a_model_can_be_varied_and_each_model_is_counted(tmp_path):
    toy = ToySweep(tmp_path, points=2)
    toy.change(*VARIED)
    assert toy.run("out", "--vary", "model.width=8,16,32") == (0, "")
    report = toy.report("out")
    found = [(p["rows"], p["model.width"], p["prefill"]) for p in report["points"]]
    assert [(rows, width) for rows, width, _ in found] == [
        (rows, width) for rows in (1, 2) for width in (8, 16, 32)
    ]
    for rows, width, stage in found:
        assert stage["analytic_eager_flops"] == stage["vendor_flops"] == 2 * rows * 4 * width
        assert stage["difference"] == 0
        # Weights of 4 x width, in the model's own type.
        assert stage["cost"]["eager"]["weight_bytes"] == 4 * width * (4 if width == 32 else 2)
    assert report["dtype"] is None
    assert toy.run("narrow", "--vary", "model.width=8,16") == (0, "")
    assert toy.report("narrow")["dtype"] == "bfloat16"


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_sweep_of_models_resumes_only_with_the_same_models(tmp_path, jobs):
    toy = ToySweep(tmp_path, points=1)
    toy.change(*VARIED)
    vary = ("--jobs", jobs, "--vary", "model.width=8,16,32")
    assert toy.run("out", *vary, TOY_FAILS="4")[0] == 1
    assert sorted(toy.counted()) == [1, 2, 4]
    code, stderr = toy.run("out", "--jobs", jobs, "--vary", "model.width=8,16,64")
    assert code == 2
    assert "an unfinished sweep with other settings (model" in stderr
    assert toy.run("out", *vary) == (0, "")
    assert sorted(toy.counted()) == [1, 2, 4, 4]


def test_an_axis_may_be_a_models_key(flopbench, tmp_path):
    vary = ("--vary", "model.overrides.num_hidden_layers=1,2,4", "--stages", "prefill")
    done = flopbench("sweep", "hf/qwen2", *vary, "--analytic-only", *FILES)
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads((tmp_path / "out" / "sweep.json").read_text())
    assert report["x"] == "model.overrides.num_hidden_layers"
    one, two, four = (p["prefill"]["analytic_eager_flops"] for p in report["points"])
    # The rest, without layers, is the same: each layer adds as much as the next.
    assert four - two == 2 * (two - one) > 0


def test_a_page_may_be_given_as_to_a_run(sweep, tmp_path):
    from PIL import Image

    Image.new("RGB", (1300, 700)).save(tmp_path / "page.png")
    report = sweep("--image", "page.png", "--vary", "workload.decode_steps=1,2")
    option = report["points"]
    assert (
        option == sweep("workload.image=page.png", "--vary", "workload.decode_steps=1,2")["points"]
    )
    assert option != sweep("--vary", "workload.decode_steps=1,2")["points"]


@pytest.mark.parametrize("command", ["run", "sweep"])
def test_an_image_for_a_model_of_text_is_one_sentence(command, flopbench, tmp_path):
    ToySweep(tmp_path)
    vary = ("--vary", "workload.rows=1,2") if command == "sweep" else ()
    done = flopbench(command, "toy", "-p", "toy.py", "--image", "page.png", *vary)
    assert one_sentence(done) == (
        "toy takes no image (it has no workload.image): leave out --image"
    )


def test_a_resumed_sweep_says_so(tmp_path):
    toy = ToySweep(tmp_path, points=5)
    assert toy.run("out", TOY_FAILS="2,4")[0] == 1
    process = toy.start("out")
    stdout, stderr = process.communicate(timeout=300)
    assert (process.returncode, stderr) == (0, "")
    assert stdout.splitlines()[1] == "resumed: 3 of 5 counts were known"
    again = toy.start("out")
    assert "resumed" not in again.communicate(timeout=300)[0]


BAD = {
    "nothing to vary": ((), "a sweep needs a name or --vary"),
    "unknown sweep": (("crop",), "did you mean 'crops'?"),
    "two sweeps": (("crops", "decode"), "'decode' is not KEY=VALUE"),
    "name and vary": (("crops", "--vary", "workload.decode_steps=1"), "give one of them"),
    "no section": (("--vary", "decode_steps=1"), "as workload.KEY or model.KEY"),
    "no such section": (("--vary", "modl.config=1"), "did you mean 'model'?"),
    "section of runs": (("--vary", "run.attention=eager"), "use --attention"),
    "section of bounds": (("--vary", "hardware.gpu=h100,h200"), "a sweep has no bounds on time"),
    "unknown key of a model": (
        ("--vary", "model.cnfig=null"),
        "point model.cnfig=null: model: unknown key 'cnfig'",
    ),
    "an image for grids": (
        ("crops", "--image", PAGE),
        "--image has no effect: the points of the sweep set workload.image themselves",
    ),
    "an image varied": (
        ("--image", PAGE, "--vary", "workload.image=a.png,b.png"),
        "--image has no effect",
    ),
    "a key of a model set twice": (
        ("--vary", "model.config=null", "model.config=a.yaml"),
        "model.config=a.yaml has no effect",
    ),
    "unknown key": (("--vary", "workload.decode_stps=1"), "did you mean 'decode_steps'?"),
    "falls": (("--vary", "workload.decode_steps=3:1"), "must rise"),
    "stands": (("--vary", "workload.decode_steps=1:3:0"), "must rise"),
    "section of a number": (("--vary", "workload.batch_size.x=1"), "batch_size must be an int"),
    "range in a list": (("--vary", "workload.decode_steps=1:30,5"), "neither one range"),
    "four in a range": (("--vary", "workload.decode_steps=1:3:1:2"), "neither one range"),
    "a range of halves": (("--vary", "workload.decode_steps=1:30:15.5"), "neither one range"),
    "key and section": (
        ("--vary", "workload.crop_grid=1", "--vary", "workload.crop_grid.rows=2"),
        "set the same",
    ),
    "twice": (("--vary", "workload.decode_steps=1,1"), "has a value twice"),
    "key twice": (
        ("--vary", "workload.decode_steps=1", "--vary", "workload.decode_steps=2"),
        "is given twice",
    ),
    "too many": (
        ("--vary", "workload.decode_steps=1:9999999999"),
        "more than 1,000,000,000 values",
    ),
    "too many combinations": (
        ("--vary", "workload.decode_steps=1:99999", "--vary", "workload.prompt_tokens=1:99999"),
        "--vary makes 9,999,800,001 points, more than 1,000,000,000",
    ),
    "a format of nothing": (
        ("crops", "--format", "csv"),
        "--format names the files of --out DIR, which is not given",
    ),
    "no such format": (
        ("crops", "--format", "jsn"),
        "format of a sweep 'jsn': did you mean 'json'?",
    ),
    "no format": (("crops", "--format", ","), "--format must name at least one"),
    "bad point": (("--vary", "workload.decode_steps=0,1"), "point decode_steps=0: workload."),
    "a GPU": (
        ("--vary", "workload.decode_steps=1,2", "hardware.gpu=l4"),
        "hardware.* is for `flopbench run` alone",
    ),
    "bad mode": (("--vary", "workload.mode=base,big"), "point mode=big: workload.mode"),
    "bad grid": (("crops", "--grid", "2by3"), "must be ROWSxCOLUMNS, such as 2x3"),
    "no tiles": (("crops", "--grid", "0x3"), "must be ROWSxCOLUMNS"),
    "no grid left": (("crops", "--max-image-tokens", "10"), "the smallest, 1x2, has 483"),
    "both limits": (
        ("crops", "--grid", "1x2", "--max-image-tokens", "999"),
        "--grid and --max-image-tokens are both given",
    ),
    "limits of vary": (
        ("--vary", "workload.decode_steps=1", "--grid", "1x2"),
        "are for named sweeps",
    ),
    "too many tokens": (("crops", "--max-image-tokens", "99999999"), "at most 1,000,000"),
    "no effect": (("crops", "workload.mode=base", "--grid", "1x2"), "has no effect: the points"),
    "beyond sizes": (("--vary", f"workload.prompt_tokens={10**160}"), "at most 40 digits"),
    "beyond memory": (("--vary", f"workload.prompt_tokens={10**19}"), "at most 1,000,000,000,"),
    "hardly a time": (("crops", "--ttft", "1e-320"), "must be a number of seconds above 0"),
    "no time": (("crops", "--ttft", "0"), "must be a number of seconds above 0"),
    "nan": (("crops", "--tpot", "nan"), "must be a number of seconds above 0"),
    "bad stage": (("crops", "--stages", "prefil"), "did you mean 'prefill'?"),
    "empty out": (("crops", "--out", ""), "--out is empty"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_mistake_is_one_sentence(name, flopbench, tmp_path):
    args, expected = BAD[name]
    assert expected in one_sentence(flopbench(*SWEEP, *args))
    assert list(tmp_path.iterdir()) == []


def test_a_gpu_is_not_varied_since_no_number_of_a_sweep_depends_on_it(flopbench):
    error = one_sentence(flopbench(*SWEEP, "--vary", "hardware.gpu=h200,b200", *FILES))
    assert "--vary hardware.gpu changes nothing, since a sweep has no bounds on time" in error


def test_a_gpu_that_is_not_known_is_refused_though_no_number_depends_on_it(flopbench):
    vary = ("--vary", "workload.decode_steps=1,2")
    error = one_sentence(flopbench(*SWEEP, *vary, "hardware.gpu=h201", *FILES))
    assert "unknown GPU 'h201': did you mean 'h200'?" in error
