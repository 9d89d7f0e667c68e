"""The file of a page: what it holds is data, it runs its own scripts alone, and it is small."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from flopbench.pages import Column, Lines, Page, Section, Table, Trees, html
from flopbench.pages.data import MOST, page_data
from flopbench.text import visible
from flopbench.values import Node
from pages.samples import BIG, HOSTILE, hostile, page


class Read(HTMLParser):
    """The scripts of a document by their attributes, its title, and its policy."""

    def __init__(self, text):
        super().__init__()
        self.scripts, self.title, self.policy, self.inside = [], "", "", []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.inside = [tag, found]
        if found.get("http-equiv") == "Content-Security-Policy":
            self.policy = found["content"]

    def handle_endtag(self, tag):
        self.inside = []

    def handle_data(self, data):
        if self.inside[:1] == ["script"]:
            self.scripts.append((self.inside[1], data))
        if self.inside[:1] == ["title"]:
            self.title += data


def data_of(text):
    """Return what the script of a page reads."""
    (found,) = [code for kind, code in Read(text).scripts if kind.get("id") == "data"]
    return json.loads(found)


def test_it_is_text_that_no_encoding_and_no_terminal_changes():
    text = html(hostile())
    assert text.isascii()
    assert visible(text) == text
    assert "\r" not in text


def test_it_loads_nothing_and_runs_no_script_but_its_own():
    read = Read(html(page()))
    run = [code for kind, code in read.scripts if kind.get("type") != "application/json"]
    digests = {
        f"'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}'"
        for code in run
    }
    policy = dict(part.split(" ", 1) for part in read.policy.split("; "))
    assert set(policy["script-src"].split()) == digests
    assert len(run) == 3
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert "http" not in read.policy


def test_it_is_small():
    assert len(html(page())) < 600_000


@given(st.lists(st.text(), min_size=1))
def test_whatever_a_name_is_the_document_is_the_same_but_for_the_data(names):
    made = Page("".join(names), [Section(names[0], [Lines("", names)])])
    read = Read(html(made))
    assert [kind for kind, _ in read.scripts] == [
        {"type": "application/json", "id": "data"},
        {},
        {},
        {},
    ]
    data = data_of(html(made))
    assert data["title"] == visible("".join(names))
    assert data["sections"][0]["blocks"][0]["lines"] == list(map(visible, names))


def test_hostile_names_are_in_the_data_and_nowhere_else():
    text = html(hostile())
    without = re.sub(r'<script type="application/json".*?</script>', "", text, flags=re.DOTALL)
    plain = html(Page("title", []))
    # The title is there once as the document's, and once for readers without scripts.
    assert without.count("hacked") == 2 * hostile().title.count("hacked")
    assert "<script>hacked" not in without
    assert without.count("<script") == plain.count("<script") - 1
    assert json.loads(data_of(text)["json"])["x"] == list(HOSTILE)


def test_integers_are_exact_however_large():
    data = data_of(html(page()))
    rows = data["sections"][0]["blocks"][0]["rows"]
    assert [rows[0][1], rows[1][1]] == [str(BIG), str(BIG + 1)]
    assert json.loads(data["json"])["flops"] == BIG


def test_what_is_no_number_is_an_empty_cell():
    rows = [["a", float("nan")], ["b", float("-inf")], ["c", 0.5]]
    table = Table("", [Column("name"), Column("share", "number")], rows)
    data = page_data(Page("", [Section("", [table])]))
    assert data["sections"][0]["blocks"][0]["rows"] == [["a", None], ["b", None], ["c", 0.5]]


def test_a_tree_of_any_depth_and_width_is_cut():
    deep = Node("leaf", 1)
    for _ in range(3000):
        deep = Node("part", 1, (deep,))
    wide = Node("all", 9000, tuple(Node(str(i), 1) for i in range(9000)))
    made = page_data(Page("", [Section("", [Trees("", {"deep": deep, "wide": wide})])]))
    trees = made["sections"][0]["blocks"][0]["trees"]
    assert [len(trees["deep"]), len(trees["wide"])] == [3001, MOST]
    assert [node["parent"] for node in trees["deep"][:4]] == [-1, 0, 1, 2]
