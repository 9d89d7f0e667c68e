"""The configuration: defaults, the model's YAML, a file, overrides; then frozen values.

`flopbench.plan.layers` merges them to plain data, which `flopbench.plan.structure` turns into the
frozen attrs classes that the framework and the model declare.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import attrs
import yaml
from attrs import frozen

from flopbench.errors import UsageError, unknown
from flopbench.inputs import yaml12
from flopbench.plan.structure import structure

DEFAULTS = Path(__file__).with_name("defaults.yaml")

CountMethod = Literal["auto", "concrete", "symbolic"]
"""How the vendor is counted: each call as it is, or by a law measured with symbolic sizes.

``auto`` counts a single workload as it is and many by their law.
"""


@frozen(kw_only=True)
class RunOptions:
    """What a user may set under ``run.``; command-line options set it, too.

    Attributes:
        own_formulas: whether counters use formulas of their own for ops that their library has
            none for; if not, such ops are uncounted.
    """

    attention: tuple[str, ...] = ("eager", "flash")
    counters: tuple[str, ...] = ("torch",)
    stages: tuple[str, ...] | None = None
    analytic_only: bool = False
    method: CountMethod = "auto"
    own_formulas: bool = True


@frozen
class Config:
    """A checked configuration.

    Attributes:
        sections: the frozen values, by section name.
        resolved: the same as plain data, for the report.
    """

    sections: Mapping[str, Any]
    resolved: Mapping[str, Any]


def load_config(
    schema: Mapping[str, type],
    *,
    model_defaults: Path | None = None,
    file: Path | None = None,
    overrides: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
    ignored: frozenset[str] = frozenset(),
) -> Config:
    """Merge all layers, later ones winning, and check them against ``schema``.

    Args:
        schema: the attrs class of each section.
        overrides: ``KEY=VALUE`` with dotted keys; values are YAML.
        options: dotted keys and values from command-line options, which win over all.
        ignored: sections that may be present although this run does not read them.

    Raises:
        UsageError: a file cannot be read, a key is unknown, or a value has the wrong type.
    """
    paths = [path for path in (DEFAULTS, model_defaults, file) if path]
    plain = None if file or overrides else shipped(paths)
    if plain is None:
        plain = _merged(paths, overrides, schema)
    for key, value in (options or {}).items():
        # Set as they are: a file name may look like YAML or an interpolation.
        put(plain, key, value)
    sections = {name: structure(name, plain.pop(name, None), cls) for name, cls in schema.items()}
    for name in plain:
        if name not in ignored:
            raise UsageError(unknown("configuration section", str(name), schema))
    resolved = {name: _used(section) for name, section in sections.items()}
    return Config(sections, resolved)


def unused_keys(section: Any) -> tuple[str, ...]:
    """Return the keys that a section says have no effect."""
    return tuple(getattr(section, "unused_keys", ()))


def _used(section: Any) -> dict[str, Any]:
    """Return a section as plain data, without the keys that have no effect."""
    unused = unused_keys(section)
    return {key: value for key, value in attrs.asdict(section).items() if key not in unused}


def _merged(
    paths: Sequence[Path], overrides: Sequence[str], schema: Mapping[str, type]
) -> dict[str, Any]:
    from flopbench.plan.layers import merged

    return merged(paths, overrides, schema)


def shipped(paths: Iterable[Path]) -> dict[str, Any] | None:
    """Merge defaults that ship if they are plain, so that OmegaConf need not load.

    Returns:
        None if one is anything but mappings, lists, integers, flags and words.
    """
    plain: dict[str, Any] = {}
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8")
            node = yaml12.nodes(text)
            if not (isinstance(node, yaml.MappingNode) and _is_plain(node)):
                return None
            plain = _over(plain, yaml12.parse(text))
        except (OSError, ValueError, yaml.YAMLError):
            return None
    return plain


_PLAIN = re.compile(r"[A-Za-z_][\w /-]*|[1-9]\d*|0|")


def _is_plain(node: Any) -> bool:
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value]
        return len(keys) == len(set(keys)) and all(_is_plain(value) for _, value in node.value)
    if isinstance(node, yaml.SequenceNode):
        return all(map(_is_plain, node.value))
    return isinstance(node, yaml.ScalarNode) and bool(_PLAIN.fullmatch(node.value))


def _over(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    both = dict(first)
    for key, value in second.items():
        nested = isinstance(value, dict) and isinstance(both.get(key), dict)
        both[key] = _over(both[key], value) if nested else value
    return both


def put(values: dict[str, Any], key: str, value: Any) -> None:
    """Set the value of a dotted key in nested mappings; what is no mapping on its way stays."""
    name, dot, rest = key.partition(".")
    if not dot:
        values[name] = value
        return
    values[name] = values.get(name) or {}
    if isinstance(values[name], dict):
        put(values[name], rest, value)
