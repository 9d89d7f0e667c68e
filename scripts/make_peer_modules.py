"""Write the tables of docs/peer-counters.md about ordinary modules.

`python scripts/make_peer_modules.py` needs all peers (pip install 'flopbench[peers]')
and transformers, and runs each module on the CPU: some minutes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from make_peer_table import PAGE, with_tables
from peer_cells import ADDS, Case, Cell, cell
from peer_modules import SPECIMENS
from peer_reasons import REASONS, Reason, reasons

from flopbench.text import table

PEERS = tuple(ADDS)


def main() -> None:
    """Measure, and rewrite the tables."""
    rows = [[cell(case, peer) for peer in PEERS] for case in map(Case, SPECIMENS)]
    cells = [each for row in rows for each in row]
    unexplained = [f"{c.peer}: {c.case.specimen.name}" for c in cells if rest(c)]
    if unexplained:
        raise SystemExit(f"no reason explains the whole difference of {', '.join(unexplained)}")
    tables = {
        "modules": table(
            ("module", "called with", "matrix FLOPs", *PEERS), (seen(row) for row in rows)
        ),
        "adds": table(("counter", "adds, per element or output"), added()),
        "reasons": table(("counter", "where", "why", "missed"), because(cells)),
        "module differences": table(
            ("counter", "module", "unit", "exact", "counted", "difference"),
            (difference(c) for peer in PEERS for c in cells if c.peer == peer and c.difference),
        ),
    }
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(with_tables(page, tables), encoding="utf-8")


def seen(row: Sequence[Cell]) -> list[str]:
    """Return a row of the table of modules."""
    specimen, reference = row[0].case.specimen, row[0].case.reference
    return [specimen.name, specimen.sizes, f"{reference.flops:,}", *(c.shown for c in row)]


def added() -> Iterable[list[str]]:
    """Yield what each peer adds."""
    for peer, adds in ADDS.items():
        listed = ", ".join(f"{kind} {number}" for kind, number in sorted(adds.items()))
        yield [f"`{peer}`", listed or "nothing"]


def because(cells: Sequence[Cell]) -> Iterable[list[str]]:
    """Yield the reasons, each with what is missed of which module."""
    for peer in PEERS:
        for reason in REASONS:
            amounts = [part(c, reason) for c in cells if c.peer == peer and reason in reasons(c)]
            if amounts:
                yield [peer, located(reason), reason.why, "; ".join(amounts)]


def part(found: Cell, reason: Reason) -> str:
    """Return what a reason explains of a difference."""
    return f"{found.case.specimen.name} {reason.amount(found):,}"


def located(reason: Reason) -> str:
    """Return the file and the name in it."""
    module, name = reason.where
    return f"`{module.replace('.', '/')}.py`, `{name}`"


def difference(found: Cell) -> list[str]:
    """Return a row of the table of differences."""
    numbers = (f"{n:,}" for n in (found.exact, found.counted, found.difference))
    return [found.peer, found.case.specimen.name, found.unit, *numbers]


def rest(found: Cell) -> int:
    """Return what no reason explains of a difference."""
    return found.difference - sum(reason.amount(found) for reason in reasons(found))


if __name__ == "__main__":
    main()
