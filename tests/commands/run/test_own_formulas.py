"""Own formulas in every command: they count, are told apart, and can be left out."""

import jsonschema
import pytest

import flopbench
from flopbench import schemas
from flopbench.vendor.own import OwnFormula, with_own_formulas
from support.cli import plugin

SOLVER = '''
    import torch
    from attrs import evolve, frozen
    from flopbench import AnalyticModel, Linear, Size, Stage
    from flopbench import VendorCall, VendorModel, VendorStage, hookimpl
    from flopbench.ops import TriangularSolve

    @frozen(kw_only=True)
    class Inputs:
        B: int = 3
        S: int = 20
        solves: bool = True

    @frozen(kw_only=True)
    class Options:
        pass

    class Solver(AnalyticModel):
        """A linear layer, and a system of 8 unknowns with S right sides per sequence."""

        name = "solver"
        stages = (Stage("prefill", "Prefill"),)
        options_type, inputs_type = Options, Inputs
        architecture = "solver"
        sizes = (Size("B", "sequences"), Size("S", "tokens"))

        @classmethod
        def from_options(cls, options):
            return cls()

        def workload(self, inputs):
            return inputs

        def workload_facts(self, workload):
            return {}

        def stage_sizes(self, stage, workload):
            return {"B": workload.B, "S": workload.S}

        def stage_workload(self, stage, workload, sizes):
            return evolve(workload, **sizes)

        def ops(self, stage, workload):
            rows = workload.B * workload.S
            yield Linear(component="layer", rows=rows, in_features=8, out_features=8)
            if workload.solves:
                yield TriangularSolve(
                    component="mixer", batch=workload.B, n=8, columns=workload.S, unit_diagonal=True
                )

    class Module(torch.nn.Module):
        def __init__(self, solves):
            super().__init__()
            self.solves = solves
            self.layer = torch.nn.Linear(8, 8, bias=False, device="meta")
            self.mixer = Mixer()

        def forward(self, x):
            x = self.layer(x)
            return self.mixer(x) if self.solves else x

    class Mixer(torch.nn.Module):
        def forward(self, x):
            matrix = x.new_empty(1, 8, 8)
            return torch.linalg.solve_triangular(
                matrix, x.transpose(1, 2), upper=False, unitriangular=True
            )

    class SolverVendor(VendorModel):
        name = "solver"
        options_type = Options

        @classmethod
        def from_options(cls, architecture, options):
            return cls()

        def stage(self, name, workload):
            module = Module(workload.solves)
            return VendorStage(lambda step: VendorCall(module, lambda: module(
                torch.empty(workload.B, workload.S, 8, device="meta")
            )))

        def component(self, module):
            return module or "layer"

    @hookimpl
    def flopbench_analytic_models():
        return [Solver]

    @hookimpl
    def flopbench_vendor_models():
        return [SolverVendor]
'''
SOLVE = "aten.linalg_solve_triangular"
TORCHS, OWN = 2 * 3 * 20 * 8 * 8, 3 * 20 * 8 * 7
SAID = (
    "verified, with 1 own formula (aten.linalg_solve_triangular: docs/conventions.md#own-formulas)"
)


@pytest.fixture(autouse=True)
def name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return plugin(tmp_path, SOLVER)


def test_a_report_keeps_torchs_number_apart(name):
    report = flopbench.run("solver", plugins=name)
    found = report.to_dict()
    jsonschema.validate(found, schemas.load("report"))
    (eager,) = [c for c in found["comparisons"] if c["attention"] == "eager"]
    assert (eager["verdict"], eager["vendor_flops"]) == ("exact", TORCHS + OWN)
    assert (eager["counter_flops"], eager["own_formula_flops"]) == (TORCHS, OWN)
    by_component = {c["component"]: c["own_formula_flops"] for c in eager["components"]}
    assert by_component == {"layer": 0, "mixer": OWN}
    (vendor,) = [s for s in found["series"] if s["kind"] == "vendor"]
    assert (vendor["flops"], vendor["own_formula_flops"]) == (TORCHS + OWN, OWN)
    assert (found["verdict"], found["verdict_text"]) == ("verified", SAID)
    (formula,) = found["own_formulas"]["torch"]
    assert formula["op"] == SOLVE
    assert formula["where"] == "docs/conventions.md#own-formulas"
    text = " ".join(report.text().split())
    assert f"{TORCHS:,} by torch itself, {OWN:,} by own formulas" in text
    assert f"verdict: {SAID}, vendor = analytic to the last FLOP in 1 stage" in text
    assert f"Verdict: {SAID}, vendor = analytic" in report.to_markdown()
    assert f"{SOLVE} is counted by an own formula (docs/" in text


