"""Laws as a Python file that needs nothing but Python."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flopbench.exports.laws import ExportedLaws, StageLaws
from flopbench.exports.targets import Files
from flopbench.exports.targets.code import Function, Source, commented, filled, joined, wrapped
from flopbench.exports.text import Language

LANGUAGE = Language(
    calls={
        "/": "_exact",
        "floor": "_floor",
        "ceil": "_ceil",
        "mod": "_mod",
        "min": "min",
        "max": "max",
        "sum": "_sum",
        "each": "_each",
    },
    infix={"and": "and", "or": "or", "not": "not "},
    choice="{1} if {0} else {2}",
    function="lambda {0}: {1}",
    true="True",
    false="False",
)


def files(laws: Sequence[ExportedLaws]) -> Files:
    """Return a module for each model, and its golden vectors as a test."""
    found: dict[str, str] = {}
    for each in laws:
        found[f"{each.identifier}.py"] = _module(each)
        found[f"test_{each.identifier}.py"] = _test(each)
    return found


def literal(text: str) -> str:
    """Return a text as an ASCII literal of Python."""
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    return text.encode("unicode_escape").decode("ascii").replace('"', r"\"")


def _module(laws: ExportedLaws) -> str:
    source = Source(laws)
    about = "\n".join(_escaped(line) for line in source.about())
    provenance = ",\n".join(f"    {literal(line)}" for line in source.provenance())
    return filled(
        "laws.py.txt",
        {
            "COMMENT": commented(iter((f"Laws of {laws.name}, as flopbench exports them",)), "#"),
            "DOCSTRING": f'"""{about}\n"""',
            "PROVENANCE": f"(\n{provenance},\n)",
            "FUNCTIONS": joined(lambda stage: _blocks(source, stage), laws, "\n\n\n"),
        },
    )


def _blocks(source: Source, stage: StageLaws) -> Iterator[str]:
    names = ", ".join(source.arguments(stage))
    check = f"_check_{stage.identifier}"
    if names:
        lines = [f"def {check}({names}):", *_checks(source, stage), f"    return {names}"]
        yield "\n".join(lines)
    for function in source.functions(stage):
        yield _function(function, names, check)


def _checks(source: Source, stage: StageLaws) -> Iterator[str]:
    for name in stage.symbols:
        symbol = source.laws.symbol(name)
        made = symbol.identifier
        yield f'    {made} = _size("{made}", {made}, {symbol.minimum})'
    for tree, text in source.conditions(stage):
        yield f"    _assume({LANGUAGE.write(tree)}, {literal(text)})"


def _function(function: Function, names: str, check: str) -> str:
    about = f'    """{_escaped(function.about)}:\n\n    {_escaped(function.form)}\n    """'
    checked = [f"    {names} = {check}({names})"] if names else []
    value = wrapped(LANGUAGE, function.tree, before="return ", after="", indent="    ")
    lines = [f"def {function.name}({names}):", about, *checked, value]
    aliases = "".join(f"\n\n\n{alias} = {function.name}" for alias in function.aliases)
    return "\n".join(lines) + aliases


def _test(laws: ExportedLaws) -> str:
    golden = (
        f"    ({tuple(each.sizes.values())}, {dict(each.values)}),"
        for stage in laws.stages
        for each in stage.golden
    )
    refused = (
        f'    ("{stage.laws[0].identifier}", {tuple(each.sizes.values())}),'
        for stage in laws.stages
        for each in stage.refused
    )
    return filled(
        "test_laws.py.txt",
        {
            "MODULE": laws.identifier,
            "GOLDEN": "\n".join(golden),
            "REFUSED": "\n".join(refused),
        },
    )
