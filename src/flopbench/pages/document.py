"""A page as an HTML document: all in one file, which loads nothing and runs only its own scripts.

What a reader's browser runs are the scripts inlined here, named by their digests in the policy of
the document; all else is refused, network included. Names are data: JSON in an element that no
browser runs, put on the page as text.
"""

from __future__ import annotations

import base64
import hashlib
import html as escaping
from functools import cache
from importlib import resources

from flopbench.pages.blocks import Page
from flopbench.pages.data import embedded, page_data
from flopbench.text import visible
from flopbench.version import __version__

LIBRARIES = ("d3.js", "plot.js")
SCRIPTS = ("format.js", "dom.js", "download.js", "table.js", "icicle.js", "legend.js", "chart.js")
EXPLORER = ("evaluate.js", "controls.js", "curves.js", "explorer.js")
LAST = ("page.js",)

_DOCUMENT = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="flopbench {version}">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main id="page">
<noscript><h1>{title}</h1><p>This page needs JavaScript. It loads nothing: all is in this file.
The same numbers are in the text, JSON and CSV that flopbench writes.</p></noscript>
</main>
<script type="application/json" id="data">{data}</script>
{scripts}
</body>
</html>"""


def html(page: Page) -> str:
    """Return a page as the text of an HTML file, pure ASCII."""
    more = EXPLORER if page.explorer is not None else ()
    own = "".join(map(asset, (*SCRIPTS, *more, *LAST)))
    scripts = [asset(f"libraries/{name}") for name in LIBRARIES]
    scripts.append(f'"use strict";\n(() => {{\n{own}}})();\n')
    return _DOCUMENT.format(
        policy=_policy(scripts),
        version=__version__,
        title=_ascii(escaping.escape(visible(page.title))),
        style=asset("page.css"),
        data=embedded(page_data(page)),
        scripts="\n".join(f"<script>{script}</script>" for script in scripts),
    )


@cache
def asset(name: str) -> str:
    """Return the text of a file that pages inline."""
    folder = resources.files("flopbench.pages") / "assets"
    return folder.joinpath(*name.split("/")).read_text(encoding="ascii")


def _policy(scripts: list[str]) -> str:
    """Return the policy: these scripts alone, and nothing from anywhere else.

    Styles are free, since Plot adds its own to each chart; without a network they show no one
    anything.
    """
    digests = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {digests}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _ascii(text: str) -> str:
    return text.encode("ascii", "xmlcharrefreplace").decode()
