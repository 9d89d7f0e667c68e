"""A page becomes as many tokens as transformers' image processor makes of it."""

from functools import cache

import numpy as np
import pytest

from flopbench import UsageError
from flopbench_transformers_vlm.families import FAMILIES
from plugins.transformers_vlm.tiny_models import TOKENS
from plugins.transformers_vlm.vl_helpers import model_of, processed, processor_of

LONGEST = 8_000


@cache
def usual(kind):
    """Return a model with the settings of a type's image processor, and with fields, if any."""
    return model_of(kind, *TOKENS[kind][2:])


def page_sizes(count, longest=LONGEST):
    """Return random sizes, log-uniform, and the extremes."""
    draw = np.random.default_rng(0)
    sides = np.exp(draw.uniform(0, np.log(longest), size=(count, 2))).astype(int)
    return [(1, 1), (longest, longest), *((int(w), int(h)) for w, h in sides)]


def refused(count):
    """Return what a function returns, or that it refuses."""
    try:
        return count()
    except (UsageError, ValueError):  # ours, and the processors'
        return "refused"


def test_every_type_is_held_to_its_processor():
    assert set(TOKENS) == set(FAMILIES)


@pytest.mark.parametrize("kind", [kind for kind, (own, *_) in TOKENS.items() if own])
def test_tokens_are_those_of_the_processors_own_size_function(kind):
    model, own = usual(kind), TOKENS[kind][0]
    processor = processor_of(model)
    for size in page_sizes(1_000):
        found = refused(lambda size=size: model._family.cut(*size).tokens)
        assert found == refused(lambda size=size: own(processor, *size)), size


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind, (_, whole, *_) in TOKENS.items() if whole])
def test_tokens_are_those_of_the_whole_processor(kind):
    model, whole = usual(kind), TOKENS[kind][1]
    for size in page_sizes(30, longest=3_000):
        found = refused(lambda size=size: model._family.cut(*size).tokens)
        assert found == refused(lambda size=size: whole(processed(model, *size))), size
