"""Each reporter shows one report, of all that can come of a run, as its golden file has it.

``UPDATE_GOLDEN=1 pytest tests/builtin/reporters`` writes the files anew; their diff is what people
will see change.
"""

import json
import os
from pathlib import Path

import attrs
import pytest

from flopbench import Stage
from flopbench.builtin.reporters import flopbench_reporters
from flopbench.builtin.reporters.html import page
from flopbench.pages.data import page_data
from flopbench.report import ExecutedComponent, ExecutedKernel, UncountedOp
from flopbench.testing.samples import sample_reports

GOLDEN = Path(__file__).with_name("golden")
REPORTERS = {reporter.name: reporter for reporter in flopbench_reporters()}

UNSEEN = {"silu": 4 * 10**9, "softmax": 3 * 10**6, "add": 2, "rope": 1}
KERNEL = ExecutedKernel("nvjet_sm90_tst_128x72", "128x72x64, cluster 2x1", 150)
EXECUTED = (
    ("layer", 100, 150, 1.5, (KERNEL,)),
    ("router", 20, 0, 0.0, ()),
    ("unmapped/surprise", None, 7, None, (ExecutedKernel("mystery", None, 7),)),
)
"""Component, useful and executed FLOPs, their ratio, and the kernels."""


def everything():
    """Return a report with a stage of each sample, and of what no sample has."""
    samples = sample_reports()
    good, fallback = samples["good"], samples["fallback_and_padding"].provenance
    stages = [Stage(name, name.replace("_", " ").capitalize()) for name in samples]
    series = [attrs.evolve(s, stage=n) for n, sample in samples.items() for s in sample.series]
    compared = [
        attrs.evolve(c, stage=n) for n, sample in samples.items() for c in sample.comparisons
    ]
    compared[0] = attrs.evolve(compared[0], unseen=UNSEEN)

    ncu = {"counter": "ncu", "label": "vendor (eager, ncu)", "unit": "executed FLOP"}
    series = [attrs.evolve(s, **ncu) if _by_ncu(s) else s for s in series]
    compared = [attrs.evolve(c, counter="ncu") if _by_ncu(c) else c for c in compared]

    stages.append(Stage("vendor_alone", "Vendor alone"))
    failed, counted = samples["incomplete"].series[0], good.series[0]
    mv = UncountedOp("layer", "aten.mv", 3)
    series.append(attrs.evolve(failed, stage="vendor_alone"))
    series.append(attrs.evolve(counted, stage="vendor_alone", uncounted=(mv,)))
    by_own = samples["own_formula"].series[0]
    series.append(attrs.evolve(by_own, stage="vendor_alone"))

    names = ("component", "useful_flops", "executed_flops", "ratio", "kernels")
    executed = (dict(zip(names, values, strict=True)) for values in EXECUTED)
    return attrs.evolve(
        good,
        stages=tuple(stages),
        series=tuple(series),
        comparisons=tuple(compared),
        executed=tuple(
            ExecutedComponent(stage="other_unit", counter="ncu", **part) for part in executed
        ),
        provenance=attrs.evolve(
            good.provenance, fallbacks=fallback.fallbacks, plugins=fallback.plugins
        ),
        required=samples["bounds"].required,
        deployment=samples["bounds"].deployment,
        own_formulas=samples["own_formula"].own_formulas,
        notes=("toy2 runs as toy: same layers", "prefill: the vendor works twice: 100 of 200"),
    )


def _by_ncu(found):
    """Whether a series or a comparison is of the sample that is counted in another unit."""
    return found.stage == "other_unit" and found.counter is not None


def golden_name(reporter):
    name = reporter.filename or f"{reporter.name}.txt"
    return f"{name}.json" if reporter.name == "html" else name


def page_shown():
    """Return what a page shows, without the libraries that draw it and the report itself."""
    data = page_data(page(everything()))
    blocks = [block for section in data.pop("sections") for block in section["blocks"]]
    del data["json"]
    return "".join(json.dumps(shown, ensure_ascii=False) + "\n" for shown in (data, *blocks))


@pytest.mark.parametrize("name", REPORTERS)
def test_a_reporter_shows_what_its_golden_file_holds(name):
    reporter = REPORTERS[name]
    path = GOLDEN / golden_name(reporter)
    shown = page_shown() if name == "html" else reporter().render(everything()) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")


def test_there_is_a_golden_file_for_each_reporter_and_no_other():
    names = {golden_name(reporter) for reporter in REPORTERS.values()}
    assert {path.name for path in GOLDEN.iterdir()} == names
