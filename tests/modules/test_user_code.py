"""FLOPs of code as users write it, against products of sizes derived by hand."""

import pytest
import torch

import flopbench
from modules.zoo import USER_CODE, run

pytestmark = pytest.mark.filterwarnings("ignore")  # of torch's own older parts

_BLOCK = 2 * (6 * 12 + 12 * 6)
"""Of one row: a layer up, and a layer down."""

BY_HAND = {
    "linear": lambda B, S: 2 * B * S * 6 * 4,
    "conv2d": lambda B, S: 2 * B * 5 * (S - 2) * (6 - 1) * 4 * 3 * 2,
    "conv_transpose1d": lambda B, S: 2 * B * 4 * S * 5 * 3,
    "conv_tbc": lambda B, S: 2 * B * 5 * (S - 2) * 4 * 3,
    "einsum": lambda B, S: 2 * B * S * 6 * 7,
    "einsum outer": lambda M, N: 0,
    "tensordot": lambda M, K, N: 2 * M * (K * 4) * N,
    "matmul": lambda M, K, N: 2 * M * K * N,
    "matmul broadcast": lambda B, S: 2 * B * 2 * S * 6 * 4,
    "matmul vector": lambda B, S: 2 * B * S * 6,
    "mv": lambda M, K: 2 * M * K,
    "dot": lambda K: 2 * K,
    "inner": lambda M, K: 2 * M * K * 4,
    "addmm": lambda M, K, N: 2 * M * K * N,
    "bmm": lambda B, S: 2 * B * S * 6 * 7,
    "baddbmm": lambda B, S: 2 * B * S * 6 * 7,
    "addbmm": lambda B, S: 2 * B * S * 6 * 7,
    "bfloat16 matmul": lambda M, K, N: 2 * M * K * N,
    "int8 matmul": lambda M, K, N: 2 * M * K * N,
    "scaled_dot_product_attention": lambda B, S, T: 2 * 2 * B * 2 * S * T * 4,
    "attention causal": lambda B, S, T: 2 * 2 * B * 2 * S * T * 4,
    "attention biased": lambda B, S, T: 2 * 2 * B * 2 * S * T * 4,
    "attention grouped": lambda B, S, T: 2 * 2 * B * 4 * S * T * 4,
    "multi_head_attention by hand": lambda B, S, T: 2 * 2 * B * 2 * S * T * 4,
    "flex_attention": lambda B, S: 2 * 2 * B * 2 * S * S * 4,
    "multiply and sum": lambda M, K, N: 0,
    "unfold and matmul": lambda B, S: 2 * B * (S * 4) * 18 * 5,
    "rnn cell by hand": lambda B, S: 2 * S * B * (4 + 6) * 6,
    "grid_sample": lambda B, S: 0,
    "matrix_power": lambda B: 3 * 2 * B * 4**3,
    "autograd Function": lambda B, S: 2 * B * S * 6 * 7,
    "blocks in a list": lambda B, S: B * S * (3 * _BLOCK + 2 * 6 * (2 + 3)),
    "tied weights": lambda B, S: 2 * B * S * 6 * 11,
    "Sequential": lambda B, S: 2 * B * S * _BLOCK,
    "checkpoint": lambda B, S: B * S * _BLOCK,
    "compiled": lambda B, S: B * S * _BLOCK,
    "traced by fx": lambda B, S: B * S * _BLOCK,
    "scripted": lambda B, S: B * S * _BLOCK,
    "exported": lambda: 3 * 5 * _BLOCK,
    "vmap": lambda B, S: 2 * B * S * 6 * 7,
    "jacobian": lambda B: B * _BLOCK + 6 * B * _BLOCK,
    "functional_call of an ensemble": lambda B, S: 2 * B * S * _BLOCK,
    "weight norm": lambda B, S: 2 * B * S * 6 * 5,
    "encoder on its fast path": lambda B, S: (
        2 * B * (S * 8 * (3 * 8 + 8 + 2 * 12) * 2 + 2 * 2 * S * S * 8)
    ),
}
_SPECIMENS = {each.name: each for each in USER_CODE}


@pytest.mark.parametrize("name", BY_HAND)
@pytest.mark.parametrize("more", [0, 1, 4])
def test_flops_are_those_derived_by_hand(name, more):
    specimen = _SPECIMENS[name]
    sizes = {size: n + more * i for i, (size, n) in enumerate(specimen.sizes.items(), 1)}
    if name == "int8 matmul":  # takes whole multiples of 8 only
        sizes = {size: n + 8 * more for size, n in specimen.sizes.items()}
    made, inputs = specimen.make(), specimen.inputs(**sizes)
    with torch.no_grad():
        found = run(lambda *args, **kwargs: flopbench.count(made, *args, **kwargs), inputs)
    assert (found.flops, found.uncounted) == (BY_HAND[name](**sizes), ())
    assert found.differences == ()
