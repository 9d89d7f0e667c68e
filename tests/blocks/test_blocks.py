"""Blocks against small torch modules that FlopCounterMode counts, and against laws."""

from collections import Counter

import attrs
import numpy as np
import pytest
import sympy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from flopbench import blocks
from flopbench.analytic.price import price
from flopbench.blocks import Pass, Site, decode_passes, prefill_pass
from flopbench.builtin.eager import Eager
from flopbench.builtin.flash import Flash
from flopbench.conventions import Conventions
from flopbench.dims.arrays import IntArray

sizes = st.integers(1, 5)
CONVENTIONS = Conventions()


def priced(ops, mode=None):
    return price(ops, mode or Eager(), Eager(), CONVENTIONS, "float32")


def by_component(ops):
    found = Counter()
    for line in priced(ops).lines:
        found[line.component] += line.torch_visible_flops
    return found


def counted(run):
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops()


def empty(*shape):
    return torch.empty(*shape, device="meta")


class Attention(nn.Module):
    """Grouped-query attention with a cache of keys, written for this test."""

    def __init__(self, block):
        super().__init__()
        self.block = block
        inner = block.heads * block.head_dim
        grouped = block.kv_heads * block.head_dim
        self.q = nn.Linear(block.width, inner, bias=block.qkv_bias, device="meta")
        self.k = nn.Linear(block.width, grouped, bias=block.qkv_bias, device="meta")
        self.v = nn.Linear(block.width, grouped, bias=block.qkv_bias, device="meta")
        self.o = nn.Linear(inner, block.width, bias=block.out_bias, device="meta")
        if block.qk_norm:
            self.q_norm = nn.LayerNorm(block.head_dim, device="meta")
            self.k_norm = nn.LayerNorm(block.head_dim, device="meta")
        if block.sinks:
            self.sinks = nn.Parameter(empty(block.heads))

    def forward(self, states, cache):
        block = self.block
        batch, tokens, _ = states.shape

        def split(made, heads):
            return made.view(batch, tokens, heads, block.head_dim).transpose(1, 2)

        query = split(self.q(states), block.heads)
        key, value = (split(p(states), block.kv_heads) for p in (self.k, self.v))
        if cache is not None:
            key, value = (
                torch.cat([old, new], 2) for old, new in zip(cache, (key, value), strict=True)
            )
        kept = None if block.window is None else block.window - 1
        old = key.shape[2] if kept is None else min(key.shape[2], kept)
        held = tuple(t[:, :, t.shape[2] - old :] for t in (key, value))
        group = block.heads // block.kv_heads
        key, value = (t.repeat_interleave(group, 1) for t in (key, value))
        mixed = functional.softmax(query @ key.transpose(2, 3), -1) @ value
        return self.o(mixed.transpose(1, 2).reshape(batch, tokens, -1)), held


@st.composite
def attentions(draw):
    kv_heads = draw(st.integers(1, 3))
    return blocks.SelfAttention(
        width=draw(sizes),
        heads=kv_heads * draw(st.integers(1, 3)),
        kv_heads=kv_heads,
        head_dim=2 * draw(st.integers(1, 3)),
        qkv_bias=draw(st.booleans()),
        out_bias=draw(st.booleans()),
        fused=draw(st.booleans()),
        qk_norm=draw(st.sampled_from([None, blocks.NormSpec("layer_norm")])),
        rope_dim=draw(st.sampled_from([0, 2])),
        window=draw(st.sampled_from([None, 1, 2, 5, 40])),
        sinks=draw(st.booleans()),
    )


def run_real(module, batch, context, steps):
    """Prefill, then decode; return the FLOPs of each stage and the cache at its end."""
    caches = []

    def prefill():
        caches.append(module(empty(batch, context, module.block.width), None)[1])

    def decode():
        for _ in range(steps):
            caches.append(module(empty(batch, 1, module.block.width), caches[-1])[1])

    found = counted(prefill), counted(decode)
    return found, tuple(sum(t.numel() for t in cache) for cache in (caches[0], caches[-1]))


def passes(batch, context, steps):
    return (
        prefill_pass(batch=batch, context=context, head_rows=1),
        decode_passes(batch=batch, context=context, steps=steps),
    )


