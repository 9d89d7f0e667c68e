"""What the packages, the citation and docs/stability.md say of versions is the same."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from flopbench import __version__
from flopbench.registry.shipped import EXTRAS

ROOT = Path(__file__).parents[2]
PROJECTS = [ROOT / "pyproject.toml", *sorted(ROOT.glob("plugins/*/pyproject.toml"))]
TESTED_EXTRAS = {"vendor", "torch", "testing", "plot"}
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


def names(requirements):
    """Return the distributions that requirements name, each with its extras."""
    return {re.match(r"[\w-]+(?:\[[\w,-]+\])?", text)[0] for text in requirements}


def test_all_distributions_have_one_version_and_ask_for_each_other_from_it_on():
    found = {project(path)["name"]: project(path) for path in PROJECTS}
    assert {p.get("version", __version__) for p in found.values()} == {__version__}
    for each in found.values():
        extras = each.get("optional-dependencies", {}).values()
        asked = [text for texts in (each["dependencies"], *extras) for text in texts]
        for text in asked:
            name, _, least = text.partition(">=")
            # An extra may name another of the same distribution.
            if name.partition("[")[0] in {*found} - {each["name"]} and least:
                assert least == __version__
            elif text.startswith("flopbench"):
                assert "[" in text


def test_the_lowest_versions_that_are_tested_are_those_that_are_asked_for():
    text = (ROOT / "constraints-min.txt").read_text(encoding="utf-8")
    tested = dict(line.split("==") for line in text.splitlines() if "==" in line)
    asked = {}
    for path in PROJECTS:
        found = project(path)
        extras = {k: v for k, v in found["optional-dependencies"].items() if k in TESTED_EXTRAS}
        for line in (*found["dependencies"], *(t for texts in extras.values() for t in texts)):
            name, _, least = line.partition(">=")
            asked.setdefault(name.partition("[")[0], set()).add(least)
    for name, least in asked.items():
        if not name.startswith("flopbench"):
            assert {tested[name]} == least, name


def test_the_extras_bring_every_distribution_with_what_it_needs_to_count():
    extras = project(ROOT / "pyproject.toml")["optional-dependencies"]
    others = {project(path)["name"]: project(path) for path in PROJECTS[1:]}
    assert names(extras["all"]) == {
        "flopbench-peer-counters[light]",
        "flopbench[hf,ocr,plot,torch,vl]",
    }
    brought = {name for extra in ("hf", "ocr", "peers", "vl") for name in names(extras[extra])}
    assert {name.partition("[")[0] for name in brought} == {*others} == {*EXTRAS}
    for name in brought:
        distribution, extra = name.removesuffix("]").split("[")
        assert extra in others[distribution]["optional-dependencies"]
        assert name in names(extras[EXTRAS[distribution]])


def test_security_says_what_runs_code_and_where_to_report():
    page = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    for said in ("**Plugins.**", "`vendor.remote_code`", "no sandbox", "security advisory"):
        assert said in page
