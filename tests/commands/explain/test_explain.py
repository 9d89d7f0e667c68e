"""``flopbench explain``: its tree, its forms and its files."""

import json
import subprocess
import sys

import pytest

from support.cli import GRID, one_sentence

BAD = {
    "explain mode": (("explain", "deepseek_ocr", "--attention", "flahs"), "did you mean 'flash'?"),
    "two modes": (("explain", "deepseek_ocr", "--attention", "eager,flash"), "takes one mode"),
    "depth": (("explain", "deepseek_ocr", "--depth", "-1"), "--depth must be at least 0, got -1"),
    "work": (("explain", "deepseek_ocr", "--work", "tensors"), "did you mean 'tensor'?"),
    "a GPU": (("explain", "deepseek_ocr", "hardware.gpu=h200"), "is for `flopbench run` alone"),
    "explain format": (("explain", "deepseek_ocr", "--format", "xml"), "unknown format"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_sentence(name, flopbench):
    args, message = BAD[name]
    assert message in one_sentence(flopbench(*args))


def leaves(node):
    if not node["children"]:
        yield node
    for child in node["children"]:
        yield from leaves(child)


def test_explain_writes_a_tree_that_adds_up(flopbench, tmp_path):
    result = flopbench("explain", "deepseek_ocr", *GRID, "--out", "out")
    assert (result.returncode, result.stderr) == (0, "")
    out = tmp_path / "out"
    endings = ["folded", "html", "json", "md", "png", "svg"]
    assert sorted(path.name for path in out.iterdir()) == [f"explain.{e}" for e in endings]
    tree = json.loads((out / "explain.json").read_text())["tree"]
    run = flopbench("run", "deepseek_ocr", *GRID, "--analytic-only", "--format", "json")
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
    args = ("explain", "deepseek_ocr", "--stages", "prefill", "--format", "json")
    found = json.loads(flopbench(*args).stdout)
    (core,) = (leaf for leaf in leaves(found["tree"]) if leaf["path"].endswith("attention/core"))
    assert (core["form"], core["named_form"]) == ("61440*B*S**2", "4*B*H*L*S**2*d")
    assert found["dimensions"]["H"] == {"value": 10, "meaning": "decoder heads"}


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
    found = flopbench("explain", "deepseek_ocr", "--stages", "decode", "--format", "json").stdout
    assert json.loads(found)["dimensions"]["L"] == {"value": 12, "meaning": "decoder layers"}
    assert "SAM" not in found


def test_without_matplotlib_all_but_the_picture_is_written(flopbench, tmp_path):
    (tmp_path / "matplotlib.py").write_text("raise ImportError('none here')")
    result = flopbench("explain", "deepseek_ocr", "--out", "out", PYTHONPATH=str(tmp_path))
    assert result.returncode == 0
    assert "plots need matplotlib" in result.stderr
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["explain.folded", "explain.html", "explain.json", "explain.md"]


def test_it_says_that_shares_are_not_of_time(flopbench):
    command = ("explain", "deepseek_ocr", "--depth", "1")
    said = "hares are of FLOPs, not of time"
    assert f"s{said}" in flopbench(*command).stdout.splitlines()[-1]
    assert f"S{said}" in flopbench(*command, "--format", "markdown").stdout
