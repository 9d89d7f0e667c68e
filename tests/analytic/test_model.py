"""What a model declares."""

import pytest

from flopbench.analytic import Size
from flopbench.analytic.checked import CheckedModel
from flopbench.errors import PluginError
from toy.sized import SizedToy


def test_k_is_no_name_for_a_size():
    with pytest.raises(ValueError, match="other than k"):
        Size("k", "keys")


def test_positions_that_are_no_number_are_named():
    wrong = type("Wrong", (SizedToy,), {"max_positions": "many"})
    with pytest.raises(PluginError, match="max_positions must return an int or None, got 'many'"):
        CheckedModel(wrong())
    assert CheckedModel(SizedToy()).max_positions is None
