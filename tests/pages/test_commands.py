"""The page of each command holds the numbers of its JSON."""

import json
import sys

import pytest

from pages.test_document import data_of

OCR = ("deepseek_ocr", "--analytic-only", "--stages", "prefill,decode")
COMMANDS = {
    "run": OCR,
    "compare": (*OCR, "workload.decode_steps=7"),
    "referee": ("hf/llama", "model.overrides.num_hidden_layers=2"),
}


def numbers_of(command, found):
    """Return FLOPs that a page must have, from the JSON of the same command."""
    if command == "run":
        return [each["flops"] for each in found["series"]]
    if command == "compare":
        costs = [stage for model in found["models"] for stage in model["costs"].values()]
        return [mode["flops"] for modes in costs for mode in modes.values()]
    phases = found["phases"]
    return [
        each["flops"] for phase in phases for each in (*phase["references"], *phase["formulas"])
    ]


def blocks(data, kind):
    return [b for s in data["sections"] for b in s["blocks"] if b["kind"] == kind]


def in_tables(data):
    return {cell for table in blocks(data, "table") for row in table["rows"] for cell in row}


@pytest.mark.parametrize(
    "command", ["run", *(pytest.param(c, marks=pytest.mark.slow) for c in ("compare", "referee"))]
)
def test_a_page_has_the_numbers_of_json(command, flopbench):
    both = [flopbench(command, *COMMANDS[command], "--format", f) for f in ("html", "json")]
    assert [done.returncode for done in both] == [0, 0]
    data, found = data_of(both[0].stdout), json.loads(both[1].stdout)
    wanted = {str(n) for n in numbers_of(command, found) if isinstance(n, int)}
    assert len(wanted) > 3
    assert wanted <= in_tables(data)
    assert json.loads(data["json"]) == found


def test_a_run_has_the_law_of_each_component_beside_it(flopbench):
    command = ("run", *OCR, "--attention", "eager")
    data = data_of(flopbench(*command, "--format", "html").stdout)
    tables = {s["title"]: s["blocks"][-1].get("rows") for s in data["sections"]}
    rows = {row[0]: row[-1] for row in tables["Decode"]}
    assert rows["decoder/attention/out"] == "39321600*B*K"
    (trees, *_) = blocks(data, "trees")
    (nodes,) = trees["trees"].values()
    notes = {node["name"]: node["note"] for node in nodes}
    assert notes["core"] == "matrix work: 61440*B*S**2"


def test_the_tree_of_an_explanation_has_the_law_of_each_part(flopbench):
    command = ("explain", "deepseek_ocr", "--stages", "prefill")
    found = json.loads(flopbench(*command, "--format", "json").stdout)["tree"]
    (trees,) = blocks(data_of(flopbench(*command, "--format", "html").stdout), "trees")
    (nodes,) = trees["trees"].values()
    parts = [found]
    for node, part in zip(nodes, parts, strict=False):
        assert (node["value"], node["note"].split("\n")[0]) == (str(part["flops"]), part["form"])
        parts += part["children"]
    assert len(parts) == len(nodes) > 8


def test_files_of_a_sweep_have_a_page_with_a_curve_per_cost(flopbench, tmp_path):
    varied = ("--vary", "workload.decode_steps=1,2,4", "--stages", "decode", "--analytic-only")
    assert flopbench("sweep", "deepseek_ocr", *varied, "--out", "out").returncode == 0
    report = json.loads((tmp_path / "out" / "sweep.json").read_text())
    (chart,) = blocks(data_of((tmp_path / "out" / "sweep.html").read_text()), "chart")
    assert (chart["points"], chart["log_x"]) == ([1, 2, 4], True)
    found = {measure["name"]: measure["series"] for measure in chart["measures"]}
    assert len(found) > 8
    flops = [str(point["decode"]["cost"]["flash"]["flops"]) for point in report["points"]]
    assert found["FLOPs"][1]["values"] == flops
    parts = [report["points"][0]["decode"]["cost"]["eager"]["parts_flops"]]
    shown = {
        each["name"]: each["values"][0] for each in found["FLOPs by part, analytic (eager, full)"]
    }
    assert shown == {name: str(flops) for name, flops in parts[0].items() if flops}


@pytest.mark.slow
def test_a_proof_has_both_laws_of_each_component(warm, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        "import flopbench\n"
        "proof = flopbench.prove('hf/llama', model_options={'overrides': {'num_hidden_layers': 1}},"
        " stages='prefill')\n"
        "proof.save('proof.html')\n"
        "proof.save('proof.json')\n"
    )
    warm([sys.executable, str(program)], cwd=tmp_path, check=True)
    found = json.loads((tmp_path / "proof.json").read_text())
    data = data_of((tmp_path / "proof.html").read_text())
    laws = blocks(data, "table")[1]["rows"]
    assert [row[2:] for row in laws] == [
        [each["vendor"], each["analytic"], each["difference"]] for each in found["stages"]
    ]
    assert data["verdict"]["tone"] == "good"
