"""Latent attention on the latents as they are cached: a module that does it is the witness."""

import sympy
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from flopbench.analytic.price import price
from flopbench.blocks import LatentAttention, PackedPass, Site, decode_passes, prefill_pass
from flopbench.builtin.absorbed import Absorbed
from flopbench.builtin.eager import Eager
from flopbench.builtin.flash import Flash, Flash3
from flopbench.conventions import Conventions
from flopbench.ops import Attention

WIDE = {"rank": 512, "rope": 64, "nope": 128, "value": 128, "heads": 16}


@st.composite
def sizes(draw):
    names = {"rank": 9, "rope": 3, "nope": 9, "value": 9, "heads": 4}
    found = {name: draw(st.integers(1, most)) for name, most in names.items()}
    return {**found, "rope": 2 * found["rope"]}


def block(rank, rope, nope, value, heads, width=6):
    return LatentAttention(
        width=width,
        heads=heads,
        query_rank=None,
        kv_rank=rank,
        nope_dim=nope,
        rope_dim=rope,
        value_dim=value,
    )


def priced(run, mode, *, core_only=True, layers=1, **found):
    """Price the core, or the whole block, with the expansion that belongs to the core."""
    ops = block(**found).ops(Site("attention", layers=layers, steps=run.steps), run)
    kept = [op for op in ops if isinstance(op, Attention) or not core_only]
    return price(kept, mode, Eager(), Conventions())


class OnLatents(torch.nn.Module):
    """One step of decoding: the products with K_h and V_h moved to the queries and the outputs."""

    def __init__(self, rank, rope, nope, value, heads):
        super().__init__()
        self.nope = nope
        self.keys = torch.nn.Parameter(torch.randn(heads, nope, rank))
        self.values = torch.nn.Parameter(torch.randn(heads, rank, value))

    def forward(self, queries, latents, rotated):
        """Queries are [B, H, 1, nope + rope], latents [B, T, rank], rotated keys [B, T, rope]."""
        own, turned = queries[..., : self.nope], queries[..., self.nope :]
        within = (own.squeeze(2).transpose(0, 1) @ self.keys).transpose(0, 1).unsqueeze(2)
        cached = torch.cat((latents, rotated), -1).unsqueeze(1)
        scores = torch.cat((within, turned), -1) @ cached.transpose(-1, -2)
        out = torch.softmax(scores, -1) @ latents.unsqueeze(1)
        return (out.squeeze(2).transpose(0, 1) @ self.values).transpose(0, 1)


def expanded(module, queries, latents, rotated):
    """Do the same with keys and values expanded."""
    own = torch.einsum("btr,hnr->bhtn", latents, module.keys)
    keys = torch.cat((own, rotated.unsqueeze(1).expand(-1, own.shape[1], -1, -1)), -1)
    values = torch.einsum("btr,hrv->bhtv", latents, module.values)
    return (torch.softmax(queries @ keys.transpose(-1, -2), -1) @ values).squeeze(2)


def inputs(batch, tokens, found, **made):
    width = found["nope"] + found["rope"]
    shapes = (batch, found["heads"], 1, width), (batch, tokens, found["rank"])
    return [torch.randn(s, **made) for s in (*shapes, (batch, tokens, found["rope"]))]


def counted(batch, tokens, found):
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        OnLatents(**found)(*inputs(batch, tokens, found))
    return counter.get_total_flops()


@given(sizes(), st.integers(1, 3), st.integers(1, 5))
def test_it_is_the_same_product_reassociated(found, batch, tokens):
    module = OnLatents(**found).double()
    given_ = inputs(batch, tokens, found, dtype=torch.float64)
    torch.testing.assert_close(module(*given_), expanded(module, *given_))


@given(sizes(), st.integers(1, 3), st.integers(1, 9), st.integers(1, 4))
def test_its_flops_are_those_of_a_module_that_does_it(found, batch, context, steps):
    run = decode_passes(batch=batch, context=context, steps=steps)
    each = [counted(batch, context + k, found) for k in range(1, steps + 1)]
    assert priced(run, Absorbed(), **found).cost.tensor_flops == sum(each)


@given(sizes(), st.integers(1, 3), st.integers(1, 9), st.integers(1, 4), st.integers(1, 3))
def test_a_step_reads_the_latents_once_and_the_expansion_once(found, batch, context, steps, layers):
    run = decode_passes(batch=batch, context=context, steps=steps)
    cost = priced(run, Absorbed(), layers=layers, **found).cost
    visited = sum(context + k for k in range(1, steps + 1))
    width = found["rank"] + found["rope"]
    assert cost.kv_cache_bytes_read == 2 * layers * batch * visited * width
    assert cost.kv_cache_bytes_written == 2 * layers * batch * steps * width
    weights = found["rank"] * found["heads"] * (found["nope"] + found["value"])
    assert cost.weight_bytes_read == 2 * layers * steps * weights


@given(sizes(), st.integers(1, 3), st.integers(1, 9), st.integers(1, 4))
def test_it_holds_what_every_other_mode_holds(found, batch, context, steps):
    run = decode_passes(batch=batch, context=context, steps=steps)
    every = [priced(run, mode, **found).footprint for mode in (Eager(), Flash3(), Absorbed())]
    assert len({f.kv_cache_bytes for f in every}) == 1
    assert len({f.total_weight_bytes for f in every}) == 1


@given(sizes(), st.integers(1, 3), st.integers(2, 9))
def test_a_prefill_expands_and_runs_as_flash_3(found, batch, context):
    run = prefill_pass(batch=batch, context=context, head_rows=1)
    prices = [priced(run, mode, **found) for mode in (Absorbed(), Flash3())]
    assert prices[0].cost.flops == prices[1].cost.flops
    assert prices[0].cost.kv_cache_bytes_read == prices[1].cost.kv_cache_bytes_read


@given(sizes(), st.integers(1, 6), st.integers(1, 6))
def test_one_token_and_several_in_one_step_are_told_apart(found, context, new):
    """A packed step: one sequence decodes, another one is prefilled."""
    one = decode_passes(batch=1, context=context, steps=1)
    many = prefill_pass(batch=2, context=new + 1, head_rows=1)
    packed = priced(PackedPass(parts=(one, many)), Absorbed(), **found)
    apart = [priced(run, Absorbed(), **found) for run in (one, many)]
    assert packed.cost.tensor_flops == sum(each.cost.tensor_flops for each in apart)


@given(sizes(), st.integers(1, 3), st.integers(1, 9), st.integers(1, 4))
def test_the_law_is_the_sum_over_the_steps(found, batch, context, steps):
    b, s, k = (sympy.Symbol(n, positive=True, integer=True) for n in "BSK")
    law = priced(decode_passes(batch=b, context=s, steps=k), Absorbed(), **found).cost
    run = decode_passes(batch=batch, context=context, steps=steps)
    cost = priced(run, Absorbed(), **found).cost
    at = {b: batch, s: context, k: steps}
    assert sympy.sympify(law.tensor_flops).subs(at) == cost.tensor_flops
    assert sympy.sympify(law.kv_cache_bytes_read).subs(at) == cost.kv_cache_bytes_read


def test_heads_wider_than_flash_attention_takes_are_no_reason_to_fall_back():
    run = decode_passes(batch=1, context=9, steps=1)
    assert not priced(run, Absorbed(), **WIDE).fallbacks
    assert "FlashAttention-2" in str(priced(run, Flash(), **WIDE).fallbacks[0])
