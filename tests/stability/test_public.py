"""What docs/stability.md promises is what public.json says, and what the code has."""

import json
import re

import make_public
import pytest

PAGE = make_public.FILE.parents[2] / "docs" / "stability.md"

WHAT_TO_DO = """
If that is meant: run `python scripts/make_public.py` and say so in CHANGELOG.md. What users have
is taken away only after two minor versions with a DeprecationWarning, and the form of JSON only
with a new schema version: see docs/stability.md."""


def changes(before, after):
    """Say what one document has that the other has not; nothing if they are equal."""
    old, new = (list(make_public.lines(value)) for value in (before, after))
    gone = [f"  removed or changed: {line}" for line in old if line not in new]
    come = [f"  added or changed:   {line}" for line in new if line not in old]
    moved = ["  the order is another"] if before != after and not gone and not come else []
    return "\n".join((*gone, *come, *moved))


def test_what_is_public_is_as_written_down():
    written = json.loads(make_public.FILE.read_text(encoding="utf-8"))
    found = changes(written, make_public.public())
    assert not found, f"what is public is not what tests/stability/public.json says:\n{found}\n" + (
        WHAT_TO_DO
    )


def test_the_file_is_as_the_script_writes_it():
    assert make_public.FILE.read_text(encoding="utf-8") == make_public.text()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda d: d["names"]["flopbench"].remove("Op"),
            "added or changed:   names, flopbench: Op",
        ),
        (
            lambda d: d["commands"]["flopbench run"].append("--fast"),
            "removed or changed: commands, flopbench run: --fast",
        ),
        (
            lambda d: d["schemas"].update(report="1.1"),
            "removed or changed: schemas, report: 1.1",
        ),
        (
            lambda d: d["definitions"]["flopbench.Stage"]["fields"].remove("parts = ()"),
            "added or changed:   definitions, flopbench.Stage, fields: parts = ()",
        ),
        (
            lambda d: d["hooks"].update(flopbench_reporters="() -> None"),
            "removed or changed: hooks, flopbench_reporters: () -> None",
        ),
        (lambda d: d["settings"]["run"].reverse(), "the order is another"),
    ],
)
def test_a_change_is_told_by_name(change, said):
    now = make_public.public()
    before = json.loads(json.dumps(now))
    change(before)
    assert f"  {said}" in changes(before, now).splitlines()


def test_the_page_names_every_package_hook_command_and_schema():
    page, found = PAGE.read_text(encoding="utf-8"), make_public.public()
    for name in (*found["names"], *found["hooks"], *found["commands"]):
        assert f"`{name}`" in page, name
    for name, version in found["schemas"].items():
        assert re.search(rf"^\| `{name}` \|.*\| {re.escape(version)} \|$", page, re.MULTILINE), name


SUMS = ("ACTIVE", "ALL_PAIRS", "CAUSAL_PAIRS", "LAYERS", "MATRICES", "SMALL")
"""Sums of terms that formulas start from."""


def test_every_public_name_can_be_described():
    found = make_public.public()["definitions"]
    assert {"fields", "members"} <= {*found["flopbench.Stage"]}
    assert found["flopbench.AnalyticModel"]["members"]["ops"].startswith("abstract (self, stage")
    vague = {name for name, text in found.items() if text == "a type or marker"}
    terms = {f"flopbench.formulas.{name}" for name in (*SUMS, "Amount")}
    assert vague <= {"flopbench.hookimpl", "flopbench.dims.Dim", "flopbench.dims.Real", *terms}
    assert "0x" not in make_public.text()
