"""A packed pass: what it is, what it costs beside passes of their own, and chunks of a prefill."""

import pytest
import sympy
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from flopbench.analytic.price import price
from flopbench.blocks import (
    Decoder,
    Embeddings,
    Experts,
    GatedMlp,
    LatentAttention,
    Layers,
    LmHead,
    Moe,
    NormSpec,
    PackedPass,
    Pass,
    ResidualNorms,
    RotaryAngles,
    Router,
    SelfAttention,
    Site,
    prefill_pass,
)
from flopbench.builtin.eager import Eager
from flopbench.builtin.flash import Flash
from flopbench.conventions import Conventions
from flopbench.ops import Attention
from flopbench.testing.costs import lines_of, require_equal

WIDTH, HEADS, KV_HEADS, HEAD_DIM, LAYERS = 12, 4, 2, 6, 3
GROUPED = SelfAttention(width=WIDTH, heads=HEADS, kv_heads=KV_HEADS, head_dim=HEAD_DIM, rope_dim=4)
SLIDING = evolve(GROUPED, window=5)
LATENT = LatentAttention(
    width=WIDTH, heads=HEADS, query_rank=5, kv_rank=7, nope_dim=4, rope_dim=2, value_dim=3
)
DENSE = GatedMlp(width=WIDTH, inner=20)
SPARSE = Moe(
    router=Router(width=WIDTH, experts=8, per_token=2),
    experts=Experts(width=WIDTH, inner=9, experts=8, per_token=2),
)


def decoder(attention=GROUPED, feed_forward=DENSE, **embeddings):
    return Decoder(
        embeddings=Embeddings(vocabulary=50, width=WIDTH, **embeddings),
        groups=(Layers(LAYERS, attention, feed_forward),),
        around=ResidualNorms(norm=NormSpec("rms_norm"), width=WIDTH, last=1),
        head=LmHead(vocabulary=50, width=WIDTH),
        angles=(RotaryAngles(4, by_matmul=True),),
    )


def part(new, cached=0, *, batch=1, head_rows=1):
    return Pass(batch=batch, queries=new, keys=cached + new, head_rows=head_rows)


def priced(model, run, mode=None):
    return price(model.ops(run), mode or Eager(), Eager(), Conventions())


parts = st.builds(
    part,
    new=st.integers(1, 9),
    cached=st.integers(0, 9),
    batch=st.integers(1, 3),
    head_rows=st.integers(1, 4),
)
packed = st.lists(parts, min_size=1, max_size=4).map(lambda found: PackedPass(parts=tuple(found)))


def test_a_packed_pass_is_one_sequence_of_all_new_tokens():
    run = PackedPass(parts=(part(5, 8, batch=2, head_rows=3), part(1, 90), part(7)))
    assert (run.batch, run.steps, run.queries, run.tokens) == (1, 1, 18, 18)
    assert run.head_rows == 2 * 3 + 1 + 1
    assert Pass(batch=2, queries=3, keys=4, head_rows=1).parts[0].keys == 4


@pytest.mark.parametrize("name", ["keys", "last_keys"])
def test_it_has_no_one_number_of_keys(name):
    run = PackedPass(parts=(part(5, 8), part(1, 90)))
    with pytest.raises(AttributeError, match=f"no '{name}' of its own: ask each of its parts"):
        getattr(run, name)


@pytest.mark.parametrize("wrong", [(), (part(2), evolve(part(2), steps=3))])
def test_it_is_one_step_of_one_part_or_more(wrong):
    with pytest.raises(ValueError, match="one part or more, each of one step"):
        PackedPass(parts=wrong)


@pytest.mark.parametrize("attention", [GROUPED, SLIDING, LATENT])
@pytest.mark.parametrize("feed_forward", [DENSE, SPARSE])
@given(run=packed)
def test_flops_and_cache_are_the_sums_of_passes_of_one_sequence(attention, feed_forward, run):
    """Each component's FLOPs, and every byte of KV cache, read, written or held."""
    model = decoder(attention, feed_forward)
    alone = [priced(model, evolve(p, batch=1)) for p in run.parts for _ in range(p.batch)]
    together = priced(model, run)
    for field in ("tensor_flops", "vector_flops", "kv_cache_bytes_read", "kv_cache_bytes_written"):
        summed = {}
        for each in alone:
            for key, cost in lines_of(each).items():
                summed[key] = summed.get(key, 0) + getattr(cost, field)
        assert {k: getattr(c, field) for k, c in lines_of(together).items()} == summed
    held = sum(each.footprint.kv_cache_bytes for each in alone)
    assert together.footprint.kv_cache_bytes == held


@given(run=packed)
def test_weights_are_read_once_and_experts_are_those_of_all_tokens(run):
    model = decoder(feed_forward=SPARSE)
    together = priced(model, run)
    one = priced(model, prefill_pass(batch=1, context=run.tokens, head_rows=1))
    assert together.cost.weight_bytes_read == one.cost.weight_bytes_read
    assert together.cost.expected_expert_bytes_read == one.cost.expected_expert_bytes_read
    assert together.footprint.weight_bytes == one.footprint.weight_bytes


