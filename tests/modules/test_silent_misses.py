"""No dispatched contraction of any specimen is missed: it is counted, or named as uncounted."""

import pytest
import torch
from torch.utils.flop_counter import flop_registry

import flopbench
from flopbench.builtin.torch_watch import does_matrix_work
from flopbench.errors import CountError
from flopbench.modules.formulas import own_formulas
from modules.aten_classes import FREE
from modules.aten_products import FACTORS, FUSED, PRODUCTS, TRANSFORMS, WEIGHTED
from modules.contractions import Contractions
from modules.zoo import DIFFUSERS, LAYERS, SPECIMENS, TRANSFORMERS, USER_CODE, run

pytestmark = pytest.mark.filterwarnings("ignore")  # of the libraries whose modules these are

_CONTRACTIONS = PRODUCTS | TRANSFORMS | FACTORS | WEIGHTED
_FREE = frozenset().union(*FREE.values(), *FUSED.values())
_FUSED_ON_CPU = {"encoder on its fast path"}
_UNWATCHED = {"flex_attention": "it compiles itself, which no mode may watch"}


FAST = [*LAYERS, *USER_CODE]


def named(specimens):
    return [
        pytest.param(each, id=each.name, marks=[pytest.mark.slow] * (each not in FAST))
        for each in specimens
    ]


def counted(specimen, **sizes):
    """Count a specimen, as a user would."""
    made, inputs = specimen.make(), specimen.inputs(**(sizes or specimen.sizes))
    with torch.no_grad():
        return run(lambda *args, **kwargs: flopbench.count(made, *args, **kwargs), inputs)


def contractions(specimen):
    """Return the names of the ops that do matrix work, seen without flopbench."""
    with torch.no_grad():
        made, inputs = specimen.make(), specimen.inputs(**specimen.sizes)
        with Contractions() as seen:
            run(made, inputs)
    return {name for name, _ in seen.found}


_INNER_SIZE_1 = {"addr"}
"""Counted as a product that sums one element."""


def test_no_op_of_torch_would_be_missed():
    formulas = {str(op).removeprefix("aten.") for op in {**own_formulas(), **flop_registry}}
    audited = {op for op in _CONTRACTIONS | _FREE if does_matrix_work("aten", op)}
    assert _CONTRACTIONS - formulas - audited == set()
    assert _FREE & (formulas | audited) == _INNER_SIZE_1


@pytest.mark.parametrize(
    "specimen",
    named(
        each
        for each in (*LAYERS, *USER_CODE, *TRANSFORMERS, *DIFFUSERS)
        if not each.refused and each.name not in _UNWATCHED
    ),
)
def test_every_contraction_is_counted_or_named(specimen):
    result = counted(specimen)
    seen = {each.op for each in (*result.work, *result.uncounted)}
    assert result.differences == ()
    elsewhere = specimen.on("meta") if specimen.name in _FUSED_ON_CPU else specimen
    assert contractions(elsewhere) <= seen


def test_what_is_never_watched_is_counted_all_the_same():
    (specimen,) = (each for each in SPECIMENS if each.name in _UNWATCHED)
    batch, length = specimen.sizes["B"], specimen.sizes["S"]
    assert counted(specimen).flops == 2 * (2 * batch * 2 * length * length * 4)


@pytest.mark.parametrize("specimen", named(each for each in SPECIMENS if each.refused))
def test_what_cannot_be_counted_is_refused_in_a_sentence(specimen):
    with pytest.raises(CountError) as refused:
        counted(specimen)
    assert "\n" not in str(refused.value)
