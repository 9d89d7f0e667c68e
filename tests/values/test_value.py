"""A value shows itself as text, JSON, tables and HTML, exactly and escaped, and saves itself."""

import csv
import io
import json
from html.parser import HTMLParser

import pytest
from attrs import field, frozen
from hypothesis import given
from hypothesis import strategies as st

from flopbench.errors import UsageError
from flopbench.values import Node, Value
from flopbench.values.html import MOST, html
from flopbench.values.node import tree_of

BIG = 2**70 + 1


@frozen
class Work(Value):
    """What the tests show."""

    name: str = "work"
    flops: int = BIG
    table: list = field(factory=list)
    shown: Node = field(factory=lambda: Node("work", BIG))

    def to_dict(self):
        return {"name": self.name, "flops": self.flops}

    def rows(self):
        return self.table or [self.to_dict()]

    def text(self):
        return f"{self.name}: {self.flops:,} FLOPs"

    def tree(self):
        return self.shown


class Page(HTMLParser):
    """The elements of a page, what it shows, and which values its attributes have."""

    VOID = frozenset({"meta", "br"})

    def __init__(self, text):
        super().__init__()
        self.open, self.names, self.words, self.attributes = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.attributes += [name for name, _ in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def test_ipython_shows_the_text_and_not_what_attrs_writes():
    from IPython.lib.pretty import pretty

    class Shown(Work):
        def _repr_pretty_(self, printer, cycle):
            printer.text("its own")

    @frozen
    class Inherits(Shown):
        more: int = 1

    assert pretty(Work()) == str(Work())
    assert (pretty(Shown()), pretty(Inherits())) == ("its own", "its own")


def test_what_a_value_must_have_is_abstract():
    assert Value.__abstractmethods__ == {"to_dict", "rows", "text", "tree"}


def test_text_is_what_str_and_rich_show():
    from rich.console import Console

    value = Work(name="[bold]x[/bold]\x1b[31m")
    assert str(value) == f"[bold]x[/bold]\\u001b[31m: {BIG:,} FLOPs"
    console = Console(file=io.StringIO(), width=200, force_terminal=True)
    console.print(value)
    assert console.file.getvalue() == f"{value}\n"


@given(st.integers(-(10**40), 10**40))
def test_json_and_csv_keep_integers(number):
    value = Work(flops=number)
    assert json.loads(value.to_json()) == value.to_dict()
    assert "\n" not in value.to_json(indent=None)
    (row,) = csv.DictReader(io.StringIO(value.to_csv()))
    assert int(row["flops"]) == number


@pytest.mark.parametrize(
    ("numbers", "dtype"),
    [
        ((1, 2**53 + 1), "int64"),
        ((2**53 + 1, None), "Int64"),
        ((2**63 - 1, -(2**63)), "int64"),
        ((2**63, None, 1), "object"),
        ((BIG, 1), "object"),
        ((None, None), "object"),
        ((1.5, None), "float64"),
        ((True, False), "bool"),
    ],
)
def test_a_data_frame_keeps_integers(numbers, dtype):
    pd = pytest.importorskip("pandas")
    frame = Work(table=[{"n": number, "s": "x"} for number in numbers]).to_pandas()
    assert list(frame.columns) == ["n", "s"]
    assert str(frame["n"].dtype) == dtype
    found = [None if pd.isna(number) else number for number in frame["n"]]
    assert found == list(numbers)


def test_rows_may_lack_columns():
    pytest.importorskip("pandas")
    value = Work(table=[{"a": 2**60 + 1}, {"b": "x"}])
    frame = value.to_pandas()
    assert list(frame.columns) == ["a", "b"]
    assert frame["a"][0] == 2**60 + 1
    assert value.to_csv() == f"a,b\n{2**60 + 1},\n,x\n"


def test_without_pandas_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(UsageError, match=r"needs pandas \(pip install 'flopbench\[pandas\]'\)$"):
        Work().to_pandas()


NAMES = st.text(max_size=8) | st.sampled_from(
    ["<script>alert(1)</script>", "</details>", "\"' onload=x", "&lt;", "\x00\u202e"]
)
TREES = st.recursive(
    st.builds(Node, NAMES, st.none() | st.integers(-5, 10**30), note=st.none() | NAMES),
    lambda inner: st.builds(
        Node, NAMES, st.none() | st.integers(0, 10**30), st.lists(inner, max_size=3).map(tuple)
    ),
)


def nodes(node):
    yield node
    for child in node.children:
        yield from nodes(child)


@given(TREES)
def test_html_is_well_formed_and_shows_names_as_text(tree):
    page = Page(html(tree))
    assert set(page.names) <= {"div", "details", "summary", "span"}
    assert set(page.attributes) <= {"style", "open"}
    assert page.names.count("details") == sum(bool(node.children) for node in nodes(tree))
    shown = "".join(page.words)
    for node in nodes(tree):
        assert node.value is None or f"{node.value:,} FLOP" in shown


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "</details>", "\"'>&amp;"])
def test_html_shows_a_name_and_a_note_as_they_are(name):
    page = Page(html(Node("root", None, (Node(name, 1, note=name, unit=name),))))
    assert page.words.count(name) == 2
    assert page.words.count(f"1 {name}") == 2  # with a prefix, and in full
    assert "script" not in page.names


