"""The forward passes of a stage: one prefill, or one pass per decode step."""

from __future__ import annotations

from attrs import frozen

from flopbench.dims import Dim, as_dim, dim_field


@frozen(kw_only=True, eq=False)
class Pass:
    """Forward passes through a decoder.

    Attributes:
        batch: number of sequences.
        queries: new tokens per sequence and pass.
        keys: tokens that the first pass attends to; each further pass has ``queries`` more.
        steps: number of passes.
        head_rows: positions per sequence and pass that the LM head runs on.
    """

    batch: Dim = dim_field()
    queries: Dim = dim_field()
    keys: Dim = dim_field()
    head_rows: Dim = dim_field()
    steps: Dim = dim_field(default=1)

    @property
    def tokens(self) -> Dim:
        """New tokens of one pass."""
        return self.batch * self.queries

    @property
    def last_keys(self) -> Dim:
        """Tokens per sequence after the last pass."""
        return self.keys + self.queries * (self.steps - 1)


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
