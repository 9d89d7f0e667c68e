"""Each shipped formula passes the suite that authors of formulas run."""

import pytest

from flopbench.builtin.formulas import flopbench_formulas
from flopbench.testing import FormulaConformance

FORMULAS = [formula.name for formula in flopbench_formulas()]


def suite(name):
    """Return the suite of a formula, as an author writes it."""
    return type(f"Test_{name}", (FormulaConformance,), {"formula": name, "__module__": __name__})


globals().update({f"Test_{name}": suite(name) for name in FORMULAS})


def test_there_are_at_least_twelve_of_training_and_one_of_each_phase_of_serving():
    phases = [formula.phases for formula in flopbench_formulas()]
    assert sum("train" in each for each in phases) >= 12
    assert sum("prefill" in each for each in phases) >= 2
    assert sum("decode" in each for each in phases) >= 2


@pytest.mark.parametrize("formula", flopbench_formulas(), ids=FORMULAS)
def test_its_source_is_pinned(formula):
    assert formula.claims
    assert formula.origin.version not in {"main", "master", "latest"}
