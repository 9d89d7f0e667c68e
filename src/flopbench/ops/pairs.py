"""Which keys the queries of an attention see, and how many query-key pairs there are."""

from __future__ import annotations

from typing import Literal, cast

from attrs import frozen

from flopbench.dims import (
    Dim,
    all_or_none,
    ceil_div,
    consecutive_sum,
    dim_field,
    is_zero,
    maximum,
    minimum,
    triangle,
)
from flopbench.ops.base import optional_dim_field
from flopbench.ops.core import Core


@frozen(kw_only=True, eq=False)
class QueryKeyPairs(Core):
    """Queries and keys under a mask: `Attention` counts its scores by their pairs.

    Attributes:
        queries: query tokens of one step.
        keys: tokens up to the last query of the first step, its own included.
        causal: whether a query sees only the keys up to its own.
        window: the most keys that a causal query sees, its own included; None for all.
        chunked: whether a query sees only the keys of its own chunk of ``window`` tokens, in place
            of the last ``window`` ones.
        chosen: the most keys that a query attends to after another part chose them; None for all.
            It hides keys of those that the mask leaves.
        evicts: whether keys leave the KV cache once no later query sees them: before a step it
            holds ``window`` - 1 keys, to which the step adds its ``queries``.
        prefix: keys at the start that every query sees, even those before it (a prefix-LM mask,
            arXiv:1910.10683, figure 4); for one step.
        masked: whether a causal mask is added to the scores, or fills those that it hides, which
            costs no FLOPs.
        fixed_keys: whether all steps see the same keys, none of them made by a query, as
            cross-attention does; without a mask.
    """

    queries: Dim = dim_field()
    keys: Dim = dim_field()
    causal: bool = False
    window: Dim | None = optional_dim_field()
    chunked: bool = False
    chosen: Dim | None = optional_dim_field()
    evicts: bool = False
    prefix: Dim = dim_field(default=0)
    masked: Literal["added", "filled"] = "added"
    fixed_keys: bool = False

    def __attrs_post_init__(self) -> None:
        if self.fixed_keys and self.causal:
            raise ValueError("attention to fixed keys takes no causal mask")
        one_step = isinstance(self.steps, int) and self.steps == 1
        ordered = self.causal or not (one_step or self.fixed_keys)
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
            raise ValueError(
                "attention takes a prefix only in a single causal step without a window"
            )

    def _check_window(self) -> None:
        if self.chosen is not None and is_zero(self.chosen):
            raise ValueError("attention to chosen keys needs at least 1 of them, got 0")
        if self.chosen is not None and not (
            self.causal and self.window is None and isinstance(self.prefix, int) and not self.prefix
        ):
            raise ValueError(
                "attention to chosen keys needs a causal mask without window and prefix, "
                f"got causal={self.causal}, window={self.window} and prefix={self.prefix}"
            )
        if self.window is None:
            if self.evicts:
                raise ValueError("attention needs a window if its KV cache evicts keys")
            if self.chunked:
                raise ValueError("attention in chunks needs a window, the tokens of a chunk")
        elif self.chunked and not (_is_one(self.steps) or _is_one(self.queries)):
            raise ValueError("attention in chunks takes one step, or steps of one query")
        elif not self.causal or (isinstance(self.window, int) and not self.window):
            raise ValueError(
                "attention with a window needs a causal mask and a window of at least 1 key, "
                f"got causal={self.causal} and window={self.window}"
            )

    @property
    def resumed(self) -> bool:
        """Whether there are keys of earlier tokens."""
        return all_or_none(self.keys - self.queries, "earlier tokens")

    @property
    def key_visits(self) -> Dim:
        """Keys that the steps have, masked or not, summed over the steps."""
        return self._visits(evicts=self.evicts)

    @property
    def band_key_visits(self) -> Dim:
        """Keys that some query of the step sees, summed over the steps."""
        if self.chunked and _is_one(self.queries):
            return self.unmasked_pairs
        if self.chunked:  # in one step: from the start of the first query's chunk on
            earlier, window = self.keys - self.queries, cast("Dim", self.window)
            return self.keys - earlier // window * window
        return self._visits(evicts=self.window is not None)

    def _visits(self, *, evicts: bool) -> Dim:
        """Sum the keys of the steps k = 0, 1, 2 and so on: keys + k queries, or the most."""
        if self.fixed_keys:
            return self.steps * self.keys
        growth = self.queries * consecutive_sum(0, self.steps)
        if not evicts:
            return self.steps * self.keys + growth
        most = self._most_keys
        if isinstance(self.steps, int) and self.steps == 1:
            return minimum(self.keys, most)
        return self._keys_up_to(most)

    def _keys_up_to(self, most: Dim) -> Dim:
        """Sum min(keys + k queries, most) over the steps: the first ``growing`` have fewer."""
        growing = _between(ceil_div(most - self.keys, maximum(self.queries, 1)), self.steps)
        below = growing * self.keys + self.queries * consecutive_sum(0, growing)
        return below + (self.steps - growing) * most

    @property
    def _most_keys(self) -> Dim:
        """The most keys that a step can have: the first query's window, and the other queries."""
        window: Dim = self.window
        return window - 1 + self.queries

    @property
    def pairs(self) -> Dim:
        """All query-key pairs per head, masked or not, summed over the steps."""
        return self.queries * self.key_visits

    @property
    def unmasked_pairs(self) -> Dim:
        """Query-key pairs per head that the mask does not hide, summed over the steps.

        The last query of a step sees every key, the one before it one fewer, and so on. With
        a window, the query at position p = 1, 2, … sees min(p, window) keys, in chunks
        1 + (p - 1) mod window; and the queries of all steps are at consecutive positions.
        """
        if not self.causal:
            return self.pairs
        if self.window is None:
            return self.pairs - self.steps * consecutive_sum(0, self.queries) + self._prefix_pairs
        if self.chunked:
            earlier = self.keys - self.queries
            last = earlier + self.steps * self.queries
            return _in_chunks(last, self.window) - _in_chunks(earlier, self.window)
        return self._capped(self.window)

    @property
    def chosen_pairs(self) -> Dim:
        """Query-key pairs per head that a choice of keys leaves, summed over the steps.

        The query at position p = 1, 2, … attends to min(p, chosen) keys.
        """
        return self.unmasked_pairs if self.chosen is None else self._capped(self.chosen)

    def largest_choices(self, most: Dim) -> Dim:
        """Return min(keys, most) for each query, masked keys among them, summed over the steps."""
        return self.queries * self._keys_up_to(most)

    def _capped(self, most: Dim) -> Dim:
        """Sum min(p, most) over the positions p = 1, 2, … of the queries of all steps."""
        first, count = self.keys - self.queries + 1, self.steps * self.queries
        growing = _between(most - first, count)
        return consecutive_sum(first, growing) + (count - growing) * most

    @property
    def _prefix_pairs(self) -> Dim:
        """Pairs of a query with keys after it: the one at position p sees prefix - p of them."""
        if isinstance(self.prefix, int) and not self.prefix:
            return 0
        first = self.keys - self.queries + 1
        within = _between(self.prefix - self.keys + self.queries, self.queries)
        return within * self.prefix - consecutive_sum(first, within)

    @property
    def last_keys(self) -> Dim:
        """Keys of the last step, which has the most."""
        if self.fixed_keys:
            return self.keys
        last = self.keys + self.queries * (self.steps - 1)
        return minimum(last, self._most_keys) if self.evicts else last


def _is_one(value: Dim) -> bool:
    return isinstance(value, int) and value == 1


def _in_chunks(tokens: Dim, size: Dim) -> Dim:
    """Return the pairs of the first tokens of a sequence with the keys of their chunks."""
    whole = tokens // size
    return whole * triangle(size) + triangle(tokens - whole * size)


def _between(value: Dim, most: Dim) -> Dim:
    """Return the value, clamped to the range from 0 to ``most``."""
    return minimum(maximum(value, 0), most)
