"""What is alive at once while a program runs: each tensor from its op to the last reader.

An op's tensors are storages here, views share theirs. A storage is alive from the op that makes it
(or from the start, if the caller gives it) to the last op that reads it or any view of it, whatever
variable still holds it; what a call returns stays alive. Weights are no activations.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from attrs import define
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

NONE = -1
"""The number of what is not followed: weights."""

UNKNOWN = -1
"""The size of what depends on the values of tensors."""


@define
class Run:
    """An op of the call, or several that are taken as one.

    Attributes:
        name: of the op, or of what the ops are together.
        module: path of the module that it ran in.
        reads: numbers of the distinct pieces that it reads.
        writes: those of each result.
        live: the size of all that is alive while it runs.
    """

    name: str
    module: str
    reads: np.ndarray
    writes: list[np.ndarray]
    live: int = 0


def work_out_live(
    runs: list[Run],
    sizes: np.ndarray,
    given: Iterable[int],
    returned: Iterable[int],
    only_while_read: Iterable[int] = (),
) -> None:
    """Work out the size of what is alive during each run.

    Args:
        runs: in the order of the program; ``live`` is set.
        sizes: of each piece, by number.
        given: pieces that are alive from the start.
        returned: pieces that are alive to the end.
        only_while_read: pieces that are alive during the runs that make or read them alone.
    """
    end = len(runs)
    born, last = np.full(len(sizes), end + 1), np.full(len(sizes), NONE)
    for index, run in enumerate(runs):
        for piece in run.writes:
            born[piece] = np.minimum(born[piece], index)
        last[run.reads] = index
    last[list(returned)] = end
    born[list(given)] = NONE
    waits = last > born + 1
    waits[list(only_while_read)] = False
    change = np.zeros(end + 2, np.int64)
    np.add.at(change, born[waits] + 1, sizes[waits])
    np.subtract.at(change, last[waits], sizes[waits])
    for index, (run, waiting) in enumerate(zip(runs, np.cumsum(change), strict=False)):
        read = run.reads
        also_read = read[waits[read] & (born[read] < index) & (last[read] > index)]
        # A result that nothing reads is let go at once; one that is read in part is whole.
        made = [w for w in run.writes if (last[w] > index).any()]
        new = sum(int(sizes[w[born[w] == index]].sum()) for w in made)
        run.live = int(waiting) - int(sizes[also_read].sum()) + int(sizes[run.reads].sum()) + new


class Liveness(TorchDispatchMode):
    """Record the ops of a call, with the storages that each reads and makes.

    Args:
        weights: tensors that are no activations.
        module: returns the path of the module that runs.
    """

    def __init__(self, weights: Iterable[torch.Tensor], module: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.runs: list[Run] = []
        self._module = module
        self._storages: dict[int, StorageWeakRef] = {}
        self._numbers: dict[int, int] = {}
        self._sizes: list[int] = []
        self._made: set[int] = set()
        self.ignore(weights)

    def ignore(self, weights: Iterable[torch.Tensor]) -> None:
        """Follow no weights."""
        for weight in weights:
            self._known(weight, NONE)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        results = _tensors(out)
        if results:
            read = {self._number(tensor) for tensor in _tensors((args, kwargs))}
            shared = _shared(func, args)
            written = {self._of_result(tensor, shared) for tensor in results} - {NONE}
            if shared is None:
                self._record(func, read - {NONE}, written)
        return out

    def peak(self, returned: Any) -> int | None:
        """Return the most bytes that are alive during one op; None if a size is not known.

        Args:
            returned: what the call returned.
        """
        if UNKNOWN in self._sizes:
            return None
        given = set(range(len(self._sizes))) - self._made
        kept = {self._number(tensor) for tensor in _tensors(returned)} - {NONE}
        work_out_live(self.runs, np.array(self._sizes, np.int64), given, kept)
        return max((run.live for run in self.runs), default=0)

    def _record(self, func: Any, read: set[int], written: set[int]) -> None:
        self._made |= written
        name, one = str(func.overloadpacket), (lambda number: np.array([number]))
        self.runs.append(
            Run(name, self._module(), np.array(sorted(read), int), [*map(one, sorted(written))])
        )

    def _of_result(self, tensor: torch.Tensor, shared: torch.Tensor | None) -> int:
        """Return the number of a result's storage: a view of a weight may have one of its own."""
        if shared is not None and tensor.untyped_storage()._cdata not in self._numbers:  # noqa: SLF001
            return self._known(tensor, self._number(shared))
        return self._number(tensor)

    def _number(self, tensor: torch.Tensor) -> int:
        storage = tensor.untyped_storage()
        found = self._numbers.get(storage._cdata)  # noqa: SLF001
        size = storage.nbytes()
        size = size if type(size) is int else UNKNOWN
        if found is None:
            self._sizes.append(size)
            found = self._known(tensor, len(self._sizes) - 1)
        elif found != NONE and self._sizes[found] != UNKNOWN:
            self._sizes[found] = UNKNOWN if size == UNKNOWN else max(size, self._sizes[found])
        return found

    def _known(self, tensor: torch.Tensor, number: int) -> int:
        storage = tensor.untyped_storage()
        # A weak reference frees the memory and keeps the key from being used again.
        self._storages[storage._cdata] = StorageWeakRef(  # type: ignore[no-untyped-call]  # noqa: SLF001
            storage
        )
        self._numbers[storage._cdata] = number  # noqa: SLF001
        return number


def _tensors(value: Any) -> list[torch.Tensor]:
    return [leaf for leaf in tree_leaves(value) if isinstance(leaf, torch.Tensor)]


def _shared(func: Any, args: Any) -> torch.Tensor | None:
    """Return the tensor that an op returns a view of, if it does."""
    if not is_view(func):
        return None
    return next((a for a in args if isinstance(a, torch.Tensor)), None)


def is_view(func: Any) -> bool:
    """Return whether an op returns a view of what it reads."""
    returned = (result.alias_info for result in func._schema.returns)  # noqa: SLF001
    return any(alias is not None and not alias.is_write for alias in returned)
