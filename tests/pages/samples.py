"""Pages to look at: one with each kind of block, and one of hostile names."""

from flopbench.pages import Chart, Column, Lines, Measure, Page, Section, Table, Trees, Verdict
from flopbench.values import Node

BIG = 2**70

HOSTILE = (
    "<script>hacked = 1</script>",
    "</script><script>hacked = 2</script>",
    "<!-- <script>",
    "<img src=x onerror='hacked = 3'>",
    "\"'`${hacked = 4}`",
    "]]>&lt;b&gt;",
    "javascript:hacked = 5",
    "__proto__",
    "a\u202eb",
)
"""Names that a model, a plugin, a file or a config may have."""


def tree():
    return Node(
        "model",
        10**15,
        (
            Node("vision", 6 * 10**14, (Node("sam", 5 * 10**14, note="5*B"), Node("clip", 10**14))),
            Node("decoder", 4 * 10**14, (Node("mlp", 4 * 10**14, note="4*B*S"),)),
        ),
    )


def table():
    columns = [Column("name"), Column("FLOPs", "number", "FLOP"), Column("share", "share")]
    columns += [Column("law", "law")]
    rows = [["b", BIG, 0.25, "B*S"], ["a", BIG + 1, 0.5, None], ["c", None, 0.1, "S"]]
    rows += [["d", 999, None, "B**2"]]
    return Table("Numbers", columns, rows)


def curves(points=7):
    xs = [2**k if points < 20 else k + 1 for k in range(points)]
    series = {"eager": [x * x for x in xs], "flash": [x if x % 3 else None for x in xs]}
    parts = {"mlp": [1 + x for x in xs], "attention": xs}
    measures = [Measure("FLOPs", "FLOP", series), Measure("parts", "FLOP", parts, stacked=True)]
    return Chart("Curves", "context tokens", xs, measures, log_x=True, log_y=True)


def bars(names):
    values = {"one": list(range(1, len(names) + 1)), "two": [7] * len(names)}
    return Chart("Bars", "model", names, [Measure("FLOPs", "FLOP", values)])


def page():
    return Page(
        "A page of everything",
        [
            Section("Tables", [table(), Lines("Said", ["one", "two"])]),
            Section("Trees", [Trees("Where", {"eager": tree(), "flash": Node("none")})]),
            Section("Charts", [curves(), bars(["a", "b", "c"])]),
            Section("Text", [Lines("As text", ["a\n  b"], monospace=True, closed=True)]),
        ],
        Verdict("verified", "good"),
        about=["context_tokens=7"],
        data={"flops": BIG, "names": list(HOSTILE)},
    )


def hostile():
    names = list(HOSTILE)
    columns = [Column(name) for name in names]
    rows = [names, names[::-1]]
    numbers = {name: [1, 2] for name in names}
    measures = [Measure(name, name, numbers) for name in names]
    nodes = tuple(Node(name, 10, note=name, unit=name) for name in names)
    blocks = [
        Table(names[0], columns, rows, note=names[1]),
        Trees(names[1], {name: Node(name, 100, nodes) for name in names}, note=names[0]),
        Chart(names[2], names[0], [1, 2], measures, labels=names[:2]),
        Chart(names[3], names[1], names[:2], [Measure(names[0], names[1], numbers)]),
        Lines(names[4], names),
        Lines(names[5], names, monospace=True, closed=True),
    ]
    sections = [Section(name, blocks if index == 0 else []) for index, name in enumerate(names)]
    return Page(names[1], sections, Verdict(names[0], "bad"), about=names, data={"x": names})
