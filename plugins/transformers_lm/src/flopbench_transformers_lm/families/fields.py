"""Reading a config: fields by name, and a refusal of every value that is not understood."""

from __future__ import annotations

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
"""Entries of the conventions, by transformers' names of activations."""

ROPE_TYPES = ("default", "linear", "llama3", "yarn")
"""Kinds of rotary positions whose frequencies are made once, not in each pass."""


class NotCoveredError(Exception):
    """A value in a config that no closed form is known for; the message says which."""


@frozen
class Fields:
    """The fields of a config.

    Every method raises `NotCoveredError` if the field's value is of another kind.
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
            limits = f"at least {least}" if most is None else f"{least} to {most}"
            raise self.refused(name, f"whole numbers of {limits}", value=value)
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
        """Refuse a field that is there and has another value."""
        for name, right in wanted.items():
            if self.get(name, right) != right:
                raise self.refused(name)

    def one_of(self, name: str, *covered: Any) -> Any:
        """Return a field that has one of some values; the first if it is missing or null."""
        value = self.get(name, covered[0])
        if value not in covered:
            raise self.refused(name, " or ".join(map(repr, covered)))
        return value

    def per_layer(self, name: str, *covered: str) -> list[str]:
        """Return a field that lists one of some words for each layer."""
        words = self.get(name)
        if not isinstance(words, list) or len(words) != self.layers or {*words} - {*covered}:
            raise self.refused(name, f"{self.layers} of {' or '.join(covered)}")
        return words

    def refused(
        self, name: str, right: str | None = None, *, value: Any = attrs.NOTHING
    ) -> NotCoveredError:
        """Return what is raised for a field that is not understood.

        Args:
            right: which values are.
            value: the field's, if that is not what the config says.
        """
        found = self.config.get(name) if value is attrs.NOTHING else value
        only = f", only {right}" if right else ""
        return NotCoveredError(
            f"the closed forms of {self.config.model_type!r} do not cover {name}={found!r}{only}"
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
        """Key and value heads, which must be said."""
        return self.kv_heads_of("num_key_value_heads")

    def kv_heads_of(self, name: str) -> int:
        """Return a field that says the key and value heads, which divide the query heads."""
        found = self.size(name)
        if self.heads % found:
            raise self.refused(name, f"divisors of the {self.heads} query heads")
        return found

    @property
    def head_dim(self) -> int:
        """Width of a head; the model's, shared among the heads, unless it is said."""
        return self.size("head_dim", self.width // self.heads)

    @property
    def shared_head_dim(self) -> int:
        """Width of a head where the heads share the model's, whatever the config says."""
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
        """Whether the LM head has the weights of the token embeddings."""
        return self.flag("tie_word_embeddings")

    def rope_dim(self, width: int, *, partly: bool = False, named: str = "head_dim") -> int:
        """Return how many of a head's ``width`` elements are rotated.

        Args:
            partly: whether transformers' code of the family heeds ``partial_rotary_factor``.
            named: what the config calls the width.
        """
        rope = self.get("rope_parameters", {})
        kinds = [each for each in rope.values() if isinstance(each, dict)] or [rope]
        if any(kind.get("rope_type", "default") not in ROPE_TYPES for kind in kinds):
            raise self.refused("rope_parameters", f"rope_type {', '.join(ROPE_TYPES)}")
        parts = [kind.get("partial_rotary_factor", 1.0) for kind in kinds]
        part = parts[0]
        if parts.count(part) < len(parts) or (part != 1 and not partly):
            raise self.refused("rope_parameters", "partial_rotary_factor 1.0")
        if not isinstance(part, int | float) or not 0 < part <= 1:
            raise self.refused("rope_parameters", "a partial_rotary_factor above 0, of at most 1")
        # There is a frequency for every other element, so that an odd number is rounded up.
        rotated = 2 * ((int(width * part) + 1) // 2)
        if rotated > width:
            raise self.refused(named, "even numbers", value=width)
        if not rotated:
            raise self.refused("rope_parameters", f"a part of heads {width} wide")
        return rotated

    def windows(self) -> list[int | None]:
        """Return the most keys that the queries of each layer see; None for all.

        Transformers' cache reads the same fields: a layer slides if ``layer_types`` says so,
        or, without them, if there is a ``sliding_window``.
        """
        window = self.get("sliding_window")
        if self.get("layer_types") is None:
            kinds = ["full_attention" if window is None else "sliding_attention"] * self.layers
        else:
            kinds = self.per_layer("layer_types", "full_attention", "sliding_attention")
        if "sliding_attention" not in kinds:
            return [None] * self.layers
        # A cache that keeps 0 old keys keeps all: `keys[-0:]`.
        window = self.size("sliding_window", least=2)
        return [window if kind == "sliding_attention" else None for kind in kinds]

    def no_window(self) -> None:
        """Refuse windows in a family whose mask has none: transformers' cache would have them."""
        self.expect(sliding_window=None, attention_chunk_size=None)
        if self.get("layer_types") is not None:
            self.per_layer("layer_types", "full_attention")
