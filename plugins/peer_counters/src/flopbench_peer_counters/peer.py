"""What the peers share: the call as a module, an audit of what they miss, and a clean exit.

Each peer counts in its own way; its numbers are taken as they are. What it missed is found by
an audit that watches every ATen op of the same call, in the manner of the torch counter's.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import warnings
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib import metadata
from typing import Any, ClassVar

from flopbench.builtin.torch_counter import does_matrix_work, module_path
from flopbench.errors import CountError, describe
from flopbench.vendor import Count, Counted, Uncounted, VendorCall, VendorCounter

Ops = Counter[tuple[str, str]]
"""A number by (module, op)."""

Seen = Callable[[str, Any], bool]
"""Tells of a module's path and an ATen op that runs there now whether the peer counts it."""

Aside = Callable[[], AbstractContextManager[Any]]

MATRIX = frozenset({"linear", "expert_linear", "matmul", "conv2d"})
"""Kinds of matrix operation; a peer that lists one sees it in some form of code at least."""


class Peer(VendorCounter):
    """A counter of another library, which is imported when it counts."""

    library: ClassVar[str]
    """The distribution, whose version the report has."""

    module: ClassVar[str]
    """Its module that counts."""

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
            raise CountError(f"{self.name} failed: {describe(cause)}") from error
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
            CountError: it is not installed, or does not import.
        """
        try:
            with quiet():
                return importlib.import_module(module)
        except Exception as error:
            raise CountError(
                f"counter {self.name!r} needs {self.library} (pip install "
                f"'flopbench-peer-counters[peers]'), which fails to import: {describe(error)}"
            ) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what a peer prints, logs and warns of out of flopbench's output."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


@contextmanager
def restored() -> Iterator[None]:
    """Put back every function of torch that a peer replaces, whether or not the call fails."""
    torch = importlib.import_module("torch")
    places = (torch, torch.nn.functional, torch.Tensor)
    before = [(place, dict(vars(place))) for place in places]
    try:
        yield
    finally:
        for place, attributes in before:
            for name in set(vars(place)) & set(attributes):
                if vars(place)[name] is not attributes[name]:
                    setattr(place, name, attributes[name])
        # What a tensor inherits is put back by taking away what hides it.
        inherited = set(vars(torch.Tensor)) - set(before[-1][1])
        for name in inherited & set(dir(torch.Tensor.__base__)):
            delattr(torch.Tensor, name)


@contextmanager
def clean_modules(root: Any) -> Iterator[None]:
    """Leave modules as they were: their attributes, buffers, hooks and mode."""
    before = [(module, dict(vars(module))) for module in root.modules()]
    tables = ("_buffers", "_forward_hooks", "_forward_pre_hooks")
    kept = [[(m, t, dict(getattr(m, t))) for t in tables] for m, _ in before]
    try:
        yield
    finally:
        for (module, attributes), inner in zip(before, kept, strict=True):
            for name in set(vars(module)) - set(attributes):
                delattr(module, name)
            vars(module).update(attributes)
            for _, table, entries in inner:
                getattr(module, table).clear()
                getattr(module, table).update(entries)


def as_module(call: VendorCall, *, keep: bool = False) -> Any:
    """Make a module of a call, for peers that take nothing else; the root is in it as ``root``.

    Args:
        keep: whether the module's results are those of the call, a tuple of tensors.
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
    """Return the name below the root of a name below `as_module`."""
    return name.removeprefix("root").removeprefix(".")


@contextmanager
def audit(
    root: Any, missed: Ops, seen: Seen, aside: Aside = nullcontext
) -> Iterator[Callable[[], str]]:
    """Note each matrix op that is not ``seen``, and give the path of the module in work.

    Args:
        aside: entered around the kernel of each op. The meta device's kernels are Python and
            may call functions of torch, which are no part of the model: a peer that replaces
            functions must not count those.
    """
    with module_path(root) as path, _dispatched(path, missed, seen, aside):
        yield path


def _dispatched(
    path: Callable[[], str], missed: Ops, seen: Seen, aside: Aside
) -> AbstractContextManager[Any]:
    from torch.utils._python_dispatch import TorchDispatchMode

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
        CountError: one is no whole number.
    """
    found = {}
    for key, number in numbers:
        if number != int(number):
            raise CountError(f"{number!r} in module {key[0]!r} is no whole number")
        found[key] = int(number)
    return found
