"""The guard of a run: what grew since a baseline, by stage, strategy and component."""

import copy
import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flopbench.commands.run.baseline import Baseline
from flopbench.commands.run.growth import compare
from flopbench.commands.run.measured import from_json
from flopbench.errors import UsageError
from support.cli import one_sentence
from toy import write_toy


def series(stage, kind, **components):
    """Return a series; its uncounted ops are under ``uncounted``, as (component, op, calls)."""
    uncounted = components.pop("uncounted", ())
    return {
        "stage": stage,
        "kind": kind,
        "attention": "eager",
        "counter": "torch" if kind == "vendor" else None,
        "label": kind,
        "flops": sum(components.values()),
        "unit": "FLOP",
        "breakdown": [
            {"component": c, "op": op, "flops": part}
            for c, flops in components.items()
            # Two ops of a component are one sum.
            for op, part in (("mm", flops // 3), ("bmm", flops - flops // 3))
        ],
        "uncounted": [
            dict(zip(("component", "op", "calls"), each, strict=True)) for each in uncounted
        ],
    }


def report(*found, **run):
    stages = {s["stage"]: () for s in found} | {"whole": ("prefill", "decode")}
    chosen = {"attention": ["eager"], "counters": ["torch"], "stages": None, **run}
    return {
        "schema_version": "1.3",
        "model": "toy",
        "stages": [{"name": name, "parts": list(parts)} for name, parts in stages.items()],
        "workload": {"rows": 1, "tokens": 3},
        "provenance": {
            "versions": {"torch": "2.8"},
            "counters": {},
            "config": {
                "workload": {"rows": 1, "grid": None},
                "conventions": {"softmax": 5},
                "model": {"layers": 2},
                "run": chosen,
            },
        },
        "series": list(found),
    }


def baseline(document, folder, name="base.json"):
    file = folder / name
    file.write_text(json.dumps(document))
    return Baseline.read(file)


@pytest.fixture
def growth(tmp_path):
    def found(old, new, limit=0):
        return compare(baseline(old, tmp_path), from_json(new), Fraction(limit))

    return found


def told(changes):
    return [(c.key.stage, c.label, c.component, c.op, c.old, c.new) for c in changes]


def test_a_component_that_grew_is_named_in_each_series_though_the_total_shrank(growth):
    old = report(
        series("prefill", "vendor", mlp=100, head=50), series("prefill", "analytic", mlp=9)
    )
    new = report(
        series("prefill", "vendor", mlp=101, head=20), series("prefill", "analytic", mlp=9)
    )
    found = growth(old, new)
    assert told(found.grew) == [("prefill", "vendor", "mlp", None, 100, 101)]
    assert told(found.shrank) == [("prefill", "vendor", "head", None, 50, 20)]
    assert list(found.lines())[1:] == [
        "  grew: prefill, vendor, mlp: 100 -> 101 FLOP (+1 %)",
        "  shrank: prefill, vendor, head: 50 -> 20 FLOP (-60 %)",
    ]
    assert found.compared == 3


def test_what_was_not_there_grew_from_0_whatever_is_allowed(growth):
    old = report(series("prefill", "vendor", mlp=100))
    new = report(series("prefill", "vendor", mlp=100, gate=1, uncounted=[("mlp", "fft", 2)]))
    assert told(growth(old, new, limit=5).grew) == [
        ("prefill", "vendor", "gate", None, 0, 1),
        ("prefill", "vendor", "mlp", "fft", 0, 2),
    ]


def test_a_new_stage_grew_unless_this_run_or_the_baseline_chose_its_stages(growth):
    old, more = series("prefill", "vendor", mlp=6), series("decode", "vendor", mlp=7)
    found = growth(report(old), report(old, more))
    assert told(found.grew) == [("decode", "vendor", "mlp", None, 0, 7)]
    found = growth(report(old, stages=["prefill"]), report(old, more))
    assert not found.grew
    assert found.left_out == ("decode by torch (not in the baseline)",)
    found = growth(report(old, more), report(old, stages=["prefill"]))
    assert found.left_out == ("decode by torch (only in the baseline)",)


def test_a_stage_that_is_a_sum_is_compared_only_without_its_parts(growth):
    def whole(prefill, decode, *stages):
        kept = [
            series("prefill", "vendor", mlp=prefill),
            series("decode", "vendor", mlp=decode),
            series("whole", "vendor", mlp=prefill + decode),
        ]
        return report(*(s for s in kept if not stages or s["stage"] in stages))

    found = growth(whole(5, 6), whole(5, 8))
    assert told(found.grew) == [("decode", "vendor", "mlp", None, 6, 8)]
    found = growth(whole(5, 6, "whole"), whole(5, 8, "whole"))
    assert told(found.grew) == [("whole", "vendor", "mlp", None, 11, 13)]


def test_a_count_that_failed_before_is_no_growth(growth):
    prefill, failed = series("prefill", "vendor", mlp=5), series("decode", "vendor")
    failed["flops"] = None
    found = growth(report(prefill, failed), report(prefill, series("decode", "vendor", mlp=5)))
    assert not found.grew
    assert found.left_out == ("decode by torch (not in the baseline)",)


def test_another_unit_is_not_compared(growth):
    kept = series("prefill", "analytic", mlp=5)
    old, new = (series("prefill", "vendor", mlp=n) for n in (5, 50))
    old["unit"] = "MAC"
    found = growth(report(kept, old), report(kept, new))
    assert not found.grew
    assert found.left_out == ("prefill by torch (its unit was MAC and is FLOP)",)


def test_what_may_be_why_is_told(growth):
    old, new = (report(series("prefill", "vendor", mlp=n)) for n in (5, 6))
    new["provenance"]["config"]["model"]["layers"] = 3
    new["workload"]["tokens"] = 4
    new["provenance"]["versions"]["torch"] = "2.9"
    assert growth(old, new).told == (
        "model.layers was 2 and is 3",
        "workload.tokens was 3 and is 4",
        "version.torch was 2.8 and is 2.9",
    )


def test_nothing_in_common_is_refused(growth):
    with pytest.raises(UsageError, match="has none of this run's stages"):
        growth(report(series("prefill", "vendor", mlp=5)), report(series("decode", "vendor", a=5)))


COMPONENTS = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 10**20), min_size=1)
SHARES = st.fractions(0, 2, max_denominator=1000)


