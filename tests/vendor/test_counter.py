"""A counter's convention: its unit, and what it adds per element."""

import pytest

from flopbench.ops import TORCH_VISIBLE
from flopbench.vendor import Convention


def test_a_convention_knows_whole_units_only():
    macs = Convention("MAC", TORCH_VISIBLE)
    assert macs.matrix_work(10) == 5
    with pytest.raises(ValueError, match="not a whole number of MACs"):
        macs.matrix_work(11)
    with pytest.raises(ValueError, match="unit 'call'"):
        Convention("call", frozenset()).matrix_work(10)


@pytest.mark.parametrize(
    ("convention", "plain", "says"),
    [
        (Convention("FLOP", TORCH_VISIBLE), True, "FLOPs"),
        (Convention("MAC", TORCH_VISIBLE), False, "MACs"),
        (Convention("FLOP", TORCH_VISIBLE, {"softmax": 1}), False, "FLOPs, with softmax added"),
        (Convention("FLOP", TORCH_VISIBLE, {"softmax": 0}), True, "FLOPs"),
    ],
)
def test_laws_and_proofs_take_flops_of_matrix_work_alone(convention, plain, says):
    assert (convention.plain, convention.describe()) == (plain, says)


@pytest.mark.parametrize("name", ["sofmax", "bias", "embedding bias"])
def test_a_convention_takes_vector_operations_that_exist(name):
    with pytest.raises(ValueError, match="per_element"):
        Convention("FLOP", frozenset(), {name: 1})
