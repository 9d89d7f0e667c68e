"""The attention core as an operation, and how many keys and pairs its queries meet."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

from flopbench.dims import Dim, ceil_div, consecutive_sum, dim_field, maximum, minimum
from flopbench.ops.base import Op, optional_dim_field


@frozen(kw_only=True, eq=False)
class Attention(Op):
    """An attention core, softmax(Q K^T) V, to be lowered by an attention mode.

    With ``steps`` > 1 it is decoding: each step has ``queries`` new queries and sees
    ``queries`` more keys than the step before.

    Attributes:
        batch: sequences (or windows) that attend apart.
        heads: query heads per sequence.
        kv_heads: key and value heads per sequence; a divisor of ``heads``.
        head_dim: width of a query or key head.
        value_dim: width of a value head.
        queries: query tokens of one step.
        keys: tokens up to the last query of the first step, its own included.
        causal: whether a query sees only the keys up to its own.
        window: the most keys that a causal query sees, its own included; None for all.
        evicts: whether the keys that no later query sees leave the KV cache: before a step it
            holds ``window`` - 1 of them, and the step's own ``queries`` come on top.
        prefix: keys at the start that every query sees, even those before it (a prefix-LM mask,
            arXiv:1910.10683, figure 4); for one step.
        masked: whether a causal mask is added to the scores, or fills those that it hides: a
            fill is no FLOP.
        bias: what is added to the scores besides, if anything.
        bias_of_queries: whether the bias is made of the queries, which wait for that unscaled.
        scaled: whether the scale multiplies the scores or, before them, the queries; None if
            nothing is multiplied.
        softcap: whether the scores are capped: cap * tanh(scores / cap).
        sinks: whether each head has a learned score beside those of the keys, which takes part
            in the softmax and has no value.
        cached: whether keys and values are in a KV cache; else they are activations.
    """

    batch: Dim = dim_field()
    heads: Dim = dim_field()
    kv_heads: Dim = dim_field()
    head_dim: Dim = dim_field()
    value_dim: Dim = dim_field()
    queries: Dim = dim_field()
    keys: Dim = dim_field()
    causal: bool = False
    window: Dim | None = optional_dim_field()
    evicts: bool = False
    prefix: Dim = dim_field(default=0)
    masked: Literal["added", "filled"] = "added"
    bias: str | None = None
    bias_of_queries: bool = False
    scaled: Literal["scores", "queries"] | None = "scores"
    softcap: bool = False
    sinks: bool = False
    cached: bool = False

    def __attrs_post_init__(self) -> None:
        grouped = isinstance(self.heads, int) and isinstance(self.kv_heads, int)
        if grouped and (not self.kv_heads or self.heads % self.kv_heads):
            raise ValueError(
                f"attention needs kv_heads that divide heads, got {self.kv_heads} of {self.heads}"
            )
        ordered = self.causal or not (isinstance(self.steps, int) and self.steps == 1)
        numbers = isinstance(self.queries, int) and isinstance(self.keys, int)
        if ordered and numbers and self.queries > self.keys:
            raise ValueError(
                "attention needs queries <= keys if it is causal or decoding, "
                f"got {self.queries} > {self.keys}"
            )
        self._check_window()
        if not (isinstance(self.prefix, int) and not self.prefix) and not (
            self.causal and self.window is None and isinstance(self.steps, int) and self.steps == 1
        ):
            raise ValueError("attention has a prefix only in one causal step without a window")

    def _check_window(self) -> None:
        if self.window is None:
            if self.evicts:
                raise ValueError("attention needs a window if its KV cache evicts keys")
        elif not self.causal or (isinstance(self.window, int) and not self.window):
            raise ValueError(
                "attention needs a mask that is causal and a window of at least 1 key, "
                f"got causal={self.causal} and window={self.window}"
            )

    @property
    def key_visits(self) -> Dim:
        """Keys that the steps have, whether masked or not, summed over the steps."""
        return self._visits(evicts=self.evicts)

    @property
    def band_key_visits(self) -> Dim:
        """Keys that some query of the step sees, summed over the steps."""
        return self._visits(evicts=self.window is not None)

    def _visits(self, *, evicts: bool) -> Dim:
        """Sum min(keys + k queries, most) over the steps k = 0, 1, 2 and so on.

        The first ``growing`` steps have fewer than the most.
        """
        growth = self.queries * consecutive_sum(0, self.steps)
        if not evicts:
            return self.steps * self.keys + growth
        most = self._most_keys
        if isinstance(self.steps, int) and self.steps == 1:
            return minimum(self.keys, most)
        growing = _between(ceil_div(most - self.keys, maximum(self.queries, 1)), self.steps)
        below = growing * self.keys + self.queries * consecutive_sum(0, growing)
        return below + (self.steps - growing) * most

    @property
    def _most_keys(self) -> Dim:
        """The most keys that a step can have: the first query's window, and the others."""
        window: Dim = self.window
        return window - 1 + self.queries

    @property
    def pairs(self) -> Dim:
        """All query-key pairs per head, whether masked or not, summed over the steps."""
        return self.queries * self.key_visits

    @property
    def unmasked_pairs(self) -> Dim:
        """Query-key pairs per head that the mask leaves, summed over the steps.

        The last query of a step sees every key, the one before it one fewer, and so on. With
        a window, the query at position p = 1, 2, … sees min(p, window) keys, and the queries
        of all steps are at consecutive positions.
        """
        if not self.causal:
            return self.pairs
        if self.window is None:
            return self.pairs - self.steps * consecutive_sum(0, self.queries) + self._prefix_pairs
        first, count = self.keys - self.queries + 1, self.steps * self.queries
        growing = _between(self.window - first, count)
        return consecutive_sum(first, growing) + (count - growing) * self.window

    @property
    def _prefix_pairs(self) -> Dim:
        """Pairs of a query with keys after it: the one at position p sees prefix - p of them."""
        if isinstance(self.prefix, int) and not self.prefix:
            return 0
        first = self.keys - self.queries + 1
        within = _between(self.prefix - self.keys + self.queries, self.queries)
        return within * self.prefix - consecutive_sum(first, within)

    @property
    def outputs(self) -> Dim:
        """Output elements of one layer, summed over the steps."""
        return self.steps * self.batch * self.heads * self.queries * self.value_dim

    @property
    def last_keys(self) -> Dim:
        """Keys that the last step has, the most of all."""
        last = self.keys + self.queries * (self.steps - 1)
        return minimum(last, self._most_keys) if self.evicts else last

    @property
    def query_elements(self) -> Dim:
        """Elements of the queries of one step."""
        return self.batch * self.heads * self.queries * self.head_dim


def _between(value: Dim, most: Dim) -> Dim:
    """Return the value, at least 0 and at most ``most``."""
    return minimum(maximum(value, 0), most)
