"""Every formula on the eight models of docs/referee.md, and on other types at small sizes."""

import pytest
from decoder_configs import MODELS, settings_of

import flopbench
from flopbench.builtin.formulas import flopbench_formulas

TYPES = (
    *("bloom", "cohere", "deepseek_v2", "dots1", "ernie4_5_moe", "exaone4", "falcon", "gemma2"),
    *("glm4_moe", "gpt_bigcode", "gpt_neo", "gpt_neox", "gptj", "granitemoeshared", "olmo2"),
    *("olmoe", "opt", "phi", "phi3", "qwen2", "qwen2_moe", "qwen3", "smollm3", "stablelm"),
)
"""Types of models in no table of the docs."""

NEEDED = {
    "deepseek_v2": {"num_experts_per_tok": 6},
    "dots1": {"n_routed_experts": 8, "num_experts_per_tok": 2, "n_shared_experts": 1},
}
"""Fields that the defaults of their classes leave out."""


def findings(model, overrides=None, **workload):
    options = settings_of(model, overrides)
    phases = "train,prefill,decode"
    return flopbench.referee(model, workload=workload, model_options=options, phases=phases)


def check(found):
    """Check that each difference is explained by terms, in each phase and to each number."""
    assert found.unexplained == ()
    numbers = 0
    for phase in found.phases:
        assert not [each.name for each in phase.references if each.unexplained]
        for each in phase.judgements:
            if each.flops is None:
                assert each.reason
                continue
            numbers += 1
            for reference in phase.references:
                difference = each.flops - reference.flops
                assert sum(each.terms[reference.name].values()) == difference
    return numbers


@pytest.mark.parametrize("name", MODELS)
def test_every_difference_is_explained_on_the_models_of_the_docs(name):
    model, overrides = MODELS[name]
    sizes = {} if model == "deepseek_ocr" else {"context_tokens": 1500, "batch_size": 2}
    found = findings(model, overrides, **sizes)
    # Two papers and two frameworks know no experts, or not those of a model.
    assert check(found) >= len(flopbench_formulas()) - 4


@pytest.mark.parametrize("kind", TYPES)
def test_every_difference_is_explained_on_other_types(kind):
    fields = NEEDED.get(kind, {})
    check(findings(f"hf/{kind}", fields, context_tokens=77, batch_size=3, decode_steps=5))
