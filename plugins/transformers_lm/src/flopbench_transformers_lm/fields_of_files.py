"""The fields of a config.json, as JSON has them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flopbench import UsageError
from flopbench.inputs import read_config_json

_NO_DTYPE = (("torch_dtype", "auto"), ("dtype", "auto"))
"""What says that a loader may choose; transformers' config classes do not take it."""


QUANTISED_BESIDE = "hf_quant_config.json"
"""Where older checkpoints of TensorRT Model Optimizer say how they are quantised."""


def read_fields(path: Path) -> dict[str, Any]:
    """Return the fields of a config.json, with what a file beside it says of quantisation.

    Raises:
        UsageError: a file cannot be read, or holds something else.
    """
    try:
        values: dict[str, Any] = _with_floats(read_config_json(path))
    except RecursionError as error:
        raise UsageError(f"model.config={path} is nested too deeply") from error
    # Code that comes with a checkpoint is never run, only transformers' own classes.
    values.pop("auto_map", None)
    beside = path.with_name(QUANTISED_BESIDE)
    if "quantization_config" not in values and beside.is_file():
        said = read_config_json(beside).get("quantization")
        values |= {"quantization_config": said} if isinstance(said, dict) else {}
    return {n: v for n, v in values.items() if (n, v) not in _NO_DTYPE}


def _with_floats(found: Any) -> Any:
    """Return a value with the infinities and NaNs that transformers writes as objects."""
    if isinstance(found, list):
        return [_with_floats(each) for each in found]
    if not isinstance(found, dict):
        return found
    text = found.get("__float__")
    if len(found) == 1 and isinstance(text, str) and text in ("Infinity", "-Infinity", "NaN"):
        return float(text)
    return {name: _with_floats(value) for name, value in found.items()}


def merged(values: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """Put others in the place of values, field by field where both hold a sub-config."""
    found = dict(values)
    for key, value in others.items():
        old = found.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        found[key] = merged(old, value) if both else value  # type: ignore[arg-type]
    return found