@settings(max_examples=60)
@given(attentions(), sizes, st.integers(1, 8), sizes)
def test_attention_is_a_real_module_with_its_cache_and_its_parameters(block, batch, context, steps):
    module = Attention(block)
    flops, caches = run_real(module, batch, context, steps)
    for run, seen, cache in zip(passes(batch, context, steps), flops, caches, strict=True):
        found = priced(block.ops(Site("a", steps=run.steps), run))
        assert found.torch_visible_flops == seen
        assert found.footprint.kv_cache_bytes == 4 * cache
        parameters = sum(p.numel() for p in module.parameters())
        assert found.footprint.total_weight_bytes == 4 * parameters


class Latent(nn.Module):
    """Latent attention that expands the whole cache at every step, written for this test."""

    def __init__(self, block):
        super().__init__()
        self.block = block

        def linear(a, b, bias=False):
            return nn.Linear(a, b, bias=bias, device="meta")

        queries = block.heads * block.head_dim
        if block.query_rank is None:
            self.q = linear(block.width, queries)
        else:
            self.q = nn.Sequential(
                linear(block.width, block.query_rank, block.bias),
                nn.RMSNorm(block.query_rank, device="meta"),
                linear(block.query_rank, queries),
            )
        self.kv_a = linear(block.width, block.kv_rank + block.rope_dim, block.bias)
        self.norm = nn.RMSNorm(block.kv_rank, device="meta")
        self.kv_b = linear(block.kv_rank, block.heads * (block.nope_dim + block.value_dim))
        self.o = linear(block.heads * block.value_dim, block.width, block.bias)

    def forward(self, states, cache):
        block = self.block
        batch, tokens, _ = states.shape
        query = self.q(states).view(batch, tokens, block.heads, -1).transpose(1, 2)
        latent, rotated = self.kv_a(states).split([block.kv_rank, block.rope_dim], -1)
        new = (self.norm(latent), rotated)
        latent, rotated = (
            new if cache is None else (torch.cat(both, 1) for both in zip(cache, new, strict=True))
        )
        keys = latent.shape[1]
        expanded = self.kv_b(latent).view(batch, keys, block.heads, -1).transpose(1, 2)
        key, value = expanded.split([block.nope_dim, block.value_dim], -1)
        shared = rotated[:, None].expand(-1, block.heads, -1, -1)
        mixed = functional.softmax(query @ torch.cat([key, shared], -1).mT, -1) @ value
        out = self.o(mixed.transpose(1, 2).reshape(batch, tokens, -1))
        return out, (latent, rotated)


@st.composite
def latents(draw):
    return blocks.LatentAttention(
        width=draw(sizes),
        heads=draw(sizes),
        query_rank=draw(st.sampled_from([None, 3])),
        kv_rank=draw(sizes),
        nope_dim=draw(sizes),
        rope_dim=2,
        value_dim=draw(sizes),
        bias=draw(st.booleans()),
    )


@settings(max_examples=40)
@given(latents(), sizes, st.integers(1, 8), sizes)
def test_latent_attention_expands_its_whole_cache_at_every_step(block, batch, context, steps):
    module = Latent(block)
    flops, caches = run_real(module, batch, context, steps)
    for run, seen, cache in zip(passes(batch, context, steps), flops, caches, strict=True):
        found = priced(block.ops(Site("a", steps=run.steps), run))
        assert found.torch_visible_flops == seen
        assert found.footprint.kv_cache_bytes == 4 * cache
        parameters = sum(p.numel() for p in module.parameters())
        assert found.footprint.total_weight_bytes == 4 * parameters
        # Each pass reads all weights once, the expansion's included.
        assert found.cost.weight_bytes_read == 4 * parameters * run.steps


@given(sizes, sizes, sizes, st.booleans(), st.booleans())
def test_gated_and_plain_mlps_are_real_ones(width, inner, rows, bias, fused):
    def linear(a, b):
        return nn.Linear(a, b, bias=bias, device="meta")

    up, down = linear(width, inner), linear(inner, width)
    plain = blocks.Mlp(width=width, inner=inner, activation="relu", bias=bias)
    seen = counted(lambda: down(functional.relu(up(empty(rows, width)))))
    found = priced(plain.ops(Site("m"), rows))
    assert found.torch_visible_flops == seen
    gate = linear(width, 2 * inner)

    def run():
        a, b = gate(empty(rows, width)).chunk(2, -1)
        down(functional.silu(a) * b)

    gated = priced(
        blocks.GatedMlp(width=width, inner=inner, bias=bias, fused=fused).ops(Site("m"), rows)
    )
    assert gated.torch_visible_flops == counted(run)
    parameters = [p for layer in (gate, down) for p in layer.parameters()]
    assert gated.footprint.total_weight_bytes == 4 * sum(p.numel() for p in parameters)
    per_inner = CONVENTIONS.silu + CONVENTIONS.multiply
    biases = (2 * inner + width) if bias else 0
    assert gated.cost.vector_flops == rows * (per_inner * inner + biases)


