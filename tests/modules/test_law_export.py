"""The law of a module as code and data, with its exceptions and what it assumes."""

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import flopbench
from flopbench import UsageError, schemas
from support.exported import module_of, needs_node, run_node, written


def halves(x, y):
    """Multiply what is short or long in other ways, and halve a size."""
    if x.shape[0] > 30:
        x = x @ x.T @ x
    return x[::2] @ y


def inputs(k, max):  # noqa: A002 - a name that languages have
    return torch.empty(k, max), torch.empty(max, 3)


LAW = flopbench.law(halves, inputs, {"k": 5, "max": 9})
EXPORTED = LAW.exported()
MODULE = module_of(EXPORTED)


@given(k=st.integers(1, 60), size=st.integers(1, 50))
def test_the_exported_law_is_the_law_and_refuses_what_it_does(k, size):
    try:
        wanted = LAW(k=k, max=size)
    except UsageError:
        with pytest.raises(ValueError, match="assumes k"):
            MODULE.flops(k, size)
    else:
        assert MODULE.flops(k, max_=size) == wanted == EXPORTED.at("flops", k=k, max=size)


def test_names_are_those_that_the_user_gave():
    assert [(s.name, s.identifier) for s in EXPORTED.symbols] == [("k", "k"), ("max", "max_")]
    assert any("k" in each.text and "'" not in each.text for each in EXPORTED.stages[0].conditions)
    assert EXPORTED.stages[0].refused


def test_modules_have_functions_of_their_own_that_add_up():
    layer = torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    law = flopbench.law(layer, lambda B, S: torch.empty(B, S, 8), {"B": 2, "S": 5})
    module = module_of(law.exported())
    parts = (module.flops_self_attn, module.flops_linear1, module.flops_linear2)
    assert sum(part(3, 11) for part in parts) == module.flops(3, 11) == law(B=3, S=11)


class Itself(torch.nn.Module):
    """A module with work of its own, and a part whose name says that it is this work."""

    def __init__(self):
        super().__init__()
        self.itself = torch.nn.Linear(8, 3)

    def forward(self, x):
        return self.itself(x) @ x.new_empty(3, 5)


def test_a_part_named_as_the_work_of_the_whole_is_numbered():
    law = flopbench.law(Itself(), lambda B: torch.empty(B, 8), {"B": 2})
    module = module_of(law.exported())
    assert {module.flops_itself(1), module.flops_itself_2(1)} == {2 * 8 * 3, 2 * 3 * 5}
    assert module.flops(1) == 2 * 8 * 3 + 2 * 3 * 5


def test_it_is_saved_by_ending_and_exported_by_target(tmp_path):
    assert "def flops(k, max_):" in LAW.save(tmp_path / "law.py").read_text()
    assert "export function flops" in LAW.save(tmp_path / "law.mjs").read_text()
    assert "inline Int flops" in LAW.save(tmp_path / "law.hpp").read_text()
    made = LAW.export(tmp_path / "new", "json,certificate")
    for path, form in zip(made, ("laws", "certificate"), strict=False):
        Draft202012Validator(schemas.load(form)).validate(json.loads(path.read_text()))
    with pytest.raises(UsageError, match="unknown target"):
        LAW.export(tmp_path, "fortran")


@needs_node
def test_its_golden_vectors_pass_in_javascript(tmp_path):
    written(tmp_path, EXPORTED, "javascript")
    run_node(f'import "./{EXPORTED.identifier}.test.mjs";', tmp_path)
