"""What a real call keeps in memory: the values that are needed, and the tensors that are held.

`Liveness` gives each element that an op makes a number of its own, and follows the
numbers through views and copies by running those on tensors of numbers. An element is alive
from the op that makes it to the last op that reads it, whatever variable still holds it. That
is taken from the program alone; nothing of the analytic side is read. `Held` takes the
storages that PyTorch has not freed yet.

Weights, buffers, what the caller gives and what is in the KV cache are no activations that are
held, and integers and booleans are not followed.
"""

import re
from collections import Counter
from contextlib import ExitStack, contextmanager
from unittest import mock

import numpy as np
import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.weak import WeakIdKeyDictionary

from flopbench.modules.liveness import NONE, Run, work_out_live

SAME_VALUES = {
    "aten._to_copy", "aten._unsafe_view", "aten.alias", "aten.as_strided", "aten.cat",
    "aten.clone", "aten.constant_pad_nd", "aten.detach", "aten.expand", "aten.permute",
    "aten.select", "aten.slice", "aten.split", "aten.split_with_sizes", "aten.squeeze", "aten.t",
    "aten.transpose", "aten.unbind", "aten.unsqueeze", "aten.view",
}  # fmt: skip
"""Views, layouts and joins."""

TABLES = {
    "aten.embedding", "aten.index", "aten._upsample_bicubic2d_aa", "aten.upsample_linear1d",
}  # fmt: skip
"""Weights looked up or resized, which stay weights unless that is taken as an op."""

CACHE = "kv_cache"


class Watch(TorchDispatchMode):
    """Sees each op of a call, with the module that runs it and what it is a part of."""

    def __init__(self, model):
        super().__init__()
        held = (*model.parameters(), *model.buffers())
        self.weights = {tensor.untyped_storage()._cdata for tensor in held}
        self.modules = [""]
        self.joined = []

    @contextmanager
    def within(self, module):
        """Attribute ops to a module."""
        self.modules.append(module)
        yield
        self.modules.pop()

    @contextmanager
    def together(self, name):
        """Take the ops as one."""
        self.joined.append(name)
        yield
        self.joined.pop()


class Liveness(Watch):
    """Record the ops of a call, with the elements that each reads and makes."""

    def __init__(self, model):
        super().__init__(model)
        self._numbers = WeakIdKeyDictionary()
        self._made = 0
        self._given = []
        self.runs = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        name = str(func.overloadpacket)
        operands = [t for t in tree_leaves((args, kwargs)) if _is_float(t)]
        results = [t for t in tree_leaves(out) if _is_float(t)]
        if not results:
            return out
        read = [self.numbers(tensor) for tensor in operands]
        if CACHE in self.joined:
            self._record(name, read, [])
            self._number(results, [_none(t) for t in results])
        elif name in SAME_VALUES and operands:
            self._number(results, self._moved(func, args, results))
        elif name in TABLES and not self.joined:
            self._number(results, [_none(t) for t in results])
        else:
            self._number(results, [self._new(t.shape) for t in results])
            self._record(name, read, [self.numbers(t) for t in results])
        return out

    def numbers(self, tensor):
        """Return the numbers of a tensor's elements; what the caller gives gets new ones."""
        if tensor not in self._numbers:
            weight = tensor.untyped_storage()._cdata in self.weights
            if weight or CACHE in self.joined:
                self._numbers[tensor] = _none(tensor)
            else:
                self._numbers[tensor] = self._new(tensor.shape)
                self._given.append(self._numbers[tensor])
        return self._numbers[tensor]

    def _number(self, tensors, numbers):
        for tensor, found in zip(tensors, numbers, strict=True):
            assert tensor.shape == found.shape
            self._numbers[tensor] = found

    def _new(self, shape):
        first = self._made
        self._made += int(np.prod(tuple(shape), dtype=np.int64))
        return torch.arange(first, self._made).reshape(tuple(shape))

    def _moved(self, func, args, results):
        """Return the numbers after a view or a copy."""
        name = str(func.overloadpacket)
        numbered = tree_map(lambda a: self.numbers(a) if _is_float(a) else a, args)
        if name in {"aten._to_copy", "aten.clone"}:
            moved = [numbered[0]]
        elif name in {"aten.view", "aten._unsafe_view"}:
            moved = [numbered[0].reshape(results[0].shape)]
        elif name == "aten.constant_pad_nd":
            moved = [func(*numbered[:2], NONE)]
        else:
            moved = tree_leaves(func(*numbered))
        copied = name in {"aten.cat", "aten.clone", "aten.constant_pad_nd"}
        return [self._copied(each) if copied else each for each in moved]

    def _copied(self, moved):
        """Give numbers to what a copy holds besides: weights, padding, repetitions."""
        known = moved[moved != NONE]
        if not known.numel():
            return moved
        if len(known.unique()) < known.numel():
            return self._new(moved.shape)
        return torch.where(moved == NONE, self._new(moved.shape), moved)

    def _record(self, name, reads, writes):
        self.runs.append(
            Run(name, self.modules[-1], _distinct(reads), [_distinct([w]) for w in writes])
        )

    @contextmanager
    def together(self, name):
        """Take the ops as one, which reads what was there before and makes what stays."""
        first, made = len(self.runs), self._made
        with super().together(name):
            yield
        parts, self.runs[first:] = self.runs[first:], []
        reads = _distinct([run.reads for run in parts])
        self._record(name, [reads[reads < made]], [w for run in parts for w in run.writes])

    def finish(self, results, *, given_first, only_while_read):
        """Work out what is alive during each run.

        Args:
            results: tensors that the call returns, which stay alive.
            given_first: whether what the caller gives is alive from the start, or only while
                it is read.
            only_while_read: names of ops whose results do not wait for the next that reads them.
        """
        brief = [each for run in self.runs if run.name in only_while_read for each in run.writes]
        work_out_live(
            self.runs,
            np.ones(self._made, np.int64),
            given=_distinct(self._given) if given_first else (),
            returned=_distinct([self.numbers(t) for t in results]),
            only_while_read=_distinct(brief),
        )


