"""Laws as an ES module that runs in browsers and in node, on BigInt."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from flopbench.exports.laws import ExportedLaws, StageLaws
from flopbench.exports.targets import Files
from flopbench.exports.targets.code import Function, Source, commented, filled, joined, wrapped
from flopbench.exports.text import Language

LANGUAGE = Language(
    integer=lambda value: f"{value}n",
    calls={
        "/": "exact_",
        "floor": "floor_",
        "ceil": "ceil_",
        "mod": "mod_",
        "min": "least_",
        "max": "most_",
        "sum": "total_",
        "each": "each_",
    },
    infix={"and": "&&", "or": "||", "not": "!", "==": "===", "!=": "!=="},
    choice="{0} ? {1} : {2}",
    function="({0}) => {1}",
    true="true",
    false="false",
)


def files(laws: Sequence[ExportedLaws]) -> Files:
    """Return a module for each model, and its golden vectors as a test."""
    found: dict[str, str] = {}
    for each in laws:
        found[f"{each.identifier}.mjs"] = _module(each)
        found[f"{each.identifier}.test.mjs"] = _test(each)
    return found


def literal(text: str) -> str:
    """Return a text as an ASCII literal of JavaScript, inert in a page, too."""
    return json.dumps(text).replace("<", "\\u003c").replace(">", "\\u003e").replace("/", "\\/")


def _module(laws: ExportedLaws) -> str:
    source = Source(laws)
    provenance = "".join(f"  {literal(line)},\n" for line in source.provenance())
    return filled(
        "laws.mjs.txt",
        {
            "COMMENT": commented(source.about(), "//"),
            "PROVENANCE": f"[\n{provenance}]",
            "FUNCTIONS": joined(lambda stage: _blocks(source, stage), laws, "\n\n"),
        },
    )


def _blocks(source: Source, stage: StageLaws) -> Iterator[str]:
    names = ", ".join(source.arguments(stage))
    check = f"check_{stage.identifier}_"
    if names:
        lines = [f"function {check}({names}, ...more_) {{", f'  none_(more_, "{names}");']
        lines += _checks(source, stage)
        yield "\n".join([*lines, f"  return [{names}];", "}"])
    for function in source.functions(stage):
        yield _function(function, names, check)


def _checks(source: Source, stage: StageLaws) -> Iterator[str]:
    for name in stage.symbols:
        symbol = source.laws.symbol(name)
        made = symbol.identifier
        yield f'  {made} = size_("{made}", {made}, {symbol.minimum}n);'
    for tree, text in source.conditions(stage):
        yield f"  assume_({LANGUAGE.write(tree)}, {literal(text)});"


def _function(function: Function, names: str, check: str) -> str:
    checked = f"[{names}] = {check}(...arguments)" if names else 'none_(arguments, "no sizes")'
    value = wrapped(LANGUAGE, function.tree, before="return ", after=";", indent="  ")
    about = commented(iter((f"{function.about}:", function.form)), "//")
    lines = [about, f"export function {function.name}({names}) {{", f"  {checked};", value, "}"]
    lines += [f"export const {alias} = {function.name};" for alias in function.aliases]
    return "\n".join(lines)


def _test(laws: ExportedLaws) -> str:
    golden = (
        f"  [{_integers(each.sizes.values())}, ["
        + ", ".join(f'["{name}", {value}n]' for name, value in each.values.items())
        + "]],"
        for stage in laws.stages
        for each in stage.golden
    )
    refused = (
        f'  ["{stage.laws[0].identifier}", {_integers(each.sizes.values())}],'
        for stage in laws.stages
        for each in stage.refused
    )
    return filled(
        "test_laws.mjs.txt",
        {
            "MODULE": laws.identifier,
            "GOLDEN": "\n".join(golden),
            "REFUSED": "\n".join(refused),
        },
    )


def _integers(values: Iterable[int]) -> str:
    return f"[{', '.join(f'{value}n' for value in values)}]"
