"""The sentences of reports: the verdict, and what a counter does not see."""

import attrs
import pytest

from flopbench.builtin.reporters.console import Console
from flopbench.builtin.reporters.markdown import Markdown
from flopbench.report import UncountedOp
from flopbench.testing.samples import sample_reports

VERDICTS = {
    "good": "verified, vendor = analytic to the last FLOP in 1 stage",
    "failed": "not verified: prefill (torch: differs)",
    "incomplete": "not verified: prefill (torch: not counted)",
    "uncounted": "not verified: prefill (torch: incomplete)",
    "analytic_only": "nothing was checked against a vendor",
    "fallback_and_padding": "nothing was checked: flash not compared with vendor (torch), because "
    "the vendor does not run flash attention",
    "large": "verified, vendor = analytic to the last FLOP in 1 stage",
    "other_unit": "nothing was checked: eager not compared with vendor (torch), because the "
    "counter's unit is executed FLOP, not FLOP or MAC",
}


def verdict(report):
    """Return what the console's last line says."""
    last = Console().render(report).splitlines()[-1]
    assert last.startswith("verdict: ")
    return last.removeprefix("verdict: ")


@pytest.mark.parametrize("name", sample_reports())
def test_the_verdict_is_the_last_line_of_the_console_and_a_sentence_in_markdown(name):
    report = sample_reports()[name]
    assert verdict(report) == VERDICTS[name]
    assert f"\nVerdict: {VERDICTS[name]}.\n" in Markdown().render(report)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("analytic_only", "nothing was checked: nobody knows them"),
        ("failed", "not verified: prefill (torch: differs); nobody knows them"),
    ],
)
def test_the_verdict_says_why_there_are_no_closed_forms(name, sentence):
    report = attrs.evolve(sample_reports()[name], no_closed_forms="nobody knows them")
    assert verdict(report) == sentence
    assert f"\nVerdict: {sentence}.\n" in Markdown().render(report)


def test_the_verdict_names_ops_without_a_formula_before_what_follows_from_them():
    report = sample_reports()["uncounted"]
    vendor, analytic = report.series
    vendor = attrs.evolve(vendor, uncounted=(UncountedOp("layer", "aten.mv", 3),))
    report = attrs.evolve(report, series=(vendor, analytic))
    assert verdict(report) == "not verified: prefill (torch: uncounted ops)"


def with_counter(report, counter, **changes):
    """Let another counter find what the first one found, but for changes."""
    series = [attrs.evolve(s, counter=counter) for s in report.series if s.counter]
    comparisons = [attrs.evolve(c, counter=counter, **changes) for c in report.comparisons]
    return attrs.evolve(
        report,
        series=(*series, *report.series),
        comparisons=(*comparisons, *report.comparisons),
    )


def unseen(report):
    return [line.strip() for line in Console().render(report).splitlines() if "unseen" in line]


def test_the_verdict_names_stages_and_counters_once_and_only_counted_ones_have_blind_spots():
    failed = with_counter(sample_reports()["incomplete"], "thop")
    assert verdict(failed) == "not verified: prefill (thop, torch: not counted)"
    assert unseen(failed) == []
    good = sample_reports()["good"]
    assert unseen(good) == ["unseen by the counter: 7.000e-12 (softmax 7.000e-12)"]
    both = with_counter(good, "ptflops", unseen={})
    assert unseen(both) == ["unseen by torch: 7.000e-12 (softmax 7.000e-12)"]
