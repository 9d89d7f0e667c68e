"""The model types that transformers knows, found without importing it, and aliases for more.

Importing transformers' auto classes imports torch, which takes seconds; this way, a misspelt
type is reported in milliseconds.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from flopbench import UsageError
from flopbench.errors import nearest_names

PREFIX = "hf/"

_CAUSAL = "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES"
_MULTIMODAL = (
    "MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES",
    "MODEL_FOR_MULTIMODAL_LM_MAPPING_NAMES",
)
"""Tables of transformers' source; where several list a type, the first counts."""

ALIASES: Mapping[str, tuple[str, str]] = {
    "kimi_k2": ("deepseek_v3", "its config.json names DeepseekV3ForCausalLM"),
    **{
        alias: (kind, f"its decoder is {kind}'s; what encodes images is not in the numbers")
        for alias, kind in (
            ("llava_llama", "llama"),
            ("llava_mistral", "mistral"),
            ("llava_qwen", "qwen2"),
            ("llava_qwen2", "qwen2"),
            ("phi3_v", "phi3"),
        )
    },
    "mimo": (
        "qwen2",
        "MiMo-7B is Qwen2 (arXiv:2505.07608); its layers for multi-token prediction do not run",
    ),
}
"""Types that checkpoints bring code for: the type of transformers that has the same architecture,
and the reason."""

_NEAR = 0.8
"""Similarity, by difflib, from which a type is near to an unknown one."""


def alias_of(kind: str) -> str:
    """Return the type of transformers that a type stands for: itself, unless it is an alias."""
    return ALIASES[kind][0] if kind in ALIASES else kind


def causal_lm_types() -> tuple[str, ...]:
    """Return the types that transformers' ``AutoModelForCausalLM`` knows, from its source.

    Raises:
        UsageError: transformers is not installed, or no longer lists the types where it did.
    """
    return _listed()[_CAUSAL]


def multimodal_types() -> tuple[str, ...]:
    """Return the types that generate text from images or sound as well.

    Raises:
        UsageError: as for `causal_lm_types`.
    """
    return tuple(dict.fromkeys(kind for name in _MULTIMODAL for kind in _listed().get(name, ())))


def table_of(kind: str, *, images: bool = False) -> str:
    """Return the name of the table that lists a type that generates text.

    Args:
        images: whether to prefer the class that reads images, too.
    """
    tables = _listed()
    names = (*_MULTIMODAL, _CAUSAL) if images else tables
    return next(name for name in names if kind in tables.get(name, ()))


def config_types() -> tuple[str, ...]:
    """Return all types that transformers has a config class for.

    Raises:
        UsageError: as for `causal_lm_types`.
    """
    path = _auto_folder() / "auto_mappings.py"
    path = path if path.is_file() else _auto_folder() / "configuration_auto.py"
    return _pairs(path, ("CONFIG_MAPPING_NAMES",)).get("CONFIG_MAPPING_NAMES", ())


def unknown_type(kind: str, *, typed: bool) -> UsageError:
    """Return the error for a type that no language model of transformers has.

    Args:
        typed: whether somebody typed it, so that it may be misspelt; a file's type hardly is.
    """
    known = (*causal_lm_types(), *multimodal_types(), *ALIASES)
    close = nearest_names(kind, known, 3, _NEAR)
    near = [each for each in close if not _is_more(kind, each)]
    what = f"transformers has no language model {PREFIX + kind!r}"
    if near and typed:
        return UsageError(f"{what}: did you mean {PREFIX + near[0]!r}?")
    what += f" (the nearest name is {PREFIX + near[0]!r})" if near else ""
    if kind in config_types():
        return UsageError(
            f"{what}: it has this type, but not as a language model that runs on text alone"
        )
    return UsageError(
        f"{what}, and code that comes with a checkpoint is not run: name a type of the same "
        "architecture and set model.as_named=true (docs/transformers-lm.md lists the types)"
    )


def _is_more(kind: str, known: str) -> bool:
    """Return whether a type has all words of a known one, and more: another architecture."""
    words, others = (set(re.split(r"[-_.]", each)) for each in (kind, known))
    return others < words


@cache
def _listed() -> Mapping[str, tuple[str, ...]]:
    path = _auto_folder() / "modeling_auto.py"
    found = _pairs(path, (_CAUSAL, *_MULTIMODAL))
    if not found.get(_CAUSAL):
        raise needs_transformers(f"{path} does not contain {_CAUSAL}")
    return found


def _auto_folder() -> Path:
    spec = importlib.util.find_spec("transformers")
    if spec is None or spec.origin is None:
        raise needs_transformers("No module named 'transformers'")
    return Path(spec.origin).parent / "models" / "auto"


@cache
def _pairs(path: Path, names: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Return the first of each pair in the tables of a source file, by the name of the table."""
    found: dict[str, tuple[str, ...]] = {}
    if not path.is_file():
        return found
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if isinstance(target, ast.Name) and isinstance(node, ast.Assign) and target.id in names:
            pairs = (p for p in ast.walk(node.value) if isinstance(p, ast.Tuple))
            found[target.id] = tuple(str(ast.literal_eval(pair.elts[0])) for pair in pairs)
    return found


def needs_transformers(reason: object) -> UsageError:
    """Return the error for a missing or unsuitable transformers."""
    return UsageError(
        "hf/ models need torch and transformers >= 5.20 (pip install "
        f"'flopbench[hf]'): {str(reason).splitlines()[0]}"
    )
