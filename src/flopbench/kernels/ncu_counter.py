"""The ncu counter: tensor FLOPs that a GPU executes, by Nsight Compute's counters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import ClassVar

from flopbench import Convention, Count, Counted, CountError, VendorCall, VendorCounter, hookimpl
from flopbench.ops import TORCH_VISIBLE
from flopbench.vendor import EXECUTED_FLOP


class NsightCompute(VendorCounter):
    """Counts what kernels execute on the tensor path, including padding and masked pairs.

    Its unit differs from that of the closed forms, because a kernel multiplies whole tiles.
    """

    variant = "executed"
    convention = Convention(unit=EXECUTED_FLOP, sees=TORCH_VISIBLE | {"fused_attention"})
    dtypes: ClassVar[tuple[str, ...] | None]
    """Operand types to count; None for all."""

    def __init__(self) -> None:
        """Look for ncu and a GPU.

        Raises:
            UsageError: one of them is missing.
        """
        from flopbench.kernels.ncu_profile import METRICS, require_ncu

        self._ncu = require_ncu()
        self._metrics = {dtype: METRICS[dtype] for dtype in self.dtypes or METRICS}

    def count(self, call: VendorCall) -> Count:
        from flopbench.kernels.gemm_tiles import short_name
        from flopbench.kernels.ncu_profile import profile

        if call.make is None:
            raise CountError("the vendor model's call cannot be made in another process")
        kernels = profile(call.make, self._metrics)
        flops: Counter[tuple[str, str]] = Counter()
        for kernel in kernels:
            flops[kernel.module, short_name(kernel.name)] += sum(kernel.flops.values())
        if not flops.total():
            # No kernel, or another operand type: either way nothing was counted.
            raise CountError(
                f"ncu saw no tensor work in {len(kernels)} kernels with "
                f"{', '.join(self._metrics.values())}: operands may be of another type"
            )
        return Count(tuple(Counted(module, op, n) for (module, op), n in flops.items() if n))

    def tile(self, op: str) -> str | None:
        from flopbench.kernels.gemm_tiles import tile_of

        found = tile_of(op)
        return str(found) if found else None

    def provenance(self) -> Mapping[str, str]:
        import subprocess

        version = subprocess.run(  # noqa: S603 - the path is from shutil.which
            [self._ncu, "--version"], capture_output=True, text=True, check=False
        )
        last = version.stdout.strip().splitlines()[-1:] or ["unknown"]
        return {"ncu": last[0], "metrics": ", ".join(self._metrics.values())}


class NcuCounter(NsightCompute):
    """Counts the products of bf16 operands, in one pass over each kernel."""

    name = "ncu"
    summary = "tensor FLOPs that an NVIDIA GPU executes with bf16 operands, by Nsight Compute"
    dtypes = ("bf16",)


class NcuEveryType(NsightCompute):
    """Counts operands of every type, in several passes over each kernel."""

    name = "ncu_every_type"
    summary = "like ncu, for operands of every type; several times slower"
    dtypes = None


@hookimpl
def flopbench_vendor_counters() -> list[type[VendorCounter]]:
    """Contribute the ncu counters."""
    return [NcuCounter, NcuEveryType]
