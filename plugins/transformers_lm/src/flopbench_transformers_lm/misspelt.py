"""Fields that are nearly those of a config: an override must exist, a file's field may be extra."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from flopbench import UsageError
from flopbench.errors import unknown
from flopbench_transformers_lm.config import LmConfig, all_values, built
from flopbench_transformers_lm.model_types import alias_of, config_types
from flopbench_transformers_lm.sources import Given

_NEAR = 0.9
"""Similarity, by difflib, from which a field that transformers ignores counts as misspelt."""


def require_fields(
    config: LmConfig, overrides: Mapping[str, Any], given: Mapping[str, Any]
) -> None:
    """Reject an override of a field that the config does not have; transformers would accept it.

    Raises:
        UsageError: neither the config nor the file has the field.
    """
    known = {*config.values, *config.decoder.values, *given} - {"model_type"}
    for field in overrides:
        if field not in known:
            what = f"field of {config.model_type}"
            raise UsageError(f"model.overrides: {unknown(what, field, known)}")


def require_no_near_misses(given: Given) -> None:
    """Reject a field that has no effect and nearly matches one that is not given.

    All other unknown fields pass: a config.json may hold those of other versions or programs.
    So does any field that some config class of transformers reads.

    Raises:
        UsageError: there is such a field.
    """
    for part in given.parts:
        require_no_near_misses(part)
    kind = alias_of(given.model_type)
    if kind not in config_types():
        return
    known = {*all_values(built(kind, {}, given.source))}
    for field in given.values.keys() - known:
        nearest = get_close_matches(field, known - given.values.keys(), n=1, cutoff=_NEAR)
        if nearest and not _read_somewhere(field) and _does_nothing(kind, given, field):
            raise UsageError(
                f"{given.source}: unknown field of {kind} {field!r}: did you mean "
                f"{nearest[0]!r}? (if it belongs there, set model.unknown_fields=ignore)"
            )


def _read_somewhere(field: str) -> bool:
    """Return whether the source of any config class of transformers has this word."""
    return field in _words()


@cache
def _words() -> frozenset[str]:
    spec = importlib.util.find_spec("transformers")
    root = Path(spec.origin).parent if spec and spec.origin else Path()
    files = [*root.glob("models/*/configuration_*.py"), root / "configuration_utils.py"]
    files += [root / "generation" / "configuration_utils.py", root / "utils/quantization_config.py"]
    texts = (file.read_text(encoding="utf-8") for file in files if file.is_file())
    return frozenset(word for text in texts for word in re.findall(r"[A-Za-z_]\w*", text))


def _does_nothing(kind: str, given: Given, field: str) -> bool:
    """Return whether transformers builds the same config without a field that is given."""
    others = {name: value for name, value in given.values.items() if name != field}
    with_it, without = (
        all_values(built(kind, each, given.source)) for each in (given.values, others)
    )
    with_it.pop(field, None)
    return with_it == without
