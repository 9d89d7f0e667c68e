"""Watch a call op by op: where work happens, and which op does matrix work without a formula."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from attrs import frozen

from flopbench import CountError, Uncounted, UsageError, VendorCall
from flopbench.boundary import told
from flopbench.builtin.torch_opaque import telling

_MATRIX_WORK = re.compile(
    r"""(^|_)(
        (add|b|addb|baddb|s|sp|hsp|sspadd)?mm\w* | (add)?mv | v?dot | addr | ger | outer | matmul
        | (bi|tri)?linear | einsum | tensordot | conv(?!ert)\w* | attention\w*
        | (\w+_)?(lstm|gru|rnn)\w* | encoder | cdist | euclidean | linalg | cholesky\w*
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


@frozen
class Seen:
    """What FlopCounterMode and the audit saw of a call, by (module, op).

    Attributes:
        counted: FLOPs: ints, or symbolic ints if the call's sizes are symbolic.
        uncounted: calls of ops without a formula.
        total: FlopCounterMode's own sum.
    """

    counted: Counter[tuple[str, str]]
    uncounted: Counter[tuple[str, str]]
    total: Any

    def uncounted_ops(self) -> tuple[Uncounted, ...]:
        """Return what was uncounted, as counters report it."""
        return tuple(Uncounted(m, op, n) for (m, op), n in self.uncounted.items())


def watch(call: VendorCall, *inner: Any) -> Seen:
    """Run a call under FlopCounterMode and the audit.

    Args:
        inner: dispatch modes that an op reaches after FlopCounterMode.

    Raises:
        CountError: the call fails.
    """
    torch = require_torch()
    from torch.utils.flop_counter import FlopCounterMode

    counted: Counter[tuple[str, str]] = Counter()
    uncounted: Counter[tuple[str, str]] = Counter()
    with module_path(call.root) as path, ExitStack() as modes:
        formulas = _recording_formulas(lambda op, n: counted.update({(path(), op): n}))
        mode = FlopCounterMode(display=False, custom_mapping=formulas)

        def report(op: str) -> None:
            uncounted.update([(path(), op)])

        ops, higher_order = _audits(formulas, report)
        try:
            # The mode entered last sees an op first: the audit of ops gets what is left
            # once FlopCounterMode has decomposed what it has no formula for.
            for context in (torch.no_grad(), telling(report), *inner, ops, mode, higher_order):
                modes.enter_context(context)
            call.run()
        except (Exception, SystemExit) as error:
            raise CountError(f"the vendor call failed: {told(error)}") from error
    return Seen(counted, uncounted, mode.get_total_flops())


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


def _recording_formulas(record: Callable[[str, int], None]) -> dict[Any, Any]:
    """Wrap every formula of torch's registry so that each count is recorded where it arises."""
    from torch.utils.flop_counter import flop_registry

    def wrap(op: Any, formula: Any) -> Any:
        def recording(*args: Any, **kwargs: Any) -> Any:
            flops = formula(*args, **kwargs)
            record(str(op), flops)
            return flops

        # The registry's own formulas take tensors, and turn them into shapes themselves.
        recording._get_raw = True  # type: ignore[attr-defined]  # noqa: SLF001
        return recording

    return {op: wrap(op, formula) for op, formula in flop_registry.items()}


def _audits(formulas: Mapping[Any, Any], report: Callable[[str], None]) -> tuple[Any, Any]:
    """Return two dispatch modes that report what FlopCounterMode misses.

    The first reports each op that does matrix work and has no formula. The second reports
    each higher-order op (a branch, a map, a Triton kernel …): FlopCounterMode handles those
    itself, and what they call may never be dispatched.
    """
    from torch._ops import HigherOrderOperator
    from torch.utils._python_dispatch import TorchDispatchMode

    class Audit(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            packet = func.overloadpacket
            namespace, _, name = str(packet).rpartition(".")
            if packet not in formulas and does_matrix_work(namespace, name):
                report(str(packet))
            return func(*args, **(kwargs or {}))

    class HigherOrderAudit(TorchDispatchMode):  # type: ignore[no-untyped-call]
        supports_higher_order_operators = True

        def __torch_dispatch__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            if isinstance(func, HigherOrderOperator):
                report(f"higher_order.{func.name()}")  # type: ignore[no-untyped-call]
            return func(*args, **(kwargs or {}))

    return Audit(), HigherOrderAudit()  # type: ignore[no-untyped-call]


@contextmanager
def module_path(root: Any) -> Iterator[Callable[[], str]]:
    """Yield a function that names the innermost module of ``root`` being called.

    Modules are named as in ``root.named_modules()``; work outside all of them is at "".
    """
    from torch.nn.modules import module as hooks

    names = {module: name for name, module in root.named_modules()}
    stack = [""]

    def enter(module: Any, _args: Any) -> None:
        stack.append(names.get(module, stack[-1]))

    def leave(_module: Any, _args: Any, _output: Any) -> None:
        stack.pop()

    handles = [
        hooks.register_module_forward_pre_hook(enter),
        hooks.register_module_forward_hook(leave, always_call=True),
    ]
    try:
        yield lambda: stack[-1]
    finally:
        for handle in handles:
            handle.remove()