class Held(Watch):
    """The most that a call holds at once, and which storages those are.

    Attributes:
        most: elements by (op, module) that made them, layers without their number.
    """

    def __init__(self, model):
        super().__init__(model)
        self._alive = {}
        self.most = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        operands = tree_leaves((args, kwargs))
        old = {t.untyped_storage()._cdata for t in operands if isinstance(t, torch.Tensor)}
        out = func(*args, **(kwargs or {}))
        name = str(func.overloadpacket)
        weights_only = all(
            t.untyped_storage()._cdata in self.weights for t in operands if _is_float(t)
        )
        if not (CACHE in self.joined or (name in TABLES and weights_only)):
            for tensor in filter(_is_float, tree_leaves(out)):
                if tensor.untyped_storage()._cdata not in old:
                    self._keep(name, tensor.untyped_storage(), tensor.element_size())
        self._alive = {key: kept for key, kept in self._alive.items() if not kept[0].expired()}
        if sum(kept[2] for kept in self._alive.values()) > self.most.total():
            self.most = Counter()
            for _, maker, elements in self._alive.values():
                self.most[maker] += elements
        return out

    def _keep(self, name, storage, width):
        maker = name.removeprefix("aten."), re.sub(r"\.\d+\.", ".", self.modules[-1])
        self._alive[storage._cdata] = StorageWeakRef(storage), maker, storage.nbytes() // width


def _is_float(value):
    return isinstance(value, torch.Tensor) and value.is_floating_point()


def _none(tensor):
    return torch.full(tuple(tensor.shape), NONE)


def _distinct(numbers):
    flat = [np.asarray(each).reshape(-1) for each in numbers]
    found = np.unique(np.concatenate(flat)) if flat else np.empty(0, np.int64)
    return found[found != NONE].astype(np.int64)


def record(model, call, *, joined, functions, given_first, only_while_read=()):
    """Run a call of a model, and return its ops with what is alive during each.

    Args:
        joined, functions: as in `watch`.
        given_first, only_while_read: as in `Liveness.finish`.
    """
    seen = Liveness(model)
    results = watch(seen, model, call, joined=joined, functions=functions)
    returned = [tensor for tensor in tree_leaves(results) if _is_float(tensor)]
    seen.finish(returned, given_first=given_first, only_while_read=only_while_read)
    return seen.runs


def watch(mode, model, call, *, joined, functions):
    """Run a call of a model under a mode, which gets to know modules and functions.

    Args:
        joined: names by class of module, for modules whose ops are taken as one.
        functions: names by (owner, attribute), for functions of that kind.
    """
    with ExitStack() as stack:
        for path, module in model.named_modules():
            name = joined.get(type(module).__name__)
            forward = _within(mode, path, _joined(mode, name, module.forward))
            stack.enter_context(mock.patch.object(module, "forward", forward))
        for (owner, attribute), name in functions.items():
            real = _joined(mode, name, getattr(owner, attribute))
            stack.enter_context(mock.patch.object(owner, attribute, real))
        stack.enter_context(torch.no_grad())
        stack.enter_context(mode)
        return call()


def _within(mode, path, real):
    def call(*args, **kwargs):
        with mode.within(path):
            return real(*args, **kwargs)

    return call


def _joined(mode, name, real):
    def call(*args, **kwargs):
        with mode.together(name):
            return real(*args, **kwargs)

    return real if name is None else call
