"""Notes of a run: sentences that the numbers alone do not say."""

import json

import pytest

from support.cli import ANALYTIC

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
    assert found["notes"] == [f"the LM head on all but the last position is {share}; {LAST}"]


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
