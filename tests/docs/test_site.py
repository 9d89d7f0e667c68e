"""The site builds strictly, has every page, and loads nothing from outside."""

import os
import re
import subprocess
import sys

import pytest
from doc_output import ROOT

LOADS = re.compile(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=[\"']?https?://[^>]*>")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_the_site_has_every_page_and_what_pages_link_to(site):
    pages = {path.stem for path in ROOT.glob("docs/*.md")} | {"CHANGELOG", "CONTRIBUTING"}
    assert pages <= {path.stem for path in site.glob("*.html")}
    for path in ("measurements/h200.json", "scripts/measure_executed.py"):
        assert (site / path).read_bytes() == (ROOT / path).read_bytes()
    assert 'href="../' not in (site / "executed-work.html").read_text(encoding="utf-8")


def test_the_site_has_notebooks_as_pages_and_as_files(site):
    folder = site / "notebooks"
    text = (folder / "any-module.html").read_text(encoding="utf-8")
    assert "436,207,616 FLOP" in text
    assert "<details open>" in text
    assert (folder / "any-module-1.png").read_bytes().startswith(b"\x89PNG")
    assert 'href="any-module.ipynb"' in text
    assert (folder / "any-module.ipynb").exists()
    assert 'href="notebooks/any-module.html"' in (site / "index.html").read_text(encoding="utf-8")


def test_the_site_loads_nothing_from_outside(site):
    for page in site.rglob("*.html"):
        assert not LOADS.findall(page.read_text(encoding="utf-8")), page.name


def test_the_site_can_be_searched(site):
    index = (site / "search" / "search_index.json").read_text(encoding="utf-8")
    assert "FlashAttention" in index
