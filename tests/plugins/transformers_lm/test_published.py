"""Models of published sizes are proved as they are by default, and as if every layer was traced.

The configs in `published.json` hold the fields of each publisher's config.json that the model is
built from. They are proved at full size, whole. A trace of every layer with all sizes open, as
`--every-layer` makes, must give the same law per component: of both stages where a trace takes
seconds, of the stage that takes less (decoding) for the largest, at every size of 2 and more. So
must counts at points which no proof was held against, sizes of 1 among them.
"""

import json
from pathlib import Path

import attrs
import pytest
import sympy

from flopbench.commands.prove.pieces import open_sizes, witness
from flopbench.commands.prove.runner import prove
from flopbench.laws.law import Subject
from flopbench.laws.opened import opened
from flopbench.plan.elsewhere import PlanRequest
from flopbench.registry.catalog import build_catalog
from flopbench.registry.loading import load_plugins
from flopbench.tally import sums
from flopbench.vendor.counting import count_stage

PUBLISHED = json.loads(Path(__file__).with_name("published.json").read_text(encoding="utf-8"))

LARGEST = ("Qwen/Qwen3-30B-A3B", "deepseek-ai/DeepSeek-V3")

POINTS = ({"B": 1, "S": 1, "K": 1}, {"B": 1, "S": 300, "K": 2}, {"B": 5, "S": 4097, "K": 1})

EXAMPLES = {"B": 3, "S": 700, "k": 2}


@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_model_is_proved_and_has_the_law_of_every_layer(name, tmp_path):
    file = tmp_path / "config.json"
    file.write_text(json.dumps(PUBLISHED[name]["config"]), encoding="utf-8")
    catalog = build_catalog(load_plugins(()))
    plan = PlanRequest(model=str(file)).plan(catalog)
    proof = prove(plan, catalog)
    assert proof.verdict == "proved"
    vendor, counter = witness(plan)
    for stage, law in proof.laws.items():
        subject = Subject(
            vendor=vendor,
            counter=counter,
            model=plan.model,
            stage=stage,
            workload=plan.workload,
            open_sizes=open_sizes(plan, None),
        )
        assert any("stands for" in text for text in law.assumptions)
        if stage == "decode" or name not in LARGEST:
            assert_traced(subject, law)
        assert_counted(subject, law)


def assert_traced(subject, law):
    """Assert that a trace of every layer gives a law, component by component."""
    seen = opened(subject)
    examples = {symbol: EXAMPLES[name] for name, symbol in seen.symbols.items()}
    trace = subject.counter.trace(seen.prepare, examples)
    assert not trace.stood_for
    every = seen.over_steps(trace.flops)
    assert every.keys() == law.forms.keys()
    assert {key: sympy.expand(form - every[key]) for key, form in law.forms.items()} == (
        dict.fromkeys(every, 0)
    )


def assert_counted(subject, law):
    """Assert that counts of every layer are those of a law, where it holds."""
    decoding = subject.stage == "decode"
    held = [sizes for sizes in POINTS if law.holds_at(sizes, sizes["K"] if decoding else 1)]
    assert len(held) >= len(POINTS) - 1  # the window of some is full
    for sizes in held:
        workload = attrs.evolve(
            subject.workload,
            batch_size=sizes["B"],
            context_tokens=sizes["S"],
            decode_steps=sizes["K"],
        )
        count = count_stage(subject.counter, subject.vendor.stage(subject.stage, workload)).count
        component = subject.vendor.component_of
        counted = sums(((component(e.module, e.op), e.op), e.flops) for e in count.counted)
        assert {key: int(value) for key, value in law.at(sizes).items() if value} == counted
