"""Read a config: fields by name, with an error for every value that is not understood."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
from attrs import frozen

from flopbench_transformers_lm.config import LmConfig

ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_fast": "gelu_tanh",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "quick_gelu": "quick_gelu",
    "relu": "relu",
    "relu2": "relu_squared",
    "silu": "silu",
    "swish": "silu",
}
"""Entries of the conventions, by transformers' names for activations."""

ROPE_TYPES = ("default", "linear", "llama3", "yarn", "longrope", "dynamic")
"""Kinds of rotary positions that differ in their frequencies alone. The last two choose or compute
them in each pass, which is not priced."""


_SHOWN = 4
"""Longer lists are told by their length, and the values in them if these are not more."""


class NotCoveredError(Exception):
    """A value in a config that no closed form covers; the message names it."""


@frozen
class Fields:
    """The fields of a config.

    Every method raises `NotCoveredError` if the field's value is of a different kind.
    """

    config: LmConfig

    def get(self, name: str, default: Any = None) -> Any:
        """Return a field as it is, or the default if it is missing or null."""
        value = self.config.get(name)
        return default if value is None else value

    def size(
        self, name: str, default: int | None = None, *, least: int = 1, most: int | None = None
    ) -> int:
        """Return a field that is a whole number of at least ``least``, and at most ``most``."""
        value = self.get(name, default)
        if type(value) is not int or value < least or (most is not None and value > most):
            limits = f"of at least {least}" if most is None else f"from {least} to {most}"
            raise self.refused(name, f"whole numbers {limits}", value=value)
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a field that is true or false."""
        value = self.get(name, default)
        if not isinstance(value, bool):
            raise self.refused(name, value=value)
        return value

    def activation(self, name: str = "hidden_act") -> str:
        """Return the convention's entry for an activation."""
        value = self.get(name)
        if value not in ACTIVATIONS:
            raise self.refused(name)
        return ACTIVATIONS[value]

    def expect(self, **wanted: Any) -> None:
        """Reject a field that is present with a different value."""
        for name, right in wanted.items():
            if self.get(name, right) != right:
                raise self.refused(name)

    def one_of(self, name: str, *covered: Any) -> Any:
        """Return a field with one of the covered values; the first if it is missing or null."""
        value = self.get(name, covered[0])
        if value not in covered:
            raise self.refused(name, " or ".join(map(repr, covered)))
        return value

    def per_layer(self, name: str, *covered: str) -> list[str]:
        """Return a field that lists one of the covered words for each layer."""
        words = self.get(name)
        if not isinstance(words, list) or len(words) != self.layers or {*words} - {*covered}:
            raise self.refused(name, f"lists of {self.layers} values, each {' or '.join(covered)}")
        return words

    def refused(
        self, name: str, right: str | None = None, *, value: Any = attrs.NOTHING
    ) -> NotCoveredError:
        """Return the error for a field whose value is not covered.

        Args:
            right: the values that are covered.
            value: the field's value, if it is not the config's.
        """
        found = self.config.get(name) if value is attrs.NOTHING else value
        only = f", only {right}" if right else ""
        what = f"{name}={_brief(found)}{only}"
        return NotCoveredError(
            f"the closed forms of {self.config.model_type!r} do not cover {what}"
        )

    @property
    def width(self) -> int:
        """The model's width."""
        return self.size("hidden_size")

    @property
    def heads(self) -> int:
        """Query heads."""
        return self.size("num_attention_heads")

    @property
    def kv_heads(self) -> int:
        """Key and value heads, which must be given."""
        return self.kv_heads_of("num_key_value_heads")

    def kv_heads_of(self, name: str) -> int:
        """Return a field with the key and value heads, which must divide the query heads."""
        found = self.size(name)
        if self.heads % found:
            raise self.refused(name, f"divisors of the {self.heads} query heads")
        return found

    @property
    def head_dim(self) -> int:
        """Width of a head; unless it is given, the model's width divided by the heads."""
        return self.size("head_dim", self.width // self.heads)

    @property
    def shared_head_dim(self) -> int:
        """The model's width divided by the heads, whatever width of a head the config gives."""
        if self.width % self.heads:
            raise self.refused("hidden_size", f"multiples of the {self.heads} query heads")
        return self.width // self.heads

    @property
    def layers(self) -> int:
        """Number of layers."""
        return self.size("num_hidden_layers")

    @property
    def vocabulary(self) -> int:
        """Entries of the vocabulary."""
        return self.size("vocab_size")

    @property
    def tied(self) -> bool:
        """Whether the LM head shares the weights of the token embeddings."""
        return self.flag("tie_word_embeddings")

    def rope_dim(
        self, width: int, *, partly: bool = False, named: str = "head_dim", usual: float = 1.0
    ) -> int:
        """Return how many of a head's ``width`` elements are rotated.

        Args:
            partly: whether transformers' code for the family uses ``partial_rotary_factor``.
            usual: the factor if none is given.
            named: the config's name for the width.
        """
        rope = self.get("rope_parameters", {})
        kinds = [each for each in rope.values() if isinstance(each, dict)] or [rope]
        if any(kind.get("rope_type", "default") not in ROPE_TYPES for kind in kinds):
            raise self.refused("rope_parameters", f"rope_type {', '.join(ROPE_TYPES)}")
        parts = [kind.get("partial_rotary_factor", usual) for kind in kinds]
        part = parts[0]
        if parts.count(part) < len(parts) or (part != 1 and not partly):
            raise self.refused("rope_parameters", "partial_rotary_factor 1.0")
        if not isinstance(part, int | float) or not 0 < part <= 1:
            raise self.refused("rope_parameters", "a partial_rotary_factor above 0, up to 1")
        # There is one frequency per two elements, so an odd number is rounded up.
        rotated = 2 * ((int(width * part) + 1) // 2)
        if rotated > width:
            raise self.refused(named, "even numbers", value=width)
        if not rotated:
            raise self.refused("rope_parameters", f"a factor that rotates some of {width} elements")
        return rotated

    def windows(
        self, kind: str = "sliding_attention", named: str = "sliding_window"
    ) -> list[int | None]:
        """Return the maximum number of keys that a query sees, for each layer; None for no limit.

        Transformers' cache reads the same fields: a layer slides if ``layer_types`` says so,
        or, without that field, if there is a ``sliding_window``.

        Args:
            kind: what ``layer_types`` calls layers that slide.
            named: the field with their window.
        """
        window = self.get(named)
        if self.get("layer_types") is None:
            kinds = ["full_attention" if window is None else kind] * self.layers
        else:
            kinds = self.per_layer("layer_types", "full_attention", kind)
        if kind not in kinds:
            return [None] * self.layers
        # A cache meant to keep 0 old keys keeps all of them: `keys[-0:]`.
        window = self.size(named, least=2)
        return [window if each == kind else None for each in kinds]

    def no_window(self) -> None:
        """Reject windows in a family whose mask has none; transformers' cache would have them."""
        self.expect(sliding_window=None, attention_chunk_size=None)
        if self.get("layer_types") is not None:
            self.per_layer("layer_types", "full_attention")


def _brief(value: Any) -> str:
    """Return the ``repr`` of a field's value, with long lists by their length."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{name!r}: {_brief(each)}' for name, each in value.items())}}}"
    if isinstance(value, list | tuple) and len(value) > _SHOWN:
        distinct = list(dict.fromkeys(map(repr, value)))
        few = f": {', '.join(distinct)}" if len(distinct) <= _SHOWN else ""
        return f"[{len(value)} items{few}]"
    return repr(value)
