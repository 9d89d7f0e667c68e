"""Exported laws: what a model costs, as data that any language can evaluate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, Final, Literal

import attrs
from attrs import frozen

from flopbench.errors import DimError, UsageError, unknown
from flopbench.exports.evaluate import evaluate
from flopbench.exports.tree import Tree
from flopbench.inputs.options import Names, some
from flopbench.values import Node, Value
from flopbench.values.value import Format

LAWS_SCHEMA_VERSION = "1.0"

LawVerdict = Literal["proved", "interpolated", "analytic only"]
"""How a law of a stage is known: for every size, from some sizes, or from closed forms alone."""

FLOPS: Final = "flops"

QUANTITIES: Final[Mapping[str, tuple[str, str]]] = {
    FLOPS: ("FLOP", "FLOPs of matrix work"),
    "unseen_flops": ("FLOP", "FLOPs of matrix work that the counter has no formula for"),
    "vector_flops": ("FLOP", "FLOPs of vector work"),
    "weight_bytes_read": ("B", "bytes of weights read, routed experts aside"),
    "kv_cache_bytes_read": ("B", "bytes read from the KV cache and from states"),
    "kv_cache_bytes_written": ("B", "bytes written to the KV cache and to states"),
    "activation_bytes_read": ("B", "bytes of activations read"),
    "activation_bytes_written": ("B", "bytes of activations written"),
    "bytes_moved": ("B", "all bytes read and written"),
    "kv_cache_bytes": ("B", "bytes that the KV cache and states hold at the end"),
    "weight_bytes": ("B", "bytes of all weights"),
    "peak_activation_bytes": ("B", "bytes of activations alive at once, at most"),
    "largest_tensor_bytes": ("B", "bytes of the largest tensor"),
    "parameter_bytes": ("B", "bytes of all parameters, while training"),
    "gradient_bytes": ("B", "bytes of the gradients of weights"),
    "state_bytes": ("B", "bytes that the optimizer keeps"),
    "saved_bytes": ("B", "bytes of activations kept for the backward"),
}
"""Each quantity with its unit and meaning; FLOPs also by component."""


@frozen
class Symbol:
    """A size that the laws leave open.

    Attributes:
        identifier: the name of the argument, in all languages.
        minimum: the smallest value that it may have.
        example: its value in the workload that the laws were found at.
    """

    name: str
    identifier: str
    meaning: str
    minimum: int
    example: int
    steps: bool = False


@frozen
class Assumption:
    """What a law holds under.

    Attributes:
        condition: the tree of the condition; None for what no program can check.
    """

    text: str
    condition: Tree | None = None


@frozen
class ExportedLaw:
    """One quantity of a stage.

    Attributes:
        attention: the attention mode.
        component: its path; None for the whole stage.
        identifier: the name of the function, in all languages.
        text: the closed form, for people.
    """

    quantity: str
    attention: str
    component: str | None
    identifier: str
    tree: Tree
    text: str


@frozen
class LeftOut:
    """A quantity without a closed form of whole numbers, and why."""

    quantity: str
    attention: str
    reason: str


@frozen
class Golden:
    """What flopbench itself gives at some sizes: integers by the name of the function."""

    sizes: Mapping[str, int]
    values: Mapping[str, int]


@frozen
class Refused:
    """Sizes that an assumption excludes."""

    sizes: Mapping[str, int]
    text: str


@frozen(kw_only=True)
class StageLaws:
    """The laws of a stage.

    Attributes:
        symbols: names of the sizes that it has, in the order of arguments.
        reason: why the verdict is not ``proved``.
        law: the closed form that the vendor's count was proved equal to, as ``prove`` shows it.
        refused: sizes that the assumptions exclude, to test with.
    """

    name: str
    title: str
    identifier: str
    symbols: tuple[str, ...]
    verdict: LawVerdict
    reason: str | None = None
    parts: tuple[str, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    laws: tuple[ExportedLaw, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    golden: tuple[Golden, ...] = ()
    refused: tuple[Refused, ...] = ()

    @property
    def conditions(self) -> tuple[Assumption, ...]:
        """The assumptions that a program can check."""
        return tuple(each for each in self.assumptions if each.condition is not None)

    def find(self, quantity: str, attention: str, component: str | None = None) -> ExportedLaw:
        """Return a law.

        Raises:
            KeyError: it is not exported.
        """
        for law in self.laws:
            if (law.quantity, law.attention, law.component) == (quantity, attention, component):
                return law
        raise KeyError((quantity, attention, component))


@frozen(kw_only=True)
class ExportedLaws(Value):
    """The laws of a model or a module, with where they come from.

    Attributes:
        name: of the model, as ``flopbench run`` takes it; or of the module.
        identifier: what its files are called.
        attention: the attention modes; the first is that of the proof, eager if there is one.
        closed: sizes and other facts of the workload that the laws do not leave open.
        provenance: versions, settings and digests.
        notes: what a reader must know, one sentence each.
        left_out: stages without a law, each with why, one sentence each.
        audit: what was traced, counted and not seen, by stage: what a certificate tells.
    """

    name: str
    identifier: str
    kind: Literal["model", "module"]
    symbols: tuple[Symbol, ...]
    attention: tuple[str, ...]
    stages: tuple[StageLaws, ...]
    closed: Mapping[str, Any] = attrs.Factory(dict)
    provenance: Mapping[str, Any] = attrs.Factory(dict)
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    audit: Mapping[str, Any] = attrs.Factory(dict)

    @property
    def verdict(self) -> LawVerdict:
        """The weakest verdict of a stage."""
        order: tuple[LawVerdict, ...] = ("proved", "interpolated", "analytic only")
        return max((stage.verdict for stage in self.stages), key=order.index)

    def symbol(self, name: str) -> Symbol:
        """Return a symbol by its name."""
        return next(symbol for symbol in self.symbols if symbol.name == name)

    def stage(self, name: str) -> StageLaws:
        """Return a stage by its name.

        Raises:
            UsageError: there is none.
        """
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise UsageError(unknown(f"stage of {self.name}", name, [s.name for s in self.stages]))

    def at(self, function: str, **sizes: int) -> int:
        """Return what an exported function gives, such as ``at("flops_prefill", B=1, S=512)``.

        Raises:
            UsageError: there is no such function, an assumption excludes the sizes, or a division
                leaves a rest there.
        """
        for stage in self.stages:
            for law in stage.laws:
                if law.identifier == function:
                    self.check(stage, sizes)
                    try:
                        return int(evaluate(law.tree, sizes))
                    except DimError as error:
                        raise UsageError(f"{function} has no value there: {error}") from error
        raise UsageError(unknown(f"function of {self.name}", function, [*self._functions()]))

    def _functions(self) -> Iterator[str]:
        return (law.identifier for stage in self.stages for law in stage.laws)

    def check(self, stage: StageLaws, sizes: Mapping[str, int]) -> None:
        """Refuse sizes that a stage does not have, or that its assumptions exclude.

        Raises:
            UsageError: these do.
        """
        from flopbench.exports.points import first_broken

        if set(sizes) != set(stage.symbols):
            wanted = ", ".join(stage.symbols) or "none"
            raise UsageError(f"{stage.name} takes the sizes {wanted}; got {', '.join(sizes)}")
        for name in stage.symbols:
            symbol, value = self.symbol(name), sizes[name]
            if type(value) is not int or value < symbol.minimum:
                raise UsageError(
                    f"{name} must be an integer of {symbol.minimum} or more: {value!r}"
                )
        broken = first_broken(stage.conditions, sizes)
        if broken is not None:
            raise UsageError(f"the law of {stage.name} assumes {broken}")

    def export(self, directory: str | PathLike[str], to: Names = "python") -> tuple[Path, ...]:
        """Write the laws as code or data, as ``flopbench export --to`` does.

        Args:
            directory: where to write; it is made if it is missing.
            to: targets, such as ``python,json``.

        Returns:
            The files.

        Raises:
            UsageError: a target is unknown, or a file cannot be written.
        """
        from flopbench.exports.targets import all_files
        from flopbench.values.files import write_files

        folder, made = Path(directory), all_files(some("to", to), [self])
        write_files(folder, made, to=str(folder))
        return tuple(folder / name for name in made)

    def formats(self) -> Mapping[str, Format]:
        """Return what `save` writes, code in some languages among it."""
        from flopbench.exports.targets import CODE, as_code

        code = {end: partial(as_code, end, self) for end in CODE}
        return {**super().formats(), ".html": self._explorer, **code}

    def _explorer(self) -> str:
        from flopbench.exports.explorer import page
        from flopbench.pages import html

        return html(page([self]))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        from flopbench.exports.data import as_dict

        return as_dict(self)

    def rows(self) -> list[dict[str, Any]]:
        """Return a row per law; closed forms are text."""
        names = ("quantity", "attention", "component", "identifier", "text")
        return [
            {"stage": stage.name, "verdict": stage.verdict}
            | {name: getattr(law, name) for name in names}
            for stage in self.stages
            for law in stage.laws
        ]

    def text(self) -> str:
        """Return the laws of whole stages, a line each."""
        return "\n".join(_lines(self))

    def tree(self) -> Node:
        """Return the stages with their laws as notes."""
        return Node(
            self.name,
            None,
            tuple(
                Node(f"{stage.title}: {stage.verdict}", None, tuple(_nodes(stage)))
                for stage in self.stages
            ),
        )


def _whole(stage: StageLaws) -> Iterable[ExportedLaw]:
    return (law for law in stage.laws if law.component is None)


def _nodes(stage: StageLaws) -> Iterator[Node]:
    for law in _whole(stage):
        yield Node(law.identifier, None, (), law.text)


def _lines(laws: ExportedLaws) -> Iterator[str]:
    yield f"{laws.name}: {laws.verdict}"
    for stage in laws.stages:
        yield ""
        yield f"{stage.title}: {stage.verdict}{f': {stage.reason}' if stage.reason else ''}"
        arguments = ", ".join(laws.symbol(name).identifier for name in stage.symbols)
        for law in _whole(stage):
            if law.attention == laws.attention[0]:
                yield f"  {law.identifier}({arguments}) = {law.text}"
        yield from (f"  assumed: {each.text}" for each in stage.assumptions[:_MOST])
        for each in stage.left_out:
            yield f"  left out: {each.quantity}, {each.attention}: {each.reason}"


_MOST = 10
"""Assumptions that people are shown; JSON has them all."""
