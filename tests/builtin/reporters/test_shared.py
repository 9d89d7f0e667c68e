"""The sentences of reports: the verdict, and what a counter does not see."""

import attrs
import pytest

from flopbench.builtin.reporters.console import Console
from flopbench.builtin.reporters.markdown import Markdown
from flopbench.builtin.reporters.shared import settings
from flopbench.report import ComponentDifference, UncountedOp
from flopbench.testing.samples import sample_reports

VERDICTS = {
    "good": "verified, vendor = analytic to the last FLOP in 1 stage",
    "costs_and_targets": "nothing was checked against a vendor",
    "bounds": "nothing was checked against a vendor",
    "failed": "not verified: prefill (torch: differs)",
    "incomplete": "not verified: prefill (torch: not counted)",
    "uncounted": "not verified: prefill (torch: incomplete)",
    "analytic_only": "nothing was checked against a vendor",
    "fallback_and_padding": "nothing was checked: flash not compared with vendor (torch), because "
    "the vendor does not run flash attention",
    "large": "verified, vendor = analytic to the last FLOP in 1 stage",
    "own_formula": "verified, with 1 own formula (aten.linalg_solve_triangular: "
    "docs/conventions.md#own-formulas), vendor = analytic to the last FLOP in 1 stage",
    "training": "verified, vendor = analytic to the last FLOP in 1 stage",
    "other_unit": "nothing was checked: eager not compared with vendor (torch), because the "
    "counter's unit is executed FLOP, not FLOP or MAC",
}


def verdict(report):
    """Return what the console's last line says."""
    last = Console().render(report).rpartition("\nverdict: ")[2].splitlines()
    assert all(line.startswith("  ") for line in last[1:])
    return " ".join(line.strip() for line in last)


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


def differing(names):
    """Return a report whose components differ, all but the last alike."""
    report = sample_reports()["failed"]
    (comparison,) = report.comparisons
    parts = [ComponentDifference(name, 90, 100, 10) for name in names[:-1]]
    parts += [ComponentDifference(names[-1], 70, 60, -10), ComponentDifference("same", 5, 5, 0)]
    reason = f"components differ: {', '.join(names)}"
    wrong = attrs.evolve(comparison, components=tuple(parts), reason=reason)
    return attrs.evolve(report, comparisons=(wrong,))


LAYERS = [f"unmapped/model.transformer.layers.{n}.self_attention.core" for n in range(26)]


def test_components_that_differ_are_named_once_and_those_alike_together():
    text = Console().render(differing([*LAYERS, "head"]))
    assert "    differs: eager, torch: components differ (27 of 28)\n" in text
    assert text.count(LAYERS[0]) == text.count(LAYERS[-1]) == 1
    assert not any(name in text for name in LAYERS[1:-1])
    flat = " ".join(text.split())
    assert (
        f"{LAYERS[0]} to {LAYERS[-1]} (26 alike): vendor 90, analytic 100, difference +10, each"
        in flat
    )
    assert "head: vendor 70, analytic 60, difference -10" in flat
    # Markdown has them in a table, each.
    page = Markdown().render(differing([*LAYERS, "head"]))
    assert all(page.count(name) == 1 for name in LAYERS)


def test_ops_without_a_formula_are_told_once_for_those_alike():
    report = sample_reports()["uncounted"]
    alike = (UncountedOp(name, "aten.mv", 3) for name in LAYERS)
    ops = (*alike, UncountedOp("head", "aten.mv", 1))
    (comparison,) = report.comparisons
    report = attrs.evolve(report, comparisons=(attrs.evolve(comparison, uncounted=ops),))
    flat = " ".join(Console().render(report).split())
    assert f"uncounted: aten.mv in {LAYERS[0]} to {LAYERS[-1]} (26 alike), 3 calls each" in flat
    assert "uncounted: aten.mv in head, 1 call " in flat


@pytest.mark.parametrize("name", sample_reports())
def test_no_line_of_the_console_is_wider_than_a_terminal(name):
    long = "the closed forms of 'x' do not cover " + "a field of many numbers, " * 30
    report = attrs.evolve(sample_reports()[name], no_closed_forms=long)
    comparisons = tuple(attrs.evolve(c, reason=long) for c in report.comparisons)
    series = tuple(attrs.evolve(s, error=s.error and long) for s in report.series)
    for each in (
        attrs.evolve(report, comparisons=comparisons, series=series),
        attrs.evolve(report, comparisons=(), series=series),
    ):
        assert max(map(len, Console().render(each).splitlines())) <= 100


def test_notes_stand_before_the_verdict_and_in_markdown():
    report = attrs.evolve(sample_reports()["good"], notes=("one thing", "another | thing"))
    lines = Console().render(report).splitlines()
    first = lines.index("note: one thing")
    assert lines[first + 1] == "note: another | thing"
    assert first < next(n for n, line in enumerate(lines) if line.startswith("verdict: "))
    assert "\n- Note: one thing.\n- Note: another | thing.\n" in Markdown().render(report)
    plain = attrs.evolve(report, notes=())
    assert "note:" not in Console().render(plain) + Markdown().render(plain).lower()


def test_rates_that_replace_a_gpus_own_are_among_the_settings():
    report = sample_reports()["bounds"]
    config = {
        **report.provenance.config,
        "hardware": {"gpu": "toy_gpu", "gpus": 1, "memory_gb": None, "compute_dtype": "tf32"},
    }
    changed = attrs.evolve(report, provenance=attrs.evolve(report.provenance, config=config))
    assert [*settings(changed)] == [*settings(report), "hardware.compute_dtype=tf32"]