def moe(width=4, gated=True, bias=False, shared=True, per_token=2, **router):
    mlp = blocks.GatedMlp(width=width, inner=5)
    return blocks.Moe(
        router=blocks.Router(width=width, experts=3, per_token=per_token, bias=bias, **router),
        experts=blocks.Experts(
            width=width, inner=6, experts=3, per_token=per_token, gated=gated, bias=bias
        ),
        shared=mlp if shared else None,
        shared_gate=shared,
    )


@given(sizes, sizes, st.booleans(), st.booleans(), st.booleans(), st.integers(1, 3))
def test_experts_are_products_of_each_token_with_its_experts(
    tokens, width, gated, bias, shared, per_token
):
    block = moe(width, gated, bias, shared, per_token)
    rows, first = tokens * per_token, 12 if gated else 6
    states = empty(tokens, width)

    def experts():
        torch.bmm(empty(rows, first, width), empty(rows, width, 1))
        torch.bmm(empty(rows, width, 6), empty(rows, 6, 1))

    def shared_part():
        inner = functional.linear(states, empty(10, width))[:, :5]
        functional.linear(inner, empty(width, 5)) * functional.linear(states, empty(1, width))

    wanted = {
        "m/router": counted(lambda: functional.linear(states, empty(3, width))),
        "m/experts": counted(experts),
    }
    if shared:
        wanted["m/shared"] = counted(shared_part)
    assert by_component(block.ops(Site("m"), tokens)) == wanted
    held = priced(block.ops(Site("m"), tokens)).footprint.total_weight_bytes // 4
    each = first * width + 6 * width + (first + width if bias else 0)
    mlp = 3 * width * 5 + width if shared else 0
    assert held == 3 * each + 3 * width + (3 if bias else 0) + mlp


@pytest.mark.parametrize(
    ("options", "per_expert", "per_choice"),
    [
        ({}, "softmax", {}),
        ({"scaled": True}, "softmax", {"multiply": 2}),
        ({"scoring": "sigmoid", "corrected": True}, "sigmoid", {"add": 3}),
        ({"scoring": "chosen"}, None, {"softmax": 2}),
        ({"normalised": True}, "softmax", {"add": 1, "multiply": 2}),
        ({"groups": 3}, "softmax", {"top_k": 3 + 3, "add": 3}),
        ({"groups": 3, "group_votes": 1}, "softmax", {"top_k": 3 + 3}),
        ({"scoring": "in_turn"}, None, {"softmax": 2 * 3, "top_k": 3}),
    ],
)
def test_a_router_scores_compares_and_weighs(options, per_expert, per_choice):
    router = blocks.Router(width=4, experts=3, per_token=2, **options)
    vector = {"top_k": 3} | ({per_expert: 3} if per_expert else {})
    for name, count in per_choice.items():
        vector[name] = vector.get(name, 0) + count
    wanted = sum(n * getattr(CONVENTIONS, name) for name, n in vector.items())
    found = priced(router.ops(Site("r"), 7)).cost
    assert found.vector_flops == 7 * wanted
    assert found.tensor_flops == 7 * 2 * 4 * 3


def test_a_correction_is_learned_for_each_expert():
    usual = blocks.Router(width=4, experts=3, per_token=2, scoring="sigmoid")
    plain, corrected = (
        priced(attrs.evolve(usual, corrected=on).ops(Site("r"), 7)) for on in (False, True)
    )
    held, usually = (p.footprint.total_weight_bytes for p in (corrected, plain))
    assert held - usually == 4 * 3
    assert corrected.cost.weight_bytes_read - plain.cost.weight_bytes_read == 4 * 3


