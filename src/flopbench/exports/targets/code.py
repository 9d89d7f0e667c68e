"""What the targets that are code share: functions of a stage, texts that are inert, templates."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files as resources
from typing import Any

from attrs import frozen

from flopbench.exports.laws import (
    FLOPS,
    QUANTITIES,
    Assumption,
    ExportedLaw,
    ExportedLaws,
    StageLaws,
)
from flopbench.exports.text import Language, text_of
from flopbench.exports.tree import Tree, renamed
from flopbench.text import key_values, plural

WIDTH = 96
"""The most characters of a line, as far as names allow."""


@frozen
class Function:
    """A law as a function.

    Attributes:
        aliases: names of further functions that give the same: those of other attention modes.
        about: what it returns, in words.
    """

    name: str
    aliases: tuple[str, ...]
    about: str
    tree: Tree

    @property
    def form(self) -> str:
        """The closed form, for people."""
        return text_of(self.tree)


@frozen
class Source:
    """Laws of a model in the names of code."""

    laws: ExportedLaws

    def arguments(self, stage: StageLaws) -> tuple[str, ...]:
        """Return the names of the arguments of a stage's functions."""
        return tuple(self.laws.symbol(name).identifier for name in stage.symbols)

    def tree(self, tree: Tree) -> Tree:
        """Return a tree in the names of arguments."""
        return renamed(tree, {each.name: each.identifier for each in self.laws.symbols})

    def conditions(self, stage: StageLaws) -> Iterator[tuple[Tree, str]]:
        """Yield what a program can check, each with its text."""
        for each in stage.conditions:
            yield self.tree(each.condition or []), f"the law of {stage.name} assumes {each.text}"

    def functions(self, stage: StageLaws) -> Iterator[Function]:
        """Yield the functions of a stage: one for laws of several modes that are the same."""
        for laws in _alike(stage):
            modes = ", ".join(law.attention for law in laws)
            first = laws[0]
            unit, what = QUANTITIES[first.quantity]
            of = stage.title if first.component is None else _part(first.component, stage)
            how = f", {modes} attention" if self.laws.kind == "model" else ""
            about = f"{what}{how}: {of} ({self._known(stage, laws)}), in {unit}"
            names = tuple(law.identifier for law in laws)
            yield Function(names[0], names[1:], about, self.tree(first.tree))

    def _known(self, stage: StageLaws, laws: list[ExportedLaw]) -> str:
        """Return how laws that are alike are known: matrix work as it ran is what was proved."""
        compared = laws[0].quantity == FLOPS and laws[0].attention == self.laws.attention[0]
        return stage.verdict if compared or stage.verdict == "analytic only" else "closed form"

    def about(self) -> Iterator[str]:
        """Yield lines that say what a file is, and where it comes from."""
        laws = self.laws
        version = laws.provenance.get("versions", {}).get("flopbench", "")
        yield f"Laws of {laws.name}: {laws.verdict}. Made by flopbench {version}.".replace(
            " .", "."
        )
        yield ""
        for each in laws.symbols:
            named = "" if each.name == each.identifier else f" ({each.name})"
            yield f"{each.identifier}{named}: {each.meaning}, at least {each.minimum}"
        for stage in laws.stages:
            yield ""
            yield f"{stage.title} ({stage.name}): {stage.verdict}"
            yield from _assumed(stage.assumptions)
            for left in stage.left_out:
                yield f"left out: {left.quantity}, {left.attention}: {left.reason}"
        yield ""
        yield from (f"note: {note}" for note in (*laws.notes, *laws.left_out))
        yield from self.provenance()

    def provenance(self) -> Iterator[str]:
        """Yield where the laws come from."""
        found = self.laws.provenance
        yield f"workload: {', '.join(key_values(self.laws.closed))}"
        yield f"versions: {', '.join(key_values(found.get('versions', {})))}"
        for name in ("counter", "config_digest", "proof_digest"):
            if found.get(name):
                yield f"{name.replace('_', ' ')}: {found[name]}"


def _part(component: str, stage: StageLaws) -> str:
    return f"{component} in {stage.title}" if component else f"{stage.title}, without sub-modules"


_MOST_ASSUMED = 10


def _assumed(assumptions: tuple[Assumption, ...]) -> Iterator[str]:
    for each in assumptions[:_MOST_ASSUMED]:
        yield f"{'checked' if each.condition is not None else 'assumed'}: {each.text}"
    left = len(assumptions) - _MOST_ASSUMED
    if left > 0:
        yield f"and {plural(left, 'more assumption')}"


def _alike(stage: StageLaws) -> Iterator[list[ExportedLaw]]:
    groups: dict[tuple[str, str | None, str], list[ExportedLaw]] = {}
    for law in stage.laws:
        groups.setdefault((law.quantity, law.component, str(law.tree)), []).append(law)
    yield from groups.values()


def wrapped(language: Language, tree: Tree, *, before: str, after: str, indent: str) -> str:
    """Return a statement with an expression, over several lines in parentheses if it is long."""
    text = language.write(tree)
    if len(indent) + len(before) + len(text) + len(after) <= WIDTH:
        return f"{indent}{before}{text}{after}"
    inner = f"{indent}{indent}"
    lines = textwrap.wrap(text, WIDTH - len(inner), break_long_words=False, break_on_hyphens=False)
    body = "\n".join(f"{inner}{line}" for line in lines)
    return f"{indent}{before}(\n{body}\n{indent}){after}"


_SAFE = re.compile(r"[^ -\[\]-~]|(?<=[*?<])[/?]|(?<=/)\*")
"""What a language may read in a comment: backslashes, controls, its end, trigraphs."""


def inert(text: str) -> str:
    """Return text for a comment: one line of ASCII that ends no comment, and steers no compiler.

    What is none of that, such as a line's end or the slash of ``*/``, becomes ``{U+000A}``.
    """
    return _SAFE.sub(lambda match: f"{{U+{ord(match[0]):04X}}}", text)


def commented(lines: Iterator[str], prefix: str) -> str:
    """Return lines as a comment."""
    found: list[str] = []
    for line in lines:
        text = inert(line)
        found += textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False) or [""]
    return "\n".join(f"{prefix} {line}".rstrip() for line in found)


def filled(template: str, values: Mapping[str, str]) -> str:
    """Return a template with ``@NAME@`` replaced; what is put in is not read again."""
    text = resources("flopbench.exports").joinpath("templates", template).read_text("utf-8")
    return re.sub(r"@([A-Z]+)@", lambda match: values[match[1]], text)


def ascii_json(value: Any, indent: int | None = None) -> str:
    """Return JSON that is ASCII, whatever characters names have."""
    separators = (",", ":") if indent is None else None
    return json.dumps(value, indent=indent, separators=separators, allow_nan=False) + "\n"


def joined(blocks: Callable[[StageLaws], Iterator[str]], laws: ExportedLaws, gap: str) -> str:
    """Return the blocks of code of all stages."""
    return gap.join(block for stage in laws.stages for block in blocks(stage))
