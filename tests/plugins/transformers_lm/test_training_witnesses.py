"""A training step by closed forms and by the real model: equal in every component and pass."""

import pytest
from attrs import evolve
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from flopbench.analytic import trained as trained_module
from flopbench.analytic.price import Pricer
from flopbench.analytic.step_memory import step_memory
from flopbench.analytic.trained import TrainedModel
from flopbench.builtin.eager import Eager
from flopbench.builtin.flash import Flash3
from flopbench.conventions import Conventions
from flopbench.errors import CountError
from flopbench.ops import Linear, MatMul
from flopbench.training import passes as passes_module
from flopbench.training_step import STAGE_OF, TRAIN, TrainOptions
from flopbench.vendor.trained import TrainedVendor
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.families import FAMILIES
from flopbench_transformers_lm.families.latent import LATENT
from flopbench_transformers_lm.families.moe import MOE
from flopbench_transformers_lm.requests import RequestInputs, by_length
from flopbench_transformers_lm.vendor import HfVendor
from flopbench_transformers_lm.workload import Workload
from plugins.transformers_lm.family_strategies import TYPES, configs
from plugins.transformers_lm.test_moe import configs as moe_configs
from plugins.transformers_lm.test_training import OWN_CORE
from plugins.transformers_lm.tiny_configs import few, one_per_family, one_per_layers, tiny
from support.proofs import proof_of
from support.training import passes
from support.trainings import analytic, trainings

FEW = {"llama", "qwen2_moe"}

INTERPOLATED = {"bloom", "deepseek_v2"}
"""Types whose forward torch cannot trace either: it fails, or binds a size."""


def types(names):
    """Return one type of each family among some, and those that run always."""
    return few(sorted({*names} & {*one_per_family(), *FEW}), FEW)


workloads = st.builds(Workload, batch_size=st.integers(1, 2), context_tokens=st.integers(1, 6)) | (
    st.lists(st.integers(1, 6), min_size=1, max_size=3).map(
        lambda lengths: Workload(
            requests=by_length(RequestInputs(new=n, lm_head="all") for n in lengths), packed=True
        )
    )
)


def require_equal(data, config):
    model = HfModel(config)
    options, workload = (
        data.draw(trainings([*model.ops("prefill", Workload())])),
        data.draw(workloads),
    )
    vendor = HfVendor.from_options(config, HfVendor.options_type())
    if options.recompute == "selective" and config.model_type in OWN_CORE:
        with pytest.raises(CountError, match="in the code of its layers"):
            passes(vendor, {"prefill": workload}, options)
    else:
        assert analytic(model, workload, options) == passes(vendor, {"prefill": workload}, options)


some = settings(
    max_examples=4,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.parametrize("kind", types(TYPES))
@some
@given(data=st.data())
def test_any_training_of_a_dense_model_is_exact(kind, data):
    require_equal(data, data.draw(configs(kind)))


@pytest.mark.parametrize("kind", types(MOE))
@some
@given(data=st.data())
def test_any_training_of_a_model_with_experts_is_exact(kind, data):
    require_equal(data, data.draw(moe_configs(kind)))


@pytest.mark.slow
@pytest.mark.parametrize("kind", FAMILIES)
def test_a_training_step_of_every_type_is_exact(kind):
    config, workload = tiny(kind), Workload(batch_size=2, context_tokens=7)
    vendor = HfVendor.from_options(config, HfVendor.options_type())
    options = TrainOptions(recompute="full")
    priced = analytic(HfModel(config), workload, options)
    counted = passes(vendor, {"prefill": workload}, options)
    if kind in PLACED_ELSEWHERE:
        priced, counted = ([found.total() for found in each] for each in (priced, counted))
    assert priced == counted


PLACED_ELSEWHERE = {"gemma3n_text"}
"""Types whose layers multiply themselves: what is run again of that is counted in a module near."""

PROVED = ({*TYPES, *MOE, *LATENT} & {*one_per_layers()}) | INTERPOLATED
"""Types that have attention alone, one of each kind of layers."""


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(PROVED))
def test_a_training_step_is_proved_for_every_batch_and_context(kind):
    config, options = tiny(kind), TrainOptions()
    model = TrainedModel(HfModel(config), options)
    real = HfVendor.from_options(config, HfVendor.options_type())
    vendor = TrainedVendor(real, ("prefill",), options)
    proof = proof_of(model, vendor, Workload(batch_size=2, context_tokens=9), stages={TRAIN})
    assert [size.name for size in proof.sizes] == ["B", "S"]
    assert proof.verdict == ("interpolated" if kind in INTERPOLATED else "proved")


