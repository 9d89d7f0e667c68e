"""The law of a module: exact at every size that it says it holds for."""

import json

import numpy as np
import pytest
import sympy
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import flopbench
from flopbench.errors import CountError, UsageError


def layer_law():
    with torch.device("meta"):
        layer = nn.TransformerEncoderLayer(64, 4, 256, batch_first=True)
    return layer, flopbench.law(layer, lambda B, S: torch.empty(B, S, 64), {"B": 2, "S": 17})


LAYER, LAW = layer_law()


def test_a_law_is_the_closed_form_derived_by_hand():
    b, s = sympy.symbols("B S", integer=True, positive=True)
    # Four 64 x 64 projections, two products of S x S x 64, and two matrices of 64 x 256.
    by_hand = 2 * (4 * b * s * 64**2 + 2 * b * s * s * 64 + 2 * b * s * 64 * 256)
    assert sympy.expand(LAW.expression - by_hand) == 0
    assert LAW.assumptions == ()
    assert LAW.proved
    assert set(LAW.by_module) == {"self_attn", "linear1", "linear2"}
    assert LAW.latex() == r"256 B S^{2} + 98304 B S"


@given(batch=st.integers(1, 50), tokens=st.integers(1, 300))
def test_a_law_is_the_count_at_any_size(batch, tokens):
    x = torch.empty(batch, tokens, 64, device="meta")
    assert LAW(B=batch, S=tokens) == flopbench.count(LAYER, x).flops


def test_a_law_takes_arrays():
    batch, tokens = np.array([[1], [8]]), np.array([1, 17, 4096])
    found = LAW(B=batch, S=tokens)
    assert found.shape == (2, 3)
    assert found[1, 2] == LAW(B=8, S=4096)
    assert found.mean() == found.sum() / 6  # as any array


def test_laws_are_equal_if_they_give_the_same():
    def same(x):
        for matrix in (torch.empty(64, 256), torch.empty(64, 256), torch.empty(64, 256)):
            x @ matrix
        return (x @ x.mT) @ x

    def inputs(B, S):
        return torch.empty(B, S, 64)

    law = flopbench.law(same, inputs, {"B": 3, "S": 5})
    other = flopbench.law(lambda x: same(x) @ torch.empty(64, 1), inputs, {"B": 3, "S": 5})
    assert law == LAW
    assert hash(law) == hash(LAW)
    assert law != other
    assert law != 3


