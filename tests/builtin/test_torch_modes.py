"""Ops that are run past FlopCounterMode change no count, and others see them all the same."""

from contextlib import suppress

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from flopbench.builtin import torch_modes
from flopbench.builtin.torch_modes import is_silent
from flopbench.vendor import VendorCall
from plugins.transformers_lm.lm_helpers import COUNTER, SMALL, small_model

ATEN = torch.ops.aten


@pytest.mark.parametrize("model_type", SMALL)
def test_a_count_is_that_of_all_ops_under_flop_counter_mode(model_type, monkeypatch):
    real = small_model(model_type)
    call = VendorCall(real.module, real.prefill(2, 9))
    past = COUNTER.count(call)
    monkeypatch.setattr(torch_modes, "is_silent", lambda _op, _formulas: False)
    assert COUNTER.count(call) == past
    with torch.no_grad(), FlopCounterMode(display=False) as mode:
        call.run()
    assert sum(entry.flops for entry in past.counted) == mode.get_total_flops() > 0


@pytest.mark.parametrize(
    ("op", "silent"),
    [
        (ATEN.mul.Tensor, True),
        (ATEN.view.default, True),
        (ATEN._softmax.default, True),
        (ATEN.mm.default, False),  # it has a formula
        (ATEN.linear.default, False),  # it is taken apart
        (ATEN.addmv.default, False),  # it does matrix work and has no formula
        (ATEN.sym_size.int, False),  # FlopCounterMode answers it
        (torch.ops.prims.mul.default, False),
        (torch.ops.higher_order.cond, False),
    ],
)
def test_an_op_is_silent_if_it_is_only_passed_on(op, silent):
    assert is_silent(op, flop_registry) == silent


class Seeing(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.ops = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.ops.append(func)
        return func(*args, **(kwargs or {}))


class Trying(torch.nn.Module):
    """Asks for attention whose values are too few, and goes on without."""

    def forward(self):
        q, v, x = (torch.empty(1, 1, n, 8, device="meta") for n in (4, 5, 8))
        with torch.inference_mode(), suppress(RuntimeError):  # ops arrive whole
            torch.nn.functional.scaled_dot_product_attention(q, q, v)
        return x @ x


def test_a_program_goes_on_after_an_op_that_worked_and_failed():
    model = Trying()
    with torch.no_grad(), FlopCounterMode(display=False) as mode:
        model()
    found = COUNTER.count(VendorCall(model, model))
    assert sum(entry.flops for entry in found.counted) == mode.get_total_flops() > 2 * 8**3


def test_who_watches_from_outside_sees_each_op():
    real = small_model("llama")
    call = VendorCall(real.module, real.prefill(2, 9))
    with torch.no_grad(), Seeing() as alone:
        call.run()
    with Seeing() as around:
        COUNTER.count(call)
    assert around.ops == alone.ops
