"""The reference shows each field with its type, default and choices, and paths to import from."""

import importlib
import re
from typing import Literal

import attrs
import make_reference
import pytest
from attrs import field, frozen, validators
from reference_fields import fields
from reference_text import markdown, meanings

Choice = Literal["x", "y"]
PAGE = make_reference.page()
ROW = re.compile(r"^\| `(\w+)` \| (.+?) \| (.+?) \|", re.MULTILINE)


@frozen
class Plain:
    """Not described."""

    name: str


@frozen
class Base:
    """A base.

    Attributes:
        rows: how many.
    """

    rows: int = field(validator=validators.ge(1))


@frozen
class Thing(Base):
    """A thing.

    Attributes:
        kind, other: what it is,
            in words.
    """

    kind: "Choice | None" = None
    other: int | tuple[str, ...] = ()
    picked: str = field(default="b", validator=validators.in_(["a", "b"]))
    made: dict[str, int] = field(factory=dict)


def table(cls, linked=()):
    return "\n".join(fields(cls, linked))


def test_a_row_has_type_default_choices_and_meaning():
    text = table(Thing, (Base,))
    assert '| `picked` | `str` | `"b"` | `a`, `b` |  |' in text
    assert "| `kind` | `str` or `None` | `None` | `x`, `y` | what it is, in words. |" in text
    assert "| `other` | `int` or `tuple[str, ...]` | `()` |  | what it is, in words. |" in text
    assert "| `made` | `dict[str, int]` | `{}` |  |  |" in text


def test_fields_of_a_base_are_named_with_a_link_if_the_page_has_it():
    assert "Inherited fields: `rows` of [`Base`](#base)." in table(Thing, (Base,))
    assert "| `rows` | `int` | required | ≥ 1 | how many. |" in table(Thing)


def test_an_empty_column_is_left_out():
    assert table(Base).startswith("| field | type | default | choices | meaning |")
    assert table(Plain).startswith("| field | type | default |\n")


def test_docstrings_become_markdown():
    text = "Do ``it``::\n\n    run()\n\nArgs:\n    a, b: what\n        is done.\n"
    assert "\n".join(markdown(text)) == (
        "Do `it`:\n\n```python\nrun()\n```\n\n\nArgs:\n\n- `a`, `b`: what is done."
    )
    assert "Args" not in "\n".join(markdown(text, without=("Args",)))
    assert meanings("X.\n\nAttributes:\n    a, b: c\n        d.") == {"a": "c d.", "b": "c d."}


@pytest.mark.parametrize("cls", make_reference.LINKED, ids=lambda cls: cls.__name__)
def test_every_field_has_a_row(cls):
    if not attrs.has(cls):
        return
    section = re.split(r"\n#{2,3} ", PAGE.partition(f"\n### {cls.__name__}\n")[2])[0]
    rows = {name for name, _, _ in ROW.findall(section)}
    inherited = set(re.findall(r"`(\w+)`", section.partition("Inherited fields: ")[2]))
    assert {field.name for field in attrs.fields(cls) if field.init} <= rows | inherited


def test_paths_are_those_that_users_import_from():
    paths = re.findall(r"^### \w+\n\n`(flopbench\.[\w.]+)", PAGE, re.MULTILINE)
    assert len(paths) > 80
    public = {module.__name__ for module in make_reference.FACADES}
    for path in paths:
        module, _, name = path.rpartition(".")
        assert module in public
        assert name in importlib.import_module(module).__all__
