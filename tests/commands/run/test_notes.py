"""Notes of a run: of its model, its workload and its vendor; what a plugin may get wrong."""

import json
from types import SimpleNamespace

import pytest

from flopbench.builtin.reporters.console import Console
from flopbench.builtin.reporters.markdown import Markdown
from flopbench.commands.prove.runner import prove
from flopbench.commands.run.runner import run
from flopbench.errors import PluginError
from flopbench.text import si
from support.cli import ANALYTIC
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
    assert report.to_dict()["notes"] == [*report.notes]
    assert f"\nnote: {MODEL}\n" in Console().render(report)
    assert f"\n- Note: {MODEL}.\n" in Markdown().render(report)


def test_a_proof_says_what_the_model_stands_for():
    assert MODEL in prove(noted(), CATALOG).assumptions


def test_notes_that_are_no_texts_are_named():
    wrong = plan_of(toy(lambda _self: [5]), TorchVendor(linear), Sizes())
    with pytest.raises(PluginError, match="notes must return texts, each a str, got 5"):
        run(wrong, CATALOG)
    mute = type("Mute", (TorchVendor,), {"notes": lambda *_: None})
    with pytest.raises(PluginError, match="notes must return a tuple or a list, got None"):
        run(noted(mute), CATALOG)


LAST = "generation needs the last position only (workload.lm_head=last)"


def report(flopbench, *args):
    done = flopbench("run", *args, "--analytic-only", "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(("tokens", "batch"), [(64, 1), (1000, 2)])
def test_the_head_on_every_position_is_told_with_its_share(flopbench, tokens, batch):
    sizes = (f"workload.context_tokens={tokens}", f"workload.batch_size={batch}")
    found = report(flopbench, "hf/qwen2", "model.overrides.num_hidden_layers=2", *sizes)
    (series,) = (s for s in found["series"] if (s["stage"], s["attention"]) == ("prefill", "eager"))
    values = found["provenance"]["architecture"]["fields"]["values"]
    # A product of hidden_size x vocab_size at each position but the last.
    extra = 2 * batch * (tokens - 1) * values["hidden_size"] * values["vocab_size"]
    share = f"{100 * extra / series['flops']:.2g} % of prefill's eager FLOPs"
    least = report(
        flopbench,
        *("hf/qwen2", "model.overrides.num_hidden_layers=2", *sizes),
        "workload.lm_head=last",
    )
    peaks = [
        {
            s["attention"]: s["costs"]["peak_activation_bytes"]
            for s in each["series"]
            if s["stage"] == "prefill"
        }
        for each in (found, least)
    ]
    more = max(every - last for every, last in zip(*(p.values() for p in peaks), strict=True))
    assert more > 0
    (note,) = found["notes"]
    peak = f"up to {si(more, 'B')} of its peak activations"
    assert note == f"the LM head on all but the last position is {share} and {peak}; {LAST}"


@pytest.mark.parametrize("setting", ["workload.lm_head=last", "workload.context_tokens=1"])
def test_there_is_no_note_where_the_head_runs_on_one_position(flopbench, setting):
    assert report(flopbench, "hf/qwen2", setting)["notes"] == []


def test_it_is_told_of_a_page_and_only_where_the_prefill_is_reported(flopbench):
    lines = " ".join(flopbench(*ANALYTIC, "--stages", "prefill").stdout.split())
    assert "note: the LM head on all but the last position is 27 % of prefill's eager" in lines
    assert LAST in lines
    assert LAST not in " ".join(flopbench(*ANALYTIC, "--stages", "vision,decode").stdout.split())
    (page,) = report(flopbench, "deepseek_ocr", "--attention", "flash")["notes"]
    assert "of prefill's flash FLOPs" in page
