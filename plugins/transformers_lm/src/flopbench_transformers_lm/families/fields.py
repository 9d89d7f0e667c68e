"""Reading a config: fields by name, and a refusal of every value that is not understood."""

from __future__ import annotations

from typing import Any

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

    def size(self, name: str, default: int | None = None, *, least: int = 1) -> int:
        """Return a field that is a whole number of at least ``least``."""
        value = self.get(name, default)
        if type(value) is not int or value < least:
            raise self.refused(name, value, f"whole numbers of at least {least}")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a field that is true or false."""
        value = self.get(name, default)
        if not isinstance(value, bool):
            raise self.refused(name, value)
        return value

    def activation(self, name: str = "hidden_act") -> str:
        """Return the convention's entry for an activation."""
        value = self.get(name)
        if value not in ACTIVATIONS:
            raise self.refused(name, value)
        return ACTIVATIONS[value]

    def expect(self, **wanted: Any) -> None:
        """Refuse a field that is there and has another value."""
        for name, right in wanted.items():
            if self.get(name, right) != right:
                raise self.refused(name, self.get(name))

    def refused(self, name: str, value: Any, right: str | None = None) -> NotCoveredError:
        """Return what is raised for a value that is not understood; ``right`` says which are."""
        only = f", only {right}" if right else ""
        return NotCoveredError(
            f"the closed forms of {self.config.model_type!r} do not cover {name}={value!r}{only}"
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
        """Key and value heads, those of the queries unless they are said."""
        return self.kv_heads_of("num_key_value_heads")

    def kv_heads_of(self, name: str) -> int:
        """Return a field that says the key and value heads, which divide the query heads."""
        found = self.size(name, self.heads)
        if self.heads % found:
            raise self.refused(name, found, f"divisors of the {self.heads} query heads")
        return found

    @property
    def head_dim(self) -> int:
        """Width of a head; the model's, shared among the heads, unless it is said."""
        return self.size("head_dim", self.width // self.heads)

    @property
    def shared_head_dim(self) -> int:
        """Width of a head where the heads share the model's, whatever the config says."""
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

    def rope_dim(self, width: int, *, partly: bool = False) -> int:
        """Return how many of a head's ``width`` elements are rotated.

        Args:
            partly: whether transformers' code of the family heeds ``partial_rotary_factor``.
        """
        rope = self.get("rope_parameters", {})
        nested = [each for each in rope.values() if isinstance(each, dict)]
        for each in nested or [rope]:
            if each.get("rope_type", "default") not in ROPE_TYPES:
                raise self.refused("rope_parameters", rope, f"rope_type {', '.join(ROPE_TYPES)}")
        parts = [each.get("partial_rotary_factor", 1.0) for each in nested or [rope]]
        part = parts[0]
        if parts.count(part) < len(parts) or (part != 1 and not partly):
            raise self.refused("rope_parameters", rope, "partial_rotary_factor 1.0")
        if not isinstance(part, int | float):
            raise self.refused("rope_parameters", rope, "numbers as partial_rotary_factor")
        # There is a frequency for every other element, so that an odd number is rounded up.
        rotated = 2 * ((int(width * part) + 1) // 2)
        if not 0 < rotated <= width:
            raise self.refused("rope_parameters", rope, f"an even part of heads {width} wide")
        return rotated

    def windows(self) -> list[int | None]:
        """Return the most keys that the queries of each layer see; None for all.

        Transformers' cache reads the same fields: a layer slides if ``layer_types`` says so,
        or, without them, if there is a ``sliding_window``.
        """
        window = self.get("sliding_window")
        kinds = self.get("layer_types")
        if kinds is None:
            kinds = ["full_attention" if window is None else "sliding_attention"] * self.layers
        if len(kinds) != self.layers:
            raise self.refused("layer_types", kinds)
        for kind in kinds:
            if kind not in {"full_attention", "sliding_attention"}:
                raise self.refused("layer_types", kind)
        if "sliding_attention" not in kinds:
            return [None] * self.layers
        if isinstance(window, bool) or not isinstance(window, int) or window < 2:  # noqa: PLR2004
            # A cache that keeps 0 old keys keeps all: `keys[-0:]`.
            raise self.refused("sliding_window", window)
        return [window if kind == "sliding_attention" else None for kind in kinds]
