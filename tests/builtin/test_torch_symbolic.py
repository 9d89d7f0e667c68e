"""A trace holds FlopCounterMode's total against the sum over modules."""

import pytest
import sympy
import torch
from torch.utils.flop_counter import FlopCounterMode

from flopbench import CountError, VendorCall
from flopbench.builtin import torch_symbolic
from flopbench.dims.forms import symbol

N = symbol("n")


MODEL = torch.nn.Sequential(torch.nn.Linear(8, 4), torch.nn.Linear(4, 2)).to("meta")


def prepare(sizes):
    """Return two products of n rows."""
    x = torch.empty(sizes["n"], 8, device="meta")
    return VendorCall(MODEL, lambda: MODEL(x))


def traced():
    return sympy.expand(sum(torch_symbolic.trace(prepare, {N: 16}).flops.values()))


def test_the_total_is_compared_before_torch_simplifies_it(monkeypatch):
    """Torch's result may depend on the order of a set, and differ for a sum and its parts."""
    monkeypatch.setattr(torch_symbolic, "_plain", lambda form: form + sympy.Mod(form, 7))
    assert {*traced().atoms(sympy.Mod)} == {sympy.Mod(64 * N, 7), sympy.Mod(16 * N, 7)}


def test_a_total_that_is_not_the_sum_over_modules_is_an_error(monkeypatch):
    assert traced() == 80 * N
    real = FlopCounterMode.get_total_flops
    monkeypatch.setattr(FlopCounterMode, "get_total_flops", lambda mode: real(mode) + 1)
    with pytest.raises(CountError, match=r"total 80\*n \+ 2 is not the sum over modules 80\*n"):
        traced()
