"""What is exported is what was proved: verdicts, assumptions, exceptions, and what is left out."""

import attrs
import pytest
from jsonschema import Draft202012Validator

from flopbench import Linear, UsageError, schemas
from flopbench.analytic import Stage
from flopbench.analytic.trained import TrainedModel
from flopbench.builtin.torch_counter import TorchCounter
from flopbench.commands.export.priced import Prices
from flopbench.commands.export.runner import export
from flopbench.commands.export.stage import StageForms
from flopbench.commands.prove.runner import prove
from flopbench.dims import maximum, minimum
from flopbench.dims.forms import symbol
from flopbench.exports.laws import Assumption
from flopbench.exports.targets import files
from flopbench.training_step import TrainOptions
from flopbench.vendor.trained import TrainedVendor
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.vendor import HfVendor
from plugins.transformers_lm.tiny_configs import tiny
from support.exported import CATALOG, exported, module_of, plan_of
from toy.sized import WIDTH, Decoding, SizedToy, Sizes, Steps, TorchVendor
from toy.sized import DecodingSizes as WithSteps

SQUARE = 2 * WIDTH * WIDTH


def laws_of(model, vendor, workload, symbols=None, **plan):
    plan = plan_of(model, workload, vendor=vendor, counters=(TorchCounter(),), **plan)
    return export(plan, CATALOG, lambda plan: prove(plan, CATALOG, symbols), symbols)


def linear(x, layer):
    return layer(x)


def test_a_proved_law_is_exported_with_its_digest_and_audit():
    laws = laws_of(SizedToy(), TorchVendor(linear), Sizes())
    (stage,) = laws.stages
    assert (laws.verdict, stage.verdict, stage.reason) == ("proved", "proved", None)
    assert stage.find("flops", "eager").text == f"{SQUARE}*B*S"
    assert module_of(laws).flops_prefill(3, 7) == SQUARE * 21
    assert module_of(laws).flops_prefill_layer(S=7, B=3) == SQUARE * 21
    again = laws_of(SizedToy(), TorchVendor(linear), Sizes(B=5))
    other = laws_of(SizedToy(), TorchVendor(linear), Sizes(), ["S"])
    digests = [each.provenance["proof_digest"] for each in (laws, again, other)]
    assert digests[0] != digests[2]
    assert all(digest.startswith("sha256:") for digest in digests)
    (counted,) = laws.audit["stages"]["prefill"]["counted"]
    assert counted["flops_at_workload"] == SQUARE * 60
    assert counted["modules"] == 1
    Draft202012Validator(schemas.load("laws")).validate(laws.to_dict())


def test_a_size_that_is_closed_is_no_argument():
    laws = laws_of(SizedToy(), TorchVendor(linear), Sizes(B=3), ["S"])
    assert laws.stages[0].symbols == ("S",)
    assert laws.closed["B"] == 3
    assert module_of(laws).flops_prefill(7) == SQUARE * 21


def one_is_four(x, layer):
    return layer(x.expand(-1, 4, -1) if x.shape[1] == 1 else x)


class OneIsFour(SizedToy):
    """As many rows as four tokens have, where there is one."""

    def ops(self, stage, workload):
        one = isinstance(workload.S, int) and workload.S == 1
        rows = workload.B * (4 if one else workload.S)
        yield Linear(component="layer", rows=rows, in_features=WIDTH, out_features=WIDTH)


