"""docs/peer-counters.md says what peers count of ordinary modules today, and why."""

import importlib

import make_peer_modules
import make_peer_table
import pytest
from peer_cells import ADDS, TORCH, Case, cell
from peer_modules import SPECIMENS
from peer_reasons import REASONS, reasons

PAGE = make_peer_table.PAGE.read_text(encoding="utf-8")
INSTALLED = (TORCH, *make_peer_table.installed(PAGE))


def table(name):
    """Return the rows of a table of the page."""
    text = PAGE.partition(f"<!-- table: {name} -->\n")[2].partition("<!-- end -->")[0]
    return [line[2:-2].split(" | ") for line in text.splitlines()]


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(s, id=s.name, marks=[pytest.mark.slow] if s.large else []) for s in SPECIMENS
    ],
)
def cells(request):
    case = Case(request.param)
    return [cell(case, peer) for peer in INSTALLED]


def test_a_module_is_counted_as_the_page_shows(cells):
    reference, name = cells[0].case.reference, cells[0].case.specimen.name
    assert reference.complete
    header, _, *rows = table("modules")
    (row,) = (dict(zip(header, row, strict=True)) for row in rows if row[0] == name)
    assert row["matrix FLOPs"] == f"{reference.flops:,}"
    assert {c.peer: row[c.peer] for c in cells} == {c.peer: c.shown for c in cells}
    listed = [row for row in table("module differences") if row[1] == name and row[0] in INSTALLED]
    wrong = sorted((c for c in cells if c.difference), key=lambda c: list(ADDS).index(c.peer))
    assert listed == [make_peer_modules.difference(c) for c in wrong]


def test_the_reasons_explain_the_whole_difference(cells):
    assert {c.peer: make_peer_modules.rest(c) for c in cells} == dict.fromkeys(INSTALLED, 0)
    shown = {(row[0], row[2]): row[3].split("; ") for row in table("reasons")[2:]}
    for found in cells:
        for reason in reasons(found):
            assert make_peer_modules.part(found, reason) in shown[found.peer, reason.why]


def test_each_part_on_the_page_is_a_part_of_a_difference_on_the_page():
    """For all peers, those that are not installed included."""
    names = sorted((s.name for s in SPECIMENS), key=len, reverse=True)
    sums = {}
    for peer, _, _, parts in table("reasons")[2:]:
        for part in parts.split("; "):
            name = next(name for name in names if part.startswith(name))
            number = int(part.removeprefix(name).replace(",", ""))
            sums[peer, name] = sums.get((peer, name), 0) + number
    rows = table("module differences")[2:]
    assert sums == {(row[0], row[1]): int(row[5].replace(",", "")) for row in rows}


def test_the_conventions_are_as_shown():
    assert table("adds")[2:] == list(make_peer_modules.added())


@pytest.mark.parametrize("peer", INSTALLED)
def test_what_a_reason_names_is_in_the_source(peer):
    places = {reason.where for reason in REASONS if reason.peer == peer}
    assert places
    for module, name in places:
        found = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)


def test_the_page_sums_its_table_up():
    header, _, *rows = table("modules")
    shown = {row[0]: dict(zip(header[3:], row[3:], strict=True)) for row in rows}

    def exact(name):
        return {peer for peer, cell in shown[name].items() if cell == "exact"}

    assert exact("`scaled_dot_product_attention`") == {"deepspeed"}
    assert exact("`nn.MultiheadAttention`, masked") == {"ptflops"}
    assert exact("one `nn.Linear`, called twice") == {*ADDS} - {"ptflops"}
    assert max(float(c[:-2]) for c in shown["Mixtral, one layer, bfloat16"].values()) < 21
    assert (
        20
        < float(shown["GPT-2, head tied to its embedding"]["torchinfo"][:-2].replace(",", "")) / 100
        < 21
    )


def test_most_of_the_page_is_not_exact():
    """The table would say little if it held only modules that everybody counts."""
    header, _, *rows = table("modules")
    assert len(rows) == len(SPECIMENS) >= 12
    for column, peer in enumerate(header[3:], 3):
        cells = [row[column] for row in rows]
        assert 0 < cells.count("exact") < len(rows), peer
