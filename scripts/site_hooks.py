"""Hooks of mkdocs: pages and files outside docs/ that the docs link to, notebooks, and explorers.

On GitHub such a link leads to the file itself. The site has a copy: Markdown files and notebooks as
pages, other files unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from explorer_pages import explorer_pages
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page
from notebook_pages import page as notebook_page

ROOT = Path(__file__).parents[1]
ROOT_PAGES = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
"""Pages of the navigation that are at the root."""

_OUT_OF_DOCS = re.compile(r"(?<=\]\()\.\./(?!\.)(?P<path>[^)#\s]+)")
_AT_ROOT = re.compile(r"(?<=\]\()(?!\w+:|#|docs/)(?P<path>[^)#\s]+)")
_TO_DOCS = re.compile(r"(?<=\]\()docs/")
_TO_ROOT = re.compile(r"(?<=\]\()\.\./(?!\.)")
_HOME = re.compile(r"(?<=\]\()README\.md")
"""The site has its own home page, organised by task."""
_NOTEBOOK = re.compile(r"(?<=\]\()(?P<path>(?!\w+:)[^)#\s]+)\.ipynb(?=[)#])")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files outside docs/ that pages link to."""
    linked = {path for file in files.documentation_pages() for path in _links(file)}
    for page in ROOT_PAGES:
        linked.update(_found(_AT_ROOT, (ROOT / page).read_text(encoding="utf-8")))
    for path in sorted(linked.difference(ROOT_PAGES, ["README.md"])):
        # Missing files are left to mkdocs, which reports a broken link.
        if (ROOT / path).is_file():
            files.append(_copy(path, config, InclusionLevel.NOT_IN_NAV))
    for page in ROOT_PAGES:
        files.append(_copy(page, config, InclusionLevel.INCLUDED))
    for name, text in explorer_pages():
        files.append(File.generated(config, name, content=text))
    for file in [file for file in files if file.src_uri.endswith(".ipynb")]:
        for made in _notebook(file, config):
            files.append(made)
    return files


def _notebook(file: File, config: MkDocsConfig) -> Iterator[File]:
    """Yield the page of a notebook, and its pictures; the notebook itself is there, too."""
    folder = Path(file.src_uri).parent
    text, pictures = notebook_page(Path(str(file.abs_src_path)))
    page = str(folder / f"{Path(file.src_uri).stem}.md")
    yield File.generated(config, page, content=text, inclusion=InclusionLevel.INCLUDED)
    for name, content in pictures.items():
        yield File.generated(config, str(folder / name), content=content)


def _links(file: File) -> Iterator[str]:
    return _found(_OUT_OF_DOCS, file.content_string)


def _found(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    return (match["path"] for match in pattern.finditer(text))


def _copy(path: str, config: MkDocsConfig, inclusion: InclusionLevel) -> File:
    return File.generated(config, path, abs_src_path=str(ROOT / path), inclusion=inclusion)


def on_page_markdown(markdown: str, /, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point links at the copies: links out of docs/, and those from a root page into it."""
    if "/" in page.file.src_uri:  # a notebook, whose links go where they say
        return markdown
    moved = _TO_DOCS if page.file.src_uri in ROOT_PAGES else _TO_ROOT
    return _NOTEBOOK.sub(r"\g<path>.md", _HOME.sub("index.md", moved.sub("", markdown)))
