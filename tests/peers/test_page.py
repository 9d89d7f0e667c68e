"""docs/peer-counters.md says what the peers count today, for those that are installed."""

import resource
from importlib import metadata

import make_peer_table
import pytest


@pytest.fixture(scope="module")
def page():
    return make_peer_table.PAGE.read_text(encoding="utf-8")


def installed(page):
    """Return the peers whose version here is the page's."""
    for peer in make_peer_table.PEERS:
        try:
            version = metadata.version(peer.removesuffix("_aten"))
        except metadata.PackageNotFoundError:
            continue
        if f"| `{peer}` | {version} |" in page:
            yield peer


@pytest.fixture(scope="module")
def found(page):
    peers = list(installed(page))
    if not peers:
        pytest.skip("no peer of the page's version is installed")
    return peers, make_peer_table.measure(peers)


def test_every_cell_and_difference_is_what_is_counted_today(page, found):
    peers, report = found
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
        listed = sum(line.startswith(f"| {peer} |") for line in page.splitlines())
        assert listed == len(list(make_peer_table.differences(report, peer)))


def test_every_convention_is_what_is_declared_today(page, found):
    peers, report = found
    for line in make_peer_table.conventions(report, peers):
        if line.startswith("| `"):
            assert line in page


def test_no_weights_are_allocated(found):
    """3.3 billion parameters in float32 would be 13 GB."""
    assert found
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 2 * 1024**2  # KiB
