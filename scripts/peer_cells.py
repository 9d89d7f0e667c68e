"""What a peer counts of an ordinary module, beside what flopbench says under its convention."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import torch
from attrs import define, field, frozen
from peer_modules import Specimen
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

import flopbench
from flopbench import VendorCall
from flopbench.vendor import FLOPS_PER_UNIT
from flopbench_peer_counters.plugin import flopbench_vendor_counters

PEERS = {peer.name: peer for peer in flopbench_vendor_counters()}
TORCH = "FlopCounterMode"

_ACTIVATIONS = dict.fromkeys(("gelu", "relu", "silu", "softmax"), 1)
_BIASES = dict.fromkeys(("conv bias", "linear bias"), 1)
_CELLS = {"gru": 7, "lstm": 10}
_FUNCTIONS = {**_ACTIVATIONS, **_CELLS, "batch_norm": 2, "conv bias": 1, "layer_norm": 5}

ADDS: Mapping[str, Mapping[str, int]] = {
    TORCH: {},
    "fvcore": {"batch_norm": 2, "layer_norm": 5},
    "ptflops_aten": _BIASES,
    "deepspeed": _FUNCTIONS,
    "ptflops": {
        **_ACTIVATIONS,
        **_BIASES,
        **_CELLS,
        "attention": 1,
        "batch_norm": 2,
        "layer_norm": 1,
    },
    "calflops": _FUNCTIONS,
    "thop": {"batch_norm": 4, "gru": 13, "layer_norm": 4, "lstm": 16},
    "torchinfo": _BIASES,
}
"""What each adds to matrix work: per element; ``lstm`` and ``gru`` per state and step.

``attention`` is the scaled queries and the scores of `nn.MultiheadAttention`. The softmax in
`scaled_dot_product_attention` is no element of any: those who know that function leave it out.
"""

_KINDS = {
    "_softmax": "softmax",
    "addmm": "linear bias",
    "convolution": "conv bias",
    "gelu": "gelu",
    "native_layer_norm": "layer_norm",
    "relu": "relu",
    "silu": "silu",
}


@frozen
class Layer:
    """A call of a module without sub-modules: what torchinfo goes by."""

    module: Any
    shape: tuple[int, ...]

    @property
    def parameters(self) -> int:
        """The size of its weight and bias."""
        own = dict(self.module.named_parameters())
        return sum(own[name].numel() for name in ("weight", "bias") if name in own)


@define
class _Elements(TorchDispatchMode):
    """Adds up the elements that ops make, by kind of vector work."""

    found: Counter[str] = field(factory=Counter)

    def __attrs_pre_init__(self) -> None:
        super().__init__()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__.rstrip("_")
        kind = "batch_norm" if "batch_norm" in name else _KINDS.get(name)
        biased = name != "convolution" or args[2] is not None
        if kind and biased:
            self.found[kind] += (out[0] if isinstance(out, tuple) else out).numel()
        return out


class Case:
    """A specimen, built once."""

    def __init__(self, specimen: Specimen) -> None:
        torch.manual_seed(0)
        self.specimen = specimen
        self.module, self.args, self.kwargs = specimen.build()
        self.module.eval()
        self.layers: list[Layer] = []

    @cached_property
    def reference(self) -> flopbench.ModuleCount:
        """What flopbench counts."""
        with _Elements() as elements, self._noting_layers():
            count = flopbench.count(self.module, *self.args, **self.kwargs)
        self.elements = elements.found + Counter(self.specimen.more)
        return count

    @contextmanager
    def _noting_layers(self) -> Iterator[None]:
        def note(module: Any, _args: Any, out: Any) -> None:
            if not list(module.children()) and isinstance(out, torch.Tensor):
                self.layers.append(Layer(module, tuple(out.shape)))

        handle = nn.modules.module.register_module_forward_hook(note)
        try:
            yield
        finally:
            handle.remove()

    def run(self) -> Any:
        """Make the call."""
        return self.module(*self.args, **self.kwargs)


@frozen
class Cell:
    """What a peer counts of a module, in its unit.

    Attributes:
        exact: what it would count under its convention if it saw all, and that right.
    """

    case: Case
    peer: str
    unit: str
    exact: int
    counted: int

    @property
    def difference(self) -> int:
        """What it misses; negative if it counts too much."""
        return self.exact - self.counted

    def flops(self, *ops: str) -> int:
        """Return the matrix work of ops in the peer's unit; of all ops if none is named."""
        by_op = self.case.reference.by_op
        total = sum(by_op.get(f"aten.{op}", 0) for op in ops or [n.split(".")[1] for n in by_op])
        return total // FLOPS_PER_UNIT[self.unit]

    def within(self, part: str) -> int:
        """Return the matrix work within modules of which a part of the path is named."""
        by_module = self.case.reference.by_module
        return sum(n for path, n in by_module.items() if part in path) // FLOPS_PER_UNIT[self.unit]

    @property
    def shown(self) -> str:
        """What the table shows: ``exact``, a share, or the excess."""
        if not self.difference:
            return "exact"
        if not self.counted:
            return "0"
        share = f"{100 * self.counted / self.exact:,.3f} %"
        return f"{-self.difference:+,}" if share == "100.000 %" else share


def cell(case: Case, peer: str) -> Cell:
    """Count a module with a peer."""
    reference = case.reference
    if peer == TORCH:
        with torch.no_grad(), FlopCounterMode(display=False) as mode:
            case.run()
        unit, counted = "FLOP", mode.get_total_flops()
    else:
        count = PEERS[peer]().count(VendorCall(case.module, case.run))
        unit, counted = PEERS[peer].convention.unit, sum(e.flops for e in count.counted)
    added = sum(number * case.elements[kind] for kind, number in ADDS[peer].items())
    return Cell(case, peer, unit, reference.flops // FLOPS_PER_UNIT[unit] + added, counted)
