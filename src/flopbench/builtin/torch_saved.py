"""What the forward pass of a training step keeps for its backward: bytes, each storage once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any
from weakref import ReferenceType, ref

import torch
from attrs import frozen
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from flopbench import CountError, Saved, VendorCall
from flopbench.boundary import told
from flopbench.builtin.torch_places import places_of


def saved(call: VendorCall) -> Saved:
    """Run the forward pass of a call, and return what it keeps (`flopbench.VendorCounter.saved`).

    Autograd keeps tensors, and checkpointing the arguments by position of what it repeats: both
    pass by the same hook. A tensor keeps its whole storage.

    Raises:
        CountError: the call fails.
    """
    places, made = places_of(call.root), _Made()
    held: list[ReferenceType[_Held]] = []

    def pack(tensor: Any) -> _Held:
        # A result has the graph that keeps it: as it is, it would keep the graph.
        kept = _Held(tensor.detach(), places.path())
        held.append(ref(kept))
        return kept

    try:
        with (
            torch.enable_grad(),
            places.following(),
            made,
            torch.autograd.graph.saved_tensors_hooks(pack, lambda kept: kept.tensor),
        ):
            returned = call.run()
    except CountError:
        raise
    except (Exception, SystemExit) as error:
        raise CountError(f"the vendor call failed: {told(error)}") from error
    # What belongs to a graph that leads to no result is gone by now.
    alive = [kept for each in held if (kept := each()) is not None]
    del returned
    return _sorted(alive, call.root, made)


@frozen(eq=False, weakref_slot=True)
class _Held:
    """A tensor that is kept for the backward, and the path of the module that keeps it."""

    tensor: Any
    path: str


def _sorted(held: Iterable[_Held], root: Any, made: _Made) -> Saved:
    """Add up storages, each once: those of weights, those from before the call, and the others."""
    weights = {_storage(each) for each in (*root.parameters(), *root.buffers())}
    by_module: Counter[str] = Counter()
    others: Counter[str] = Counter()
    for storage, kept in {_storage(kept.tensor): kept for kept in reversed([*held])}.items():
        size = kept.tensor.untyped_storage().nbytes()
        if storage in weights:
            others["weights"] += size
        elif storage in made.storages:
            by_module[kept.path] += size
        else:
            others["inputs"] += size
    return Saved(dict(by_module), **others)


def _storage(tensor: Any) -> int:
    return int(tensor.untyped_storage()._cdata)  # noqa: SLF001 - no public way


class _Made(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes the storages that ops make: any other was there before, or is a view of one."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.storages: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        self.storages |= _storages(out) - _storages((args, kwargs))
        return out


def _storages(tree: Any) -> set[int]:
    return {_storage(leaf) for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)}
