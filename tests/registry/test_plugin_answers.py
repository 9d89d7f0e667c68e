"""What a plugin returns in place of what it should is told as itself, in one sentence."""

from types import SimpleNamespace

import attrs
import numpy as np
import pytest

from flopbench import Linear, VendorStage
from flopbench.analytic import Size, Stage
from flopbench.analytic.checked import checked_mode, checked_model
from flopbench.analytic.price import Pricer
from flopbench.analytic.price_many import Evaluator
from flopbench.builtin.eager import Eager
from flopbench.builtin.reporters.console import Console
from flopbench.builtin.reporters.markdown import Markdown
from flopbench.builtin.torch_counter import TorchCounter
from flopbench.commands.explain.text import console
from flopbench.commands.explain.tree import explain
from flopbench.commands.prove.runner import prove
from flopbench.commands.run.runner import run
from flopbench.conventions import Conventions
from flopbench.errors import FlopbenchError, PluginError
from flopbench.registry.catalog import build_catalog
from flopbench.registry.loading import Contribution, Plugins, Source
from flopbench.vendor.checked import checked_counter
from support.proofs import plan_of
from toy.sized import SizedToy, Sizes, TorchVendor

CATALOG = SimpleNamespace(sources=(), failures=(), versions={})


def linear(x, layer):
    return layer(x)


def toy(**members):
    """Make a toy model with other members."""
    return type("Odd", (SizedToy,), members)()


def vendor(**members):
    """Make a toy vendor model with other members."""
    return type("OddVendor", (TorchVendor,), members)(linear)


def counter(**members):
    """Make a torch counter with other members."""
    return type("OddCounter", (TorchCounter,), {"name": "odd", **members})()


def answering(value):
    return lambda *_arguments: value


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"workload_facts": answering(None)}, "workload_facts must return a Mapping, got None"),
        (
            {"workload_facts": answering({"o": 3j})},
            "workload_facts returned 3j for 'o', which JSON cannot hold",
        ),
        (
            {"workload_facts": answering({"o": float("nan")})},
            "workload_facts returned nan for 'o', which JSON cannot hold",
        ),
        ({"assumptions": answering(None)}, "assumptions must return a tuple or a list, got None"),
        ({"notes_of": answering(None)}, "notes_of must return a tuple or a list, got None"),
        ({"ops": answering(None)}, "ops must return an iterable of operations, got None"),
        ({"ops": answering([7])}, "ops must yield only Op instances, got 7"),
        (
            {"ops": lambda *_: [Linear(component="", rows=1, in_features=1, out_features=1)]},
            "component must be a path, such as decoder/mlp, got ''",
        ),
        (
            {"ops": lambda *_: [Linear(component=5, rows=1, in_features=1, out_features=1)]},
            "component must be a path, such as decoder/mlp, got 5",
        ),
    ],
)
def test_a_model_that_answers_wrongly_is_named(members, sentence):
    with pytest.raises(PluginError) as error:
        run(plan_of(toy(**members), TorchVendor(linear), Sizes()), CATALOG)
    assert "'toy'" in str(error.value)
    assert sentence in str(error.value)


STAGE = {
    "a stage": ({"stage": answering(None)}, "stage must return a VendorStage, got None"),
    "a call": (
        {"stage": answering(VendorStage(answering(7)))},
        "prepare of stage 'prefill' must return a VendorCall, got 7",
    ),
    "steps": (
        {"stage": answering(VendorStage(answering(7), steps=None))},
        (
            "the steps of stage 'prefill': a dimension must be an int, an integer array or a "
            "SymPy expression, got None"
        ),
    ),
    "times": (
        {"stage": answering(VendorStage(answering(7), times=(1, 2)))},
        "the times of stage 'prefill' must be 1 positive ints, one for each step, got (1, 2)",
    ),
    "assumptions": (
        {"stage": answering(VendorStage(answering(7), assumptions="none"))},
        "the assumptions of stage 'prefill' must be a tuple, got 'none'",
    ),
    "a component": (
        {"component": answering(None)},
        "component('') must return a str, got None",
    ),
    "a component of an op": (
        {"component_of": answering(None)},
        "component_of('', 'aten.mm') must return a str, got None",
    ),
}


@pytest.mark.parametrize("what", STAGE)
def test_a_vendor_that_answers_wrongly_leaves_its_stage_incomplete(what):
    members, sentence = STAGE[what]
    plan = plan_of(toy(), vendor(**members), Sizes())
    (comparison,) = run(plan, CATALOG).comparisons
    assert (comparison.verdict, comparison.vendor_flops) == ("incomplete", None)
    assert comparison.reason == f"vendor model 'toy': {sentence}"
    (whole, *_) = prove(plan, CATALOG).equations
    assert (whole.verdict, whole.reason) == ("incomplete", f"vendor model 'toy': {sentence}")


