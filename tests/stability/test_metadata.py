"""What the packages, the citation and docs/stability.md say of versions is the same."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from flopbench import __version__

ROOT = Path(__file__).parents[2]
PROJECTS = [ROOT / "pyproject.toml", *sorted(ROOT.glob("plugins/*/pyproject.toml"))]
PYTHONS = ["3.11", "3.12", "3.13"]


def project(path):
    return tomllib.loads(path.read_text(encoding="utf-8"))["project"]


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    core = project(ROOT / "pyproject.toml")
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == __version__
    assert citation["title"] == core["name"]
    assert citation["license"] == core["license"]
    assert citation["authors"] == core["authors"]
    assert citation["keywords"] == core["keywords"]


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.parent.name)
def test_a_package_names_the_pythons_that_it_supports(path):
    found = project(path)
    named = [
        text.removeprefix("Programming Language :: Python :: ")
        for text in found["classifiers"]
        if text.startswith("Programming Language :: Python :: 3.")
    ]
    assert named == PYTHONS
    assert found["requires-python"] == f">={PYTHONS[0]}"
    assert "Typing :: Typed" in found["classifiers"]


def test_the_page_says_what_the_packages_ask_for():
    page = (ROOT / "docs" / "stability.md").read_text(encoding="utf-8")
    assert f"| Python | {', '.join(PYTHONS)} |" in page
    asked = [
        text
        for path in PROJECTS
        for texts in project(path)["optional-dependencies"].values()
        for text in texts
    ]
    for name in ("torch", "transformers"):
        (least,) = {t.removeprefix(f"{name}>=") for t in asked if t.startswith(f"{name}>=")}
        assert re.search(rf"^\| {name}, .* \| {re.escape(least)} or later \|$", page, re.MULTILINE)


def test_security_says_what_runs_code_and_where_to_report():
    page = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    for said in ("**Plugins.**", "`vendor.remote_code`", "no sandbox", "security advisory"):
        assert said in page