def test_exceptions_at_small_sizes_are_cases():
    laws = laws_of(OneIsFour(), TorchVendor(one_is_four), Sizes())
    module = module_of(laws)
    assert [module.flops_prefill(2, s) // (2 * SQUARE) for s in (1, 2, 3)] == [4, 2, 3]
    assert (
        laws.stages[0].find("flops", "eager").text == f"{SQUARE * 4}*B if S == 1 else {SQUARE}*B*S"
    )


def short_alone(x, layer):
    return layer(x) if x.shape[1] < 64 else layer(layer(x))


def test_a_point_that_the_assumptions_exclude_raises_there():
    laws = laws_of(SizedToy(), TorchVendor(short_alone), Sizes())
    (stage,) = laws.stages
    assert [each.text for each in stage.conditions] == ["S < 64"]
    assert [refused.sizes["S"] for refused in stage.refused] == [64]
    module = module_of(laws)
    assert module.flops_prefill(1, 63) == SQUARE * 63
    with pytest.raises(ValueError, match="the law of prefill assumes S < 64"):
        module.flops_prefill(1, 64)
    with pytest.raises(UsageError, match="assumes S < 64"):
        laws.at("flops_prefill", B=1, S=64)


def window(k, sizes, layer, x):
    if sizes.S + k > 30:
        layer(x)
    layer(x)


def test_a_relation_of_the_steps_is_checked_in_the_last_one():
    model = Decoding(lambda w: w.B * w.S * w.K)
    laws = laws_of(model, Steps(window), WithSteps())
    module = module_of(laws)
    assert module.flops_decode(1, 20, 10) == SQUARE * 200
    with pytest.raises(ValueError, match=r"assumes K \+ S (<=|<) 3[01]"):
        module.flops_decode(1, 20, 11)


def test_a_law_that_differs_is_not_exported():
    wrong = Decoding(lambda w: w.B * w.S * w.K + 1)
    with pytest.raises(UsageError, match=r"nothing to export of decoding: decode .* \(differs\)"):
        laws_of(wrong, Steps(lambda _k, _w, layer, x: layer(x)), WithSteps())


class TwoStages(SizedToy):
    stages = (Stage("right", "Right"), Stage("wrong", "Wrong"))

    def ops(self, stage, workload):
        twice = 1 if stage == "right" else 2
        yield Linear(
            component="layer",
            rows=workload.B * workload.S * twice,
            in_features=WIDTH,
            out_features=WIDTH,
        )


def test_a_stage_that_differs_is_left_out_with_the_reason():
    laws = laws_of(TwoStages(), TorchVendor(linear), Sizes())
    assert [stage.name for stage in laws.stages] == ["right"]
    (reason,) = laws.left_out
    assert reason.startswith("wrong is left out: it is not proved (differs)")


def test_closed_forms_without_a_vendor_are_said_to_be_that():
    laws = exported(plan_of(SizedToy(), Sizes()))
    assert laws.verdict == "analytic only"
    assert laws.provenance["proof_digest"] is None
    assert "analytic only" in module_of(laws).flops_prefill.__doc__


class Bent(SizedToy):
    """Its closed form is another one than its price at numbers: a fault of the model."""

    def ops(self, stage, workload):
        more = 1 if isinstance(workload.S, int) and workload.S > 2 else 0
        rows = workload.B * workload.S + more
        yield Linear(component="layer", rows=rows, in_features=WIDTH, out_features=WIDTH)


def test_a_form_that_the_prices_contradict_is_left_out():
    with pytest.raises(KeyError):
        exported(plan_of(Bent(), Sizes())).stages[0].find("flops", "eager")
    left = exported(plan_of(Bent(), Sizes())).stages[0].left_out
    assert "its closed form is" in next(e for e in left if e.quantity == "flops").reason


class Framed(SizedToy):
    """A workload that is more than its sizes, which its law forgets."""

    def ops(self, stage, workload):
        more = 0 if isinstance(workload, Opened) else 5
        rows = workload.B * workload.S
        yield Linear(component="layer", rows=rows, in_features=WIDTH, out_features=WIDTH)
        yield Linear(component="frame", rows=more, in_features=WIDTH, out_features=WIDTH)

    def stage_workload(self, stage, workload, sizes):
        return Opened(**sizes)


class Opened(Sizes):
    """Sizes alone."""


def test_a_form_that_is_not_what_a_run_gives_is_left_out():
    (stage,) = exported(plan_of(Framed(), Sizes())).stages
    reason = next(each.reason for each in stage.left_out if each.quantity == "flops")
    want = SQUARE * 60
    assert reason == (
        f"its closed form is {want} at B=3, S=20, where the price is {want + SQUARE * 5}"
    )
    assert stage.find("flops", "eager", "layer").text == f"{SQUARE}*B*S"


def hf(kind, **options):
    model = HfModel(tiny(kind))
    workload = model.workload(model.inputs_type(context_tokens=23, decode_steps=9))
    return model, workload, HfVendor.from_options(model.architecture, HfVendor.options_type())


@pytest.mark.slow
def test_a_model_of_transformers_is_proved_and_its_experts_bytes_are_left_out():
    model, workload, vendor = hf("mixtral")
    laws = laws_of(model, vendor, workload, stages=("prefill",))
    (stage,) = laws.stages
    assert stage.verdict == "proved"
    assert {each.quantity for each in stage.left_out} == {"bytes_moved"}
    assert all("expected value" in each.reason for each in stage.left_out)
    unseen = {each["kind"] for each in laws.audit["stages"]["prefill"]["unseen"]}
    assert "softmax" in unseen
    assert set(files("certificate", [laws])) == {
        "hf.certificate.json",
        "hf.certificate.md",
    }


@pytest.mark.slow
def test_a_training_step_is_exported_with_what_it_keeps():
    model, workload, vendor = hf("llama")
    trained = TrainedModel(model, TrainOptions())
    stages = ("train_forward", "train_backward", "train")
    vendor = TrainedVendor(vendor, ("prefill",), TrainOptions())
    laws = laws_of(trained, vendor, workload, ["S"], stages=stages)
    module = module_of(laws)
    assert laws.stage("train").verdict == "proved"
    assert module.flops_train(50) == module.flops_train_forward(50) + module.flops_train_backward(
        50
    )
    weights = module.parameter_bytes_train(50)
    assert module.gradient_bytes_train(50) == weights == module.parameter_bytes_train(2)
    assert module.saved_bytes_train(100) > module.saved_bytes_train(50) > 0


def test_closed_forms_alone_have_what_a_proof_counts():
    model, workload, _ = hf("qwen3_next")
    plan = plan_of(model, workload, stages=("prefill",))
    counted = attrs.evolve(plan, counters=(TorchCounter(),))
    without = attrs.evolve(plan, config={**plan.config, "run": {"own_formulas": False}})
    alone, proof, torch = (exported(each).stages[0] for each in (plan, counted, without))
    assert [law.tree for law in alone.laws] == [law.tree for law in proof.laws]
    assert "unseen_flops" not in {law.quantity for law in alone.laws}
    assert "unseen_flops" in {law.quantity for law in torch.laws}  # solves


def test_a_mode_that_runs_eagerly_at_some_sizes_only_is_left_out():
    model, workload, _ = hf("llama4_text")
    (stage,) = exported(plan_of(model, workload, stages=("prefill",))).stages
    assert {law.attention for law in stage.laws} == {"eager"}
    reasons = {each.reason for each in stage.left_out if each.quantity == "flops"}
    (reason,) = reasons
    assert reason.startswith("flash runs decoder/")
    assert reason.endswith("eagerly at some sizes, and not at others")


def test_it_is_left_out_also_where_a_proof_excludes_the_sizes_that_tell_it():
    model, workload, _ = hf("llama4_text")
    plan = plan_of(model, workload, stages=("prefill",))
    forms = StageForms(
        prices=Prices.of(plan),
        stage=plan.stages[0],
        symbols=exported(plan).symbols,
        open={name: symbol(name, 1) for name in "BS"},
        conditions=(Assumption("S = 23", ["==", "S", "23"]),),
    )
    forms.find()
    assert {mode for _, mode, _ in forms.trees} == {"eager"}


@pytest.mark.parametrize("function", [maximum, minimum])
def test_bends_of_closed_forms_are_kept(function):
    class Window(SizedToy):
        def ops(self, stage, workload):
            rows = workload.B * function(workload.S, 5)
            yield Linear(component="layer", rows=rows, in_features=WIDTH, out_features=WIDTH)

    module = module_of(exported(plan_of(Window(), Sizes())))
    for tokens in (1, 2, 4, 5, 6, 90):
        assert module.flops_prefill(2, tokens) == 2 * SQUARE * function(tokens, 5)


def test_unknown_sizes_and_models_without_closed_forms_are_refused():
    with pytest.raises(UsageError, match="unknown symbol"):
        laws_of(SizedToy(), TorchVendor(linear), Sizes(), ["Q"])
