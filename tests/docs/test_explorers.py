"""The laws in docs/laws, which the site's explorers evaluate, are those of today."""

import pytest
from explorer_pages import FOLDER, MODELS, laws_of

import flopbench

SLOW = [pytest.param(model, marks=pytest.mark.slow) for model in MODELS if model != "hf/llama"]


def trees(laws):
    return {
        (stage.name, law.quantity, law.attention, law.component): law.tree
        for stage in laws.stages
        for law in stage.laws
    }


@pytest.mark.parametrize("model", ["hf/llama", *SLOW])
def test_a_stored_law_is_the_closed_form_of_today(model):
    stored = laws_of(FOLDER / f"{model.replace('/', '_')}.json")
    assert {stage.verdict for stage in stored.stages} == {"proved"}
    assert trees(stored) == trees(flopbench.export(model, analytic_only=True))
