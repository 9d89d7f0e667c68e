"""One sentence for what transformers cannot build or run: what failed, and what would help."""

from __future__ import annotations

import re

from flopbench import CountError
from flopbench.errors import describe
from flopbench.text import listed, shortened
from flopbench_transformers_lm.config import LmConfig
from flopbench_transformers_lm.given_values import given_values, wrong_one_of
from flopbench_transformers_lm.meta_values import is_asked

_SIZE = re.compile(r"(head_dim|_size|_heads|_rank)$")
"""Names of fields that are sizes of a model."""

_WITH_FILE = (
    "the defaults of its config may leave a field open: give the config.json of a checkpoint "
    "(model.config), or set the field with model.overrides"
)

_BESIDE_TOKENS = re.compile(
    r"missing \d+ required positional argument|[Yy]ou (have to|must) specify|Exactly 1 of|"
    r"(need|require)s? .*(pixel|image|audio|encoder)"
)
"""How models ask for more than tokens."""

_MOST = 200


def cannot_build(config: LmConfig, error: Exception) -> CountError:
    """Return the error for a model that transformers cannot build from its config."""
    told = f"transformers cannot build {config.model_type}"
    found = _missing_size(config) if "NoneType" in str(error) else None
    if found:
        return CountError(f"{told}: {found}")
    return CountError(f"{told}: {_first_line(error)}; {_advice(config, error)}")


def cannot_run(config: LmConfig, error: Exception, request: str = "") -> CountError:
    """Return the error for a call that fails.

    Args:
        request: its new and its cached tokens, if there are several new ones and some cached ones.
    """
    model_type = config.model_type
    line = _first_line(error)
    if _BESIDE_TOKENS.search(str(error)):
        return CountError(
            f"transformers cannot run {model_type} on tokens alone: {line}; hf/ models get nothing "
            "else: name the type of its language model, if transformers has one"
        )
    told = f"transformers cannot run {model_type} on the meta device: {line}"
    if is_asked(error):
        return CountError(
            f"{told}; what it does depends on values of tensors, which meta tensors do not have: "
            "only a run with weights tells its FLOPs"
        )
    if request:
        return CountError(
            f"transformers cannot run {model_type} on {request}: {line}; it may run requests of 1 "
            "new token, or with 0 cached ones"
        )
    return CountError(f"{told}; {_advice(config, error)}")


def _advice(config: LmConfig, error: Exception) -> str:
    """Say what may help: more values, or others in place of those that were given."""
    return wrong_one_of(given_values(config), error) or _WITH_FILE


def _first_line(error: Exception) -> str:
    return shortened(describe(error).splitlines()[0], _MOST)


def _missing_size(config: LmConfig) -> str | None:
    """Name the sizes that a config leaves open, and fields that may have them."""
    values = config.decoder.values
    empty = [name for name, value in values.items() if value is None and _SIZE.search(name)]
    if not empty:
        return None
    others = [f"{n}={v}" for n, v in values.items() if v and n.endswith(tuple(empty))]
    given = f" (it has {', '.join(others)})" if others else ""
    return f"its config has no {listed(empty, 'or')}{given}: set model.overrides.{empty[0]}"
