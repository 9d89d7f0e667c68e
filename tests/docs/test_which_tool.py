"""docs/which-tool.md: its lines are those that its snippet runs, and its claims hold."""

import re
from pathlib import Path

import make_peer_table
import pytest
import torch
from torch import nn

import flopbench

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "which-tool.md").read_text(encoding="utf-8")
SNIPPET = (ROOT / "docs" / "snippets" / "instead_of_peers.py").read_text(encoding="utf-8")


def rows(header):
    """Return the rows of the table that begins with a header."""
    text = PAGE.partition(f"| {header} |")[2].partition("\n\n")[0]
    return [line[2:-2].split(" | ") for line in text.splitlines()[2:]]


def codes(cell):
    return re.findall(r"`([^`]+)`", cell)


REPLACED = {row[0]: row for row in rows("tool")}


@pytest.mark.parametrize("tool", [tool for tool in REPLACED if tool != "DeepSpeed"])
def test_the_snippet_runs_the_lines_of_the_page(tool):
    run = " ".join(SNIPPET.split())
    call, ours = codes(REPLACED[tool][1]), codes(REPLACED[tool][3])
    assert call
    assert len(ours) == 1
    for line in (*call, *ours):
        assert line in run
    unit = re.search(rf'"{tool}", "(\w+)"', run)[1]
    assert REPLACED[tool][2].startswith(f"{unit}s")
    assert ours[0].endswith("// 2") == (unit == "MAC")


def test_deepspeeds_line_gives_what_flopbench_counts():
    profiler = pytest.importorskip("deepspeed.profiling.flops_profiler.profiler")
    model = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.Flatten(), nn.Linear(8 * 14 * 14, 5))
    call, ours = (codes(REPLACED["DeepSpeed"][i])[0] for i in (1, 3))
    call = call.replace("as_string=False", "as_string=False, print_profile=False")
    names = {"model": model, "torch": torch, "flopbench": flopbench}
    names["get_model_profile"] = profiler.get_model_profile
    assert eval(call, names) == eval(ours, names) == 2 * 8 * 14 * 14 * (27 + 5)  # noqa: S307


def test_what_replaces_their_results_is_there():
    counted = flopbench.count(nn.Linear(2, 3), torch.empty(4, 2))
    names = {
        name
        for _, ours in rows("what they give")
        for name in re.findall(r"\bcount\.(\w+)", ours.replace("flopbench.count", ""))
    }
    assert names == {"by_depth", "by_op", "parameter_bytes", "parameters", "text", "uncounted"}
    assert all(hasattr(counted, name) for name in names)


def test_peers_are_wrong_as_often_as_the_page_says():
    peers = make_peer_table.PAGE.read_text(encoding="utf-8")
    table = peers.partition("<!-- table: modules -->\n")[2].partition("<!-- end -->")[0]
    _, _, *cells = (line[2:-2].split(" | ")[3:] for line in table.splitlines())
    wrong = [sum(cell != "exact" for cell in column) for column in zip(*cells, strict=True)]
    said = re.search(r"wrong about (\d+) to (\d+) of \[(\d+) ordinary modules", PAGE)
    assert tuple(map(int, said.groups())) == (min(wrong), max(wrong), len(cells))
