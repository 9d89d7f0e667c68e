"""What a model declares."""

import pytest

from flopbench.analytic import Size


def test_k_is_no_name_for_a_size():
    with pytest.raises(ValueError, match="other than k"):
        Size("k", "keys")
