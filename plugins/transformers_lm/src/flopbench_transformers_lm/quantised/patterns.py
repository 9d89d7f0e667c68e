"""Patterns of module names, as the libraries that write or read checkpoints match them."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

from attrs import frozen

from flopbench.inputs.numbers import quoted

_OF_A_LAYER = re.compile(
    r"[\w.*:^\\-]*?(?:layers|h|blocks)\\?\.(\d{1,6})(?:\\\.(?![*+?{])|\.(?=[A-Za-z_])|(?P<end>$))"
)
"""What begins a pattern of one layer alone, with its number.

A dot may stand for any character, and what follows it may say how often: ``layers.1.*`` is also of
layer 10, as a regular expression.
"""

_REPEATED = re.compile(r"(?<!\\)\)[*+{]")
_UNBOUNDED = re.compile(r"(?<!\\)[*+]|\{\d*,")
_MOST_UNBOUNDED = 4
"""More repetitions of any length than this may take longer to match than anyone waits."""

_EXPERT = re.compile(r"experts(?:\.|\\\.)[1-9]\d*(?=\.|\\\.|$)")
"""A single expert in a pattern, other than the first."""

_BOUNDARY = r"(?:(?<=\.)|(?=\.|$))"


def of_transformers(pattern: str) -> str:
    """Return the regular expression of transformers' ``should_convert_module``.

    A pattern is a prefix that ends at a dot, as text or as a regular expression, or a suffix.
    """
    suffix = rf".*{re.escape(pattern)}$"
    try:
        re.compile(pattern)
    except re.error:
        return suffix
    return rf"(?:{pattern}){_BOUNDARY}|{suffix}"


def of_compressed_tensors(pattern: str) -> str:
    """Return the regular expression of a name, or of one after ``re:``."""
    return pattern[3:] if pattern.startswith("re:") else rf"{re.escape(pattern)}$"


def of_modelopt(pattern: str) -> str:
    """Return the regular expression of a glob, whose ``*`` crosses dots."""
    return fnmatch.translate(pattern)


def as_it_is(pattern: str) -> str:
    """Return a pattern that is a regular expression."""
    return pattern


@frozen(slots=False)
class Patterns:
    """Patterns of module names.

    Attributes:
        texts: the patterns.
        how: turns one into a regular expression that is matched from the start of a name.
    """

    texts: tuple[str, ...] = ()
    how: Callable[[str], str] = of_transformers

    def __attrs_post_init__(self) -> None:
        """Compile the patterns.

        Raises:
            ValueError: one is not valid, or may take very long to match.
        """
        slow = next((text for text in self.texts if _may_be_slow(text, self.how)), None)
        if slow is not None:
            raise ValueError(f"{quoted(slow)} may take too long to match")
        try:
            _ = self._by_layer
        except re.error as error:
            raise ValueError(f"{error.pattern!r} is no regular expression: {error}") from error
        except (OverflowError, RecursionError) as error:
            raise ValueError(f"a pattern is no regular expression: {error}") from error

    @property
    def names_experts(self) -> bool:
        """Whether one is of a single expert other than the first."""
        return any(_EXPERT.search(text) for text in self.texts)

    @classmethod
    def of(cls, texts: Iterable[str] | None, how: Callable[[str], str]) -> Patterns:
        """Return patterns from a field that may be null.

        Raises:
            TypeError: the field is no list of texts.
        """
        found = tuple(texts or ())
        if isinstance(texts, str) or not all(isinstance(text, str) for text in found):
            raise TypeError(f"module names must be a list of texts, got {texts!r}")
        return cls(found, how)

    def match(self, names: Iterable[str], layer: int | None) -> bool:
        """Return whether a pattern matches one of the names of a module of a layer."""
        by_layer = self._by_layer
        patterns = [
            *by_layer.get(None, ()),
            *(by_layer.get(layer, ()) if layer is not None else ()),
        ]
        return any(pattern.match(name) for name in names for pattern in patterns)

    @cached_property
    def _by_layer(self) -> Mapping[int | None, list[re.Pattern[str]]]:
        """The patterns by the layer that they are of; None for those of any."""
        found: dict[int | None, list[re.Pattern[str]]] = {}
        for text in self.texts:
            layer = _layer_of(text, self.how)
            found.setdefault(layer, []).append(re.compile(self.how(text)))
        return found


def _layer_of(text: str, how: Callable[[str], str]) -> int | None:
    """Return the layer that a pattern is of; None if it may be of several."""
    found = None if "|" in text else _OF_A_LAYER.match(text)
    if found is None or (found["end"] is not None and _is_unanchored(text, how)):
        return None
    return int(found[1])


def _is_unanchored(text: str, how: Callable[[str], str]) -> bool:
    """Return whether a name may go on where a pattern ends."""
    return how is as_it_is or text.startswith("re:")


def _may_be_slow(text: str, how: Callable[[str], str]) -> bool:
    """Return whether a regular expression may have to try very many ways to match a name."""
    plain = how is of_modelopt or (how is of_compressed_tensors and not text.startswith("re:"))
    return not plain and bool(
        _REPEATED.search(text) or len(_UNBOUNDED.findall(text)) > _MOST_UNBOUNDED
    )