def test_bars_are_shares_of_the_highest_part_with_a_number():
    leaf = Node("leaf", 10)
    text = html(Node("all", 200, (Node("half", 100, (leaf,)), Node("other", 1, unit="B"))))
    assert [f"{share} %" in text for share in ("100.0", "50.0", "5.0", "10.0")] == [
        False,
        True,
        True,
        False,
    ]
    assert text.count("width:50.00%") == text.count("width:5.00%") == 1


def test_without_a_number_above_bars_are_held_against_the_largest_of_the_unit():
    parts = (Node("a", 10), Node("b", 40), Node("c", 8, unit="B"), Node("none"))
    text = html(Node("all", None, parts))
    assert text.count("width:25.00%") == 1
    assert text.count("width:100.00%") == 2
    assert " %" not in text.replace("100% ", "")


def test_very_large_and_very_deep_trees_are_cut_short_and_say_so():
    wide = Page(html(Node("all", None, tuple(Node(f"p{i}", i) for i in range(MOST + 9)))))
    assert "and 10 more" in wide.words
    deep = Node("leaf", 1)
    for _ in range(MOST + 5):
        deep = Node("in", 1, (deep,))
    assert "and 1 more" in Page(html(deep)).words


PATHS = st.lists(st.sampled_from("abc"), max_size=4).map(tuple)


@given(st.dictionaries(PATHS, st.integers(0, 10**30)))
def test_each_part_of_a_tree_of_paths_costs_what_is_below_it(values):
    tree = tree_of("all", values)
    assert tree.value == sum(values.values())

    def check(node, path):
        assert node.value == sum(v for p, v in values.items() if p[: len(path)] == path)
        for child in node.children:
            check(child, (*path, child.name))

    check(tree, ())


def test_save_writes_the_form_that_the_name_ends_with(tmp_path):
    value = Work(table=[{"a": 1}])
    for name, text in {
        "x.json": value.to_json() + "\n",
        "x.CSV": "a\n1\n",
        "x.md": f"```text\n{value.text()}\n```\n",
        "x.txt": f"{value.text()}\n",
    }.items():
        path = value.save(tmp_path / "new" / name)
        assert path == tmp_path / "new" / name
        assert path.read_text(encoding="utf-8") == text
    page = Page(value.save(str(tmp_path / "x.html")).read_text(encoding="utf-8"))
    assert page.names[:3] == ["html", "head", "meta"]
    assert "script" not in page.names


def test_a_fence_is_longer_than_any_in_the_text():
    assert Work(name="````").to_markdown().startswith("`````text\n")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("x.pdf", "x.pdf': its name must end with .json, .csv, .html, .md or .txt"),
        ("x", "its name must end with"),
        ("", "its name must end with"),
        ("folder.json", "folder.json is a directory"),
        ("file/x.json", "cannot write to"),
        ("x\0.json", "cannot write to"),
    ],
)
def test_what_cannot_be_saved_is_one_sentence(name, said, tmp_path):
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"^cannot ") as caught:
        Work().save(tmp_path / name)
    assert said in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.json"]


def test_a_failed_write_leaves_what_was_there(tmp_path, monkeypatch):
    path = Work().save(tmp_path / "x.json")
    before = path.read_bytes()
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(UsageError, match=r"cannot write to .*x\.json: full"):
        Work(flops=1).save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]