def test_a_vendor_that_tells_no_versions_is_named():
    for told, sentence in ((5, "must return a Mapping"), ({"torch": linear}, "returned <function")):
        plan = plan_of(toy(), vendor(provenance=answering(told)), Sizes())
        for use in (run, prove):
            with pytest.raises(PluginError, match=f"vendor model 'toy': provenance {sentence}"):
                use(plan, CATALOG)


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"count": answering(None)}, "counter 'odd' must return a Count, got None"),
        (
            {"count": answering(SimpleNamespace(counted=5, uncounted=()))},
            "must return a Count, got namespace(counted=5, uncounted=())",
        ),
        ({"trace": answering(None)}, "counter 'odd' must return a Trace, got None"),
    ],
)
def test_a_counter_that_answers_wrongly_is_named(members, sentence):
    plan = plan_of(toy(), TorchVendor(linear), Sizes(), counter=counter(**members))
    (whole, *_) = prove(plan, CATALOG).equations
    assert whole.verdict == "incomplete"
    assert sentence in whole.reason


@pytest.mark.parametrize("entries", [5, (5,), None])
@pytest.mark.parametrize("name", ["counted", "uncounted"])
def test_the_entries_of_a_count_are_checked(name, entries):
    from flopbench.vendor import Count
    from flopbench.vendor.checked import checked_count

    with pytest.raises(FlopbenchError, match=f"{name} must be a tuple of"):
        checked_count(Count(**{"counted": (), name: entries}), "odd")


def test_a_size_that_is_not_declared_is_named():
    model = toy(stage_sizes=answering({"B": 3, "Q": 1}))
    plan = plan_of(model, TorchVendor(linear), Sizes())
    for use in (lambda: prove(plan, CATALOG), lambda: explain(plan)):
        with pytest.raises(PluginError) as error:
            use()
        assert str(error.value) == (
            "model 'toy': stage_sizes names 'Q' in stage 'prefill', but sizes declares B, S"
        )


def test_a_size_that_is_no_int_is_named():
    plan = plan_of(toy(stage_sizes=answering({"B": 3, "S": 2.7})), TorchVendor(linear), Sizes())
    with pytest.raises(
        PluginError, match=r"stage_sizes: 'S' in stage 'prefill' must be an int, got 2.7"
    ):
        prove(plan, CATALOG)


def test_two_sizes_of_one_name_are_refused():
    twice = type("Twice", (SizedToy,), {"sizes": (Size("S", "tokens"), Size("S", "again"))})
    source = Source("twice", "-p")
    found = Contribution(source, "flopbench_analytic_models", [twice])
    (failure,) = build_catalog(Plugins((source,), (found,), ())).failures
    assert failure.error == "AnalyticModel Twice has no valid sizes"


class Branches(SizedToy):
    def ops(self, stage, workload):
        if workload.S > 3:
            yield Linear(component="layer", rows=workload.B * workload.S, in_features=4,
                         out_features=4)  # fmt: skip


def test_an_if_on_a_size_is_told_with_the_rule():
    plan = plan_of(Branches(), TorchVendor(linear), Sizes())
    for use in (lambda: prove(plan, CATALOG), lambda: explain(plan)):
        with pytest.raises(PluginError) as error:
            use()
        sentence = str(error.value)
        assert "cannot determine truth value of Relational: S > 3" in sentence
        assert "test_plugin_answers.py, line " in sentence
        assert sentence.endswith(
            "an `if` cannot test a symbolic size; use minimum, maximum or where of flopbench.dims"
        )


def test_a_mode_that_lowers_to_no_operations_is_named():
    from flopbench.analytic.price import lower
    from flopbench.ops import Attention

    shape = {"heads": 1, "kv_heads": 1, "head_dim": 8, "value_dim": 8, "queries": 2, "keys": 2}
    op = Attention(component="a", batch=1, **shape)
    for members, sentence in (
        ({"lower": answering(3)}, "lower must return an iterable of operations, got 3"),
        ({"lower": answering([op])}, "lower must yield only PricedOp instances"),
        ({"unsupported": answering(3)}, "unsupported must return a str or None, got 3"),
    ):
        mode = checked_mode(type("Mode", (Eager,), members)())
        with pytest.raises(TypeError, match=sentence):
            list(lower(op, mode, Eager())[0])


