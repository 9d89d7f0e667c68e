"""Linear algebra, distances and transforms."""

import torch
from torch.nn import functional

from modules.zoo.specimen import Specimen, real

_ROWS = {"B": 3, "S": 5}
_MATRICES = {"M": 3, "K": 5, "N": 7}


def _square(B, S):
    return real(B, S, S), real(B, S, 2)


def _fft_conv(x, kernel):
    size = x.shape[-1] + kernel.shape[-1] - 1
    return torch.fft.irfft(torch.fft.rfft(x, size) * torch.fft.rfft(kernel, size), size)


def _matrices(M, K, N):
    return real(M, K), real(K, N)


LINEAR_ALGEBRA = [
    Specimen("outer", lambda: torch.outer, lambda M, N: (real(M), real(N)), {"M": 3, "N": 5}),
    Specimen(
        "addr", lambda: torch.addr, lambda M, N: (real(M, N), real(M), real(N)), {"M": 3, "N": 5}
    ),
    Specimen("kron", lambda: torch.kron, lambda M, N: (real(M, 2), real(3, N)), {"M": 3, "N": 5}),
    Specimen(
        "chain_matmul",
        lambda: lambda *each: torch.linalg.multi_dot(each),
        lambda M, K, N: (real(M, K), real(K, N), real(N, 4)),
        _MATRICES,
        fixed="the order of the products depends on the sizes",
    ),
    Specimen(
        "matrix_power",
        lambda: lambda a: torch.linalg.matrix_power(a, 5),
        lambda B: real(B, 4, 4),
        {"B": 3},
    ),
    Specimen("cdist", lambda: torch.cdist, lambda M, N: (real(M, 4), real(N, 4)), {"M": 3, "N": 5}),
    Specimen(
        "cdist of large sets",
        lambda: torch.cdist,
        lambda M, N: (real(M, 4), real(N, 4)),
        {"M": 27, "N": 31},
    ),
    Specimen(
        "cdist p=1",
        lambda: lambda a, b: torch.cdist(a, b, p=1.0),
        lambda M, N: (real(M, 4), real(N, 4)),
        {"M": 3, "N": 5},
    ),
    Specimen("pdist", lambda: functional.pdist, lambda M: real(M, 4), {"M": 5}),
    Specimen("linalg.solve", lambda: torch.linalg.solve, _square, _ROWS),
    Specimen("linalg.inv", lambda: torch.linalg.inv, lambda B: real(B, 4, 4), {"B": 3}),
    Specimen(
        "linalg.cholesky",
        lambda: lambda a: torch.linalg.cholesky(a @ a.mT + torch.eye(4, device=a.device)),
        lambda B: real(B, 4, 4),
        {"B": 3},
    ),
    Specimen("linalg.qr", lambda: torch.linalg.qr, lambda B: real(B, 4, 3), {"B": 5}),
    Specimen("linalg.svd", lambda: torch.linalg.svd, lambda B: real(B, 4, 3), {"B": 5}),
    Specimen("linalg.eigh", lambda: torch.linalg.eigh, lambda B: real(B, 4, 4), {"B": 5}),
    Specimen("linalg.det", lambda: torch.linalg.det, lambda B: real(B, 4, 4), {"B": 5}),
    Specimen(
        "linalg.lstsq",
        lambda: torch.linalg.lstsq,
        lambda B: (real(B, 5, 4), real(B, 5, 2)),
        {"B": 3},
        refused="torch has no shapes of it",
    ),
    Specimen("matrix_exp", lambda: torch.linalg.matrix_exp, lambda B: real(B, 4, 4), {"B": 3}),
    Specimen("fft convolution", lambda: _fft_conv, lambda B, S: (real(B, S), real(3)), _ROWS),
    Specimen(
        "stft",
        lambda: (
            lambda x: torch.stft(x, 8, return_complex=True, window=torch.ones(8, device=x.device))
        ),
        lambda B, S: real(B, 16 * S),
        _ROWS,
    ),
    Specimen(
        "sparse matmul",
        lambda: lambda a, b: torch.sparse.mm(a.to_sparse(), b),
        _matrices,
        _MATRICES,
        device="cpu",
        refused="how many elements are zero is in the values",
    ),
]
