"""Products as users write them, without a layer."""

import torch
from torch.nn import functional

from modules.zoo.specimen import Specimen, real

_ROWS = {"B": 3, "S": 5}
_MATRICES = {"M": 3, "K": 5, "N": 7}
_HEADS = {"B": 3, "S": 5, "T": 7}


def _heads(B, S, T):
    return real(B, 2, S, 4), real(B, 2, T, 4), real(B, 2, T, 4)


def _grouped(B, S, T):
    return real(B, 4, S, 4), real(B, 2, T, 4), real(B, 2, T, 4)


def _matrices(M, K, N):
    return real(M, K), real(K, N)


def _batches(B, S):
    return real(B, S, 6), real(B, 6, 7)


def _causal(q, k, v):
    return functional.scaled_dot_product_attention(q, k, v, is_causal=True)


def _biased(q, k, v):
    bias = q.new_zeros(q.shape[-2], k.shape[-2])
    return functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)


def _gqa(q, k, v):
    return functional.scaled_dot_product_attention(q, k, v, enable_gqa=True)


FUNCTIONAL = [
    Specimen(
        "linear",
        lambda: functional.linear,
        lambda B, S: (real(B, S, 6), real(4, 6), real(4)),
        _ROWS,
    ),
    Specimen(
        "conv2d",
        lambda: functional.conv2d,
        lambda B, S: (real(B, 4, S, 6), real(5, 4, 3, 2)),
        _ROWS,
    ),
    Specimen(
        "conv_transpose1d",
        lambda: functional.conv_transpose1d,
        lambda B, S: (real(B, 4, S), real(4, 5, 3)),
        _ROWS,
    ),
    Specimen(
        "conv_tbc",
        lambda: torch.conv_tbc,
        lambda B, S: (real(S, B, 4), real(3, 4, 5), real(5)),
        _ROWS,
        fixed="torch tells its length as a number",
    ),
    Specimen(
        "bilinear",
        lambda: functional.bilinear,
        lambda B, S: (real(B, S, 4), real(B, S, 5), real(6, 4, 5)),
        _ROWS,
    ),
    Specimen(
        "einsum",
        lambda: lambda a, b: torch.einsum("bsd,de->bse", a, b),
        lambda B, S: (real(B, S, 6), real(6, 7)),
        _ROWS,
    ),
    Specimen(
        "einsum of three",
        lambda: lambda a, b, c: torch.einsum("ij,jk,kl->il", a, b, c),
        lambda M, K, N: (real(M, K), real(K, N), real(N, 4)),
        _MATRICES,
    ),
    Specimen(
        "einsum outer",
        lambda: lambda a, b: torch.einsum("i,j->ij", a, b),
        lambda M, N: (real(M), real(N)),
        {"M": 3, "N": 5},
    ),
    Specimen(
        "tensordot",
        lambda: lambda a, b: torch.tensordot(a, b, 2),
        lambda M, K, N: (real(M, K, 4), real(K, 4, N)),
        _MATRICES,
    ),
    Specimen("matmul", lambda: lambda a, b: a @ b, _matrices, _MATRICES),
    Specimen(
        "matmul broadcast", lambda: torch.matmul, lambda B, S: (real(B, 2, S, 6), real(6, 4)), _ROWS
    ),
    Specimen("matmul vector", lambda: torch.matmul, lambda B, S: (real(B, S, 6), real(6)), _ROWS),
    Specimen("mm", lambda: torch.mm, _matrices, _MATRICES),
    Specimen("mv", lambda: torch.mv, lambda M, K: (real(M, K), real(K)), {"M": 3, "K": 5}),
    Specimen("dot", lambda: torch.dot, lambda K: (real(K), real(K)), {"K": 5}),
    Specimen("inner", lambda: torch.inner, lambda M, K: (real(M, K), real(4, K)), {"M": 3, "K": 5}),
    Specimen(
        "addmm", lambda: torch.addmm, lambda M, K, N: (real(N), *_matrices(M, K, N)), _MATRICES
    ),
    Specimen(
        "addmv", lambda: torch.addmv, lambda M, K: (real(M), real(M, K), real(K)), {"M": 3, "K": 5}
    ),
    Specimen("bmm", lambda: torch.bmm, _batches, _ROWS),
    Specimen(
        "baddbmm", lambda: torch.baddbmm, lambda B, S: (real(B, S, 7), *_batches(B, S)), _ROWS
    ),
    Specimen("addbmm", lambda: torch.addbmm, lambda B, S: (real(S, 7), *_batches(B, S)), _ROWS),
    Specimen(
        "complex matmul",
        lambda: torch.matmul,
        lambda M, K, N: (
            torch.complex(real(M, K), real(M, K)),
            torch.complex(real(K, N), real(K, N)),
        ),
        _MATRICES,
    ),
    Specimen(
        "bfloat16 matmul",
        lambda: torch.matmul,
        lambda M, K, N: (real(M, K).bfloat16(), real(K, N).bfloat16()),
        _MATRICES,
    ),
    Specimen(
        "scaled_dot_product_attention",
        lambda: functional.scaled_dot_product_attention,
        _heads,
        _HEADS,
    ),
    Specimen("attention causal", lambda: _causal, _heads, _HEADS),
    Specimen("attention biased", lambda: _biased, _heads, _HEADS),
    Specimen("attention grouped", lambda: _gqa, _grouped, _HEADS),
    Specimen(
        "multi_head_attention by hand",
        lambda: lambda q, k, v: torch.softmax(q @ k.mT / 2, -1) @ v,
        _heads,
        _HEADS,
    ),
    Specimen(
        "grid_sample",
        lambda: lambda x, grid: functional.grid_sample(x, grid, align_corners=False),
        lambda B, S: (real(B, 4, 6, 7), real(B, S, 3, 2)),
        _ROWS,
    ),
    Specimen(
        "int8 matmul",
        lambda: torch._int_mm,
        lambda M, K, N: (torch.ones(M, K, dtype=torch.int8), torch.ones(K, N, dtype=torch.int8)),
        {"M": 17, "K": 8, "N": 16},
    ),
    Specimen(
        "unfold and matmul",
        lambda: lambda x, w: functional.unfold(x, 3).mT @ w,
        lambda B, S: (real(B, 2, S + 2, 6), real(18, 5)),
        _ROWS,
    ),
    Specimen(
        "multiply and sum",
        lambda: lambda a, b: (a[:, None] * b).sum(-1),
        lambda M, K, N: (real(M, K), real(N, K)),
        _MATRICES,
    ),
    Specimen(
        "rnn cell by hand",
        lambda: lambda x, h, a, b: [h := torch.tanh(row @ a + h @ b) for row in x.unbind()],
        lambda B, S: (real(S, B, 4), real(B, 6), real(4, 6), real(6, 6)),
        _ROWS,
    ),
]
