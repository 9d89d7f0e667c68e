"""Read a model's operations: its facts, and the price of each term."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import frozen

from flopbench.errors import UsageError
from flopbench.formulas.account import Account
from flopbench.formulas.facts import Facts
from flopbench.formulas.parameters import parameters_of
from flopbench.formulas.shapes import attention_layers, expert_layers, latent_of, mlp_layers
from flopbench.ops import Attention, Core, Embedding, Linear, Op, expanded


@frozen(eq=False)
class Reading:
    """What a formula is held against.

    Attributes:
        facts: what it may know.
        account: what its terms cost.
    """

    facts: Facts
    account: Account


def _is_known(core: Core) -> bool:
    """Return whether formulas have terms for what mixes the tokens."""
    return isinstance(core, Attention) and not core.chunked and core.chosen is None


def read(model: str, ops: Iterable[Op], *, decoding: bool = False, repeated: int = 0) -> Reading:
    """Return the facts and the account of one pass of a decoder.

    Args:
        ops: the operations of a prefill, or of all steps of a decoding.
        decoding: whether they are of a decoding.
        repeated: FLOPs of the forward work that full recomputation repeats.

    Raises:
        UsageError: they are not those of a decoder with attention over sequences of one length, or
            something else mixes tokens, too.
    """
    every = tuple(expanded(ops))
    cores: list[Any] = [op for op in every if isinstance(op, Attention)]
    tables: list[Any] = [op for op in every if isinstance(op, Embedding)]
    heads: list[Any] = [op for op in every if isinstance(op, Linear) and op.component == "lm_head"]
    if not (cores and tables and heads):
        raise UsageError(
            f"model {model!r}: formulas of FLOPs are for decoders: a token embedding, attention "
            "and an LM head"
        )
    if any(isinstance(op, Core) and not _is_known(op) for op in every):
        raise UsageError(
            f"model {model!r}: formulas of FLOPs know attention over all keys or a window, and no "
            "recurrences, chunks of keys or chosen keys"
        )
    lengths = {(op.batch, op.queries, op.keys, op.steps) for op in cores}
    if len(lengths) > 1:
        raise UsageError(
            f"model {model!r}: formulas of FLOPs take sequences of one length, not a packed batch"
        )
    batch, queries, keys, steps = lengths.pop()
    head, table = heads[0], tables[0]
    facts = Facts(
        model=model,
        batch=batch,
        sequence=keys - queries if decoding else queries,
        steps=steps,
        logits=head.rows * head.steps,
        width=table.width,
        vocabulary=head.out_features,
        tied=head.weights_shared,
        attention=attention_layers(every, table.width),
        mlps=mlp_layers(every, table.width),
        moes=expert_layers(every, table.width),
        latent=latent_of(every, table.width),
        parameters=parameters_of(every),
        decoding=decoding,
    )
    return Reading(facts, Account.of(every, facts, repeated))
