"""Watch a call op by op: where work happens, and which op does matrix work without a formula."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from attrs import define, evolve, field

from flopbench import CountError, Uncounted, UsageError, VendorCall
from flopbench.boundary import told
from flopbench.builtin.torch_opaque import telling
from flopbench.builtin.torch_places import Places, places_of
from flopbench.training_step import Phase

if TYPE_CHECKING:
    from flopbench.builtin.torch_layers import Layers

_MATRIX_WORK = re.compile(
    r"""(^|_)(
        (add|b|addb|baddb|s|sp|hsp|sspadd)?mm\w* | (add)?mv | v?dot | addr | ger | outer | matmul
        | (bi|tri)?linear | einsum | tensordot | conv(?!ert)\w* | attention\w*
        | (\w+_)?(lstm|gru|rnn)\w* | encoder | [cp]dist | euclidean | linalg | cholesky\w*
        | (sp)?solve\w* | inverse | matrix_exp | affine_grid | (ge|org|orm)?qr\w*
        | svd | lu_with | fft_(c2c|c2r|r2c)
    )(_|$)""",
    re.VERBOSE,
)
"""Names of ATen ops that multiply matrices, convolve, transform, attend, factor or solve."""


_NO_WORK = re.compile(
    r"""^_?(
        linalg_(vector_)?norm | linalg_(diagonal|cross|check_errors|_powsum) | slice_inverse
        | \w+_flatten_weight | mkldnn_reorder_\w+ | \w+_prepack | cslt_sparse_mm_search
        | thnn_(differentiable|fused)_(gru|lstm)_cell\w*
    )$""",
    re.VERBOSE,
)
"""Names that look like matrix work and are not: norms, packing, elementwise parts of cells."""


_PLAIN_NAMESPACES = frozenset(
    {"aten", "c10d", "_c10d_functional", "debugprims", "prim", "prims", "profiler"}
)
"""Torch's own namespaces: ATen's ops are judged by name, the others do no matrix work."""


def does_matrix_work(namespace: str, name: str) -> bool:
    """Return whether an op may do matrix or attention work.

    An op outside torch's own namespaces is opaque (a custom kernel) and may do anything.
    """
    if namespace not in _PLAIN_NAMESPACES:
        return True
    if namespace != "aten":
        return False
    return bool(_MATRIX_WORK.search(name)) and not _NO_WORK.match(name)


NONE: Mapping[Any, Any] = MappingProxyType({})
"""No formulas."""


@define
class Seen:
    """What FlopCounterMode and the audit saw of a call, by (module, op).

    Attributes:
        counted: FLOPs: ints, or symbolic ints if the call's sizes are symbolic.
        uncounted: calls of ops without a formula.
        repeated: those of `counted` that stand for layers that were not run.
        total: FlopCounterMode's own sum, of what was run.
        parts: the same by the pass of a training step.
    """

    counted: Counter[tuple[str, str]] = field(factory=Counter)
    uncounted: Counter[tuple[str, str]] = field(factory=Counter)
    repeated: Counter[tuple[str, str]] = field(factory=Counter)
    total: Any = 0
    parts: dict[Phase, Seen] = field(factory=dict)

    def repeat(self, key: tuple[str, str], flops: Any) -> None:
        """Add the work of a layer that equals one that was run."""
        for found in (self.counted, self.repeated):
            found[key] = found[key] + flops if key in found else flops

    def run(self) -> Iterator[Any]:
        """Yield the FLOPs of what was run; adding up symbols of repeated layers would take long."""
        for key, flops in self.counted.items():
            if key not in self.repeated:
                yield flops
            elif flops is not self.repeated[key]:
                yield flops - self.repeated[key]

    def of(self, phase: Phase | None) -> Seen:
        """Return what was seen of a pass; all of it for None."""
        if phase is None:
            return self
        part = self.parts.get(phase, Seen())
        others = (other for name, other in self.parts.items() if name is not phase)
        return evolve(part, total=self.total - sum(other.counted.total() for other in others))

    def uncounted_ops(self) -> tuple[Uncounted, ...]:
        """Return what was uncounted, as counters report it."""
        return tuple(Uncounted(m, op, n) for (m, op), n in self.uncounted.items())


def watch(
    call: VendorCall, *inner: Any, own: Mapping[Any, Any] = NONE, layers: Layers | None = None
) -> Seen:
    """Run a call under FlopCounterMode and the audit, without gradients unless it turns them on.

    A call of a training step is differentiated, unless none of its weights is trained.

    Args:
        inner, own: as in `watching`.
        layers: to run equal layers once.

    Raises:
        CountError: the call fails.
    """
    torch = require_torch()
    from flopbench.builtin.torch_backward import run_backward

    try:
        with (
            torch.set_grad_enabled(call.phase is not None),
            watching(places_of(call.root), *inner, own=own) as seen,
            nullcontext() if layers is None else layers.traced_once(call.root, seen),
        ):
            returned = call.run()
            if call.phase is not None and any(w.requires_grad for w in call.root.parameters()):
                run_backward(returned)
    except CountError:
        raise
    except (Exception, SystemExit) as error:
        raise CountError(f"the vendor call failed: {told(error)}") from error
    return seen


@contextmanager
def watching(
    places: Places,
    *inner: Any,
    own: Mapping[Any, Any] = NONE,
    counted: Callable[[str, Any, bool], None] = lambda _op, _flops, _own: None,
) -> Iterator[Seen]:
    """Watch what runs under FlopCounterMode and the audit; the total is known at the end.

    Args:
        inner: dispatch modes that an op reaches after FlopCounterMode.
        own: formulas for ops that torch's registry has none for, or a wrong one.
        counted: called with each op that has a formula, its FLOPs, and whether only ``own`` gives
            this number.
    """
    from torch.utils.flop_counter import flop_registry

    from flopbench.builtin.torch_modes import Watch

    seen = Seen()

    def parts() -> tuple[Seen, Seen]:
        return seen, seen.parts.setdefault(places.phase(), Seen())

    def record(op: str, flops: Any, is_own: bool) -> None:
        for part in parts():
            part.counted[places.path(), op] += flops
        counted(op, flops, is_own)

    def report(op: str) -> None:
        for part in parts():
            part.uncounted[places.path(), op] += 1

    formulas = _recording_formulas(flop_registry, own, record)
    mode = Watch(formulas, report, places.remember)
    with places.following(), ExitStack() as modes:
        # The mode entered last sees an op first.
        for context in (telling(report), *inner, mode):
            modes.enter_context(context)
        yield seen
        for path, calls in places.elsewhere.items():
            seen.uncounted[path, "another thread"] += calls
        seen.total += mode.total


def require_torch() -> Any:
    """Return torch.

    Raises:
        UsageError: it is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise UsageError(
            "the torch counter needs torch (pip install 'flopbench[torch]'), or use --analytic-only"
        ) from error
    return torch


