"""What a plugin returns in place of what it should is told as itself, in one sentence."""

from types import SimpleNamespace

import pytest

from flopbench import Linear, VendorStage
from flopbench.analytic import Size
from flopbench.builtin.eager import Eager
from flopbench.builtin.reporters.console import Console
from flopbench.builtin.reporters.markdown import Markdown
from flopbench.builtin.torch_counter import TorchCounter
from flopbench.commands.explain.text import console
from flopbench.commands.explain.tree import explain
from flopbench.commands.prove.runner import prove
from flopbench.commands.run.runner import run
from flopbench.errors import FlopbenchError, PluginError
from flopbench.registry.catalog import build_catalog
from flopbench.registry.loading import Contribution, Plugins, Source
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
        ({"workload_facts": answering(None)}, "workload_facts returned None, which is no Mapping"),
        (
            {"workload_facts": answering({"o": 3j})},
            "workload_facts tells 'o' as 3j, which is nothing that JSON can hold",
        ),
        (
            {"workload_facts": answering({"o": float("nan")})},
            "workload_facts tells 'o' as nan, which is nothing that JSON can hold",
        ),
        ({"assumptions": answering(None)}, "assumptions returned None, which is no tuple or list"),
        ({"ops": answering(None)}, "ops returned None, which is no iterable of operations"),
        ({"ops": answering([7])}, "ops yields 7, which is no Op"),
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
    "a stage": ({"stage": answering(None)}, "stage returned None, which is no VendorStage"),
    "a call": (
        {"stage": answering(VendorStage(answering(7)))},
        "the prepare of stage 'prefill' returned 7, which is no VendorCall",
    ),
    "steps": (
        {"stage": answering(VendorStage(answering(7), steps=None))},
        (
            "the steps of stage 'prefill': a dimension must be an int, an integer array or a "
            "SymPy expression, got None"
        ),
    ),
    "assumptions": (
        {"stage": answering(VendorStage(answering(7), assumptions="none"))},
        "the assumptions of stage 'prefill' are 'none', which is no tuple",
    ),
    "a component": (
        {"component": answering(None)},
        "component of '' returned None, which is no str",
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
    for told, sentence in ((5, "returned 5"), ({"torch": linear}, "tells 'torch' as <function")):
        plan = plan_of(toy(), vendor(provenance=answering(told)), Sizes())
        for use in (run, prove):
            with pytest.raises(PluginError, match=f"vendor model 'toy': provenance {sentence}"):
                use(plan, CATALOG)


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"count": answering(None)}, "counter 'odd' returned None, which is no Count"),
        (
            {"count": answering(SimpleNamespace(counted=5, uncounted=()))},
            "returned namespace(counted=5, uncounted=()), which is no Count",
        ),
        ({"trace": answering(None)}, "counter 'odd' returned None, which is no Trace"),
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

    with pytest.raises(FlopbenchError, match=f"returned .* for {name}, which is no tuple of"):
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
    with pytest.raises(PluginError, match=r"stage_sizes of 'S' in stage 'prefill' returned 2.7"):
        prove(plan, CATALOG)


def test_two_sizes_of_one_name_are_refused():
    twice = type("Twice", (SizedToy,), {"sizes": (Size("S", "tokens"), Size("S", "again"))})
    source = Source("twice", "-p")
    found = Contribution(source, "flopbench_analytic_models", [twice])
    (failure,) = build_catalog(Plugins((source,), (found,), ())).failures
    assert failure.error == "AnalyticModel Twice has no proper sizes"


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
            "a symbol for a size takes no `if`; flopbench.dims has minimum, maximum and where"
        )


def test_a_mode_that_lowers_to_no_operations_is_named():
    from flopbench.analytic.price import lower
    from flopbench.ops import Attention

    shape = {"heads": 1, "kv_heads": 1, "head_dim": 8, "value_dim": 8, "queries": 2, "keys": 2}
    op = Attention(component="a", batch=1, **shape)
    for members, sentence in (
        ({"lower": answering(3)}, "lower returned 3, which is no iterable of operations"),
        ({"lower": answering([op])}, "which is no PricedOp"),
        ({"unsupported": answering(3)}, "unsupported returned 3, which is no text"),
    ):
        mode = type("Mode", (Eager,), members)()
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
        (("nothing", "--analytic-only"), "model 'nothing': from_options returned None"),
        (
            ("leaves", "--analytic-only"),
            "of model 'leaves' with attention mode 'eager' failed: SystemExit: 0 (odd.py, line 19)",
        ),
        (("leaves",), "vendor model 'leaves': from_options returned None"),
        (("narrow", "--analytic-only"), "model 'narrow': dtype must be one of bfloat16, float16"),
        (
            ("deepseek_ocr", "--attention", "unlabelled", "--analytic-only"),
            "attention mode 'unlabelled': series_label returned None, which is no str",
        ),
        (
            ("deepseek_ocr", "--stages", "decode", "--counters", "five"),
            "counter 'five': provenance returned 5, which is no Mapping",
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
