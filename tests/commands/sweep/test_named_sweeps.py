"""Named sweeps that plugins bring: what is wrong with one is said in a sentence."""

from itertools import count
from types import SimpleNamespace

import pytest

from flopbench import Stage, Sweep, SweepPoint, UsageError
from flopbench.commands.sweep import request
from support.cli import one_sentence
from toy import write_toy


def points(text):
    return (
        f'Sweep(name="s", description="d", stages=("prefill",), x="rows", points=lambda _: {text})'
    )


def point(**changes):
    values = {"label": "'one'", "inputs": "{'rows': 1}", **changes}
    return f"SweepPoint({', '.join(f'{name}={text}' for name, text in values.items())})"


ONE = points(f"[{point()}]")


@pytest.fixture
def sweep(tmp_path, flopbench):
    """Run the sweep ``s`` of a toy whose ``sweeps`` are a text."""

    def run(sweeps, *options):
        write_toy(
            tmp_path,
            ("    Stage,\n", "    Stage,\n    Sweep,\n    SweepPoint,\n"),
            ('architecture = "toy"', f'architecture = "toy"\n    sweeps = {sweeps}'),
        )
        command = ("sweep", "toy", "s", "-p", "toy.py", "--analytic-only", "--out", "out")
        return flopbench(*command, "--no-plots", *options)

    return run


def refused(result):
    """Check that nothing ran; return the last line, before which a broken plugin is named."""
    assert (result.returncode, result.stdout) == (2, "")
    lines = result.stderr.strip().splitlines()
    assert all(line.startswith("flopbench: error: plugin") for line in lines[:-1])
    assert lines[-1].startswith("flopbench: error: ")
    return lines[-1]


def test_a_proper_one_runs(sweep):
    result = sweep(f"({ONE},)")
    assert result.returncode == 0
    assert "1 point, 4 files in out: sweep.json, sweep.csv, sweep.md, sweep.html\n" in result.stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ONE.replace('"prefill"', '"prefil"'), "sweep 's': unknown stage 'prefil': did you mean"),
        (ONE.replace('"rows"', '"rowz"'), "for x 'rowz': did you mean 'rows'?"),
        (ONE.replace('("prefill",)', '"prefill"'), "Sweep.stages must be a tuple of one or more "),
        (ONE.replace('("prefill",)', "()"), "Sweep.stages must be a tuple of one or more names"),
        (ONE.replace('x="rows"', "x=None"), "Sweep.x must be a non-empty string, got None"),
        (ONE.replace('"d"', "3"), "Sweep.description must be a non-empty string, got 3"),
        (ONE.replace("lambda _: ", ""), "Sweep.points must be a function of the limits, got ["),
        (points("[]"), "sweep 's' has no points within these limits"),
        (points("None"), "sweep 's' of model 'toy' failed: TypeError"),
        (points("1 / 0"), "sweep 's' of model 'toy' failed: ZeroDivisionError"),
        (points("[1]"), "sweep 's' must yield SweepPoint, got int"),
        (points(f"[{point()}] * 2"), "sweep 's' gives two points the label 'one'"),
        (points(f"[{point(label=1)}]"), "SweepPoint.label must be a non-empty string, got 1"),
        (
            points(f"[{point(label=repr(''))}]"),
            "SweepPoint.label must be a non-empty string, got ''",
        ),
        (
            points(f"[{point(inputs=None)}]"),
            "SweepPoint.inputs must be a mapping with string keys, got N",
        ),
        (
            points(f"[{point(inputs='{3: 1}')}]"),
            "SweepPoint.inputs must be a mapping with string keys",
        ),
        (points(f"[{point(inputs={'rowz': 1})}]"), "'s', point one: workload: unknown key 'rowz'"),
        (points(f"[{point(inputs={'rows': 'x'})}]"), "'s', point one: workload.rows must be an "),
        (
            points(f"[{point(facts=[1])}]"),
            "SweepPoint.facts must be a mapping with string keys, got [",
        ),
        (
            points(f"[{point(facts='{1: 1}')}]"),
            "SweepPoint.facts must be a mapping with string keys",
        ),
        (points(f"[{point(facts={'z': {1}})}]"), "must have values that JSON can hold, got z={1}"),
        (
            points(f"[{point(facts={'label': 'x'})}]"),
            "a fact of a workload cannot be called 'label",
        ),
    ],
)
def test_a_sweep_that_cannot_be_is_one_sentence(sweep, tmp_path, text, message):
    assert message in refused(sweep(f"({text},)"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("sweeps", ["None", "5", "'s'", "('s',)", f"({ONE}, {ONE})"])
def test_sweeps_that_are_none_leave_out_the_model(sweep, flopbench, sweeps):
    assert "AnalyticModel Toy has no valid sweeps" in refused(sweep(sweeps))
    listed = flopbench("list", "-p", "toy.py")
    assert (listed.returncode, "deepseek_ocr" in listed.stdout) == (2, True)


def test_limits_that_a_sweep_does_not_take_are_refused(sweep):
    assert one_sentence(sweep(f"({ONE},)", "--grid", "9x9")) == "sweep 's' takes no --grid"
    sentence = one_sentence(sweep(f"({ONE},)", "--max-image-tokens", "900"))
    assert sentence == "sweep 's' takes no --max-image-tokens"
    takes = ONE.replace(
        "points=lambda _: ", "takes={'grids'}, points=lambda limits: limits.grids and "
    )
    assert sweep(f"({takes},)", "--grid", "9x9").returncode == 0


@pytest.mark.parametrize("value", [".nan", ".inf", "[.nan]"])
def test_a_varied_value_that_json_has_not_is_one_sentence(flopbench, value):
    text = f"workload.prompt_tokens={value}"
    sentence = one_sentence(flopbench("sweep", "deepseek_ocr", "--vary", text))
    assert "is not a number, text, boolean, list or mapping" in sentence


def test_a_sweep_without_an_end_is_one_sentence(monkeypatch):
    endless = (SweepPoint(label=str(n), inputs={}) for n in count())
    sweep = Sweep(name="s", description="d", stages=("s",), x="x", points=lambda _: endless)
    model = SimpleNamespace(name="toy", stages=(Stage("s", "S"),), sweeps=(sweep,))
    monkeypatch.setattr(request, "MOST_LISTED", 1000)
    with pytest.raises(UsageError, match="sweep 's' has more than 1,000 points within these"):
        request.sweep_of(SimpleNamespace(model=model), request.SweepRequest(model="toy", name="s"))
