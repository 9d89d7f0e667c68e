"""Peers that count by module type: thop, torchinfo, and ptflops' default backend."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from flopbench import Convention, VendorCall
from flopbench_peer_counters.peer import (
    MATRIX,
    Ops,
    Peer,
    as_module,
    audit,
    root_name,
    token,
    whole,
)


class Thop(Peer):
    """``thop.profile``: a rule per module type, such as nn.Linear."""

    name = "thop"
    library = "thop"
    module = "thop.profile"
    summary = "thop.profile: MACs of known module types"
    # thop/vision/basic_hooks.py: no biases; a norm is 2 per element, twice that if affine.
    convention = Convention("MAC", MATRIX, {"layer_norm": 4})

    def measure(self, call: VendorCall, missed: Ops) -> Mapping[tuple[str, str], int]:
        thop = importlib.import_module("thop")
        rules = importlib.import_module(self.module).register_hooks
        kinds = {name: type(m) for name, m in call.root.named_modules()}
        module = as_module(call)
        with audit(call.root, missed, lambda path, _op: kinds.get(path) in rules):
            *_, layers = thop.profile(module, (token(),), verbose=False, ret_layer_info=True)
        return whole(((root_name(n), kind), ops) for n, kind, ops in _leaves(layers, module))


def _leaves(layers: Mapping[str, Any], module: Any) -> Iterator[tuple[str, str, float]]:
    """Yield the name, type and operations of each layer that thop has a rule for."""
    names = dict(module.named_modules())
    stack = list(layers.items())
    while stack:
        name, (ops, _parameters, inner) = stack.pop()
        if inner:
            stack += [(f"{name}.{child}", entry) for child, entry in inner.items()]
        else:
            yield name, type(names[name]).__name__, ops


class Torchinfo(Peer):
    """``torchinfo.summary``: parameters times the outputs' first dimension, or positions."""

    name = "torchinfo"
    library = "torchinfo"
    module = "torchinfo"
    summary = "torchinfo.summary: mult-adds of layers with parameters"
    # torchinfo/layer_info.py, calculate_macs: a parameter named weight or bias is 1 MAC per output.
    convention = Convention("MAC", MATRIX, {"linear bias": 1, "conv2d bias": 1})

    def measure(self, call: VendorCall, missed: Ops) -> Mapping[tuple[str, str], int]:
        torchinfo = importlib.import_module(self.module)
        names = {id(m): name for name, m in call.root.named_modules()}
        leaves = {n for n, m in call.root.named_modules() if _torchinfo_counts(m)}
        module = as_module(call)
        with audit(call.root, missed, lambda path, _op: path in leaves):
            layers = torchinfo.summary(module, input_data=[token()], verbose=0).summary_list
        counted: Ops = Counter()
        for layer in layers:
            if layer.is_leaf_layer:
                counted[names.get(layer.layer_id, ""), layer.class_name] += layer.macs
        return whole(counted.items())


def _torchinfo_counts(module: Any) -> bool:
    own = {name.split(".")[-1] for name, _ in module.named_parameters()}
    return not list(module.children()) and bool(own & {"weight", "bias"})
