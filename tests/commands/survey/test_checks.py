"""Verdicts: what a proof or a run found, in a word and a reason; and what each failure is."""

from types import SimpleNamespace

import pytest
import sympy

from flopbench import Stage, UsageError
from flopbench.commands.prove.proof import Equation
from flopbench.commands.survey.checks import FAILURES, checked, unforeseen
from flopbench.commands.survey.request import Works, requested
from flopbench.errors import PluginError
from flopbench.report import Comparison, Series, UncountedOp

PLAN = SimpleNamespace(vendor=object(), modes=("eager",))
X = sympy.Symbol("X")
ORDER = ("proved", "interpolated", "incomplete", "differs")


def proof(*equations):
    worst = max((e.verdict for e in equations), key=ORDER.index)
    return SimpleNamespace(verdict=worst, equations=equations)


def equation(component, verdict, reason=None, difference=None, stage="prefill", assumptions=()):
    return Equation(
        stage=stage,
        component=component,
        vendor=X,
        analytic=X,
        difference=difference,
        verdict=verdict,
        reason=reason,
        assumptions=assumptions,
    )


def report(verdict, **changes):
    one = Series("prefill", "vendor", "eager", "torch", "vendor", 7, **changes)
    return SimpleNamespace(verdict=verdict, series=(one,), comparisons=())


def verdict(proved=None, ran=None, plan=PLAN, **options):
    def prove(_plan, _catalog):
        if isinstance(proved, Exception):
            raise proved
        return proved

    works = Works(lambda _plan, _catalog: ran, prove, None)
    found = checked(plan, None, requested(works, **options))
    return found.verdict, found.reason


def test_a_proof_is_a_verdict_with_its_reason():
    whole = equation(None, "proved")
    assert verdict(proof(whole)) == ("proved", None)
    mlp = equation("decoder/mlp", "differs", difference=-2 * X)
    found = verdict(proof(equation(None, "differs", difference=-2 * X), mlp, whole))
    assert found == ("differs", "prefill/decoder/mlp: analytic - vendor = -2*X")


def test_an_interpolation_is_told_once_by_stage_with_its_sizes():
    note = "S was interpolated (the program loops over chunks of S): degree 2"
    told = {"verdict": "interpolated", "assumptions": ("K < 5", note)}
    whole = equation(None, **told, reason="mlp: no symbol; head: no symbol")
    parts = [equation(part, **told, reason="no symbol") for part in ("mlp", "head")]
    total = equation(None, **told, stage="total")
    reason = f"prefill: equal wherever it was counted, not for every size: {note}"
    assert verdict(proof(whole, *parts, total)) == ("interpolated", reason)


def test_what_cannot_be_proved_may_be_verified_at_the_workload():
    lacking = proof(equation(None, "incomplete", "no trace"))
    reason = "verified at the workload, not proved: prefill: no trace"
    assert verdict(lacking, report("verified")) == ("verified", reason)
    closed = verdict(UsageError("no size to leave open"), report("verified"))
    assert closed == ("verified", "verified at the workload, not proved: no size to leave open")
    failed = report("not_verified", error="the vendor raises")
    assert verdict(lacking, failed) == ("incomplete", "the vendor raises")


def test_a_run_is_a_verdict_with_its_reason():
    assert verdict(ran=report("verified"), check="run") == ("verified", None)
    ops = report("not_verified", uncounted=(UncountedOp("decoder", "bmm_of_mine", 3),))
    reason = "the counter has no formula for bmm_of_mine"
    assert verdict(ran=ops, check="run") == ("incomplete", reason)
    ops.comparisons = (Comparison("prefill", "eager", "torch", 7, 9, 2, "differs"),)
    assert verdict(ran=ops, check="run") == ("differs", "prefill: analytic - vendor = 2")


def test_without_closed_forms_the_vendor_is_counted_alone():
    model = SimpleNamespace(no_closed_forms="there are none for it")
    stages = (Stage("prefill", "Prefill"),)
    plan = SimpleNamespace(vendor=object(), modes=(), model=model, base_stages=stages)
    alone = verdict(ran=report("not_checked"), plan=plan, check="run")
    assert alone == ("vendor_alone", "there are none for it")
    found = verdict(ran=report("not_verified", error="it raises"), plan=plan, check="run")
    assert found == ("incomplete", "there are none for it; it raises")


def test_what_is_not_checked_says_why():
    assert verdict(analytic_only=True) == ("not_checked", None)
    plan = SimpleNamespace(vendor=None, modes=("eager",))
    assert verdict(plan=plan) == ("not_checked", "it has no vendor model to check it against")


def test_what_a_file_lacks_is_refused_and_what_the_machine_lacks_has_failed():
    assert unforeseen(UsageError("no such type")).verdict == "refused"
    missing = UsageError("it needs transformers")
    missing.__cause__ = ImportError("transformers")
    assert unforeseen(missing).verdict == "failed"
    assert unforeseen(PluginError("a plugin raises")).verdict == "failed"
    assert unforeseen(MemoryError()).reason == "MemoryError"
    assert "refused" not in FAILURES


def test_an_unknown_check_is_refused():
    with pytest.raises(UsageError, match="unknown --check 'proof': did you mean 'prove'"):
        verdict(check="proof")


def test_a_check_of_closed_forms_alone_is_refused():
    with pytest.raises(UsageError, match="--check run contradicts --analytic-only"):
        verdict(check="run", analytic_only=True)