def test_guards_are_assumptions_and_hold_the_law_back():
    layer = nn.Conv2d(3, 8, 7, stride=2, device="meta")
    law = flopbench.law(layer, lambda B, H, W: torch.empty(B, 3, H, W), {"B": 2, "H": 32, "W": 32})
    assert law.assumptions == ("H >= 7", "W >= 7")
    for height, width in ((7, 7), (8, 31), (224, 225)):
        expected = 2 * 5 * 8 * ((height - 7) // 2 + 1) * ((width - 7) // 2 + 1) * 3 * 49
        assert law(B=5, H=height, W=width) == expected
    with pytest.raises(UsageError, match="assumes H >= 7, got B=5, H=6, W=9"):
        law(B=5, H=6, W=9)


def test_a_size_that_the_program_needs_is_interpolated():
    law = flopbench.law(
        nn.LSTM(8, 16, device="meta"), lambda B, S: torch.empty(S, B, 8), {"B": 2, "S": 5}
    )
    assert str(law.expression) == f"{2 * 4 * 16 * (8 + 16)}*B*S"
    assert not law.proved
    assert "S" in law.interpolated
    assert "did not stay symbolic" in law.text()


def test_a_size_that_cannot_be_open_is_closed():
    def stairs(x):
        for _ in range(1 << len(range(x.shape[1])).bit_length()):
            x = x @ torch.empty(4, 4)
        return x

    law = flopbench.law(stairs, lambda B, S: torch.empty(B, S, 4), {"B": 2, "S": 5})
    assert law.open == ("B",)
    assert law.closed == {"S": 5}
    assert str(law.expression) == f"{8 * 2 * 5 * 16}*B"
    assert any(text.startswith("S = 5 (") for text in law.assumptions)


def test_a_size_may_be_called_as_the_laws_call_a_step():
    law = flopbench.law(nn.Linear(8, 4, device="meta"), lambda k: torch.empty(k, 8), {"k": 2})
    assert law(k=7) == 2 * 7 * 8 * 4
    assert str(law.expression) == "64*k"
    assert (law.latex(), law.by_module) == ("64 k", {"": law.expression})
    assert "k'" not in law.to_json() + law.text()


def test_a_law_with_its_backward():
    layer = nn.Linear(8, 4, device="meta")
    law = flopbench.law(layer, lambda B: torch.empty(B, 8), {"B": 3}, backward=True)
    assert law(B=5) == 2 * (2 * 5 * 8 * 4)


def test_keywords_and_several_arguments():
    def call(x, *, weight):
        return x @ weight

    law = flopbench.law(
        call, lambda B, K: {"x": torch.empty(B, K), "weight": torch.empty(K, 3)}, {"B": 2, "K": 4}
    )
    assert str(law.expression) == "6*B*K"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((torch.zeros(2, 1), {"B": 2}), "the inputs must be a function of the sizes"),
        ((lambda B: torch.empty(B, 8), {}), "dims must give each size an example"),
        ((lambda B: torch.empty(B, 8), {"B": 0}), "dims: B must be an integer of 1 or more, got 0"),
        ((lambda B: torch.empty(B, 8), {"B": 2, "S": 3}), "S"),
        ((lambda B, S: torch.empty(B, 8), {"B": 2}), "S"),
        ((lambda B: None, {"B": 2}), "must return the arguments, got None"),
        ((lambda B: torch.empty(B, 9), {"B": 2}), "Linear failed: RuntimeError"),
    ],
)
def test_bad_input_is_one_sentence(arguments, error):
    with pytest.raises((UsageError, CountError), match=error) as refused:
        flopbench.law(nn.Linear(8, 4, device="meta"), *arguments)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("sizes", "error"),
    [
        ({"B": 2}, "needs a value for S"),
        ({"B": 2, "T": 3}, "unknown size 'T'"),
        ({"B": 2, "S": 0}, "S must be 1 or more, got 0"),
        ({"B": 2, "S": np.array([3, 0])}, "S must be 1 or more, got 0"),
        ({"B": 2, "S": True}, "S must be an integer or an array of them, got True"),
        ({"B": 2, "S": 2.0}, "S must be an integer or an array of them, got 2.0"),
        ({"B": 2, "S": "3"}, "S must be an integer or an array of them, got '3'"),
        ({"B": np.array([1, 2]), "S": np.array([1, 2, 3])}, "cannot be evaluated: "),
        ({"B": 2, "S": np.array([2**40])}, "cannot be evaluated: "),
    ],
)
def test_bad_sizes_are_one_sentence(sizes, error):
    with pytest.raises(UsageError, match=error):
        LAW(**sizes)


def test_a_law_is_a_value():
    data = json.loads(LAW.to_json())
    assert data["expression"] == str(LAW.expression)
    assert {row["module"]: row["expression"] for row in data["forms"]}["linear1"] == "32768*B*S"
    assert LAW.tree().value == LAW(B=2, S=17)
    assert "exact for every B, S from 1 on" in str(LAW)


def test_a_law_with_its_backward_by_module():
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)).to("meta")
    law = flopbench.law(net, lambda B: torch.empty(B, 4), {"B": 3}, backward=True)
    assert {name: str(form) for name, form in law.by_module.items()} == {
        "0": f"{2 * 2 * 32}*B",
        "2": f"{3 * 2 * 16}*B",
    }


def test_a_law_goes_on_where_another_op_does_the_work_at_one():
    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.head = nn.LSTM(8, 8, batch_first=True), nn.Linear(8, 10)

        def forward(self, x):
            return self.head(self.lstm(x)[0])

    law = flopbench.law(Tagger().to("meta"), lambda S: torch.empty(2, S, 8), {"S": 7})
    assert str(law.expression) == f"{2 * 2 * (4 * 8 * 16 + 80)}*S"
    assert law.interpolated.keys() == {"S"}


def test_a_law_of_nothing_is_shown():
    law = flopbench.law(nn.ReLU(), lambda B: torch.empty(B, 4), {"B": np.int64(2)})
    assert (law(B=3), law.text().splitlines()[0]) == (0, "ReLU(B) = 0 FLOPs")


def test_a_size_may_be_called_self():
    law = flopbench.law(lambda x: x @ x.mT, lambda **n: torch.empty(n["self"], 4), {"self": 3})
    assert law(self=5) == 2 * 5 * 5 * 4