PLUGIN = """
from flopbench import hookimpl
from flopbench.builtin.eager import Eager
from flopbench.builtin.torch_counter import TorchCounter
from flopbench_deepseek_ocr.analytic import DeepseekOcr
from flopbench_deepseek_ocr.vendor import DeepseekOcrVendor

class Nothing(DeepseekOcr):
    name = "nothing"

    @classmethod
    def from_options(cls, options):
        return None

class Leaves(DeepseekOcr):
    name = "leaves"

    def ops(self, stage, workload):
        raise SystemExit(0)

class Narrow(DeepseekOcr):
    name = "narrow"

    @property
    def dtype(self):
        return "int3"

    @dtype.setter
    def dtype(self, value):
        pass

class NothingVendor(DeepseekOcrVendor):
    name = "leaves"

    @classmethod
    def from_options(cls, architecture, options):
        return None

class Unlabelled(Eager):
    name = "unlabelled"

    def series_label(self):
        return None

class Five(TorchCounter):
    name = "five"

    def provenance(self):
        return 5

@hookimpl
def flopbench_analytic_models():
    return [Nothing, Leaves, Narrow]

@hookimpl
def flopbench_vendor_models():
    return [NothingVendor]

@hookimpl
def flopbench_attention_modes():
    return [Unlabelled]

@hookimpl
def flopbench_vendor_counters():
    return [Five]
"""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("nothing", "--analytic-only"),
            "model 'nothing': from_options must return an AnalyticModel, got None",
        ),
        (
            ("leaves", "--analytic-only"),
            "pricing stage 'vision' of model 'leaves' failed: SystemExit: 0 (odd.py, line 19)",
        ),
        (("leaves",), "vendor model 'leaves': from_options must return a VendorModel, got None"),
        (("narrow", "--analytic-only"), "model 'narrow': dtype must be one of float64, float32"),
        (
            ("deepseek_ocr", "--attention", "unlabelled", "--analytic-only"),
            "attention mode 'unlabelled': series_label must return a str, got None",
        ),
        (
            ("deepseek_ocr", "--stages", "decode", "--counters", "five"),
            "counter 'five': provenance must return a Mapping, got 5",
        ),
    ],
)
def test_it_is_one_sentence(arguments, sentence, flopbench, tmp_path):
    (tmp_path / "odd.py").write_text(PLUGIN)
    result = flopbench("run", *arguments, "-p", "odd.py")
    assert result.returncode == 2
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not result.stdout


def test_a_model_without_facts_and_sizes_leaves_no_loose_ends():
    plan = plan_of(toy(stage_sizes=answering({})), TorchVendor(linear), Sizes())
    report = run(plan, CATALOG)
    assert Console().render(report).startswith("toy\n\nPrefill FLOPs")
    assert "\nSettings: none.\n" in Markdown().render(report)
    shown = console(explain(plan))
    assert shown.startswith("toy, eager attention, tensor work in TFLOPs\n")


@pytest.mark.parametrize("error", [RuntimeError, AttributeError, ValueError])
def test_a_property_that_raises_is_named_and_not_taken_for_the_default(error):
    def broken(_self):
        raise error("no such thing")

    with pytest.raises(PluginError, match=f"model 'toy': dtype failed: {error.__name__}: no such"):
        plan_of(toy(dtype=property(broken)), TorchVendor(linear), Sizes())
    with pytest.raises(PluginError, match="attention mode 'odd': matches_vendor failed"):
        checked_mode(type("Odd", (Eager,), {"name": "odd", "matches_vendor": property(broken)})())


def test_an_assumption_that_is_no_text_is_named():
    plan = plan_of(toy(assumptions=answering((5, None))), TorchVendor(linear), Sizes())
    with pytest.raises(PluginError, match="assumptions must return texts, each a str, got 5"):
        run(plan, CATALOG)


@pytest.mark.parametrize("found", [(), (Stage("other", "Other"),)])
def test_stages_that_a_model_does_not_declare_are_named(found):
    model = checked_model(toy(stages_of=answering(found)))
    with pytest.raises(PluginError, match=r"'toy'.*stages_of must return one or more of its stage"):
        model.stages_of(Sizes())


def test_a_tile_that_is_no_text_is_named():
    with pytest.raises(PluginError, match="counter 'odd': tile must return a str or None, got 5"):
        checked_counter(counter(tile=answering(5))).tile("kernel")


def test_an_operation_may_be_one_that_is_equal_to_others():
    @attrs.frozen(kw_only=True)
    class Equal(Linear):
        pass

    def ops(_self, _stage, workload):
        rows = workload.B * workload.S
        return [Equal(component="layer", rows=rows, in_features=8, out_features=8)] * 2

    model = checked_model(toy(ops=ops))
    evaluator = Evaluator(model=model, modes=[Eager()], pricer=Pricer(Eager(), Conventions()))
    found = evaluator.price_arrays(Sizes(B=np.array([1, 2, 3]), S=5))
    assert [*found["eager", "prefill"].costs["flops"]] == [2 * 2 * 64 * 5 * b for b in (1, 2, 3)]