def of_mlp(change):
    """Return a rule that is wrong in the MLP alone."""
    right = Linear.backward

    def backward(op, needs):
        found = [*right(op, needs)]
        return change(op, found) if op.component == "decoder/mlp" else found

    return backward


right_matmul, right_recomputed = MatMul.backward, passes_module.recomputed
FORWARD, RECOMPUTE, BACKWARD = STAGE_OF

PLANTED = {
    "dgrad counted twice": (
        (Linear, "backward", lambda: of_mlp(lambda _op, found: [*found, found[0]])),
        {(BACKWARD, "decoder/mlp")},
    ),
    "wgrad left out": (
        (Linear, "backward", lambda: of_mlp(lambda _op, found: found[:1])),
        {(BACKWARD, "decoder/mlp")},
    ),
    "wgrad of a bias as matrix work": (
        (Linear, "backward", lambda: of_mlp(lambda op, found: [*found, evolve(op, in_features=1)])),
        {(BACKWARD, "decoder/mlp")},
    ),
    "LM head recomputed": (
        (
            trained_module,
            "recomputed",
            lambda: (
                lambda steps, how: [
                    *right_recomputed(steps, how),
                    *(step.op for step in steps if step.op.component == "lm_head"),
                ]
            ),
        ),
        {(RECOMPUTE, "lm_head")},
    ),
    "recomputation to the end of a layer": (
        (passes_module, "repeated", lambda: lambda steps: steps),
        {(RECOMPUTE, "decoder/mlp")},
    ),
    "one product too few in the backward of a product": (
        (MatMul, "backward", lambda: lambda op, needs: [*right_matmul(op, needs)][:1]),
        {(BACKWARD, "decoder/attention/core")},
    ),
}
"""Errors in a rule, each with the passes and components where the real model tells."""


@pytest.mark.parametrize("error", PLANTED)
def test_a_planted_error_is_named_by_pass_and_component(error, monkeypatch):
    (where, name, wrong), told = PLANTED[error]
    config, options = tiny("llama"), TrainOptions(recompute="full")
    workload = Workload(batch_size=2, context_tokens=5)
    vendor = HfVendor.from_options(config, HfVendor.options_type())
    counted = passes(vendor, {"prefill": workload}, options)
    monkeypatch.setattr(where, name, wrong())
    priced = analytic(HfModel(config), workload, options)
    differs = {
        (phase, component)
        for phase, ours, theirs in zip(STAGE_OF, priced, counted, strict=True)
        for component in ours | theirs
        if ours[component] != theirs[component]
    }
    assert differs == told


@given(st.integers(1, 9))
def test_one_packed_sequence_is_a_plain_one(tokens):
    model = HfModel(tiny("llama"))
    packed = Workload(requests=by_length([RequestInputs(new=tokens, lm_head="all")]), packed=True)
    plain = Workload(batch_size=1, context_tokens=tokens)
    options = TrainOptions(recompute="full")
    assert analytic(model, packed, options) == analytic(model, plain, options)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_a_fused_core_keeps_of_a_packed_batch_what_it_keeps_of_one_sequence(lengths):
    """Its outputs are parts of one value, whatever the lengths are."""
    model = TrainedModel(HfModel(tiny("llama")), TrainOptions())
    pricer = Pricer(Eager(), Conventions())

    def kept(*tokens):
        requests = by_length([RequestInputs(new=n, lm_head="all") for n in tokens])
        workload = Workload(requests=requests, packed=True)
        found = step_memory(model, workload, pricer, Flash3()).to_dict()["saved"]
        return found["decoder/attention/core"], found.get("decoder/attention/out", 0)

    assert kept(*lengths) == kept(sum(lengths))
