"""Inputs given as shapes: ``1,3,224,224``, ``mask=1,128:bool``, ``B,S,64``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from attrs import evolve, frozen

from flopbench.errors import UsageError, describe, unknown
from flopbench.inputs import integer
from flopbench.inputs.numbers import quoted

_DTYPES = ("bfloat16", "bool", "complex64", "float16", "float32", "float64", "int8", "int16",
           "int32", "int64", "uint8")  # fmt: skip

_SHORT = {"double": "float64", "float": "float32", "half": "float16", "int": "int32",
          "long": "int64"}  # fmt: skip
"""Torch's other names of dtypes."""

_FORM = "SHAPE, SHAPE:DTYPE or NAME=SHAPE:DTYPE, such as 1,3,224,224 or mask=1,128:bool"

_INPUT = re.compile(r"(?:(?P<name>\w+)=)?(?P<shape>[^:=]*)(?::(?P<dtype>\w+))?")


@frozen
class Input:
    """A tensor to make.

    Attributes:
        name: the keyword that it is passed as; "" for a positional argument.
        shape: sizes, some of them by name.
        dtype: a name of torch's.
    """

    name: str
    shape: tuple[int | str, ...]
    dtype: str = "float32"

    def __str__(self) -> str:
        """Return the text that describes it."""
        keyword = f"{self.name}=" if self.name else ""
        return f"{keyword}{','.join(map(str, self.shape))}:{self.dtype}"


def parse_input(text: str) -> Input:
    """Return the input that a text describes.

    Raises:
        UsageError: it describes none.
    """
    match = _INPUT.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"--input must be {_FORM}, got {quoted(text)}")
    dtype = _SHORT.get(match["dtype"], match["dtype"] or "float32")
    if dtype not in _DTYPES:
        raise UsageError(f"--input {text}: {unknown('dtype', dtype, _DTYPES)}")
    sizes = [
        word for word in match["shape"].strip().rstrip(",").split(",") if match["shape"].strip()
    ]
    return Input(match["name"] or "", tuple(_size(word.strip(), text) for word in sizes), dtype)


def _size(word: str, text: str) -> int | str:
    if word.isidentifier():
        return word
    try:
        number = integer(word)
    except ValueError as error:
        raise UsageError(f"--input {text}: each size must be {error}") from error
    if number < 0:
        raise UsageError(f"--input {text}: each size must be 0 or more, got {number}")
    return number


def parse_dims(text: str) -> dict[str, int | None]:
    """Return sizes by name, each with its example if one is given: ``B=2,S=128`` or ``B,S``.

    Raises:
        UsageError: a name or an example is wrong.
    """
    found: dict[str, int | None] = {}
    for word in text.split(","):
        name, given, value = (part.strip() for part in word.partition("="))
        if not name.isidentifier():
            raise UsageError(
                f"--dims must be names, or NAME=EXAMPLE, such as B=2,S=128, got {quoted(text)}"
            )
        try:
            found[name] = integer(value) if given else None
        except ValueError as error:
            raise UsageError(f"--dims: {name} must be {error}") from error
    return found


def named_sizes(
    inputs: Sequence[Input], dims: Mapping[str, int | None]
) -> tuple[tuple[Input, ...], dict[str, int]]:
    """Return the inputs with sizes by name, and an example of each size.

    Names without an example are those of the first input's sizes, in their order; another input's
    size at the same place has that name, too, if it is equal.

    Raises:
        UsageError: a size has no example, or a name no size.
    """
    examples = {name: value for name, value in dims.items() if value is not None}
    places = [name for name, value in dims.items() if value is None]
    first = inputs[0].shape if inputs else ()
    used = {size for each in inputs for size in each.shape if isinstance(size, str)}
    places = [name for name in places if name not in used]
    if len(places) > len(first):
        raise UsageError(f"--dims names {len(places)} sizes, but the first input has {len(first)}")
    examples |= {n: size for n, size in zip(places, first, strict=False) if isinstance(size, int)}
    for name in sorted(used - examples.keys()):
        raise UsageError(f"--dims must give {name} an example, such as {name}=2")
    for name in examples:
        if name not in used and name not in places:
            raise UsageError(f"--dims: no input has a size {name}")
    renamed = tuple(evolve(each, shape=_renamed(each.shape, places, examples)) for each in inputs)
    return renamed, examples


def _renamed(
    shape: Sequence[int | str], places: Sequence[str], examples: Mapping[str, int]
) -> tuple[int | str, ...]:
    names = [*places, *([None] * len(shape))]
    return tuple(
        name if name and examples[name] == size else size
        for name, size in zip(names, shape, strict=False)
    )


def maker(inputs: Iterable[Input], device: str = "meta") -> Callable[..., Any]:
    """Return a function of the sizes that makes the inputs: positional ones, and keywords."""
    made = tuple(inputs)

    def make(**sizes: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        import torch

        def tensor(each: Input) -> Any:
            shape = [sizes[size] if isinstance(size, str) else size for size in each.shape]
            try:
                return torch.zeros(shape, dtype=getattr(torch, each.dtype), device=device)
            except Exception as error:
                raise UsageError(f"--input {each} cannot be made: {describe(error)}") from error

        positional = tuple(tensor(each) for each in made if not each.name)
        return positional, {each.name: tensor(each) for each in made if each.name}

    return make
