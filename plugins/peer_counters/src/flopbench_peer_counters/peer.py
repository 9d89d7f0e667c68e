"""What the peers share: the call as a module, and an audit of what they miss.

Each peer counts in its own way, and its numbers are reported unchanged. What it missed is found
by an audit that watches every ATen op of the same call, as the torch counter's does.
"""

from __future__ import annotations

import contextlib
import importlib
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib import metadata
from typing import Any, ClassVar

from flopbench import Count, Counted, CountError, Uncounted, VendorCall, VendorCounter
from flopbench.boundary import told
from flopbench.errors import describe
from flopbench_peer_counters.undo import clean_modules, quiet, restored

Ops = Counter[tuple[str, str]]
"""A number by (module, op)."""

Seen = Callable[[str, Any], bool]
"""Whether the peer counts the ATen op that is running now, given the module's path and the op."""

Aside = Callable[[], AbstractContextManager[Any]]

MATRIX = frozenset({"linear", "expert_linear", "matmul", "conv2d"})
"""Kinds of matrix operation; a peer that lists one counts it in at least some form of code."""


class Peer(VendorCounter):
    """A counter from another library, which is imported only when it counts."""

    library: ClassVar[str]
    """The distribution; its version is in the report."""

    module: ClassVar[str]
    """The library's module that counts."""

    def count(self, call: VendorCall) -> Count:
        torch = self._import("torch")
        self._import(self.module)
        missed: Ops = Counter()
        try:
            with quiet(), restored(), clean_modules(call.root), torch.no_grad():
                counted = self.measure(call, missed)
        except CountError:
            raise
        except Exception as error:
            cause = error.__cause__ or error
            raise CountError(f"{self.name} failed: {told(cause)}") from error
        return Count(
            tuple(Counted(m, op, n) for (m, op), n in counted.items() if n),
            tuple(Uncounted(m, op, n) for (m, op), n in missed.items()),
        )

    @abstractmethod
    def measure(self, call: VendorCall, missed: Ops) -> Mapping[tuple[str, str], int]:
        """Run the call under the peer; return its numbers by (module, op).

        Args:
            missed: filled with the calls of matrix ops that the peer did not count.
        """

    def provenance(self) -> Mapping[str, str]:
        with contextlib.suppress(metadata.PackageNotFoundError):
            return {self.library: metadata.version(self.library)}
        return {}

    def _import(self, module: str) -> Any:
        """Import a module of the peer.

        Raises:
            CountError: the library is not installed, or cannot be imported.
        """
        try:
            with quiet():
                return importlib.import_module(module)
        except Exception as error:
            raise CountError(
                f"counter {self.name!r} needs {self.library} (pip install "
                f"'flopbench[peers]'), which fails to import: {describe(error)}"
            ) from error


def as_module(call: VendorCall, *, keep: bool = False) -> Any:
    """Wrap a call in a module, for peers that take nothing else; ``root`` in it is the call's.

    Args:
        keep: whether the module also returns the results of the call, a tuple of tensors.
    """
    torch = importlib.import_module("torch")

    class Call(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.root = call.root

        def forward(self, token: Any) -> Any:
            result: Any = call.run()
            return (token, *result) if keep else token

    return Call()


def token() -> Any:
    """Return the input of `as_module`: a tensor that the call does not use."""
    torch = importlib.import_module("torch")
    return torch.empty(1, device="meta")


def root_name(name: str) -> str:
    """Convert a module's name below `as_module` to its name below the root."""
    return name.removeprefix("root").removeprefix(".")


@contextmanager
def audit(
    root: Any, missed: Ops, seen: Seen, aside: Aside = nullcontext
) -> Iterator[Callable[[], str]]:
    """Record each matrix op that is not ``seen``; yield what returns the running module's path.

    Args:
        aside: entered around the kernel of each op. The meta device's kernels are Python and
            may call functions of torch. These calls are not part of the model, so a peer that
            replaces functions must not count them.
    """
    from flopbench.builtin.torch_places import module_path

    with module_path(root) as path, _dispatched(path, missed, seen, aside):
        yield path


def _dispatched(
    path: Callable[[], str], missed: Ops, seen: Seen, aside: Aside
) -> AbstractContextManager[Any]:
    from torch.utils._python_dispatch import TorchDispatchMode

    from flopbench.builtin.torch_watch import does_matrix_work

    class Audit(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            op = func.overloadpacket
            namespace, _, name = str(op).rpartition(".")
            if does_matrix_work(namespace, name) and not seen(path(), op):
                missed[path(), str(op)] += 1
            with aside():
                return func(*args, **(kwargs or {}))

    mode: AbstractContextManager[Any] = Audit()  # type: ignore[no-untyped-call]
    return mode


def whole(numbers: Iterable[tuple[tuple[str, str], Any]]) -> dict[tuple[str, str], int]:
    """Return a peer's numbers as ints.

    Raises:
        CountError: one of them is not a whole number.
    """
    found = {}
    for key, number in numbers:
        if number != int(number):
            raise CountError(f"{number!r} in module {key[0]!r} is not a whole number")
        found[key] = int(number)
    return found
