"""The commands prove and explain, and the method of counting: what they print, write and refuse."""

import json

import pytest

from cli_helpers import one_sentence

SMALL = ("workload.crop_grid.rows=1", "workload.crop_grid.cols=2", "workload.decode_steps=5")

BAD = {
    "symbol": (("prove", "deepseek_ocr", "--symbols", "Q"), "unknown symbol of deepseek_ocr"),
    "no symbol": (("prove", "deepseek_ocr", "--symbols", ","), "--symbols must name at least one"),
    "symbol of another stage": (
        ("prove", "deepseek_ocr", "--stages", "vision", "--symbols", "S"),
        "expected one of B, n",
    ),
    "proof format": (("prove", "deepseek_ocr", "--format", "markdwn"), "did you mean 'markdown'?"),
    "analytic only": (
        ("prove", "deepseek_ocr", "run.analytic_only=true"),
        "a proof needs the vendor side",
    ),
    "stage": (("prove", "deepseek_ocr", "--stages", "prefil"), "did you mean 'prefill'?"),
    "model": (("prove", "deepseek"), "unknown model 'deepseek'"),
    "method": (
        ("run", "deepseek_ocr", "run.method=symbolc"),
        "run.method: unknown value 'symbolc': did you mean 'symbolic'?",
    ),
    "explain mode": (("explain", "deepseek_ocr", "--attention", "flahs"), "did you mean 'flash'?"),
    "two modes": (("explain", "deepseek_ocr", "--attention", "eager,flash"), "takes one mode"),
    "depth": (("explain", "deepseek_ocr", "--depth", "-1"), "--depth must be at least 0, got -1"),
    "work": (("explain", "deepseek_ocr", "--work", "tensors"), "did you mean 'tensor'?"),
    "explain format": (("explain", "deepseek_ocr", "--format", "xml"), "unknown format"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_sentence(name, flopbench):
    args, message = BAD[name]
    assert message in one_sentence(flopbench(*args))


def test_a_proof_that_fails_exits_with_1_and_names_where(flopbench, tmp_path):
    (tmp_path / "mine.py").write_text(
        """
import attrs
from flopbench import hookimpl
from flopbench_deepseek_ocr.analytic import DeepseekOcr
from flopbench_deepseek_ocr.vendor import DeepseekOcrVendor

class Wrong(DeepseekOcr):
    name = "wrong"
    def ops(self, stage, workload):
        for op in super().ops(stage, workload):
            router = op.component == "decoder/moe/router" and hasattr(op, "out_features")
            yield attrs.evolve(op, out_features=63) if router else op

class WrongVendor(DeepseekOcrVendor):
    name = "wrong"

@hookimpl
def flopbench_analytic_models():
    return [Wrong]

@hookimpl
def flopbench_vendor_models():
    return [WrongVendor]
"""
    )
    args = ("-p", "mine.py", "--stages", "prefill", "--symbols", "S", "--out", "out")
    result = flopbench("prove", "wrong", *args)
    assert result.returncode == 1
    # 2 * 1280 FLOPs per token and expert, in 11 layers.
    assert "coefficient of S: vendor 1802240, analytic 1774080, difference -28160" in result.stdout
    assert "decoder/moe/router: differs" in result.stdout
    proof = json.loads((tmp_path / "out" / "proof.json").read_text())
    assert proof["verdict"] == "differs"
    wrong = [s["component"] for s in proof["stages"] if s["verdict"] == "differs"]
    assert wrong == [None, "decoder/moe/router"]


def vendor_flops(report):
    return {s["stage"]: s["flops"] for s in report["series"] if s["kind"] == "vendor"}


def test_counting_by_law_gives_what_counting_gives_and_says_so(flopbench):
    reports = {
        method: json.loads(
            flopbench(
                "run", "deepseek_ocr", *SMALL, f"run.method={method}", "--format", "json"
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


def leaves(node):
    if not node["children"]:
        yield node
    for child in node["children"]:
        yield from leaves(child)


def test_explain_writes_a_tree_that_adds_up(flopbench, tmp_path):
    result = flopbench("explain", "deepseek_ocr", *SMALL, "--out", "out")
    assert (result.returncode, result.stderr) == (0, "")
    out = tmp_path / "out"
    endings = ["folded", "json", "md", "png", "svg"]
    assert sorted(path.name for path in out.iterdir()) == [f"explain.{e}" for e in endings]
    tree = json.loads((out / "explain.json").read_text())["tree"]
    run = flopbench("run", "deepseek_ocr", *SMALL, "--analytic-only", "--format", "json")
    series = json.loads(run.stdout)["series"]
    (total,) = (
        s["tensor_flops"] for s in series if s["stage"] == "end2end" and s["attention"] == "eager"
    )
    assert tree["flops"] == total == sum(leaf["flops"] for leaf in leaves(tree))
    folded = dict(line.rsplit(" ", 1) for line in (out / "explain.folded").read_text().splitlines())
    assert sum(map(int, folded.values())) == total
    assert int(folded["decode;lm_head"]) == 5 * 2 * 1280 * 129280
    assert (out / "explain.png").read_bytes().startswith(b"\x89PNG")
    assert "decoder" in (out / "explain.svg").read_text()


def test_explain_shows_forms_with_numbers_and_with_names(flopbench):
    shown = flopbench("explain", "deepseek_ocr", "--stages", "prefill").stdout
    assert "61440*B*S**2" in shown
    assert "= 4*B*H*L*S**2*d" in shown
    assert "H = 10 decoder heads" in shown


def test_explain_takes_another_mode_kind_of_work_and_depth(flopbench):
    args = ("explain", "deepseek_ocr", "--attention", "flash", "--format", "json")
    flash = json.loads(flopbench(*args, "--work", "all", "--depth", "1").stdout)
    run = flopbench("run", "deepseek_ocr", "--analytic-only", "--format", "json")
    series = [s for s in json.loads(run.stdout)["series"] if s["attention"] == "flash"]
    flops = {s["stage"]: s["flops"] for s in series}
    assert {n["name"]: n["flops"] for n in flash["tree"]["children"]} == {
        stage: flops[stage] for stage in ("vision", "prefill", "decode")
    }
    assert all(not node["children"] for node in flash["tree"]["children"])


def test_explain_loads_neither_torch_nor_transformers(tmp_path):
    import subprocess
    import sys

    code = (
        "import sys; sys.argv = ['flopbench', 'explain', 'deepseek_ocr'];"
        "from flopbench.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "assert not {'torch', 'transformers', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=tmp_path)


def test_explain_names_fallbacks_in_every_format(flopbench):
    args = ("explain", "deepseek_ocr", "--attention", "flash", "--stages", "vision")
    reason = "FlashAttention-2 takes no attention bias"
    data = json.loads(flopbench(*args, "--format", "json").stdout)
    assert [f["component"] for f in data["fallbacks"]] == ["vision/sam/attention/core"]
    for name in ("console", "markdown"):
        assert reason in flopbench(*args, "--format", name).stdout


def test_explain_shows_a_mode_that_needs_numbers_without_names(flopbench):
    args = ("explain", "deepseek_ocr", "--stages", "prefill", "--attention", "flash_executed")
    data = json.loads(flopbench(*args, "--format", "json").stdout)
    run = flopbench(
        "run",
        "deepseek_ocr",
        "--analytic-only",
        "--stages",
        "prefill",
        "--attention",
        "flash_executed",
        "--format",
        "json",
    )
    (series,) = json.loads(run.stdout)["series"]
    assert data["tree"]["flops"] == series["tensor_flops"]
    assert all(leaf["named_form"] is None for leaf in leaves(data["tree"]))


def test_explain_names_only_the_symbols_it_shows(flopbench):
    shown = flopbench("explain", "deepseek_ocr", "--stages", "decode").stdout
    assert "L = 12 decoder layers" in shown
    assert "SAM" not in shown


def test_without_matplotlib_all_but_the_picture_is_written(flopbench, tmp_path):
    (tmp_path / "matplotlib.py").write_text("raise ImportError('none here')")
    result = flopbench("explain", "deepseek_ocr", "--out", "out", PYTHONPATH=str(tmp_path))
    assert result.returncode == 0
    assert "the picture needs matplotlib" in result.stderr
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["explain.folded", "explain.json", "explain.md"]
