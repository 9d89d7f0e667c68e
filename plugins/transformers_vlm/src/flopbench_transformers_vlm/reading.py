"""A config that a family's code cannot read: one sentence that names what was given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from flopbench import CountError, UsageError
from flopbench.errors import PluginError, describe
from flopbench_transformers_lm.config import all_values, built
from flopbench_transformers_lm.families.fields import NotCoveredError
from flopbench_transformers_lm.given_values import flat, wrong_one_of


class UnreadableError(UsageError):
    """A value in a config is of a kind that closed forms do not know; the message names some."""


@contextmanager
def reading(
    model_type: str, values: Mapping[str, Any], defaults: Mapping[str, Any]
) -> Iterator[None]:
    """Turn what a family's code raises at a config into a sentence.

    transformers' config classes accept lists of any length, texts and numbers below 0, which fail
    where they are used.

    Args:
        values: every field of the config.
        defaults: fields that a config without a file has.

    Raises:
        UnreadableError: the code raises something else than a sentence.
    """
    try:
        yield
    except (UsageError, CountError, PluginError, NotCoveredError):
        raise
    except Exception as error:
        base = all_values(built(model_type, defaults, "defaults")) if defaults else {}
        base = base or all_values(built(model_type, {}, "defaults"))
        helps = wrong_one_of(dict(flat(values, base)), error)
        told = f"the closed forms of {model_type!r} cannot read its config: {describe(error)}"
        raise UnreadableError(f"{told}; {helps}" if helps else told) from error
