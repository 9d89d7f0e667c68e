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

    def size(self, name: str, default: int | None = None) -> int:
        """Return a field that is an int of at least 0."""
        value = self.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self.refused(name, value)
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

    def refused(self, name: str, value: Any) -> NotCoveredError:
        """Return what is raised for a value that is not understood."""
        return NotCoveredError(
            f"the closed forms of {self.config.model_type!r} do not cover {name}={value!r}"
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
        return self.size("num_key_value_heads", self.heads)

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

    @property
    def rope_dim(self) -> int:
        """Elements of a head that are rotated: all, unless a factor is said."""
        parameters = self.get("rope_parameters", {})
        nested = [each for each in parameters.values() if isinstance(each, dict)]
        factors = {each.get("partial_rotary_factor", 1) for each in nested or [parameters]}
        if len(factors) > 1:
            raise self.refused("rope_parameters", parameters)
        return int(self.head_dim * factors.pop())

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
