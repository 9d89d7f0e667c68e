"""Write the tables of docs/peer-counters.md: what each peer sees of DeepSeek-OCR.

`python scripts/make_peer_table.py` needs all peers (pip install 'flopbench[peers]').
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from flopbench.text import table

PAGE = Path(__file__).parents[1] / "docs" / "peer-counters.md"
SETTINGS = ("workload.mode=base", "--stages", "vision,prefill,decode", "--attention", "eager")
PEERS = ("fvcore", "ptflops_aten", "deepspeed", "ptflops", "calflops", "thop", "torchinfo")

Row = tuple[str, str]
"""Stage and component."""


def installed(page: str, peers: Iterable[str] = PEERS) -> Iterator[str]:
    """Yield the peers whose version here is the page's."""
    for peer in peers:
        try:
            version = metadata.version(peer.removesuffix("_aten"))
        except metadata.PackageNotFoundError:
            continue
        if f"| `{peer}` | {version} |" in page:
            yield peer


def measure(peers: Sequence[str]) -> dict[str, Any]:
    """Count with torch and these peers; return the report."""
    command = [sys.executable, "-m", "flopbench.cli", "run", "deepseek_ocr", *SETTINGS]
    counters = ",".join(("torch", *peers))
    done = subprocess.run(
        [*command, "--counters", counters, "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    if not done.stdout:
        raise SystemExit(done.stderr)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def seen(report: Mapping[str, Any], peer: str) -> dict[Row, str]:
    """Return what a peer saw of each component: ``exact``, a share, or the excess."""
    return {
        (comparison["stage"], found["component"]): _share(found)
        for comparison in report["comparisons"]
        if comparison["counter"] == peer
        for found in comparison["components"]
    }


def _share(found: Mapping[str, Any]) -> str:
    if not found["difference"]:
        return "exact"
    if not found["analytic_flops"]:
        return f"+{found['vendor_flops']:,}"
    if not found["vendor_flops"]:
        return "0"
    share = f"{100 * found['vendor_flops'] / found['analytic_flops']:.3f} %"
    return f"{-found['difference']:+,}" if share == "100.000 %" else share


def differences(report: Mapping[str, Any], peer: str) -> Iterator[list[str]]:
    """Yield the rows of the components in which a peer is not exact."""
    for comparison in report["comparisons"]:
        if comparison["counter"] == peer:
            for found in comparison["components"]:
                if found["difference"]:
                    numbers = (found[k] for k in ("analytic_flops", "vendor_flops", "difference"))
                    place = (peer, comparison["stage"], found["component"], comparison["unit"])
                    yield [*place, *(f"{n:,}" for n in numbers)]


def shares(report: Mapping[str, Any], peers: Sequence[str]) -> list[str]:
    """Return the table of all components, a column per peer."""
    exact = {
        (c["stage"], found["component"]): f"{found['analytic_flops']:,}"
        for c in report["comparisons"]
        if c["counter"] == "torch"
        for found in c["components"]
    }
    columns = {peer: seen(report, peer) for peer in peers}
    rows = dict.fromkeys((*exact, *(row for column in columns.values() for row in column)))
    stages = [stage["name"] for stage in report["stages"]]
    cells = (
        [*row, exact.get(row, "0"), *(column.get(row, "") for column in columns.values())]
        for row in sorted(rows, key=lambda row: stages.index(row[0]))
    )
    return list(table(("stage", "component", "matrix FLOPs", *peers), cells))


def conventions(report: Mapping[str, Any], peers: Sequence[str]) -> list[str]:
    """Return the table of versions and conventions."""
    rows = []
    for peer in peers:
        found = report["provenance"]["counters"][peer]
        *_, version = (v for k, v in found.items() if k == peer.split("_")[0])
        added = ", ".join(f"{name} {count}" for name, count in sorted(found["per_element"].items()))
        rows.append([f"`{peer}`", version, found["unit"], added or "nothing"])
    return list(table(("counter", "version", "unit", "adds, per element or output"), rows))


def written(page: str, report: Mapping[str, Any]) -> str:
    """Return the page with its tables regenerated."""
    tables = {
        "conventions": conventions(report, PEERS),
        "shares": shares(report, PEERS),
        "differences": list(
            table(
                ("counter", "stage", "component", "unit", "exact", "counted", "difference"),
                (row for peer in PEERS for row in differences(report, peer)),
            )
        ),
    }
    return with_tables(page, tables)


def with_tables(page: str, tables: Mapping[str, Iterable[str]]) -> str:
    """Return the page with tables replaced, by name."""
    for name, lines in tables.items():
        block = f"<!-- table: {name} -->\n" + "\n".join(lines) + "\n<!-- end -->"
        page, count = re.subn(
            rf"<!-- table: {name} -->\n.*?<!-- end -->", lambda _, b=block: b, page, flags=re.DOTALL
        )
        if count != 1:
            raise SystemExit(f"{PAGE} must have one table {name!r}")
    return page


def main() -> None:
    """Measure, and rewrite the page."""
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(written(page, measure(PEERS)), encoding="utf-8")


if __name__ == "__main__":
    main()
