"""What a user may say of the GPU: the section ``hardware``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import attrs
from attrs import frozen

from flopbench.errors import UsageError, unknown
from flopbench.hardware.gpus import DTYPES, GIGA, TERA, Gpu, gpu_named, units
from flopbench.hardware.machine import Machine
from flopbench.inputs.numbers import quoted
from flopbench.storage import Storage
from flopbench.text import listed

Rate = float | None


_MOST_PER_HOUR = 10**9


def _is_positive(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value) and value > 0


def _above_0(what: str) -> Callable[[object, attrs.Attribute[Rate], Rate], None]:
    def check(_options: object, attribute: attrs.Attribute[Rate], value: Rate) -> None:
        if value is not None and not _is_positive(value):
            raise ValueError(f"{attribute.name} must be {what} above 0, got {quoted(value)}")

    return check


def _price(options: object, attribute: attrs.Attribute[Rate], value: Rate) -> None:
    _above_0("a price")(options, attribute, value)
    if value is not None and value > _MOST_PER_HOUR:
        raise ValueError(
            f"{attribute.name} must be at most {_MOST_PER_HOUR:,}, got {quoted(value)}"
        )


def _dtype(_options: object, attribute: attrs.Attribute[str | None], value: str | None) -> None:
    if value is not None and value not in DTYPES:
        raise ValueError(unknown(attribute.name, value, DTYPES))


def _one(_options: object, attribute: attrs.Attribute[int], value: int) -> None:
    if value != 1:
        raise ValueError(f"{attribute.name} must be 1: work is not spread over GPUs, got {value}")


def _times(_options: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, Mapping):
        example = f"such as {attribute.name}.decode=12.5"
        raise ValueError(  # noqa: TRY004 - as every validator of a section
            f"{attribute.name} must be a mapping of stages, {example}, got {quoted(value)}"
        )
    for stage, ms in value.items():
        if not _is_positive(ms):
            raise ValueError(
                f"{attribute.name}.{stage} must be a number of milliseconds above 0, "
                f"got {quoted(ms)}"
            )


@frozen(kw_only=True)
class HardwareOptions:
    """What a user may set under ``hardware.``: a GPU, or its peak rates, and what was measured.

    Attributes:
        gpu: a name of the table, or the path of a YAML or JSON file with the same fields.
        gpus: how many; one for now.
        peak_tflops: dense peak of all products, in 10**12 FLOPs per second.
        bandwidth_gbps: memory bandwidth, in 10**9 bytes per second.
        memory_gb: memory that may be used, in 10**9 bytes.
        compute_dtype: dtype of all products, such as ``tf32``.
        price_per_hour: of the GPU, in any currency.
        measured_ms: milliseconds that a stage took, by its name.
    """

    gpu: str | None = None
    gpus: int = attrs.field(default=1, validator=_one)
    peak_tflops: Rate = attrs.field(default=None, validator=_above_0("TFLOP/s"))
    bandwidth_gbps: Rate = attrs.field(default=None, validator=_above_0("GB/s"))
    memory_gb: Rate = attrs.field(default=None, validator=_above_0("GB"))
    compute_dtype: str | None = attrs.field(default=None, validator=_dtype)
    price_per_hour: Rate = attrs.field(default=None, validator=_price)
    measured_ms: Any = attrs.field(factory=dict, validator=_times)

    def device(self) -> Gpu | None:
        """Return the GPU with what is set here in its place; None if no rates are given.

        Raises:
            UsageError: the GPU is not known, or there is only one of two rates, or a setting that
                needs them.
        """
        if self.gpu is None and self.peak_tflops is None and self.bandwidth_gbps is None:
            self._refuse_without_rates()
            return None
        found = self._own() if self.gpu is None else gpu_named(self.gpu)
        if self.peak_tflops is not None:
            peak = units(self.peak_tflops, TERA, "hardware.peak_tflops")
            found = attrs.evolve(found, peaks=dict.fromkeys(DTYPES, peak))
        changes: dict[str, Any] = {
            field: units(value, GIGA, f"hardware.{name}")
            for field, name, value in (
                ("bandwidth", "bandwidth_gbps", self.bandwidth_gbps),
                ("memory_bytes", "memory_gb", self.memory_gb),
            )
            if value is not None
        }
        found = attrs.evolve(found, **changes, source=self._source(found))
        if self.compute_dtype is not None:
            found.peak(self.compute_dtype)
        return found

    def machine(self, storage: Storage) -> Machine | None:
        """Return what a model with this storage runs on; None if no rates are given.

        Raises:
            UsageError: as of `device`.
        """
        device = self.device()
        return None if device is None else Machine(device, storage, self.compute_dtype)

    def _source(self, gpu: Gpu) -> str:
        """Return where a GPU's figures come from, if some of them are set here."""
        rates = ("peak_tflops", "bandwidth_gbps", "memory_gb")
        given = [f"hardware.{name}" for name in rates if getattr(self, name) is not None]
        sources = [gpu.source, *([listed(given, "and")] if given else [])]
        return "; ".join(source for source in sources if source)

    def _refuse_without_rates(self) -> None:
        for name in ("memory_gb", "compute_dtype", "price_per_hour", "measured_ms"):
            if getattr(self, name):
                raise UsageError(
                    f"hardware.{name} needs hardware.gpu, or hardware.peak_tflops and "
                    "hardware.bandwidth_gbps"
                )

    def _own(self) -> Gpu:
        if self.peak_tflops is None or self.bandwidth_gbps is None:
            missing = "peak_tflops" if self.peak_tflops is None else "bandwidth_gbps"
            raise UsageError(f"hardware.{missing} is missing: without a gpu, both rates are needed")
        return Gpu(name="your GPU", title="your GPU", bandwidth=1, peaks={})
