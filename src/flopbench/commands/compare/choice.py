"""Which models are compared on which pages: wildcards, and images in a folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from flopbench.commands.compare.plan import IMAGE, Entry, image_readers, plan_entries
from flopbench.errors import FlopbenchError, UsageError, nearest_names
from flopbench.inputs import read_page
from flopbench.plan import Plan
from flopbench.registry.catalog import Catalog
from flopbench.text import listed, plural

ENDINGS = frozenset({".png", ".jpg", ".jpeg"})
"""What the name of a page's file ends in."""

_NEAR = 3
"""How many near names a wildcard that matches nothing is answered with."""

_SIMILAR = 0.3
"""Least similarity of these: a wildcard is shorter than the names."""


def expanded(catalog: Catalog, entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Replace each wildcard by the known names that match it, and leave out what is there already.

    Raises:
        UsageError: no known name matches.
    """
    found: dict[Entry, None] = {}
    for entry in entries:
        found |= dict.fromkeys(_matches(catalog, entry) if "*" in entry.model else (entry,))
    return tuple(found)


def _matches(catalog: Catalog, entry: Entry) -> list[Entry]:
    names = [name for name, _, _ in catalog.models.listed() if "*" not in name]
    found = [name for name in names if fnmatchcase(name, entry.model)]
    if not found:
        near = nearest_names(entry.model.replace("*", ""), names, _NEAR, _SIMILAR)
        hint = f"; near names: {listed(near, 'and')}" if near else ""
        raise UsageError(f"no known model matches {entry.model!r}{hint}")
    return [attrs.evolve(entry, model=name, matched=True) for name in found]


@frozen
class Pages:
    """The images of a folder.

    Attributes:
        files: their paths, in the order of their names.
        others: names of files that are none.
    """

    files: tuple[str, ...]
    others: tuple[str, ...] = ()

    def notes(self) -> Iterator[str]:
        """Yield what was left out."""
        if self.others:
            shown = listed(self.others[:_NEAR], "and")
            what = plural(len(self.others), "file")
            yield f"{what} of the folder left out, no PNG or JPEG by name: such as {shown}"


def pages_in(image: str) -> Pages | None:
    """Return the images of a folder; None if it is a file.

    Raises:
        UsageError: the folder cannot be read, or has none.
    """
    folder = Path(image)
    if not folder.is_dir():
        return None
    try:
        files = sorted(each for each in folder.iterdir() if each.is_file())
    except OSError as error:
        raise UsageError(f"cannot read folder {image}: {error.strerror}") from error
    pages = [each for each in files if each.suffix.lower() in ENDINGS]
    if not pages:
        raise UsageError(f"--image {image}: the folder has no PNG or JPEG file")
    others = tuple(each.name for each in files if each not in pages)
    return Pages(tuple(map(str, pages)), others)


@frozen
class Chosen:
    """What is compared.

    Attributes:
        plans: each model with its plan, on each page if there are several, or why it has none.
        pages: the images of a folder, if one is given.
        notes: what was left out of the folder.
        image: the image or folder that was given.
    """

    plans: Mapping[Entry, Plan | FlopbenchError]
    pages: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    image: str | None = None


def choose(
    catalog: Catalog, entries: Iterable[Entry], shared: Iterable[str], options: Mapping[str, Any]
) -> Chosen:
    """Resolve all models on all pages.

    Pages of one size share a plan: nothing else of them counts.

    Raises:
        UsageError: a wildcard matches nothing, no model reads an image though one is given, a
            folder has none, settings name another image, or as of `plan_entries`.
    """
    entries, image = expanded(catalog, entries), options.get(IMAGE)
    if image is None:
        return Chosen(plan_entries(catalog, entries, shared, options))
    _require_one_image((*shared, *(own for entry in entries for own in entry.settings)))
    reading = image_readers(catalog, entries)
    found = pages_in(image)
    if found is None:
        return Chosen(plan_entries(catalog, entries, shared, options), image=image)
    sizes = {page: _size(page) for page in found.files}
    first = {size: page for page, size in reversed(sizes.items())}
    asked = [
        attrs.evolve(entry, page=page)
        for entry in entries
        for page in (found.files if entry in reading else (None,))
    ]
    once = dict.fromkeys(attrs.evolve(e, page=e.page and first[sizes[e.page]]) for e in asked)
    plans = plan_entries(catalog, once, shared, options)
    return Chosen(
        {e: plans[attrs.evolve(e, page=e.page and first[sizes[e.page]])] for e in asked},
        found.files,
        tuple(found.notes()),
        image,
    )


def _require_one_image(settings: Iterable[str]) -> None:
    """Refuse an image among the settings: labels would show one, and figures be of another.

    Raises:
        UsageError: there is one.
    """
    for setting in settings:
        if setting.startswith(f"{IMAGE}="):
            raise UsageError(f"{setting} and --image are both given: leave out one of the two")


def _size(page: str) -> tuple[int, int] | str:
    """Return the width and height of a page; the page itself if it cannot be read."""
    try:
        read = read_page(page)
    except UsageError:
        return page
    return read.width, read.height
