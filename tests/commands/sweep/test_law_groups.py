"""Points of a sweep that differ in their sizes only are counted by one law."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import attrs
import pytest

from flopbench.builtin.torch_counter import TorchCounter
from flopbench.commands.sweep.entries import entries_of, is_entry, known
from flopbench.commands.sweep.law_groups import counts_by_law, place
from flopbench.commands.sweep.pool import vendor_counts
from flopbench.commands.sweep.units import units
from flopbench.errors import CountError
from flopbench.laws.law import Subject
from flopbench.vendor.method import Method
from support.cli import python_path
from support.proofs import plan_of
from toy.sized import Decoding, DecodingSizes, SizedToy, Sizes, Steps, TorchVendor


def run(x, linear):
    return linear(x)


def counted(function, workloads):
    """Count by law; return FLOPs, and how many calls the vendor got."""
    calls = []

    def counting(x, linear):
        calls.append(x.shape)
        return function(x, linear)

    return by_law(SizedToy(), TorchVendor(counting), "prefill", workloads), len(calls)


def by_law(model, vendor, stage, workloads):
    subject = Subject(
        vendor=vendor,
        counter=TorchCounter(),
        model=model,
        stage=stage,
        workload=workloads[0],
        open_sizes=model.sizes,
    )
    places = [place(model, stage, workload) for workload in workloads]
    assert len({found.key for found in places}) == 1
    return [n and sum(n.values()) for n in counts_by_law(subject, places)]


def test_a_thousand_points_take_one_trace_and_one_count():
    workloads = [Sizes(B=b, S=s) for b in range(2, 12) for s in range(2, 102)]
    flops, calls = counted(run, workloads)
    assert flops == [32 * w.B * w.S for w in workloads]
    assert calls == 2


def test_sizes_below_2_have_a_key_of_their_own():
    model = SizedToy()
    keys = [place(model, "prefill", Sizes(B=b, S=9)).key for b in (1, 2, 3)]
    assert keys[0] != keys[1] == keys[2]


def test_a_point_that_the_guards_exclude_is_left_to_be_counted():
    def function(x, linear):
        return linear(x) if x.shape[1] < 50 else linear(linear(x))

    flops, _ = counted(function, [Sizes(B=2, S=s) for s in (10, 49, 50, 60)])
    assert flops == [32 * 2 * 10, 32 * 2 * 49, None, None]


def test_ops_without_a_formula_and_bound_sizes_leave_no_law():
    import torch

    def uncounted(x, linear):
        torch.mv(x[0], x[0, 0])
        return linear(x)

    for function in (
        uncounted,
        lambda x, linear: [linear(x[:, i]) for i in range(int(x.shape[1]))],
    ):
        with pytest.raises(CountError):
            counted(function, [Sizes(B=2, S=s) for s in (10, 20, 30)])


def plan_over(function, workloads, method="auto"):
    """Return what counting needs of the plan of a sweep."""
    model = SizedToy()
    base = attrs.evolve(plan_of(model, TorchVendor(function), workloads[0]), method=method)
    return SimpleNamespace(
        base=base,
        stages=model.stages,
        workloads=workloads,
        plans=[base] * len(workloads),
        by_plan=[(base, range(len(workloads)))],
    )


def series(function, workloads, method="auto"):
    """Count a whole series; return (method, FLOPs) of each point."""
    plan = plan_over(function, workloads, method)
    found = vendor_counts(plan, None, units(plan))
    counts = {unit: counted for counts in found for unit, counted in counts.by_unit.items()}
    return [(counts[unit].method, counts[unit].flops) for unit in units(plan)]


def test_points_are_counted_unless_there_are_very_many():
    few = [Sizes(B=2, S=s) for s in range(2, 42)]
    assert series(run, few) == [(Method.CONCRETE, 64 * w.S) for w in few]
    assert {method for method, _ in series(run, few, "symbolic")} == {
        Method.CONCRETE,
        Method.SYMBOLIC,
    }
    many = [Sizes(B=2, S=s) for s in range(2, 122)]
    found = series(run, many)
    assert [flops for _, flops in found] == [64 * w.S for w in many]
    # The law was held against the first, one in the midst and the last.
    assert [i for i, (method, _) in enumerate(found) if method is Method.CONCRETE] == [0, 60, 119]
    assert {method for method, _ in series(run, many, "concrete")} == {Method.CONCRETE}


def test_a_law_that_a_call_refutes_is_not_used():
    """A vendor that does more at the last point, where no trace can see it."""

    def more_at_the_end(x, linear):
        size = x.shape[1]
        return linear(linear(x)) if type(size) is int and size == 121 else linear(x)

    found = series(more_at_the_end, [Sizes(B=2, S=s) for s in range(2, 122)])
    assert found == [
        *((Method.CONCRETE, 64 * s) for s in range(2, 121)),
        (Method.CONCRETE, 2 * 64 * 121),
    ]


def test_a_point_that_a_guard_excludes_in_a_later_step_is_left_to_be_counted():
    def function(k, w, linear, x):
        linear(x)
        if w.S + k >= 200:
            linear(x)

    sizes = ((3, 20, 3), (3, 150, 49), (3, 150, 50), (3, 199, 2))
    workloads = [DecodingSizes(*each) for each in sizes]
    flops = by_law(Decoding(None), Steps(function), "decode", workloads)
    assert flops == [32 * 3 * 20 * 3, 32 * 3 * 150 * 49, None, None]


def test_what_a_law_gives_is_one_small_entry_of_a_journal():
    workloads = [Sizes(B=b, S=s) for b in range(2, 12) for s in range(2, 102)]
    plan = plan_over(run, workloads)
    todo = units(plan)
    (counts,) = vendor_counts(plan, None, todo)
    entries = json.loads(json.dumps(entries_of(counts)))
    called = ["prefill/0", "prefill/500", "prefill/999"]
    assert sorted(entries) == sorted([*called, "prefill/1+997"])
    assert len(json.dumps(entries["prefill/1+997"])) < 300
    assert all(map(is_entry, entries.values()))
    assert known(plan, todo, entries) == counts.by_unit
    # Without one that a call gave, that one alone is counted again.
    del entries["prefill/500"]
    left = {*todo} - {*known(plan, todo, entries)}
    assert {unit.name for unit in left} == {"prefill/500"}


WRONG_LAWS = (
    {"stage": 3},
    {"firsts": [[1, 1]]},
    {"firsts": [[1, 1, 1.5]]},
    {"firsts": 7},
    {"forms": {"layer": ["Lambda", "B", "B"]}},
    {"forms": {"layer": "__import__('os')"}},
    {"forms": {"layer": ["/", 1, 0.5]}},
    {"forms": {"layer": 1.5}},
    {"forms": [1]},
    {"another": 1},
)


@pytest.mark.parametrize("change", WRONG_LAWS, ids=str)
def test_another_form_is_no_law(change):
    law = {"stage": "prefill", "firsts": [[1, 1, 9]], "forms": {"layer": ["Mul", 32, "B", "S"]}}
    assert is_entry(law)
    assert not is_entry(law | change)


PLUGIN = """
import os

