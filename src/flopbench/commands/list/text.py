"""The text of ``flopbench list``: everything in short, or some of it in full."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase

from attrs import frozen

from flopbench.commands.list import facts
from flopbench.commands.list.facts import NAMED
from flopbench.errors import UsageError, unknown
from flopbench.registry.catalog import Catalog
from flopbench.text import wrapped

OfModel = Callable[[Catalog, str], Iterable[str]]


@frozen
class Section:
    """What models have: in short and in full, by name; and what all models have."""

    title: str
    short: OfModel
    full: OfModel
    of_all: tuple[str, ...] = ()


def _stages(catalog: Catalog, name: str) -> Iterator[str]:
    return facts.stages(catalog.models.get(name))


OF_MODELS = {
    "stages": Section("Stages", _stages, _stages, tuple(facts.stages_of_all())),
    "sweeps": Section(
        "Sweeps",
        lambda catalog, name: [sweep.name for sweep in catalog.models.get(name).sweeps],
        lambda catalog, name: facts.sweeps(catalog.models.get(name)),
        ("flopbench sweep MODEL --vary KEY=VALUES",),
    ),
    "keys": Section("Keys", facts.keys, facts.keys, tuple(facts.keys_of_all())),
}
PLUGINS = "plugins"
NAMES_ALONE = {"formulas"}
"""Kinds that are many: in short, their names are enough."""
KINDS = (*NAMED, *OF_MODELS, PLUGINS)
"""What ``flopbench list`` takes, beside names."""


def list_catalog(catalog: Catalog, words: Sequence[str] = ()) -> str:
    """List what plugins provide.

    Args:
        words: kinds (`KINDS`), names, patterns such as ``hf/qwen*``, or parts of names; without
            any, everything is listed, in short.

    Raises:
        UsageError: a word is no kind, and no name matches it.
    """
    lines = list(_some(catalog, words) if words else _everything(catalog))
    return "\n".join(lines).rstrip("\n")


def _everything(catalog: Catalog) -> Iterator[str]:
    for kind, (title, _) in NAMED.items():
        yield from (f"{title}:", *_in_short(catalog, kind), "")
    for section in OF_MODELS.values():
        yield f"{section.title}:"
        for name in facts.alike(catalog):
            if found := ", ".join(section.short(catalog, name)):
                yield wrapped(f"{name}: {found}", first="  ", indent="    ")
        if section.of_all:
            yield wrapped(f"every model: {', '.join(section.of_all)}", first="  ", indent="    ")
        yield ""
    yield "In full: flopbench list KIND or NAME, such as deepseek_ocr or 'hf/qwen*'"
    yield wrapped(f"kinds: {', '.join(KINDS)}", first="  ")
    yield ""
    yield from _failed(catalog)


def _in_short(catalog: Catalog, kind: str) -> Iterator[str]:
    """Yield a line per strategy; those that a name ending in ``*`` knows are named below it."""
    rows, error = facts.rows_of(facts.shelf(catalog, kind))
    if error:
        yield f"  {error}"
    if not rows:
        yield "  none"
    own = {name for name, _, _ in facts.shelf(catalog, kind)}
    if kind in NAMES_ALONE and rows:
        yield wrapped(", ".join(name for name, _, _ in rows), first="  ", indent="  ")
        return
    lines = facts.shown([row for row in rows if row[0] in own])
    for line, name in zip(lines, (row[0] for row in rows if row[0] in own), strict=True):
        yield line
        known = [row[0] for row in rows if row[0] not in own and facts.family(name, row[0])]
        if known:
            yield wrapped(f"known: {', '.join(known)}", first="    ", indent="      ")


def _failed(catalog: Catalog) -> Iterator[str]:
    yield "Failed plugins:" if catalog.failures else "Failed plugins: none"
    yield from (f"  {failure}" for failure in catalog.failures)


def _some(catalog: Catalog, words: Sequence[str]) -> Iterator[str]:
    """Yield what is asked for, in full: of the kinds given, or of all, what the names match."""
    kinds = [word for word in words if word in KINDS]
    names = [word for word in words if word not in KINDS]
    matched = {kind: _rows(catalog, kind, names) for kind in NAMED}
    _require_matches(catalog, names, matched)
    for kind, (title, _) in NAMED.items():
        wanted = kind in kinds if kinds else matched[kind]
        if wanted:
            yield from (f"{title}:", *(facts.shown(matched[kind]) if matched[kind] else ["  none"]))
            yield ""
    of = dict.fromkeys(facts.covered_by(catalog, name) for name, _, _ in matched["models"])
    for kind, section in OF_MODELS.items():
        if kind in kinds if kinds else of:
            yield f"{section.title}:"
            for name in of:
                yield from (f"  {name}: {each}" for each in section.full(catalog, name))
            yield from (f"  every model: {each}" for each in section.of_all)
            yield ""
    if PLUGINS in kinds:
        yield "Plugins:"
        yield from (f"  {s.name} ({s.origin}{_version(s.version)})" for s in catalog.sources)
        yield ""
        yield from _failed(catalog)


def _version(version: str | None) -> str:
    return f" {version}" if version else ""


def _rows(catalog: Catalog, kind: str, names: Sequence[str]) -> list[facts.Row]:
    """Return the strategies of a kind that any of the names matches; all if none is given."""
    rows, _ = facts.rows_of(facts.shelf(catalog, kind))
    if not names:
        return rows
    every = facts.names(catalog)
    found: dict[str, facts.Row] = {}
    for name in names:
        matching = [row for row in rows if _matches(row[0], name, every)]
        # Without one, what ends in * may answer for the name.
        matching = matching or [row for row in rows if facts.family(row[0], name)]
        found |= {row[0]: row for row in matching}
    return list(found.values())


def _matches(name: str, wanted: str, every: Collection[str]) -> bool:
    """Return whether a name is the one wanted, or if none is: of its pattern, or contains it."""
    if wanted in every:
        return name == wanted
    return fnmatchcase(name, wanted if _is_pattern(wanted) else f"*{wanted}*")


def _is_pattern(wanted: str) -> bool:
    return any(sign in wanted for sign in "*?[")


def _require_matches(
    catalog: Catalog, names: Sequence[str], matched: dict[str, list[facts.Row]]
) -> None:
    for name in names:
        if not any(_rows(catalog, kind, [name]) for kind in matched):
            known = {*KINDS, *facts.names(catalog)}
            raise UsageError(unknown("kind or name to list", name, known))
