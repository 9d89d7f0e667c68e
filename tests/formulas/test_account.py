"""What terms cost: by hand, by counting pairs one by one, and against the price of operations."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flopbench import Attention
from flopbench.analytic.price import price
from flopbench.blocks import (
    Decoder,
    Embeddings,
    GatedMlp,
    Layers,
    LmHead,
    NormSpec,
    ResidualNorms,
    SelfAttention,
    prefill_pass,
)
from flopbench.builtin.eager import Eager
from flopbench.builtin.flash import Flash3
from flopbench.conventions import Conventions
from flopbench.errors import UsageError
from flopbench.formulas import ALL_PAIRS, MATRICES, Sum, Term, read, references
from flopbench.testing.decoders import SAMPLES, decoders, reading

ROWS = Sum.of(Term.HEAD_ROWS, Term.LATENTS, Term.AGAIN, Term.PRODUCTS, Term.ROTARY)
sizes = st.integers(1, 25)


def flops(ops, mode):
    return price(ops, mode(), Eager(), Conventions()).cost.tensor_flops


@given(decoders(), sizes, sizes)
def test_counted_is_what_eager_attention_costs_and_useful_what_flash_attention_3_does(
    decoder, batch, context
):
    run = prefill_pass(batch=batch, context=context, head_rows=context)
    account = reading(decoder, "prefill", batch=batch, context=context).account
    assert account.price(MATRICES + ROWS + ALL_PAIRS) == flops(decoder.ops(run), Eager)
    assert account.price(MATRICES + ROWS + Term.USEFUL) == flops(decoder.ops(run), Flash3)


@given(decoders(), sizes, sizes)
def test_a_training_step_is_three_forward_passes(decoder, batch, context):
    found = reading(decoder, "train", batch=batch, context=context)
    once = reading(decoder, "prefill", batch=batch, context=context)
    for three, one in zip(references(found, "train"), references(once, "prefill"), strict=False):
        assert three.flops == 3 * one.flops


@given(context=sizes, window=sizes, batch=st.integers(1, 3))
def test_pairs_are_those_counted_one_by_one(context, window, batch):
    """Of a decoder whose only layers have a window, or see all keys if that is as long."""
    attention = SelfAttention(width=8, heads=3, kv_heads=1, head_dim=4, window=window)
    decoder = Decoder(
        embeddings=Embeddings(vocabulary=5, width=8),
        groups=(Layers(2, attention, GatedMlp(width=8, inner=6)),),
        around=ResidualNorms(norm=NormSpec("rms_norm"), width=8, last=1),
        head=LmHead(vocabulary=5, width=8),
    )
    amounts = reading(decoder, "prefill", batch=batch, context=context).account.amounts
    pair = 2 * (4 + 4) * 3 * 2 * batch
    every = [(query, key) for query in range(context) for key in range(context)]
    causal = [(query, key) for query, key in every if key <= query]
    seen = [(query, key) for query, key in causal if key > query - window]
    assert amounts[Term.USEFUL] == pair * len(seen)
    assert amounts[Term.WINDOWS] == pair * (len(causal) - len(seen))
    assert amounts[Term.CAUSAL] == pair * (len(every) - len(causal))
    itself = pair * sum(query == key for query, key in every)
    hides = window < context
    assert amounts[Term.WINDOWED_DIAGONAL if hides else Term.DIAGONAL] == itself
    assert amounts[Term.BEYOND] == pair * context * max(0, context - window)
    # A query sees min(p, W) keys: half of the edge is what T W - W W / 2 leaves out.
    edge = Fraction(pair) * (2 * context * window - window * window) / 2
    assert amounts[Term.WINDOW_EDGE] == (2 * (pair * len(seen) - edge) if hides else 0)


def test_one_decoder_by_hand():
    """Three layers 48 wide, 4 heads of 16 on 2, an MLP of 64, 100 tokens; 2 sequences of 12."""
    amounts = reading(SAMPLES["dense"], "train", batch=2, context=12).account.amounts
    tokens = 2 * 12
    assert amounts[Term.QKV] == 2 * tokens * 3 * 48 * (4 + 2 + 2) * 16
    assert amounts[Term.OUT] == 2 * tokens * 3 * 4 * 16 * 48
    assert amounts[Term.MLP] == 3 * amounts[Term.MLP_MATRIX] == 2 * tokens * 3 * 3 * 48 * 64
    assert amounts[Term.HEAD] == amounts[Term.TOKENS] == 2 * tokens * 100 * 48
    assert amounts[Term.NORMS] == 2 * tokens * (3 * 2 + 1) * 48
    assert amounts[Term.GQA] == 2 * tokens * 3 * 48 * 2 * (4 - 2) * 16
    assert amounts[Term.PROJECTION_WIDTH] == 2 * tokens * 3 * 48 * (48 - 64) * 2 * Fraction(3, 2)
    assert amounts[Term.HEAD_WIDTH] == 2 * 2 * 3 * 2 * 144 * (48 - 64)
    assert amounts[Term.PADDING] == 2 * tokens * 28 * 48
    assert amounts[Term.SOFTMAX] == 3 * 3 * 2 * 4 * 144


def test_experts_by_hand():
    """One dense layer, then three with 2 of 8 experts of 20 and shared ones of 40."""
    found = reading(SAMPLES["shared experts after a dense layer"], "train", batch=2, context=12)
    amounts, tokens = found.account.amounts, 24
    assert amounts[Term.EXPERTS] == 2 * tokens * 3 * 2 * 3 * 48 * 20
    assert amounts[Term.INACTIVE] == 3 * amounts[Term.EXPERTS]
    assert amounts[Term.ROUTER] == 2 * tokens * 3 * 48 * 8
    assert amounts[Term.SHARED] == 2 * tokens * 3 * 3 * 48 * 40
    assert amounts[Term.MLP] == 2 * tokens * 3 * 48 * 64


def test_decoding_with_latent_attention_expands_earlier_tokens_again():
    amounts = reading(SAMPLES["latent attention"], "decode", batch=2, context=12).account.amounts
    earlier = 2 * (12 + 13 + 14)
    assert amounts[Term.LATENTS] == 2 * earlier * 3 * 16 * 4 * (8 + 10)
    assert amounts[Term.VALUE_WIDTH] == 2 * 3 * 2 * 4 * (12 - 10) * (13 + 14 + 15)


def test_what_is_no_decoder_is_refused():
    core = Attention(
        component="core", batch=1, heads=1, kv_heads=1, head_dim=1, value_dim=1, queries=1, keys=1
    )
    with pytest.raises(UsageError, match="model 'mine': formulas of FLOPs are for decoders"):
        read("mine", [core])