from attrs import frozen

from flopbench import hookimpl
from toy.sized import SizedToy, TorchVendor


@frozen(kw_only=True)
class Inputs:
    B: int = 3
    S: int = 20


@frozen
class Options:
    pass


class Model(SizedToy):
    name = "laws"
    options_type = Options
    inputs_type = Inputs


class Vendor(TorchVendor):
    name = "laws"
    options_type = Options

    @classmethod
    def from_options(cls, architecture, options):
        return cls(run)


def run(x, linear):
    with open(os.environ["TOY_LOG"], "a") as log:
        log.write(f"{os.getpid()}\\n")
    return linear(x)


@hookimpl
def flopbench_analytic_models():
    return [Model]


@hookimpl
def flopbench_vendor_models():
    return [Vendor]
"""


@pytest.mark.slow
def test_laws_are_traced_on_several_cores_and_give_what_one_gives(tmp_path):
    (tmp_path / "laws.py").write_text(PLUGIN)
    path = python_path(Path(__file__).parents[2])  # the plugin imports the toy from there
    # Of one token there is a law of its own.
    vary = ("--vary", "workload.B=2:4", "--vary", "workload.S=1:4", "run.method=symbolic")
    processes, files = {}, {}
    for jobs in ("1", "2"):
        log = tmp_path / f"log{jobs}"
        command = ["-m", "flopbench.cli", "sweep", "laws", "-p", "laws.py", *vary, "--jobs", jobs]
        process = subprocess.Popen(
            [sys.executable, *command, "--out", jobs, "--no-plots"],
            cwd=tmp_path,
            env={**os.environ, "TOY_LOG": str(log), "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            text=True,
        )
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        assert "verified" in said
        pids = [int(line) for line in log.read_text().split()]
        processes[jobs] = "here" if set(pids) == {process.pid} else process.pid not in pids
        files[jobs] = {path.name: path.read_bytes() for path in (tmp_path / jobs).iterdir()}
        # Two traces, and calls of the first, one in the midst and the last of both.
        assert len(pids) == 2 + 2 * 3
    assert processes == {"1": "here", "2": True}
    assert files["1"] == files["2"]
    stages = [point["prefill"] for point in json.loads(files["1"]["sweep.json"])["points"]]
    assert sum(stage["vendor_method"] == "law" for stage in stages) == 12 - 2 * 3
