"""The passes of a training step: laws that hold for any decoder."""

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flopbench import blocks
from flopbench.builtin.flash import Flash3
from flopbench.ops import Attention, Embedding, ExpertLinear, Linear, MatMul, Needs
from flopbench.training_step import LoraOptions
from support.training_toys import Sizes, matrix, passes

WIDTH = 12
ints = st.integers

attentions = st.one_of(
    st.builds(
        blocks.SelfAttention,
        width=st.just(WIDTH),
        heads=st.just(4),
        kv_heads=st.sampled_from([1, 2, 4]),
        head_dim=st.sampled_from([2, 6]),
        fused=st.booleans(),
        qkv_bias=st.booleans(),
        qk_norm=st.sampled_from([None, blocks.NormSpec("rms_norm")]),
        rope_dim=st.sampled_from([0, 2]),
        window=st.sampled_from([None, 3]),
        sinks=st.booleans(),
    ),
    st.builds(
        blocks.LatentAttention,
        width=st.just(WIDTH),
        heads=ints(1, 3),
        query_rank=st.sampled_from([None, 5]),
        kv_rank=ints(1, 7),
        nope_dim=ints(1, 4),
        rope_dim=st.just(2),
        value_dim=ints(1, 5),
    ),
)
dense = st.builds(
    blocks.GatedMlp, width=st.just(WIDTH), inner=ints(1, 9), fused=st.booleans(), bias=st.booleans()
) | st.builds(blocks.Mlp, width=st.just(WIDTH), inner=ints(1, 9), activation=st.just("gelu"))
sparse = st.builds(
    blocks.Moe,
    router=st.builds(blocks.Router, width=st.just(WIDTH), experts=st.just(5), per_token=st.just(2)),
    experts=st.builds(
        blocks.Experts,
        width=st.just(WIDTH),
        inner=ints(1, 9),
        experts=st.just(5),
        per_token=st.just(2),
    ),
    shared=st.none() | st.builds(blocks.GatedMlp, width=st.just(WIDTH), inner=ints(1, 9)),
    shared_gate=st.booleans(),
    shared_first=st.booleans(),
)
norms = st.sampled_from(
    [{}, {"norms": 4, "posts": 2}, {"posts": 2}, {"norms": 1, "parallel": True}, {"after": True}]
)


@st.composite
def decoders(draw, tied=False):
    """Draw a decoder: one or two kinds of layer, in any order."""
    layers = draw(st.lists(st.booleans(), min_size=1, max_size=4))
    parts = [(draw(attentions), draw(dense | sparse)) for _ in range(2)]
    numbers = [tuple(n for n, kind in enumerate(layers) if kind is one) for one in (False, True)]
    return blocks.Decoder(
        embeddings=blocks.Embeddings(vocabulary=9, width=WIDTH, positions=draw(ints(0, 1)) * 9),
        groups=tuple(
            blocks.Layers(len(found), *part, numbers=found)
            for part, found in zip(parts, numbers, strict=True)
            if found
        ),
        around=blocks.ResidualNorms(
            norm=blocks.NormSpec("rms_norm"), width=WIDTH, last=1, **draw(norms)
        ),
        head=blocks.LmHead(vocabulary=9, width=WIDTH, tied=tied),
        angles=(blocks.RotaryAngles(2, by_matmul=True),),
    )


workloads = st.builds(Sizes, batch=ints(1, 2), tokens=ints(1, 6))
COMPONENTS = (
    "decoder/embed",
    "decoder/norm",
    "decoder/attention/qkv",
    "decoder/attention/core",
    "decoder/attention/out",
    "decoder/mlp",
    "decoder/moe/router",
    "decoder/moe/experts",
    "decoder/moe/shared",
    "lm_head",
)
frozen = st.sets(st.sampled_from(COMPONENTS)).map(sorted).map(tuple)
MATRICES = tuple(name for name in COMPONENTS if name != "decoder/norm")


def norms_alone(decoder, workload):
    """Train norms alone, with embeddings that get a gradient: all inputs do."""
    return passes(decoder, workload, frozen=MATRICES, recompute="full")


@settings(max_examples=25)
@given(decoders(), workloads)
def test_a_backward_is_twice_the_forward_but_for_angles(decoder, workload):
    step = passes(decoder, workload)
    forward = matrix(step["forward"])
    forward.pop("decoder/rope")  # positions need no gradient
    assert matrix(step["backward"]) == {name: 2 * flops for name, flops in forward.items()}
    assert not matrix(step["recompute"])


@settings(max_examples=25)
@given(decoders(), workloads)
def test_nothing_trained_is_no_backward(decoder, workload):
    step = passes(decoder, workload, frozen=("*",))
    assert step["backward"].cost.flops == step["backward"].cost.bytes_moved == 0
    assert step["forward"].cost.flops == passes(decoder, workload)["forward"].cost.flops


