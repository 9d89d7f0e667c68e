"""Notes of a model and its vendor in a run's report, and what a plugin may get wrong in them."""

from types import SimpleNamespace

import pytest

from flopbench.builtin.reporters.console import Console
from flopbench.builtin.reporters.markdown import Markdown
from flopbench.commands.prove.runner import prove
from flopbench.commands.run.runner import run
from flopbench.errors import PluginError
from support.proofs import plan_of
from toy.sized import SizedToy, Sizes, TorchVendor

CATALOG = SimpleNamespace(sources=(), failures=(), versions={})
MODEL = "the toy stands for its bigger sister"


def linear(x, layer):
    return layer(x)


def toy(notes):
    return type("NotingToy", (SizedToy,), {"notes": notes})()


class Noting(TorchVendor):
    """Tells what it was told: the stage, the workload and the FLOPs of each component."""

    def notes(self, stage, workload, flops):
        return (f"{stage} of {workload.S}: {flops}",)


def noted(vendor=Noting):
    return plan_of(toy(lambda _self: (MODEL, MODEL)), vendor(linear), Sizes())


def test_a_report_has_each_note_once_the_models_first():
    plan = noted()
    report = run(plan, CATALOG)
    (series,) = [s for s in report.series if s.kind == "vendor"]
    counted = {entry.component: entry.flops for entry in series.breakdown}
    assert report.notes == (MODEL, f"prefill of {plan.workload.S}: {counted}")
    assert report.to_dict()["notes"] == report.notes
    assert f"\nnote: {MODEL}\n" in Console().render(report)
    assert f"\nNote: {MODEL}.\n" in Markdown().render(report)


def test_a_proof_says_what_the_model_stands_for():
    assert MODEL in prove(noted(), CATALOG).assumptions


def test_notes_that_are_no_texts_are_named():
    wrong = plan_of(toy(lambda _self: [5]), TorchVendor(linear), Sizes())
    with pytest.raises(PluginError, match="notes must return texts, each a str, got 5"):
        run(wrong, CATALOG)
    mute = type("Mute", (TorchVendor,), {"notes": lambda *_: None})
    with pytest.raises(PluginError, match="notes must return a tuple or a list, got None"):
        run(noted(mute), CATALOG)
