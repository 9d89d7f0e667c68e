"""GPUs: memory, bandwidth, and dense peaks by dtype, from a table or a file of the user's."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from flopbench.errors import UsageError, unknown
from flopbench.inputs import read_text, yaml12
from flopbench.inputs.numbers import quoted
from flopbench.text import listed

DTYPES = ("float64", "float32", "tf32", "bfloat16", "float16", "float8", "int8", "float4")
"""Dtypes in which products may be computed."""

GIGA, TERA, MEBI = 10**9, 10**12, 2**20
_MOST = 10**9
_FIELDS = ("title", "memory_gb", "bandwidth_gbps", "peak_tflops", "l2_mib", "source", "note")
_NEEDED = ("bandwidth_gbps", "peak_tflops")
_ENDINGS = {".yaml", ".yml", ".json"}


@frozen(kw_only=True)
class Gpu:
    """A GPU's peak rates and sizes.

    Attributes:
        name: what ``hardware.gpu`` takes.
        title: the name that people read.
        memory_bytes: as marketed, in units of 10**9 bytes; None if it is not known.
        bandwidth: of the memory, in bytes per second.
        peaks: dense tensor FLOPs per second by dtype; float32 without tensor cores.
        l2_bytes: the last level of cache; 0 if it is not known.
        source: where the figures come from.
        note: what else a reader must know.
    """

    name: str
    title: str
    memory_bytes: int | None = None
    bandwidth: int
    peaks: Mapping[str, int]
    l2_bytes: int = 0
    source: str = ""
    note: str = ""

    def has(self, dtype: str) -> bool:
        """Return whether it has a peak for products of a dtype."""
        return dtype in self.peaks

    def peak(self, dtype: str) -> int:
        """Return the FLOPs per second of products of a dtype.

        Raises:
            UsageError: it has none.
        """
        if dtype not in self.peaks:
            raise UsageError(
                f"{self.title} has no peak for {dtype}: set hardware.compute_dtype to one of "
                f"{', '.join(self.peaks)}"
            )
        return self.peaks[dtype]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return attrs.asdict(self) | {"peaks": dict(self.peaks)}


def is_file(given: str) -> bool:
    """Return whether a GPU is given by the path of a file, not by its name in the table."""
    path = Path(given)
    return path.suffix.lower() in _ENDINGS or len(path.parts) > 1


def gpu_named(given: str) -> Gpu:
    """Return a GPU of the table, or that of a YAML or JSON file with the same fields.

    Capitals do not matter, and blanks and hyphens stand for underscores: ``RTX 4090``.

    Raises:
        UsageError: there is none of that name; or the file cannot be read, or has a wrong field.
    """
    if is_file(given):
        return _of_file(Path(given))
    gpus, name = known_gpus(), re.sub(r"[\s-]+", "_", given.strip().lower())
    if name not in gpus:
        found = unknown("GPU", name, gpus)
        names = f" The names are {', '.join(sorted(gpus))}" if found.endswith("?") else ""
        endings = listed(sorted(_ENDINGS), "or")
        raise UsageError(f"{found}{names}; or give a file of your own that ends in {endings}")
    return gpus[name]


@functools.cache
def known_gpus() -> Mapping[str, Gpu]:
    """Return the GPUs of the table, by name."""
    text = Path(__file__).with_name("gpus.yaml").read_text(encoding="utf-8")
    return {name: _gpu(name, values, name) for name, values in yaml12.parse(text).items()}


def _of_file(path: Path) -> Gpu:
    what = f"hardware.gpu={path}"
    text = read_text(path, what, most=yaml12.MOST_BYTES)
    try:
        values = yaml12.parse(text)
    except ValueError as error:
        raise UsageError(f"{what} is not valid YAML: {error}") from error
    return _gpu(path.stem, values, what)


def _gpu(name: str, values: Any, what: str) -> Gpu:
    """Return the GPU that a mapping of fields describes.

    Args:
        what: where the fields are, for the message.
    """
    _mapping(values, _FIELDS, what)
    for field in _NEEDED:
        if field not in values:
            raise UsageError(f"{what}: {field} is missing")
    peaks = values["peak_tflops"]
    _mapping(peaks, DTYPES, f"{what}: peak_tflops")
    if not peaks:
        raise UsageError(f"{what}: peak_tflops must have a dtype, such as bfloat16: 989.5")
    memory, l2 = (
        None if values.get(field) is None else units(values[field], unit, f"{what}: {field}")
        for field, unit in (("memory_gb", GIGA), ("l2_mib", MEBI))
    )
    return Gpu(
        name=name,
        title=_text(values, "title", what) or name,
        memory_bytes=memory,
        bandwidth=units(values["bandwidth_gbps"], GIGA, f"{what}: bandwidth_gbps"),
        peaks={
            dtype: units(peaks[dtype], TERA, f"{what}: peak_tflops.{dtype}")
            for dtype in DTYPES
            if dtype in peaks
        },
        l2_bytes=l2 or 0,
        source=_text(values, "source", what),
        note=_text(values, "note", what),
    )


def _mapping(values: Any, fields: Iterable[str], what: str) -> None:
    if not isinstance(values, Mapping):
        raise UsageError(f"{what} must be a mapping of {', '.join(fields)}, got {quoted(values)}")
    for key in values:
        if key not in fields:
            raise UsageError(f"{what}: {unknown('key', str(key), fields)}")


def _text(values: Mapping[str, Any], field: str, what: str) -> str:
    value = values.get(field, "")
    if not isinstance(value, str):
        raise UsageError(f"{what}: {field} must be text, got {quoted(value)}")
    return value


def units(value: Any, unit: int, what: str) -> int:
    """Return a number of units as a whole number; a float counts as the decimal that Python shows.

    Args:
        unit: such as 10**9.
        what: where the number is given, for the message.

    Raises:
        UsageError: it is not a number above 0 and up to `_MOST`, or it rounds to 0.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _MOST:
        raise UsageError(
            f"{what} must be a number above 0 and up to {_MOST:,}, got {quoted(value)}"
        )
    found = round(Fraction(repr(value)) * unit)
    if not found:
        raise UsageError(f"{what} must be at least {1 / unit:.0e}, got {quoted(value)}")
    return found