@given(sizes, sizes, st.integers(1, 3))
def test_a_gate_of_the_other_half_plus_one_adds_once_per_element(tokens, inner, per_token):
    usual = blocks.Experts(width=4, inner=inner, experts=3, per_token=per_token)
    plain, shifted = (
        priced(attrs.evolve(usual, plus_one=on).ops(Site("e"), tokens)).cost for on in (False, True)
    )
    assert shifted.vector_flops - plain.vector_flops == tokens * per_token * inner
    assert shifted.tensor_flops == plain.tensor_flops


@given(sizes, sizes, st.sampled_from([2, 6]))
def test_angles_of_a_pair_are_half_as_many(batch, tokens, dim):
    each, pairs = (blocks.RotaryAngles(dim, per_pair=on) for on in (False, True))
    run = passes(batch, tokens, 1)[0]
    assert each.held(run) == 2 * pairs.held(run)
    products = tokens * dim // 2  # positions by frequencies, made once in both
    each_flops, pair_flops = (
        priced(a.ops(Site("r"), run)).cost.vector_flops for a in (each, pairs)
    )
    assert each_flops - products == 2 * (pair_flops - products)


@given(sizes, sizes, sizes, st.integers(1, 4))
def test_an_encoder_layer_is_torchs(batch, tokens, heads, head_dim):
    width = heads * head_dim
    layer = nn.TransformerEncoderLayer(
        width, heads, 7, activation="gelu", batch_first=True, device="meta"
    )
    attention = blocks.EncoderAttention(width=width, heads=heads, head_dim=head_dim, fused=True)
    rest = blocks.EncoderLayers(mlp=blocks.Mlp(width=width, inner=7, activation="gelu", bias=True))
    found = priced(
        [
            *rest.ops(
                Site("a"),
                batch * tokens,
                lambda takes, gives: attention.ops(Site("a").between(takes, gives), batch, tokens),
            ),
        ]
    )
    held = sum(p.numel() for p in layer.parameters())
    assert found.footprint.total_weight_bytes == 4 * held
    states = empty(batch, tokens, width)

    def run():
        # torch's own core is fused; its products are counted here one by one.
        made = functional.linear(states, empty(3 * width, width))
        query, key, value = made.view(batch, tokens, 3, heads, head_dim).permute(2, 0, 3, 1, 4)
        (query @ key.mT) @ value
        functional.linear(states, empty(width, width))
        layer.linear2(layer.linear1(states))

    assert found.torch_visible_flops == counted(run)


@given(sizes, sizes, sizes, st.integers(1, 4))
def test_a_stem_is_a_convolution_and_positions_are_read_once(images, width, grid, patch):
    conv = nn.Conv2d(3, width, patch, stride=patch, device="meta")
    stem = blocks.PatchStem(in_channels=3, width=width, patch_size=patch)
    found = priced(stem.ops(Site("s"), images, grid))
    side = grid * patch
    assert found.torch_visible_flops == counted(lambda: conv(empty(images, 3, side, side)))
    assert found.footprint.total_weight_bytes == 4 * sum(p.numel() for p in conv.parameters())
    added = priced(
        blocks.Positions(width=width, entries=grid * grid).ops(Site("s"), images, grid * grid)
    ).cost
    assert added.vector_flops == images * grid * grid * width
    assert added.weight_bytes_read == 4 * grid * grid * width


@st.composite
def decoders(draw):
    width = 4
    attention = attrs.evolve(draw(attentions()), width=width)
    latent = attrs.evolve(draw(latents()), width=width)
    feed_forwards = (
        blocks.Mlp(width=width, inner=6, activation="gelu"),
        blocks.GatedMlp(width=width, inner=5),
        moe(),
    )
    groups = draw(
        st.lists(
            st.builds(
                blocks.Layers,
                sizes,
                st.sampled_from([attention, latent]),
                st.sampled_from(feed_forwards),
            ),
            min_size=1,
            max_size=4,
        )
    )
    return blocks.Decoder(
        embeddings=blocks.Embeddings(
            vocabulary=9, width=width, positions=draw(st.sampled_from([0, 8])), scaled=True
        ),
        angles=draw(st.sampled_from([(), (blocks.RotaryAngles(2),)])),
        groups=tuple(groups),
        around=blocks.ResidualNorms(norm=blocks.NormSpec("rms_norm"), width=width, last=1),
        head=blocks.LmHead(vocabulary=9, width=width, softcap=draw(st.booleans())),
    )