@given(COMPONENTS, COMPONENTS, SHARES)
def test_a_component_grew_too_much_exactly_if_it_exceeds_its_share(
    tmp_path_factory, before, after, limit
):
    base = baseline(report(series("prefill", "vendor", **before)), tmp_path_factory.mktemp("law"))
    found = compare(base, from_json(report(series("prefill", "vendor", **after))), limit)
    grew = {c.component for c in found.grew}
    for name in {*before, *after}:
        old, new = before.get(name, 0), after.get(name, 0)
        # In whole numbers: a float would lose the last FLOP of a large count.
        allowed = old * (limit.denominator + limit.numerator)
        assert (name in grew) == (new * limit.denominator > allowed)
    kinds = [{c.component for c in part} for part in (found.grew, found.within, found.shrank)]
    assert sum(map(len, kinds)) == len(set.union(*kinds))


def without(*path):
    document = report(series("prefill", "vendor", mlp=5))
    *outer, last = path
    inner = document
    for name in outer:
        inner = inner[name]
    del inner[last]
    return document


@pytest.mark.parametrize(
    "path",
    [
        ("model",),
        ("series",),
        ("provenance", "config"),
        ("provenance", "config", "run"),
        ("series", 0, "label"),
        ("series", 0, "breakdown", 0, "flops"),
    ],
)
def test_a_file_that_lacks_something_is_no_report(tmp_path, path):
    with pytest.raises(UsageError, match=r"is no report\.json .*: its '\w+' is missing"):
        baseline(without(*path), tmp_path)


@pytest.mark.parametrize("flops", [-1, 1.5, True, "5"])
def test_flops_that_are_no_count_are_refused(tmp_path, flops):
    document = report(series("prefill", "vendor", mlp=5))
    document["series"][0]["breakdown"][0]["flops"] = flops
    with pytest.raises(UsageError, match="its 'flops'"):
        baseline(document, tmp_path)


