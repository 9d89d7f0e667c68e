"""Laws as a C++17 header of its own, on integers of 128 bits that are checked for overflow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from flopbench.exports.laws import ExportedLaws, StageLaws
from flopbench.exports.targets import Files
from flopbench.exports.targets.code import Function, Source, commented, filled, joined, wrapped
from flopbench.exports.text import Language

LANGUAGE = Language(
    integer=lambda value: f"{value}_i",
    power=None,
    calls={
        "/": "exact_",
        "^": "power_",
        "floor": "floor_",
        "ceil": "ceil_",
        "mod": "mod_",
        "min": "least_",
        "max": "most_",
        "sum": "total_",
        "each": "each_",
    },
    infix={"and": "&&", "or": "||", "not": "!"},
    choice="{0} ? {1} : {2}",
    function="[&](Int {0}) {{ return {1}; }}",
    true="true",
    false="false",
)


def files(laws: Sequence[ExportedLaws]) -> Files:
    """Return a header for each model, and its golden vectors as a program."""
    found: dict[str, str] = {}
    for each in laws:
        found[f"{each.identifier}.hpp"] = _header(each)
        found[f"{each.identifier}_test.cpp"] = _test(each)
    return found


def literal(text: str) -> str:
    """Return a text as an ASCII literal of C++: all but plain characters as bytes of UTF-8."""
    data = text.encode("utf-8", "surrogatepass")
    plain = (chr(byte) if _is_plain(byte) else f"\\{byte:03o}" for byte in data)
    return f'"{"".join(plain)}"'


def _is_plain(byte: int) -> bool:
    return ord(" ") <= byte <= ord("~") and chr(byte) not in '"\\?'


def _header(laws: ExportedLaws) -> str:
    source = Source(laws)
    return filled(
        "laws.hpp.txt",
        {
            "COMMENT": commented(source.about(), "//"),
            "MODULE": laws.identifier,
            "CHECKS": joined(lambda stage: _checks(source, stage), laws, "\n\n"),
            "FUNCTIONS": joined(lambda stage: _blocks(source, stage), laws, "\n\n"),
        },
    )


def _parameters(names: Iterable[str]) -> str:
    return ", ".join(f"Int {name}" for name in names)


def _checks(source: Source, stage: StageLaws) -> Iterator[str]:
    names = source.arguments(stage)
    if names:
        lines = [f"inline void check_{stage.identifier}_({_parameters(names)}) {{"]
        for name in stage.symbols:
            symbol = source.laws.symbol(name)
            made = symbol.identifier
            lines.append(f'  size_("{made}", {made}, {symbol.minimum});')
        for tree, text in source.conditions(stage):
            lines.append(f"  assume_({LANGUAGE.write(tree)}, {literal(text)});")
        yield "\n".join([*lines, "}"])


def _blocks(source: Source, stage: StageLaws) -> Iterator[str]:
    names = source.arguments(stage)
    check = f"  check_{stage.identifier}_({', '.join(names)});"
    for function in source.functions(stage):
        yield _function(function, names, [check] if names else [])


def _function(function: Function, names: Sequence[str], check: list[str]) -> str:
    about = commented(iter((f"{function.about}:", function.form)), "//")
    value = wrapped(LANGUAGE, function.tree, before="return ", after=";", indent="  ")
    head = f"({_parameters(names)}) {{"
    lines = [about, f"inline Int {function.name}{head}", *check, value, "}"]
    call = f"{function.name}({', '.join(names)})"
    lines += [f"inline Int {alias}{head} return {call}; }}" for alias in function.aliases]
    return "\n".join(lines)


def _test(laws: ExportedLaws) -> str:
    golden = (
        f'  expect("{name}", {name}({_integers(each.sizes.values())}), {_integers([value])});'
        for stage in laws.stages
        for each in stage.golden
        for name, value in each.values.items()
    )
    refused = (
        f'  refuses("{name}", [] {{ {name}({_integers(each.sizes.values())}); }});'
        for stage in laws.stages
        for name in [stage.laws[0].identifier]
        for each in stage.refused
    )
    return filled(
        "test_laws.cpp.txt",
        {
            "MODULE": laws.identifier,
            "GOLDEN": "\n".join(golden),
            "REFUSED": "\n".join(refused),
        },
    )


def _integers(values: Iterable[int]) -> str:
    return ", ".join(f"{value}_i" for value in values)
