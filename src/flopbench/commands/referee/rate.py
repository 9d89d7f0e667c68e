"""From a measured rate to MFU: what share of the GPUs' peak a numerator stands for."""

from __future__ import annotations

import math
from fractions import Fraction

from attrs import field, frozen

from flopbench.errors import UsageError
from flopbench.formulas import Amount
from flopbench.hardware import HardwareOptions
from flopbench.inputs.numbers import quoted
from flopbench.storage import Storage

_MOST = 10**15


@frozen(kw_only=True)
class Rate:
    """A measured rate, and the peak of what it was measured on.

    Attributes:
        tokens_per_second: over all GPUs.
        peak: dense FLOPs per second of one GPU, in ``dtype``.
        title: the GPU's name for people.
        source: where the peak comes from.
    """

    tokens_per_second: float = field(converter=float)
    gpus: int
    gpu: str
    title: str
    dtype: str
    peak: int
    source: str

    def share(self, flops: Amount, tokens: int) -> float:
        """Return the share of the peak that so many FLOPs for so many tokens are."""
        per_second = Fraction(flops) / tokens * Fraction(self.tokens_per_second)
        return float(per_second / (self.gpus * self.peak))


def check_rate(tokens_per_second: float | None, gpus: int | None, gpu: str | None) -> None:
    """Check what was given of a measured rate.

    Raises:
        UsageError: a number is wrong, or a part of it is missing.
    """
    if gpus is not None and (isinstance(gpus, bool) or not isinstance(gpus, int) or gpus < 1):
        raise UsageError(f"--gpus must be a whole number of at least 1, got {quoted(gpus)}")
    if tokens_per_second is None:
        for option, value in (("--gpu", gpu), ("--gpus", gpus)):
            if value is not None:
                raise UsageError(f"{option} is for MFU, which needs --tokens-per-second as well")
        return
    number = isinstance(tokens_per_second, int | float) and not isinstance(tokens_per_second, bool)
    if not (number and math.isfinite(tokens_per_second) and 0 < tokens_per_second <= _MOST):
        raise UsageError(
            f"--tokens-per-second must be a number above 0 and up to {_MOST:,}, "
            f"got {quoted(tokens_per_second)}"
        )


def rate_of(
    tokens_per_second: float | None, gpus: int | None, hardware: HardwareOptions, storage: Storage
) -> Rate | None:
    """Return the rate and the peak that it is held against; None if none was measured.

    Raises:
        UsageError: there is no GPU, or it has no peak for the dtype; or more is set for it than
            MFU needs.
    """
    allowed = HardwareOptions(
        gpu=hardware.gpu,
        compute_dtype=hardware.compute_dtype,
        peak_tflops=hardware.peak_tflops,
        bandwidth_gbps=hardware.bandwidth_gbps,
    )
    if hardware != allowed:
        raise UsageError(
            "MFU needs hardware.gpu, and hardware.compute_dtype if it is not the model's: leave "
            "everything else under hardware.* out"
        )
    machine = hardware.machine(storage)
    if tokens_per_second is None:
        if machine is not None:
            raise UsageError("hardware.* is for MFU, which needs --tokens-per-second as well")
        return None
    if machine is None:
        raise UsageError("--tokens-per-second needs --gpu: MFU is a share of a GPU's peak")
    dtype = hardware.compute_dtype or storage.activations
    return Rate(
        tokens_per_second=tokens_per_second,
        gpus=gpus or 1,
        gpu=machine.gpu.name,
        title=machine.gpu.title,
        dtype=dtype,
        peak=machine.gpu.peak(dtype),
        source=machine.gpu.source,
    )