def _recording_formulas(
    torchs: Mapping[Any, Any], own: Mapping[Any, Any], record: Callable[[str, Any, bool], None]
) -> dict[Any, Any]:
    """Wrap every formula so that each count is recorded where it arises, and whose it is."""

    def agrees(op: Any, flops: Any, args: Any, kwargs: Any) -> bool:
        """Return whether torch says the same; with symbols, comparing would add a guard."""
        return op in torchs and type(flops) is int and torchs[op](*args, **kwargs) == flops

    def wrap(op: Any, formula: Any) -> Any:
        namespace, _, name = str(op).rpartition(".")
        # A lookup, say, is a product in some calls only.
        always = does_matrix_work(namespace, name)

        name_of = getattr(formula, "name_of", lambda *_args, **_kwargs: str(op))

        def recording(*args: Any, **kwargs: Any) -> Any:
            told = name_of(*args, **kwargs)
            flops = (torchs[op] if told is None else formula)(*args, **kwargs)
            if always or not (isinstance(flops, int) and flops == 0):
                is_own = told is not None and op in own and not agrees(op, flops, args, kwargs)
                record(told or str(op), flops, is_own)
            return flops

        # The registry's own formulas take tensors, and turn them into shapes themselves.
        recording._get_raw = True  # type: ignore[attr-defined]  # noqa: SLF001
        return recording

    return {op: wrap(op, formula) for op, formula in {**torchs, **own}.items()}
