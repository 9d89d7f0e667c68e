"""fvcore's FlopCountAnalysis: a JIT trace of the call, with a handler per op."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from flopbench import Convention, VendorCall
from flopbench_peer_counters.peer import MATRIX, Ops, Peer, as_module, root_name, token, whole


class Fvcore(Peer):
    """fvcore.nn.FlopCountAnalysis, which also reports the ops that it has no handler for."""

    name = "fvcore"
    library = "fvcore"
    module = "fvcore.nn"
    summary = "fvcore.nn.FlopCountAnalysis: MACs of traced ops, norms at 5 per element"
    # fvcore/nn/jit_handles.py: no biases; a norm with weights is 5 per element.
    convention = Convention("MAC", MATRIX, {"layer_norm": 5})

    def measure(self, call: VendorCall, missed: Ops) -> Mapping[tuple[str, str], int]:
        from flopbench.builtin.torch_watch import does_matrix_work

        nn = importlib.import_module(self.module)
        analysis = nn.FlopCountAnalysis(as_module(_keeping_results(call), keep=True), (token(),))
        with _convolutions_in_the_trace():
            counted = _own(analysis.by_module_and_operator())
        unsupported = {m: analysis.unsupported_ops(m) for m in analysis.by_module()}
        for (module, op), calls in _own(unsupported).items():
            if calls and does_matrix_work(*op.split("::")):
                missed[module, op] += calls
        return whole(counted.items())


def _own(inclusive: Mapping[str, Mapping[str, Any]]) -> Ops:
    """Subtract from each module's numbers those of its sub-modules."""
    own: Ops = Counter()
    for name, by_op in inclusive.items():
        for op, number in by_op.items():
            own[root_name(name), op] += number
            if name:
                own[root_name(name.rpartition(".")[0]), op] -= number
    return own


def _keeping_results(call: VendorCall) -> VendorCall:
    """Return a call that returns the results of all its ops: a trace drops unused results."""
    torch = importlib.import_module("torch")
    from torch.overrides import TorchFunctionMode

    results: list[Any] = []
    # A tensor inside a vmap has no meaning outside it.
    within = torch._C._functorch.is_functorch_wrapped_tensor

    def lasting(value: Any) -> bool:
        return isinstance(value, torch.Tensor) and not within(value)

    class Keep(TorchFunctionMode):
        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            result = func(*args, **(kwargs or {}))
            outputs = result if isinstance(result, tuple | list) else (result,)
            results.extend(filter(lasting, outputs))
            return result

    def run() -> tuple[Any, ...]:
        results.clear()
        mode: AbstractContextManager[Any] = Keep()
        with mode:
            call.run()
        return tuple(results)

    return VendorCall(call.root, run)


def _convolutions_in_the_trace() -> AbstractContextManager[Any]:
    """Record convolutions on the meta device as on other devices.

    A trace records ``aten::_convolution``, which ``aten::convolution`` calls on every other
    device. The meta device computes the result's shape directly, so the call is made here.
    """
    torch = importlib.import_module("torch")
    from torch.utils._python_dispatch import TorchDispatchMode

    aten = torch.ops.aten

    class Convolutions(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            if func is aten.convolution.default and torch.jit.is_tracing():
                flags = (False, False, True, True)  # cuDNN's: they do not affect the count
                with _traced(), self:
                    return aten._convolution.default(*args, *flags)
            if func is aten._convolution.default:
                return aten.convolution.default(*args[:9])
            return func(*args, **(kwargs or {}))

    mode: AbstractContextManager[Any] = Convolutions()  # type: ignore[no-untyped-call]
    return mode


@contextmanager
def _traced() -> Iterator[None]:
    """Let the tracer see ops that are dispatched below it."""
    native = importlib.import_module("torch")._C
    key = native._parse_dispatch_key("Tracer")
    before = native._dispatch_tls_is_dispatch_key_excluded(key)
    native._dispatch_tls_set_dispatch_key_excluded(key, False)
    try:
        yield
    finally:
        native._dispatch_tls_set_dispatch_key_excluded(key, before)
