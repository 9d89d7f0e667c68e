"""Multi-token prediction: the equations of the paper by hand, and what its modules share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flopbench.analytic.price import price
from flopbench.blocks import (
    Decoder,
    Embeddings,
    GatedMlp,
    Layers,
    LmHead,
    MultiTokenPrediction,
    NormSpec,
    PackedPass,
    Pass,
    ResidualNorms,
    RotaryAngles,
    SelfAttention,
)
from flopbench.builtin.eager import Eager
from flopbench.conventions import Conventions

WIDTH, HEADS, KV_HEADS, HEAD_DIM, INNER, WORDS = 12, 4, 2, 6, 20, 50


def prediction(modules):
    attention = SelfAttention(
        width=WIDTH, heads=HEADS, kv_heads=KV_HEADS, head_dim=HEAD_DIM, rope_dim=4
    )
    return MultiTokenPrediction(
        decoder=Decoder(
            embeddings=Embeddings(vocabulary=WORDS, width=WIDTH),
            groups=(Layers(modules, attention, GatedMlp(width=WIDTH, inner=INNER)),),
            around=ResidualNorms(norm=NormSpec("rms_norm"), width=WIDTH, last=1),
            head=LmHead(vocabulary=WORDS, width=WIDTH),
            angles=(RotaryAngles(4, by_matmul=True),),
        )
    )


def priced(modules, run):
    return price(prediction(modules).ops(run), Eager(), Eager(), Conventions(), "float32")


def by_component(cost):
    found = {}
    for line in cost.lines:
        found[line.component] = found.get(line.component, 0) + line.cost.tensor_flops
    return {name: flops for name, flops in found.items() if flops}


@pytest.mark.parametrize("modules", [1, 3])
@given(new=st.integers(1, 9), cached=st.integers(0, 9))
def test_each_module_is_a_projection_a_layer_and_the_models_head(modules, new, cached):
    """M [norm(h); norm(e)], a layer, and the head on one position: equations 21 to 23."""
    run = Pass(batch=1, queries=new, keys=cached + new, head_rows=1)
    keys = cached + new
    by_hand = {
        "mtp/projection": 2 * new * 2 * WIDTH * WIDTH,
        "decoder/rope": 2 * new * 2,
        "mtp/attention/qkv": 2 * new * WIDTH * (HEADS + 2 * KV_HEADS) * HEAD_DIM,
        "mtp/attention/core": 2 * 2 * HEADS * new * keys * HEAD_DIM,
        "mtp/attention/out": 2 * new * HEADS * HEAD_DIM * WIDTH,
        "mtp/mlp": 2 * new * 3 * WIDTH * INNER,
        "lm_head": 2 * WIDTH * WORDS,
    }
    found = by_component(priced(modules, run))
    assert found == {name: modules * flops for name, flops in by_hand.items()}


@pytest.mark.parametrize("modules", [1, 3])
def test_weights_are_those_of_the_modules_and_once_those_of_the_model(modules):
    """Two norms before the projection, two in the layer, one after it."""
    held = priced(modules, Pass(batch=1, queries=2, keys=5, head_rows=1)).footprint.weight_bytes
    own = {"mtp/norm": 5 * WIDTH, "mtp/projection": 2 * WIDTH * WIDTH}
    own |= {"mtp/mlp": 3 * WIDTH * INNER}
    assert {name: held[name] for name in own} == {n: modules * 4 * size for n, size in own.items()}
    assert held["decoder/embed"] == held["lm_head"] == 4 * WORDS * WIDTH


def test_each_module_has_a_cache_of_its_own():
    cost = priced(3, PackedPass(parts=(Pass(batch=2, queries=2, keys=7, head_rows=1),)))
    assert cost.footprint.kv_cache_bytes == 3 * 4 * 2 * 7 * 2 * KV_HEADS * HEAD_DIM
