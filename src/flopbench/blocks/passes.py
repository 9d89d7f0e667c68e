"""The forward passes of a stage: one prefill, one pass per decode step, or a packed batch."""

from __future__ import annotations

from typing import NoReturn

import attrs
from attrs import frozen

from flopbench.dims import Dim, all_or_none, as_dim, dim_field


@frozen(kw_only=True, eq=False)
class Pass:
    """Forward passes through a decoder.

    Attributes:
        batch: number of sequences.
        queries: new tokens per sequence and pass.
        keys: tokens that the first pass attends to; each further pass has ``queries`` more.
        steps: number of passes.
        head_rows: positions per sequence and pass that the LM head runs on.
        memory: tokens of another sequence that each sequence reads by cross-attention.
    """

    batch: Dim = dim_field()
    queries: Dim = dim_field()
    keys: Dim = dim_field()
    head_rows: Dim = dim_field()
    steps: Dim = dim_field(default=1)
    memory: Dim = dim_field(default=0)

    @property
    def tokens(self) -> Dim:
        """New tokens of one pass."""
        return self.batch * self.queries

    @property
    def last_keys(self) -> Dim:
        """Tokens per sequence after the last pass."""
        return self.keys + self.queries * (self.steps - 1)

    @property
    def resumed(self) -> bool:
        """Whether earlier tokens left a state.

        Raises:
            ValueError: some of an array of sizes have earlier tokens, and others do not.
        """
        return all_or_none(self.keys - self.queries, "earlier tokens")

    @property
    def parts(self) -> tuple[Pass, ...]:
        """The passes whose sequences are equally long: attention runs once for each of them."""
        return (self,)


@frozen(kw_only=True, eq=False)
class PackedPass(Pass):
    """One pass over sequences of different lengths, packed without padding.

    Everything but attention sees one sequence of all new tokens, each with a position of its
    own. Attention sees each part by itself: its queries, and the keys of its own sequences.

    A packed pass has neither ``keys`` nor ``last_keys``: a block that uses them must go through
    the ``parts``.

    Attributes:
        parts: the sequences, those of equal length in one pass of one step.
        queries: new tokens of all sequences.
        head_rows: positions of all sequences that the LM head runs on.

    Raises:
        ValueError: there is no part, or one has several steps.
    """

    parts: tuple[Pass, ...] = attrs.field()
    batch: Dim = attrs.field(init=False, default=1)
    steps: Dim = attrs.field(init=False, default=1)
    memory: Dim = attrs.field(init=False, default=0)
    keys: Dim = attrs.field(init=False)
    queries: Dim = attrs.field(init=False)
    head_rows: Dim = attrs.field(init=False)

    @parts.validator
    def _of_one_step(self, _attribute: object, parts: tuple[Pass, ...]) -> None:
        if not parts or any(part.steps != 1 for part in parts):
            raise ValueError("a packed pass needs one part or more, each of one step")

    @queries.default
    def _all_queries(self) -> Dim:
        return sum(part.tokens for part in self.parts)

    @head_rows.default
    def _all_head_rows(self) -> Dim:
        return sum(part.batch * part.head_rows for part in self.parts)

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a packed pass has no {name!r} of its own: ask each of its parts")


def stage_passes(stage: str, *, batch: Dim, context: Dim, steps: Dim, head_rows: Dim) -> Pass:
    """Return the passes of a decoder's stage, ``prefill`` or ``decode``.

    Args:
        steps: number of decode steps; not used for the prefill.
        head_rows: as in `prefill_pass`; not used for decoding.
    """
    if stage == "prefill":
        return prefill_pass(batch=batch, context=context, head_rows=head_rows)
    return decode_passes(batch=batch, context=context, steps=steps)


def prefill_pass(*, batch: Dim, context: Dim, head_rows: Dim) -> Pass:
    """Return the pass over the whole context.

    Args:
        batch: number of sequences.
        context: tokens of each sequence.
        head_rows: positions of each sequence that the LM head runs on: ``context``, or 1 for
            the last position alone.
    """
    return Pass(batch=batch, queries=context, keys=context, head_rows=head_rows)


def decode_passes(*, batch: Dim, context: Dim, steps: Dim) -> Pass:
    """Return the decode steps: step k attends to context + k keys, and its token gets logits.

    Args:
        batch: number of sequences.
        context: tokens of each sequence before the first step.
        steps: number of decode steps.
    """
    return Pass(batch=batch, queries=1, keys=as_dim(context) + 1, head_rows=1, steps=steps)