def figures(decoder, run, mode):
    found = priced(decoder.ops(run), mode)
    names = [f.name for f in attrs.fields(type(found.cost)) if "expected" not in f.name]
    return {name: getattr(found.cost, name) for name in names} | {
        "weights": found.footprint.total_weight_bytes,
        "cache": found.footprint.kv_cache_bytes,
        "peak": found.footprint.peak_activation_bytes,
    }


POINTS = st.lists(st.tuples(sizes, sizes, sizes), min_size=2, max_size=3)


@settings(max_examples=15)
@given(decoders(), POINTS, st.sampled_from([Eager(), Flash()]))
@pytest.mark.slow
def test_arrays_and_symbols_give_what_ints_give(decoder, points, mode):
    symbols = sympy.symbols("B S K", positive=True, integer=True)
    columns = tuple(np.array(c, dtype=object) for c in zip(*points, strict=True))
    for stage in (0, 1):
        alone = [figures(decoder, passes(*point)[stage], mode) for point in points]
        stacked = figures(decoder, passes(*columns)[stage], mode)
        form = figures(decoder, passes(*symbols)[stage], mode)
        for index, (point, wanted) in enumerate(zip(points, alone, strict=True)):
            assert all(type(value) is int for value in wanted.values())
            whole = np.zeros(len(points), dtype=int)
            assert {n: (whole + column)[index] for n, column in stacked.items()} == wanted
            values = dict(zip(symbols, point, strict=True))
            assert {n: sympy.sympify(f).subs(values) for n, f in form.items()} == wanted


@settings(max_examples=25)
@given(decoders(), sizes, sizes, sizes, st.integers(2, 4))
def test_matrix_work_is_linear_in_the_batch(decoder, batch, context, steps, times):
    for once, often in zip(
        passes(batch, context, steps), passes(times * batch, context, steps), strict=True
    ):
        few, many = by_component(decoder.ops(once)), by_component(decoder.ops(often))
        assert many == {name: times * flops for name, flops in few.items()}


@settings(max_examples=25)
@given(decoders(), sizes, sizes, sizes, st.sampled_from([Eager(), Flash()]))
def test_decoding_costs_what_its_steps_cost_one_by_one(decoder, batch, context, steps, mode):
    whole = figures(decoder, passes(batch, context, steps)[1], mode)
    alone = [figures(decoder, passes(batch, context + k, 1)[1], mode) for k in range(steps)]
    held = {"weights", "cache", "peak"}
    for name, value in whole.items():
        parts = [step[name] for step in alone]
        assert value == (parts[-1] if name in held else sum(parts)), name


@settings(max_examples=25)
@given(decoders(), sizes, sizes)
def test_a_group_split_in_two_or_moved_changes_nothing(decoder, batch, context):
    first, *others = decoder.groups
    one = attrs.evolve(first, count=1)
    rest = (attrs.evolve(first, count=first.count - 1),) if first.count > 1 else ()
    moved = attrs.evolve(decoder, groups=(*others, *rest, one))
    run = passes(batch, context, 1)[0]
    assert by_component(moved.ops(run)) == by_component(decoder.ops(run))
    assert figures(moved, run, Eager()) == figures(decoder, run, Eager())


def test_tied_heads_are_held_once():
    def held(*, tied, bias=False):
        head = blocks.LmHead(vocabulary=9, width=4, tied=tied, bias=bias)
        run = passes(2, 3, 1)[0]
        embedded = blocks.Embeddings(vocabulary=9, width=4).ops(Site("e"), run)
        return priced([*embedded, *head.ops(Site("h"), run)]).footprint.total_weight_bytes

    assert held(tied=False) == 2 * held(tied=True) == 2 * 4 * 9 * 4
    # A bias is the head's own.
    for tied in (True, False):
        assert held(tied=tied, bias=True) == held(tied=tied) + 4 * 9


def test_a_pass_of_a_sweep_has_earlier_tokens_everywhere_or_nowhere():
    sizes = IntArray.of(np.array([1, 5, 9]))
    assert decode_passes(batch=1, context=sizes, steps=2).resumed
    assert not prefill_pass(batch=1, context=sizes, head_rows=1).resumed
    with pytest.raises(ValueError, match="some have earlier tokens, others do not"):
        _ = Pass(batch=1, queries=1, keys=sizes, head_rows=1).resumed