@settings(max_examples=25)
@given(decoders(), workloads, frozen, st.sampled_from(COMPONENTS))
def test_freezing_more_never_takes_more(decoder, workload, before, more):
    step = passes(decoder, workload, frozen=before)["backward"]
    less = passes(decoder, workload, frozen=(*before, more))["backward"]
    assert matrix(less) <= matrix(step)
    assert less.cost.flops <= step.cost.flops


@settings(max_examples=25)
@given(decoders(), workloads, frozen)
def test_gradients_of_weights_are_a_sum_over_a_partition_of_them(decoder, workload, some):
    """Of all gradients, those of weights are the difference to norms alone: part by part."""

    def of_weights(trained):
        rest = tuple(name for name in MATRICES if name not in trained)
        # Embeddings with a gradient need those of all inputs.
        with_inputs = passes(decoder, workload, frozen=rest, recompute="full")["backward"]
        return matrix(with_inputs) - matrix(norms_alone(decoder, workload)["backward"])

    others = tuple(name for name in COMPONENTS if name not in some)
    assert of_weights(some) + of_weights(others) == of_weights(COMPONENTS)


@settings(max_examples=25)
@given(decoders(), workloads)
def test_full_recomputation_repeats_layers_but_for_their_last_products(decoder, workload):
    step = passes(decoder, workload, recompute="full")
    forward, repeated = matrix(step["forward"]), matrix(step["recompute"])
    assert repeated <= forward
    assert not {"lm_head", "decoder/rope"} & set(repeated)
    missing = forward - repeated
    del missing["lm_head"], missing["decoder/rope"]
    ends = {"decoder/mlp", "decoder/moe/shared", "decoder/moe/experts", "decoder/attention/out"}
    assert set(missing) <= ends
    after = decoder.around.posts or decoder.around.after
    if after:  # a norm needs what it works on
        assert not missing
    elif not decoder.around.parallel and all(
        isinstance(group.feed_forward, blocks.Mlp | blocks.GatedMlp) for group in decoder.groups
    ):
        rows = workload.batch * workload.tokens
        last = sum(2 * rows * g.count * WIDTH * g.feed_forward.inner for g in decoder.groups)
        assert missing == {"decoder/mlp": last}


@settings(max_examples=25)
@given(decoders(), workloads)
def test_selective_recomputation_repeats_the_scores_alone(decoder, workload):
    step = passes(decoder, workload, recompute="selective")
    scores = sum(
        2 * op.layers * op.batch * op.heads * op.pairs * op.head_dim
        for op in cores(decoder, workload)
    )
    assert matrix(step["recompute"]) == {"decoder/attention/core": scores}
    flash = passes(decoder, workload, recompute="selective", mode=Flash3())
    whole = matrix(flash["forward"])["decoder/attention/core"]
    assert matrix(flash["recompute"]) == {"decoder/attention/core": whole}


def cores(decoder, workload):
    run = blocks.prefill_pass(batch=workload.batch, context=workload.tokens, head_rows=1)
    return [op for op in decoder.ops(run) if isinstance(op, Attention)]


@settings(max_examples=25)
@given(decoders(), workloads)
def test_the_backward_of_flash_is_five_products_over_the_pairs_that_are_left(decoder, workload):
    step = passes(decoder, workload, mode=Flash3())
    eager = passes(decoder, workload)
    five = sum(
        2
        * op.layers
        * op.batch
        * op.heads
        * op.unmasked_pairs
        * (3 * op.head_dim + 2 * op.value_dim)
        for op in cores(decoder, workload)
    )
    four = sum(
        4 * op.layers * op.batch * op.heads * op.pairs * (op.head_dim + op.value_dim)
        for op in cores(decoder, workload)
    )
    assert matrix(step["backward"])["decoder/attention/core"] == five
    assert matrix(eager["backward"])["decoder/attention/core"] == four


@settings(max_examples=25)
@given(decoders(), workloads)
def test_adapters_of_rank_0_are_none(decoder, workload):
    step = passes(decoder, workload, lora=LoraOptions(rank=0))
    assert not matrix(step["backward"])
    assert matrix(step["forward"]) == matrix(passes(decoder, workload)["forward"])


@settings(max_examples=25)
@given(decoders(), workloads, ints(1, 4))
def test_an_adapter_adds_two_products_and_three_gradients_of_each(decoder, workload, rank):
    """In layers whose input needs a gradient, each product has both its own."""
    lora = LoraOptions(rank=rank, targets=("o",))
    step = passes(decoder, workload, lora=lora, recompute="full")
    plain = norms_alone(decoder, workload)
    rows = workload.batch * workload.tokens
    widths = sum(
        op.layers * (op.in_features + op.out_features)
        for op in decoder.ops(
            blocks.prefill_pass(batch=workload.batch, context=workload.tokens, head_rows=1)
        )
        if isinstance(op, Linear) and op.role == "o"
    )
    added = 2 * rows * rank * widths
    assert matrix(step["forward"]) - matrix(plain["forward"]) == {"decoder/attention/out": added}
    assert matrix(step["backward"]) - matrix(plain["backward"]) == {
        "decoder/attention/out": 2 * added
    }


