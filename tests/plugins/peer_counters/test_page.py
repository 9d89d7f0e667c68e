"""docs/peer-counters.md says what the peers count today, for those that are installed."""

import json
import subprocess
import sys
from pathlib import Path

import make_peer_table
import pytest

# In a child of its own: this process may have had larger ones.
MEASURED = """
import json, resource, sys
sys.path.insert(0, sys.argv[1])
import make_peer_table
report = make_peer_table.measure(sys.argv[2:])
json.dump([report, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss], sys.stdout)
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page():
    return make_peer_table.PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def found(page):
    peers = list(make_peer_table.installed(page))
    if not peers:
        pytest.skip("no peer of the page's version is installed")
    scripts = str(Path(make_peer_table.__file__).parent)
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, scripts, *peers],
        capture_output=True,
        text=True,
        check=True,
    )
    report, peak_kib = json.loads(done.stdout)
    return peers, report, peak_kib


def test_every_cell_and_difference_is_what_is_counted_today(page, found):
    peers, report, _ = found
    (header,) = (line for line in page.splitlines() if line.startswith("| stage | component |"))
    names = [cell.strip() for cell in header.strip("| ").split("|")]
    rows = [
        line[2:-2].split(" | ") for line in page.splitlines() if line.count(" | ") == len(names) - 1
    ]
    shown = {(r[0], r[1]): dict(zip(names, r, strict=True)) for r in rows if r[2][:1].isdigit()}
    for peer in peers:
        cells = make_peer_table.seen(report, peer)
        assert cells
        assert {row: cell for row, cells in shown.items() if (cell := cells[peer])} == cells
        for row in make_peer_table.differences(report, peer):
            assert f"| {' | '.join(row)} |" in page
        listed = sum(line.startswith(f"| {peer} |") for line in differing(page))
        assert listed == len(list(make_peer_table.differences(report, peer)))


def test_every_convention_is_what_is_declared_today(page, found):
    peers, report, _ = found
    for line in make_peer_table.conventions(report, peers):
        if line.startswith("| `"):
            assert line in page


def test_no_weights_are_allocated(found):
    """3.3 billion parameters in float32 would be 13 GB."""
    peak_kib = found[-1]
    assert peak_kib < 2 * 1024**2


def test_the_differences_are_those_that_the_page_explains(page):
    """Derived by hand for one view of 1024: 64 x 64 patches, 25 windows of 14 x 14, 12 heads."""
    shown = {
        tuple(c.strip() for c in line.strip("|").split("|")[:4]): line for line in differing(page)
    }

    def rounded(macs):
        return int(float(f"{2 * macs + 1:.3e}")) // 2 - macs

    # Two einsums in each of 8 windowed and 4 global layers; tables of 2 x 14 - 1 and 2 x 64 - 1.
    einsums = 16 * rounded(12 * 25 * 14 * 14 * 64 * 14) + 8 * rounded(12 * 64 * 64 * 64 * 64)
    positions = 16 * 27 + 8 * 127
    gelu, router = 12 * 64 * 64 * 3072, 11 * 64 * 283
    core, mlp, moe = "vision/sam/attention/core", "vision/sam/mlp", "decoder/moe/router"
    assert einsums == 430_464
    for counter, stage, component, unit, difference in (
        ("fvcore", "vision", core, "MAC", -einsums),
        ("deepspeed", "vision", core, "FLOP", -2 * einsums - positions),
        ("deepspeed", "vision", mlp, "FLOP", gelu),
        ("deepspeed", "prefill", moe, "FLOP", router),
        ("ptflops", "vision", mlp, "MAC", gelu),
        ("ptflops", "vision", "vision/sam/neck", "MAC", 2 * 64 * 64 * 256),
        ("calflops", "vision", mlp, "FLOP", gelu),
        ("thop", "vision", "vision/sam/neck", "MAC", 4 * 2 * 64 * 64 * 256),
    ):
        line = shown[counter, stage, component, unit]
        assert line.endswith(f"| {difference:,} |"), line
    assert sum(line.startswith("| fvcore |") for line in shown.values()) == 1
    assert sum(line.startswith("| deepspeed |") for line in shown.values()) == 4
    assert not any(line.startswith("| ptflops_aten |") for line in shown.values())


def differing(page):
    """Return the lines of the table of differences."""
    table = page.partition("<!-- table: differences -->")[2].partition("<!-- end -->")[0]
    return [line for line in table.splitlines() if line.startswith("| ")][2:]
