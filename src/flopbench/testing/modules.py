"""Small calls whose FLOPs are known by hand, and calls that a counter may be blind to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import torch
from attrs import frozen
from torch import nn

from flopbench.vendor import VendorCall


@frozen
class ByHand:
    """A call with its multiply-accumulates by module, all of one kind of operation."""

    make: Callable[[str], VendorCall]
    kind: str
    macs: Mapping[str, int]


class _Product(nn.Module):
    def forward(self, x: Any) -> Any:
        return x @ x.transpose(-1, -2)


def _call(root: nn.Module, device: str, *shape: int) -> VendorCall:
    root = root.to(device).eval()
    x = torch.zeros(*shape, device=device)
    return VendorCall(root, lambda: root(x))


def _linear(inputs: int, outputs: int) -> nn.Linear:
    """Return a layer that does matrix work alone: what a bias costs is a convention."""
    return nn.Linear(inputs, outputs, bias=False)


def linears(device: str) -> VendorCall:
    """Apply two linear layers to 3 rows: 4 to 8 to 2 features."""
    return _call(nn.Sequential(_linear(4, 8), nn.Identity(), _linear(8, 2)), device, 3, 4)


def convolution(device: str) -> VendorCall:
    """Convolve 2 images of 3 x 8 x 8 with a 3 x 3 kernel to 5 x 6 x 6."""
    return _call(nn.Sequential(nn.Conv2d(3, 5, 3, bias=False)), device, 2, 3, 8, 8)


def product(device: str) -> VendorCall:
    """Multiply 7 matrices of 3 x 4 by their transposes."""
    return _call(nn.Sequential(_Product()), device, 7, 3, 4)


def nested(device: str) -> VendorCall:
    """Apply a linear layer in a module in a module, to 2 rows: 4 to 4 features, twice."""
    inner = nn.Sequential(_linear(4, 4))
    return _call(nn.Sequential(inner, _linear(4, 4)), device, 2, 4)


def nothing(device: str) -> VendorCall:
    """Do no matrix work at all."""
    return _call(nn.Sequential(nn.Flatten(), nn.Identity()), device, 3, 4)


BY_HAND: Mapping[str, ByHand] = {
    "linear": ByHand(linears, "linear", {"0": 3 * 4 * 8, "2": 3 * 8 * 2}),
    "conv2d": ByHand(convolution, "conv2d", {"0": 2 * 5 * 6 * 6 * 3 * 3 * 3}),
    "matmul": ByHand(product, "matmul", {"0": 7 * 3 * 4 * 3}),
    "nested": ByHand(nested, "linear", {"0.0": 2 * 4 * 4, "1": 2 * 4 * 4}),
    "nothing": ByHand(nothing, "linear", {}),
}
"""The keys are the cases of the check."""


@cache
def _opaque() -> Any:
    @torch.library.custom_op("flopbench_testing::opaque", mutates_args=())
    def opaque(x: torch.Tensor) -> torch.Tensor:
        return x @ x

    opaque.register_fake(torch.empty_like)
    return opaque


def vector_product(device: str) -> VendorCall:
    """Multiply a matrix by a vector."""
    x = torch.zeros(4, 4, device=device)
    return VendorCall(nn.Identity(), lambda: x @ x[0])


def custom_op(device: str) -> VendorCall:
    """Call a custom op that multiplies a matrix by itself."""
    x, opaque = torch.zeros(4, 4, device=device), _opaque()
    return VendorCall(nn.Identity(), lambda: opaque(x))


def three_way_product(device: str) -> VendorCall:
    """Apply a bilinear layer to one pair of 2 and 3 features, with 4 outputs."""
    root = nn.Bilinear(2, 3, 4).to(device)
    x, y = torch.zeros(1, 2, device=device), torch.zeros(1, 3, device=device)
    return VendorCall(root, lambda: root(x, y))


@frozen
class BlindSpot:
    """A call that many counters are blind to, with its multiply-accumulates."""

    make: Callable[[str], VendorCall]
    macs: int


BLIND_SPOTS: Mapping[str, BlindSpot] = {
    "vector_product": BlindSpot(vector_product, 4 * 4),
    "custom_op": BlindSpot(custom_op, 4 * 4 * 4),
    "three_way_product": BlindSpot(three_way_product, 4 * 2 * 3),
}


class _NotTodayError(RuntimeError):
    pass


class _Fails(nn.Module):
    def forward(self, x: Any) -> Any:
        raise _NotTodayError("not today")


def failing(device: str) -> VendorCall:
    """Fail, after some work."""
    return _call(nn.Sequential(_linear(4, 8), _Fails()), device, 3, 4)


def state_of(root: nn.Module) -> Any:
    """Return what a count must leave unchanged: the modules' attributes, weights and hooks."""
    hooks = nn.modules.module
    everywhere = (
        len(hooks._global_forward_hooks),  # noqa: SLF001 - torch has no other way to ask
        len(hooks._global_forward_pre_hooks),  # noqa: SLF001
    )
    modules = {
        name: (
            sorted(vars(module)),
            len(module._forward_hooks),  # noqa: SLF001
            len(module._forward_pre_hooks),  # noqa: SLF001
            module.forward.__qualname__,
        )
        for name, module in root.named_modules()
    }
    return everywhere, modules, sorted(root.state_dict())


def rows_of_a_linear(rows: Any) -> VendorCall:
    """Apply a linear layer to rows on the meta device; their number may be a symbol."""
    root = nn.Linear(4, 8, bias=False, device="meta")
    x = torch.empty(rows, 4, device="meta")
    return VendorCall(root, lambda: root(x))
