"""Modules as users call them: wrapped, compiled, traced, tied, with branches."""

import torch
from torch import nn

from modules.zoo.specimen import Specimen, real
from modules.zoo.user_classes import (
    Block,
    Branch,
    Checkpointed,
    Counted,
    Own,
    Picked,
    Stack,
    Tied,
    Traced,
    Weighted,
)

_ROWS = {"B": 3, "S": 5}


def _rows(B, S):
    return real(B, S, 6)


def _mapped():
    linear = nn.Linear(6, 7)
    return torch.vmap(torch.vmap(linear))


def _per_sample():
    return torch.func.vmap(torch.func.jacrev(Block()))


def _stateless():
    block = Block()
    stacked = {name: torch.stack([p, p]) for name, p in block.named_parameters()}

    def ensemble(x):
        def one(parameters):
            return torch.func.functional_call(block, parameters, (x,))

        return torch.vmap(one)(stacked)

    return ensemble


def _flex():
    from torch.nn.attention.flex_attention import flex_attention

    return flex_attention


def _fast_encoder():
    layer = nn.TransformerEncoderLayer(8, 2, 12, batch_first=True)
    encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval()
    return encoder.requires_grad_(requires_grad=False)


def _registered():
    """Return an op of another library, which nobody has a formula for."""

    @torch.library.custom_op("zoo::blend", mutates_args=())
    def blend(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return x @ weight

    @blend.register_fake
    def _(x, weight):
        return x.new_empty(*x.shape[:-1], weight.shape[-1])

    return blend


USER_MODULES = [
    Specimen("autograd Function", Own, _rows, _ROWS),
    Specimen("blocks in a list", Stack, _rows, _ROWS),
    Specimen("tied weights", Tied, lambda B, S: torch.zeros(B, S, dtype=torch.long), _ROWS),
    Specimen("Sequential", lambda: nn.Sequential(Block(), nn.ReLU(), Block()), _rows, _ROWS),
    Specimen("checkpoint", Checkpointed, _rows, _ROWS),
    Specimen("compiled", lambda: torch.compile(Block(), backend="eager"), _rows, _ROWS),
    Specimen("traced by fx", lambda: Traced(torch.fx.symbolic_trace), _rows, _ROWS),
    Specimen("scripted", lambda: Traced(torch.jit.script), _rows, _ROWS),
    Specimen(
        "exported",
        lambda: Traced(lambda m: torch.export.export(m, (torch.rand(3, 5, 6),)).module()),
        lambda: real(3, 5, 6),
        {},
        fixed="the export is of these sizes",
    ),
    Specimen("vmap", _mapped, _rows, _ROWS),
    Specimen("jacobian", _per_sample, lambda B: real(B, 6), {"B": 3}),
    Specimen("functional_call of an ensemble", _stateless, _rows, _ROWS),
    Specimen("flex_attention", _flex, lambda B, S: (real(B, 2, S, 4),) * 3, _ROWS, device="cpu"),
    Specimen(
        "encoder on its fast path", _fast_encoder, lambda B, S: real(B, S, 8), _ROWS, device="cpu"
    ),
    Specimen("custom op", _registered, lambda B, S: (real(B, S, 6), real(6, 7)), _ROWS),
    Specimen(
        "spectral norm", lambda: Weighted(nn.utils.parametrizations.spectral_norm), _rows, _ROWS
    ),
    Specimen("weight norm", lambda: Weighted(nn.utils.parametrizations.weight_norm), _rows, _ROWS),
    Specimen(
        "orthogonal",
        lambda: Weighted(nn.utils.parametrizations.orthogonal),
        _rows,
        _ROWS,
        device="cpu",
    ),
    Specimen("branch on values", Branch, _rows, _ROWS, refused="which layer runs is in the values"),
    Specimen(
        "rows picked by value",
        Picked,
        _rows,
        _ROWS,
        refused="how many rows there are is in the values",
    ),
    Specimen(
        "loop on a value",
        Counted,
        lambda B: (real(B, 6), torch.tensor(3)),
        {"B": 3},
        refused="how often it loops is a value",
    ),
]