@pytest.mark.parametrize("attention", [GROUPED, SLIDING, LATENT])
@pytest.mark.parametrize("mode", [Eager(), Flash()])
def test_one_part_of_one_sequence_is_the_pass_itself(attention, mode):
    model = decoder(attention, SPARSE, positions=64)
    one = priced(model, part(9, 4, head_rows=2), mode)
    same = priced(model, PackedPass(parts=(part(9, 4, head_rows=2),)), mode)
    require_equal(lines_of(same), lines_of(one), "a packed pass of one part")
    assert same.footprint.alive_bytes == one.footprint.alive_bytes
    assert same.footprint.kv_cache_bytes == one.footprint.kv_cache_bytes


def test_sequences_share_no_positions():
    """Two sequences at the same positions: their rows of the table are read twice."""
    model = decoder(positions=64)
    shared, own = (
        priced(model, run) for run in (part(3, batch=2), PackedPass(parts=(part(3, batch=2),)))
    )
    rows = own.cost.weight_bytes_read - shared.cost.weight_bytes_read
    assert rows == 2 * 3 * WIDTH


def alive(model, run):
    """Return the elements that are alive during the attention of each part."""
    return [op.alive_meanwhile for op in model.ops(run) if isinstance(op, Attention)]


def test_what_the_other_parts_need_stays_alive_during_attention():
    run = PackedPass(parts=(part(5, 8), part(1, 90), part(2, batch=2)))
    # The residual, and cosines and sines, of all 10 tokens.
    always = 10 * WIDTH + 2 * 4 * 10
    others = [(10 - own) * HEADS * HEAD_DIM for own in (5, 1, 4)]
    assert alive(decoder(), run) == [always + each for each in others]


def test_latent_attention_keeps_queries_outputs_and_expanded_keys_of_the_others():
    run = PackedPass(parts=(part(5, 8), part(1, 90), part(2, batch=2)))
    always = 10 * WIDTH + 2 * 4 * 10
    waiting = [(5 * 6, 91 + 4), (5 * 3 + 4 * 6, 13 + 4), (6 * 3, 13 + 91)]
    wanted = [always + HEADS * (beside + keys * (6 + 3)) for beside, keys in waiting]
    assert alive(decoder(LATENT), run) == wanted


def chunks(sizes):
    """Return the passes of a prefill that is cut into chunks."""
    cached = [sum(sizes[:index]) for index in range(len(sizes))]
    return [part(new, before) for new, before in zip(sizes, cached, strict=True)]


def core(passes, attention, mode):
    """Return the tensor FLOPs of attention's cores in all passes."""
    costs = (priced(decoder(attention), run, mode) for run in passes)
    lines = (line for cost in costs for line in cost.lines if line.component.endswith("core"))
    return sum(line.cost.tensor_flops for line in lines)


@pytest.mark.parametrize("attention", [GROUPED, SLIDING])
@given(st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_chunks_of_any_split_sum_to_one_prefill_under_the_exact_triangle(attention, sizes):
    """With a window, too. All but the LM head's extra rows, one for each chunk."""
    model = decoder(attention)
    whole = priced(model, part(sum(sizes)), Flash())
    cut = [priced(model, run, Flash()) for run in chunks(sizes)]
    for name in ("decoder/attention/core", "decoder/attention/qkv", "decoder/mlp"):
        one, some = (
            sum(line.cost.tensor_flops for p in each for line in p.lines if line.component == name)
            for each in ([whole], cut)
        )
        assert some == one > 0


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_in_eager_mode_chunks_save_the_masked_pairs_of_later_chunks(sizes):
    """A prefill at once multiplies each query with keys of later chunks, and masks them."""
    later = sum(a * b for i, a in enumerate(sizes) for b in sizes[i + 1 :])
    per_pair = 2 * 2 * HEAD_DIM * HEADS * LAYERS
    saved = core([part(sum(sizes))], GROUPED, Eager()) - core(chunks(sizes), GROUPED, Eager())
    assert saved == per_pair * later


def test_two_chunks_at_a_symbolic_cut_are_one_prefill():
    first, second = sympy.symbols("c d", integer=True, positive=True)
    for mode, masked in (
        (Flash(), 0),
        (Eager(), 2 * 2 * HEAD_DIM * HEADS * LAYERS * first * second),
    ):
        whole = core([part(first + second)], GROUPED, mode)
        cut = core(chunks([first, second]), GROUPED, mode)
        assert sympy.expand(whole - cut - masked) == 0
    wrong = core([part(first), part(second)], GROUPED, Flash())
    assert sympy.expand(core([part(first + second)], GROUPED, Flash()) - wrong) != 0


def test_symbols_and_ints_agree():
    a, b = sympy.symbols("a b", integer=True, positive=True)

    def flops(n, m):
        run = PackedPass(parts=(part(n, m), part(1, n, batch=3)))
        return priced(decoder(LATENT, SPARSE), run).cost.flops

    assert flops(a, b).subs({a: 4, b: 11}) == flops(4, 11)


def test_a_block_that_asks_a_packed_pass_for_its_keys_fails_loudly():
    class Whole:
        def ops(self, site: Site, run: Pass):
            yield site.op(
                Attention,
                batch=run.batch,
                heads=1,
                kv_heads=1,
                head_dim=1,
                value_dim=1,
                queries=run.queries,
                keys=run.keys,
            )

    with pytest.raises(AttributeError, match="ask each of its parts"):
        list(decoder(Whole()).ops(PackedPass(parts=(part(5, 8), part(1, 90)))))
