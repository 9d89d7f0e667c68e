"""The model types of transformers' causal language models, found without importing transformers.

Importing transformers' auto classes imports torch, which takes seconds; this way, a misspelt
type is reported in milliseconds.
"""

from __future__ import annotations

import ast
import importlib.util
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from flopbench import UsageError

PREFIX = "hf/"

_MAPPING = "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES"


def model_type(name: str) -> str:
    """Return the model type in the name of a model.

    Raises:
        UsageError: transformers is not installed, or has no causal language model of this type.
    """
    types = causal_lm_types()
    kind = name.removeprefix(PREFIX)
    if kind not in types:
        nearest = get_close_matches(kind, types, n=1)
        hint = (
            f"did you mean {PREFIX + nearest[0]!r}?"
            if nearest
            else "docs/transformers-lm.md lists them"
        )
        raise UsageError(f"transformers has no causal language model {name!r}: {hint}")
    return kind


@cache
def causal_lm_types() -> tuple[str, ...]:
    """Return the types that transformers' ``AutoModelForCausalLM`` knows, from its source.

    Raises:
        UsageError: transformers is not installed, or no longer lists the types where it did.
    """
    spec = importlib.util.find_spec("transformers")
    if spec is None or spec.origin is None:
        raise needs_transformers("No module named 'transformers'")
    path = Path(spec.origin).parent / "models" / "auto" / "modeling_auto.py"
    types = _types(path.read_text(encoding="utf-8")) if path.is_file() else ()
    if not types:
        raise needs_transformers(f"{path} does not contain {_MAPPING}")
    return types


def _types(source: str) -> tuple[str, ...]:
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == _MAPPING:
            pairs = (p for p in ast.walk(node.value) if isinstance(p, ast.Tuple))
            return tuple(str(ast.literal_eval(pair.elts[0])) for pair in pairs)
    return ()


def needs_transformers(reason: object) -> UsageError:
    """Return the error for a missing or unsuitable transformers."""
    return UsageError(
        "hf/ models need torch and transformers >= 5.20 (pip install "
        f"'flopbench-transformers-lm[vendor]'): {str(reason).splitlines()[0]}"
    )