def test_keys_of_the_first_layer_need_no_gradient_if_queries_and_values_alone_are_adapted():
    attention = blocks.SelfAttention(width=WIDTH, heads=2, kv_heads=2, head_dim=6)
    decoder = blocks.Decoder(
        embeddings=blocks.Embeddings(vocabulary=9, width=WIDTH),
        groups=(
            blocks.Layers(3, attention, blocks.GatedMlp(width=WIDTH, inner=8), numbers=(0, 1, 2)),
        ),
        around=blocks.ResidualNorms(norm=blocks.NormSpec("rms_norm"), width=WIDTH, last=1),
        head=blocks.LmHead(vocabulary=9, width=WIDTH),
    )
    found = matrix(passes(decoder, Sizes(1, 4), lora=LoraOptions(rank=2))["backward"])
    product = 2 * 4 * 4 * WIDTH  # FLOPs of Q K' or P V, over all heads
    assert found["decoder/attention/core"] == 3 * 4 * product - product  # dK of the first layer
    base = 2 * 4 * WIDTH * WIDTH
    adapters = 2 * (2 * 4 * 2 * WIDTH)  # A and B of one layer
    # In the first layer, A of both has a gradient of its weights alone.
    first = 2 * (2 * adapters - adapters // 2)
    assert found["decoder/attention/qkv"] == 2 * (3 * base + 2 * 2 * adapters) + first


@given(ints(1, 5), ints(1, 6), ints(1, 9))
def test_gradients_of_tokens_and_of_positions_are_added_up_over_all_sequences(batch, tokens, width):
    embeddings = blocks.Embeddings(vocabulary=9, width=width, positions=9)
    ops = embeddings.ops(
        blocks.Site("e"), blocks.prefill_pass(batch=batch, context=tokens, head_rows=1)
    )
    added = [
        each.outputs for op in ops if isinstance(op, Embedding) for each in op.backward(Needs())
    ]
    assert added == 2 * [batch * tokens * width]


def test_a_cache_is_no_part_of_training():
    attention = blocks.LatentAttention(
        width=WIDTH, heads=2, query_rank=None, kv_rank=4, nope_dim=3, rope_dim=2, value_dim=3
    )
    decoder = blocks.Decoder(
        embeddings=blocks.Embeddings(vocabulary=9, width=WIDTH),
        groups=(blocks.Layers(1, attention, blocks.GatedMlp(width=WIDTH, inner=8)),),
        around=blocks.ResidualNorms(norm=blocks.NormSpec("rms_norm"), width=WIDTH, last=1),
        head=blocks.LmHead(vocabulary=9, width=WIDTH),
    )
    for priced in passes(decoder, Sizes()).values():
        assert priced.cost.kv_cache_bytes_read == priced.cost.kv_cache_bytes_written == 0
        assert priced.footprint.kv_cache_bytes == 0


@pytest.mark.parametrize("rule", ["dgrad twice", "bias as a product", "no wgrad"])
def test_a_wrong_rule_is_seen_in_its_component(rule, monkeypatch):
    decoder = blocks.Decoder(
        embeddings=blocks.Embeddings(vocabulary=9, width=WIDTH),
        groups=(
            blocks.Layers(
                1,
                blocks.SelfAttention(width=WIDTH, heads=2, kv_heads=2, head_dim=6),
                blocks.GatedMlp(width=WIDTH, inner=8, bias=True),
            ),
        ),
        around=blocks.ResidualNorms(norm=blocks.NormSpec("rms_norm"), width=WIDTH, last=1),
        head=blocks.LmHead(vocabulary=9, width=WIDTH),
    )
    right, real = matrix(passes(decoder, Sizes())["backward"]), Linear.backward

    def wrong(op, needs):
        found = list(real(op, needs))
        if op.component != "decoder/mlp":
            return found
        if rule == "no wgrad":
            return found[:1]
        if rule == "dgrad twice":
            return [*found, found[0]]
        return [*found, attrs.evolve(op, in_features=1)]

    monkeypatch.setattr(Linear, "backward", wrong)
    found = matrix(passes(decoder, Sizes())["backward"])
    assert {n for n in right | found if right[n] != found[n]} == {"decoder/mlp"}


def test_kinds_with_matrix_work_have_both_gradients():
    """One op of each kind, by itself: its backward is twice its forward."""
    place = {"component": "a"}
    ops = (
        Linear(rows=3, in_features=4, out_features=5, **place),
        ExpertLinear(rows=4, in_features=2, out_features=3, experts=3, top_k=2, **place),
        MatMul(batch=2, m=3, k=4, n=5, **place),
    )
    for op in ops:
        start = Embedding(component="e", tokens=1, width=1, entries=1)

        def model(_workload, op=op, start=start):
            return (start, op)

        step = passes(model, Sizes())
        assert matrix(step["backward"])["a"] == 2 * op.tensor_flops()