def test_another_model_workload_or_convention_is_refused_by_name(tmp_path):
    document = report(series("prefill", "vendor", mlp=5))
    base = baseline(document, tmp_path)
    config = document["provenance"]["config"]
    base.check("toy", config)
    with pytest.raises(UsageError, match="is of model toy, and this run is of other"):
        base.check("other", config)
    changed = copy.deepcopy(config)
    changed["workload"] = {"rows": 2, "grid": {"rows": 3}, "since": "a later version"}
    changed["conventions"] = {"softmax": 5, "of_a_later_version": 1}
    changed["model"]["layers"] = 4  # a change of the model is what a guard is for
    with pytest.raises(UsageError) as raised:
        base.check("toy", changed)
    said = str(raised.value).partition("settings: ")[2]
    assert said == (
        "workload.rows was 1 and is 2, workload.grid.rows was not set and is 3; "
        "use the same, or make a new baseline"
    )


def test_a_file_is_the_same_seen_from_another_folder(tmp_path):
    document = report(series("prefill", "vendor", mlp=5))
    config = document["provenance"]["config"]
    config["workload"]["image"] = "pages/one.png"
    base = baseline(document, tmp_path)
    base.check("toy", {**config, "workload": {**config["workload"], "image": "/at/ci/one.png"}})
    with pytest.raises(UsageError, match=r"image was pages/one\.png and is two\.png"):
        base.check("toy", {**config, "workload": {**config["workload"], "image": "two.png"}})


TOY = ("run", "toy", "-p", "toy.py", "--attention", "eager", "--analytic-only")


def test_the_command_fails_if_something_grew_and_says_what(flopbench, tmp_path):
    write_toy(tmp_path)
    assert flopbench(*TOY, "--out", "before").returncode == 0
    guard = (*TOY, "--baseline", "before/report.json", "--format", "json")
    same = flopbench(*guard, "--out", "after")
    assert same.returncode == 0
    assert same.stderr.splitlines() == [
        "flopbench: wrote report.json, report.md, report.csv, report.html in after",
        "flopbench: --baseline before/report.json: nothing grew (1 compared, none allowed)",
    ]
    write_toy(tmp_path, ("out_features=8", "out_features=9"))
    grown = flopbench(*guard)
    assert grown.returncode == 1
    assert json.loads(grown.stdout)["verdict"] == "not_checked"
    assert grown.stderr.splitlines() == [
        "flopbench: --baseline before/report.json: 1 component grew (1 compared, none allowed)",
        "flopbench:   grew: prefill, analytic eager (full), layer: 64 -> 72 FLOP (+12.5 %)",
    ]
    assert flopbench(*guard, "--max-growth", "12.5%").returncode == 0
    assert flopbench(*guard, "--max-growth", "0.1249").returncode == 1
    write_toy(tmp_path, ("out_features=8", "out_features=7"))
    shrunk = flopbench(*guard)
    assert shrunk.returncode == 0
    assert "shrank: prefill, analytic eager (full), layer: 64 -> 56 FLOP (-12.5 %)" in shrunk.stderr


def test_a_wrong_guard_is_one_sentence_before_any_work(flopbench, tmp_path):
    write_toy(tmp_path)
    flopbench(*TOY, "--out", "before")
    guard = (*TOY, "--baseline", "before/report.json")
    said = one_sentence(flopbench(*guard, "workload.rows=2"))
    assert "other settings: workload.rows was 1 and is 2" in said
    assert "--max-growth 5 may mean two things" in one_sentence(
        flopbench(*guard, "--max-growth", "5")
    )
    assert "would overwrite" in one_sentence(flopbench(*guard, "--out", "before"))
    assert "needs --baseline" in one_sentence(flopbench(*TOY, "--max-growth", "1%"))
    for name in ("nothing.json", "toy.py", "before"):
        one_sentence(flopbench(*TOY, "--baseline", name))
    report = json.loads((tmp_path / "before" / "report.json").read_text())
    (tmp_path / "other.json").write_text(json.dumps({**report, "schema_version": "2.0"}))
    said = one_sentence(flopbench(*TOY, "--baseline", "other.json"))
    assert "has schema_version 2.0: this flopbench reads 1.x" in said
