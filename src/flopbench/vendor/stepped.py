"""The step of PyTorch's own optimizer on the weights of a real model."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from attrs import define, frozen

from flopbench.errors import CountError
from flopbench.training_step import TrainOptions
from flopbench.vendor.model import VendorCall, VendorStage

EQUAL_WEIGHTS = "the optimizer steps one of the equal weights of a component, and counts them all"

EXPERTS = (
    "torch.optim.Muon takes matrices alone: each expert's, which one parameter holds with those of "
    "others, is stepped as a matrix of its own"
)

_MATRIX, _STACKED = 2, 3
"""Dimensions of a weight matrix, and of those of all experts of a layer in one parameter."""

_DECAYS = frozenset({"A_log"})
"""Weights that are no matrices, though Zamba's have three sizes: decays of each element."""

_IN_LAYER = re.compile(r"\.\d+\.")


@frozen
class _Kind:
    """What equal weights of a component have in common.

    Attributes:
        by_muon: whether they are matrices that Muon is for.
    """

    component: str
    shape: tuple[int, ...]
    dtype: Any
    by_muon: bool


@define
class _Found:
    """The module that has the first weights of a kind, and how many there are."""

    path: str
    times: int = 0


def optimizer_stage(
    made: VendorStage, options: TrainOptions, component: Callable[[str], str]
) -> VendorStage:
    """Return the steps of the optimizer on what a training step trains: equal weights in one call.

    Args:
        made: the calls of the training step, whose module has the weights.
        component: gives the component of a module, by its path.

    Raises:
        CountError: this version of PyTorch lacks the optimizer.
    """
    root = made.prepare(1).root
    found: dict[_Kind, _Found] = {}
    notes = {EQUAL_WEIGHTS: None}
    for path, weight, by_muon in _trained(root, options):
        stacked = by_muon and weight.dim() == _STACKED
        shape = tuple(weight.shape)[1 if stacked else 0 :]
        kind = _Kind(component(path), shape, weight.dtype, by_muon)
        found.setdefault(kind, _Found(path)).times += weight.shape[0] if stacked else 1
        if stacked:
            notes[EXPERTS] = None
    if not found:
        return VendorStage(lambda _step: VendorCall(root, lambda: None))
    calls = list(found.items())

    def prepare(step: int) -> VendorCall:
        kind, where = calls[step - 1]
        module = _at(where.path, _step_of(kind, options))
        return VendorCall(module, module)

    return VendorStage(
        prepare,
        steps=len(calls),
        sampled=False,
        assumptions=tuple(notes),
        times=tuple(where.times for where in found.values()),
    )


def _trained(root: Any, options: TrainOptions) -> Iterator[tuple[str, Any, bool]]:
    """Yield trained parameters, the paths of their modules, and whether Muon is for them."""
    for name, weight in root.named_parameters():
        path, _, own = name.rpartition(".")
        if weight.requires_grad:
            muon = options.optimizer == "muon"
            yield path, weight, muon and _is_matrix(root.get_submodule(path), path, own, weight)


def _is_matrix(module: Any, path: str, name: str, weight: Any) -> bool:
    """Return whether a parameter is a weight matrix of a layer, or those of all its experts."""
    from torch.nn import Embedding
    from torch.nn.modules.conv import _ConvNd

    if not _IN_LAYER.search(path) or isinstance(module, Embedding | _ConvNd):
        return False
    if weight.dim() == _STACKED:
        # RWKV's mixtures are vectors with three sizes.
        return name not in _DECAYS and bool(weight.shape[1] > 1)
    return weight.dim() == _MATRIX and name == "weight" and "Norm" not in type(module).__name__


def _step_of(kind: _Kind, options: TrainOptions) -> Callable[[], None]:
    """Return the step of one weight, with a gradient."""
    import torch

    weight = torch.nn.Parameter(torch.empty(kind.shape, dtype=kind.dtype, device="meta"))
    weight.grad = torch.empty_like(weight)
    if kind.by_muon:
        if not hasattr(torch.optim, "Muon"):
            raise CountError(f"torch {torch.__version__} has no Muon: 2.9 and later have it")
        return torch.optim.Muon([weight]).step
    if options.optimizer == "sgd":
        momentum = 0.0 if options.momentum is False else 0.9
        return torch.optim.SGD([weight], momentum=momentum).step
    return torch.optim.AdamW([weight], foreach=False).step


def _at(path: str, step: Callable[[], None]) -> Any:
    """Return a module that makes the step in a module below it, at a path."""
    import torch

    class Stepped(torch.nn.Module):
        def forward(self) -> None:
            for child in self.children():
                child()
            if not list(self.children()):
                step()

    root = module = Stepped()
    for part in path.split(".") if path else ():
        module.add_module(part, below := Stepped())
        module = below
    return root