@pytest.mark.parametrize("section", ["vendor", "run"])
def test_without_them_torch_says_the_same_and_the_run_is_incomplete(name, section, tmp_path):
    (tmp_path / "alone.yaml").write_text(f"{section}: {{own_formulas: false}}\n")
    found = flopbench.run("solver", config="alone.yaml", plugins=name).to_dict()
    (eager,) = [c for c in found["comparisons"] if c["attention"] == "eager"]
    assert eager["verdict"] == "incomplete"
    assert (eager["vendor_flops"], eager["counter_flops"]) == (TORCHS, TORCHS)
    assert eager["own_formula_flops"] == 0
    assert eager["unseen"] == {"triangular_solve": OWN}
    assert [op["op"] for op in eager["uncounted"]] == [SOLVE]
    assert (found["verdict"], found["own_formulas"]) == ("not_verified", {})
    assert found["verdict_text"] == "not verified"
    assert found["provenance"]["config"]["run"]["own_formulas"] is False


def test_a_run_without_such_ops_says_nothing_of_them(name):
    report = flopbench.run("solver", plugins=name, workload={"solves": False})
    found = report.to_dict()
    jsonschema.validate(found, schemas.load("report"))
    assert found["own_formulas"] == {}
    assert found["verdict_text"] == found["verdict"] == "verified"
    assert {c["own_formula_flops"] for c in found["comparisons"]} == {0}
    assert {c["counter_flops"] for c in found["comparisons"]} == {TORCHS}
    assert "own formula" not in report.text()
    swept = flopbench.sweep(
        "solver", vary=["workload.S=2,3"], plugins=name, workload={"solves": False}
    )
    assert swept.to_dict()["own_formulas"] == []
    assert "verdict: verified, vendor" in swept.text()


def test_a_law_counts_with_them(name):
    counted = flopbench.run("solver", plugins=name, method="symbolic")
    assert counted.verdict_text == SAID
    assert counted.provenance.counters["torch"]["method"] == "symbolic"


@pytest.mark.parametrize("method", ["concrete", "symbolic"])
def test_a_sweep_names_them(name, method, tmp_path):
    swept = {"vary": ["workload.S=2,3,5,8"], "plugins": name, "method": method}
    found = flopbench.sweep("solver", out=tmp_path / "out", **swept)
    jsonschema.validate(found.to_dict(), schemas.load("sweep"))
    assert [formula["op"] for formula in found.to_dict()["own_formulas"]] == [SOLVE]
    assert f"verdict: {SAID}, vendor = analytic" in found.text()
    assert any(note.startswith(f"{SOLVE} is counted") for note in found.to_dict()["notes"])
    alone = flopbench.sweep("solver", vendor={"own_formulas": False}, **swept)
    assert alone.to_dict()["own_formulas"] == []
    errors = {point["prefill"]["vendor_error"] for point in alone.to_dict()["points"]}
    assert errors == {f"the vendor runs ops that the counter has no formula for: {SOLVE}"}


def test_a_proof_rests_on_them_for_every_size(name):
    proof = flopbench.prove("solver", plugins=name)
    assert proof.verdict == "proved"
    laws = {row["component"]: row["vendor"] for row in proof.rows()}
    assert laws["mixer"] == "56*B*S"
    assert f"verdict: {SAID.replace('verified', 'proved')}: vendor = analytic" in proof.text()
    assert any(note.startswith(SOLVE) for note in proof.to_dict()["assumptions"])
    alone = flopbench.prove("solver", plugins=name, vendor={"own_formulas": False})
    assert alone.verdict == "incomplete"


def test_a_comparison_notes_them(name):
    found = flopbench.compare("solver", ("solver", {"workload": {"S": 4}}), plugins=name)
    for side in found.sides:
        assert side.verdict == "verified"
        assert any(note.startswith(f"{SOLVE} is counted") for note in side.notes)


def test_an_explanation_has_the_op(name):
    found = flopbench.explain("solver", plugins=name)
    assert (found.root.flops, str(found.root.form)) == (TORCHS + OWN, "184*B*S")


def test_several_are_told_in_the_plural_and_each_page_once():
    one = OwnFormula("a.x", "n", "page")
    both = (one, OwnFormula("a.y", "m", "page"), one)
    assert with_own_formulas([]) == ""
    assert with_own_formulas([one]) == ", with 1 own formula (a.x: page)"
    assert with_own_formulas(both) == ", with 2 own formulas (a.x, a.y: page)"
