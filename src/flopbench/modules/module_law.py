"""The FLOPs of a module as a closed form: a frozen value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import sympy
from attrs import frozen

from flopbench.dims import Dim, as_dim
from flopbench.dims.forms import STEP, symbol
from flopbench.errors import DimError, UsageError, unknown
from flopbench.inputs.options import Names
from flopbench.laws.law import Law, put_in
from flopbench.modules.counted import cut, versions
from flopbench.tally import sums
from flopbench.text import key_values
from flopbench.values import Node, Value
from flopbench.values.value import Format

if TYPE_CHECKING:
    from flopbench.exports.laws import ExportedLaws

SCHEMA_VERSION = "1.0"


@frozen(kw_only=True, eq=False)
class ModuleLaw(Value):
    """FLOPs of matrix work of one call, as a closed form in its sizes.

    Two laws are equal (``law == other``) if they hold for the same sizes and give the same FLOPs
    there, and leave the same ops uncounted.

    Attributes:
        name: of what was called.
        law: the forms by module, and what they hold under.
        examples: the sizes that the trace followed at branches.
        open: sizes that the forms are in.
        closed: sizes that stayed at their example.
        interpolated: open sizes that are exact at the sizes tried and not proved, each with why.
        assumptions: all of it in words, with the relations that the program's branches assumed.
        stood_for: layers that were not traced, each with the equal layer that stood for it; a plain
            count of every layer agreed at some sizes.
        versions: of flopbench and torch.
    """

    name: str
    law: Law
    examples: Mapping[str, int]
    open: tuple[str, ...]
    closed: Mapping[str, int]
    interpolated: Mapping[str, str]
    assumptions: tuple[str, ...]
    stood_for: Mapping[str, str] = attrs.Factory(dict)
    versions: Mapping[str, str] = attrs.Factory(versions)

    @cached_property
    def expression(self) -> sympy.Expr:
        """FLOPs of the whole call, a SymPy expression in the open sizes."""
        return total(map(named, self.law.forms.values()))

    @property
    def by_module(self) -> dict[str, sympy.Expr]:
        """FLOPs by path of module, each without its sub-modules; "" is the outermost."""
        return self._by(lambda module: module)

    def by_depth(self, depth: int) -> dict[str, sympy.Expr]:
        """Return FLOPs by path of module, deeper ones added to theirs at this depth."""
        return self._by(lambda module: cut(module, depth))

    @property
    def guards(self) -> tuple[sympy.Basic, ...]:
        """The relations between the sizes that the law holds under."""
        return self.law.guards

    @property
    def uncounted(self) -> tuple[str, ...]:
        """Ops that do matrix work and have no formula, as ``op in module``."""
        return tuple(
            f"{op.op} in {op.component or 'the outermost module'}" for op in self.law.uncounted
        )

    @property
    def proved(self) -> bool:
        """Whether every open size stayed a symbol in the trace."""
        return not self.interpolated

    def __call__(self, /, **sizes: Dim) -> Dim:
        """Return the FLOPs at sizes: ints give an int, integer arrays an array.

        Raises:
            UsageError: a size is missing, unknown, too small, or breaks an assumption.
        """
        for name in sizes:
            if name not in self.open:
                raise UsageError(unknown("size", name, self.open))
        for name in self.open:
            if name not in sizes:
                raise UsageError(f"the law of {self.name} needs a value for {name}")
        values = {name: _checked(name, value) for name, value in sizes.items()}
        if all(isinstance(value, int) for value in values.values()):
            return self._at(values)
        try:
            return self._at_arrays(values)
        except (DimError, OverflowError, ValueError) as error:
            raise UsageError(f"the law of {self.name} cannot be evaluated: {error}") from error

    def _at_arrays(self, sizes: Mapping[str, Any]) -> Any:
        if not self.law.limited and not self.law.slices:
            found = sum(self.law.at({inner_name(n): v for n, v in sizes.items()}).values())
            # A plain array, which can be divided, averaged and drawn.
            return found if isinstance(found, int) else np.asarray(found)
        arrays = np.broadcast_arrays(*map(np.asarray, sizes.values()))
        points = zip(*(array.ravel().tolist() for array in arrays), strict=True)
        return np.array(
            [self._at(dict(zip(sizes, point, strict=True))) for point in points], np.int64
        ).reshape(arrays[0].shape)

    def _at(self, sizes: Mapping[str, int]) -> int:
        values = {inner_name(name): value for name, value in {**self.closed, **sizes}.items()}
        if not self.law.holds_at(values):
            broken = [g for g in self.law.guards_at(values) if put_in(g, values) != sympy.true]
            wanted = " and ".join(dict.fromkeys(map(written, broken)))
            given = ", ".join(key_values(sizes))
            raise UsageError(f"the law of {self.name} assumes {wanted}, got {given}")
        try:
            return int(sum(self.law.at(values).values()))
        except DimError as error:
            raise UsageError(f"the law of {self.name} cannot be evaluated: {error}") from error

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ModuleLaw):
            return NotImplemented
        if self._terms() != other._terms():
            return False
        mine, its = _pieces(self), _pieces(other)
        return mine.keys() == its.keys() and all(
            sympy.expand(form - its[sizes]) == 0 for sizes, form in mine.items()
        )

    def __hash__(self) -> int:
        return hash(self._terms())

    def _terms(self) -> tuple[object, ...]:
        """Return what a law is about and holds under, but for its forms."""
        local = frozenset((str(guard), *sorted(at.items())) for guard, at in self.law.local)
        unseen = frozenset((op.component, op.op) for op in self.law.uncounted)
        closed = frozenset(self.closed.items())
        return frozenset(self.open), closed, frozenset(map(str, self.law.guards)), local, unseen

    def exported(self) -> ExportedLaws:
        """Return the law as data and code that need no flopbench.

        Raises:
            UsageError: an assumption is of a kind that exported code cannot check.
        """
        from flopbench.exports.of_module import of_module

        return of_module(self, {name: inner_name(name) for name in (*self.open, *self.closed)})

    def export(self, directory: str | PathLike[str], to: Names = "python") -> tuple[Path, ...]:
        """Write the law as code or data, as ``flopbench export --to`` does.

        Args:
            directory: where to write; it is made if it is missing.
            to: targets, such as ``python,json``.

        Returns:
            The files.

        Raises:
            UsageError: a target is unknown, or a file cannot be written.
        """
        return self.exported().export(directory, to)

    def formats(self) -> Mapping[str, Format]:
        """Return what `save` writes, code in some languages among it."""
        from flopbench.exports.targets import CODE

        made = {ending: partial(self._code, ending) for ending in CODE}
        return {**super().formats(), **made}

    def _code(self, ending: str) -> str:
        from flopbench.exports.targets import as_code

        return as_code(ending, self.exported())

    def latex(self) -> str:
        """Return the expression as LaTeX."""
        return str(sympy.latex(self.expression))

    def _repr_latex_(self) -> str:
        return f"${self.latex()}$"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; expressions as SymPy writes them."""
        return {
            "schema_version": SCHEMA_VERSION,
            "name": self.name,
            "expression": written(self.expression),
            "open": list(self.open),
            "closed": dict(self.closed),
            "interpolated": dict(self.interpolated),
            "examples": dict(self.examples),
            "proved": self.proved,
            "assumptions": list(self.assumptions),
            "stood_for": dict(self.stood_for),
            "uncounted": list(self.uncounted),
            "versions": dict(self.versions),
            "forms": self.rows(),
            "small_sizes": [
                {"sizes": dict(piece.sizes), "expression": written(total(piece.forms.values()))}
                for piece in self.law.slices
            ],
        }

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for each module, with its closed form."""
        return [{"module": m, "expression": written(form)} for m, form in self.by_module.items()]

    def text(self) -> str:
        """Return what a terminal shows."""
        from flopbench.modules.law_text import lines

        return "\n".join(lines(self))

    def tree(self) -> Node:
        """Return the modules with their FLOPs at the examples; the note is the law."""
        from flopbench.modules.law_text import tree

        return tree(self)

    def _by(self, key: Callable[[str], str]) -> dict[str, sympy.Expr]:
        forms = sums((key(m), named(form)) for (m, _), form in self.law.forms.items())
        return {name: sympy.expand(form) for name, form in forms.items()}


def _pieces(law: ModuleLaw) -> dict[tuple[tuple[str, int], ...], sympy.Expr]:
    """Return the whole forms, by the small sizes at which they hold."""
    small = {tuple(sorted(p.sizes.items())): total(p.forms.values()) for p in law.law.slices}
    return {(): law.expression, **small}


def total(forms: Iterable[sympy.Expr]) -> sympy.Expr:
    """Return the sum of forms."""
    return sympy.expand(sympy.Add(*forms))


def inner_name(name: str) -> str:
    """Return the name that the search has for a size."""
    return STEP_NAME if name == STEP.name else name


def written(form: Any) -> str:
    """Return a form as text, with the names that the user gave."""
    return str(form).replace(STEP_NAME, STEP.name)


STEP_NAME = "k'"
"""Stands for a size that the user calls ``k``, as the laws call the step number."""


def named(form: sympy.Expr) -> sympy.Expr:
    """Return a form with the names that the user gave."""
    return form.xreplace({symbol(STEP_NAME): STEP})


def _checked(name: str, value: Any) -> Any:
    """Return a size, or an array of them.

    Raises:
        UsageError: it is no whole number of 1 or more, nor an array of these.
    """
    array = np.asarray(value)
    if isinstance(value, bool) or (type(value) is not int and array.dtype.kind not in "iu"):
        raise UsageError(f"{name} must be an integer or an array of them, got {value!r:.80}")
    least = value if type(value) is int else int(array.min(initial=1))
    if least < 1:
        raise UsageError(f"{name} must be 1 or more, got {least}")
    return value if type(value) is int else int(array) if array.ndim == 0 else as_dim(array)
