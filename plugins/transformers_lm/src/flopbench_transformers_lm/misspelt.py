"""Fields that are nearly those of a config: an override must exist, a file's field may be extra."""

from __future__ import annotations

import importlib.util
import inspect
import re
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import attrs

from flopbench import UsageError
from flopbench.errors import unknown
from flopbench.inputs import integer
from flopbench_transformers_lm.config import LmConfig, all_values, built, config_class
from flopbench_transformers_lm.model_types import alias_of, config_types
from flopbench_transformers_lm.sources import Given

_NEAR = 0.9
"""Similarity, by difflib, from which a field that transformers ignores counts as misspelt."""


def checked(overrides: Mapping[str, Any], given: Given, config: LmConfig) -> Mapping[str, Any]:
    """Return overrides, with numbers such as 8k for fields that are whole numbers.

    Raises:
        UsageError: neither the config nor the file has a field, and the config class reads none
            of its name; transformers would accept it. Or it reads it, but other fields rule.
    """
    kind = alias_of(given.model_type)
    whole = all_values(built(kind, {}, given.source)) if kind in config_types() else {}
    known = {**whole, **given.values, **config.values, **config.decoder.values}
    names = {*known, *config.part} - {"model_type"}
    found = dict(overrides)
    all_given = given.with_overrides(overrides, config)
    for field, value in overrides.items():
        if field not in names and not _takes(kind, all_given, field):
            what = f"field of {config.model_type}"
            raise UsageError(f"model.overrides: {unknown(what, field, names)}")
        if isinstance(value, str) and type(known.get(field)) is int:
            found[field] = _number(field, value)
    return found


_ASKED = re.compile(r"""kwargs(?:\.\w+\(|\[)\s*["'](\w+)["']""")
"""How config classes ask for fields that they keep under other names."""


def _takes(kind: str, given: Given, field: str) -> bool:
    """Return whether a type's config class reads an override that it does not keep as a field.

    Raises:
        UsageError: it reads it, but not beside the other fields that are given.
    """
    if kind not in config_types() or field == "model_type":
        return False
    if _changes(kind, given, field):
        return True
    if field not in _asked_for(kind):
        return False
    alone = attrs.evolve(given, values={field: given.values[field]})
    if _changes(kind, alone, field):
        raise UsageError(
            f"model.overrides.{field} changes nothing: other fields of {kind} that are given "
            "decide what it would, so set those"
        )
    return True


def _changes(kind: str, given: Given, field: str) -> bool:
    """Return whether a field changes the config that is built; one that fails it does if read."""
    try:
        return not _does_nothing(kind, given, field)
    except UsageError:
        return field in _asked_for(kind)


@cache
def _asked_for(kind: str) -> frozenset[str]:
    """Return the fields that a type's config class asks for, beside those that it keeps."""
    own = config_class(kind)
    base = next(each for each in own.__mro__ if each.__name__ == "PreTrainedConfig")
    asking = [each for each in own.__mro__ if issubclass(each, base) and each is not base]
    if hasattr(own, "rope_parameters"):
        asking.append(own.convert_rope_params_to_dict)
    return frozenset(field for each in asking for field in _ASKED.findall(inspect.getsource(each)))


def _number(field: str, text: str) -> int:
    try:
        return integer(text)
    except ValueError as error:
        raise UsageError(f"model.overrides.{field} must be {error}") from error


def ignored_near_misses(given: Given, *, refuse: bool) -> tuple[str, ...]:
    """Return a note for each field that has no effect and nearly is one that is not given.

    All other unknown fields pass: a config.json may hold those of other versions or programs.

    Args:
        refuse: whether to refuse such a field, unless another config class of transformers
            reads a field of its name.

    Raises:
        UsageError: there is such a field.
    """
    notes = [note for part in given.parts for note in ignored_near_misses(part, refuse=refuse)]
    kind = alias_of(given.model_type)
    if kind not in config_types():
        return tuple(notes)
    known = all_values(built(kind, {}, given.source))
    # Only numbers decide how much a model works.
    sizes = [name for name in known.keys() - given.values.keys() if type(known[name]) is int]
    notes += _ignored_sizes(kind, given, known)
    for field in sorted(given.values.keys() - known):
        nearest = get_close_matches(field, sizes, n=1, cutoff=_NEAR)
        if not nearest or _read_by(kind, field) or not _does_nothing(kind, given, field):
            continue
        if refuse and field not in _words("*"):
            raise UsageError(
                f"{given.source}: unknown field of {kind} {field!r}: did you mean "
                f"{nearest[0]!r}? (if it belongs there, set model.unknown_fields=ignore)"
            )
        notes.append(f"{kind} does not read the file's {field!r} (it has {nearest[0]!r})")
    return tuple(notes)


_MAIN = ("hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size")
_SIZE = re.compile(r"layer|size|dim|head|embd|block|width|hidden")
"""The main sizes of a model, and parts of the names that other programs give them."""


def _ignored_sizes(kind: str, given: Given, known: Mapping[str, Any]) -> list[str]:
    """Return a note if main sizes are defaults, and the file has sizes that nobody reads."""
    own = config_class(kind).attribute_map
    default = [n for n in _MAIN if n in known and not {n, own.get(n, n)} & given.values.keys()]
    unread = [
        name
        for name, value in given.values.items()
        if type(value) is int and _SIZE.search(name) and not (name in known or _read_by(kind, name))
    ]
    if not (default and unread):
        return []
    sizes = ", ".join(f"{name}={known[name]}" for name in default)
    names = ", ".join(sorted(unread))
    note = f"{kind} does not read the file's {names}; these are the defaults of {kind}: {sizes}"
    return [note]


def _read_by(kind: str, field: str) -> bool:
    """Return whether the source of a type's config class, or of its base, has this word."""
    folder = config_class(kind).__module__.split(".")[-2]
    return field in _words(folder)


@cache
def _words(folder: str) -> frozenset[str]:
    """Return the words in the config classes of a folder of models, and in what all share."""
    spec = importlib.util.find_spec("transformers")
    root = Path(spec.origin).parent if spec and spec.origin else Path()
    files = [*root.glob(f"models/{folder}/configuration_*.py"), root / "configuration_utils.py"]
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
