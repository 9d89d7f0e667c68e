"""The waterfall: from a formula to our number, a bar per term, and no label over another."""

import pytest

import flopbench
from flopbench.commands.referee.plots import _bars, _figure, drawn, waterfall
from flopbench.errors import UsageError
from flopbench.plotting import SETTINGS, drawing

NAMES = ("6nd", "cookbook", "chinchilla", "torchtitan", "verl")


def findings(model="hf/gpt2", **options):
    return flopbench.referee(model, **options)


@pytest.mark.parametrize("against", ["counted", "useful"])
def test_bars_lead_from_the_formula_to_our_number(against):
    found = findings(against=against)
    (phase,) = found.phases
    for each in phase.judgements:
        first, *terms, last = _bars(found, phase, each)
        assert first[:2] == (each.formula.name, 0.0)
        assert first[2] == pytest.approx(float(phase.per_token(each.flops)) / 1e9)
        at = first[2]
        for _, start, end, _ in terms:
            assert start == pytest.approx(at)
            at = end
        ours = float(phase.per_token(phase.reference(against).flops)) / 1e9
        assert last[:3] == (against, 0.0, pytest.approx(ours))
        assert at == pytest.approx(ours)


def test_the_formula_that_differs_most_is_drawn_unless_one_is_named():
    found = findings("deepseek_ocr")
    assert drawn(found)[1].formula.name == "palm"
    assert drawn(found, "megatron_lm")[1].formula.name == "megatron_lm"
    told = "chinchilla: the formula has no number of deepseek_ocr to draw: it does not apply: "
    with pytest.raises(UsageError, match=told):
        waterfall(found, "chinchilla")


def test_the_first_phase_that_a_formula_is_of_is_drawn():
    found = findings(phases="train,prefill", formulas="palm,vllm,6nd")
    assert drawn(found, "vllm")[0].phase == "prefill"
    assert drawn(found)[0].phase == "train"


@pytest.mark.parametrize("name", NAMES)
def test_no_text_is_over_another_or_cut_off(name):
    found = findings()
    (phase,) = found.phases
    with drawing(SETTINGS):
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        figure = _figure(found, phase, drawn(found, name)[1])
        FigureCanvasAgg(figure).draw()
        (axes,) = figure.axes
        most, labels = axes.get_xlim()[1], axes.get_xticklabels()
        ticks = [label for label in labels if label.get_position()[0] <= most]
        texts = [*axes.texts, *axes.get_yticklabels(), *ticks]
        texts += [axes.xaxis.label, *(t for t in (axes.title, axes._right_title) if t.get_text())]
        boxes = [text.get_window_extent() for text in texts if text.get_text()]
    page = figure.bbox
    assert all(box.x0 >= 0 and box.x1 <= page.x1 and box.y0 >= 0 for box in boxes)
    assert not [
        (one, other)
        for index, one in enumerate(boxes)
        for other in boxes[index + 1 :]
        if one.overlaps(other)
    ]


def test_the_same_findings_give_the_same_files():
    found = findings()
    assert waterfall(found) == waterfall(found)
