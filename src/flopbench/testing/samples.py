"""Sample reports, written by hand: one for each outcome of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from flopbench.analytic import Stage
from flopbench.analytic.price import Fallback, Line, StagePrice
from flopbench.analytic.price_many import cost_of, largest_tensor
from flopbench.ops import Cost
from flopbench.ops.footprint import Footprint
from flopbench.ops.tensors import Made, Tensor
from flopbench.report import (
    Comparison,
    ComponentDifference,
    Entry,
    Provenance,
    Report,
    Required,
    Series,
    UncountedOp,
)
from flopbench.testing.sample_bounds import with_bounds
from flopbench.vendor import OwnFormula

LARGE = 3 * 2**70
"""Too large for 64 bits."""


def _provenance(**others: Any) -> Provenance:
    values: dict[str, Any] = {
        "versions": {"flopbench": "1.0", "python": "3.11"},
        "plugins": ({"name": "eager", "origin": "builtin", "error": None},),
        "vendor": {"implementation": "toy"},
        "counters": {"torch": {"unit": "FLOP", "sees": ["linear"], "method": "concrete"}},
        "convention": {"add": 1, "softmax": 5},
        "config": {"workload": {"batch_size": 2}, "model": {"config": None}, "vendor": {}},
        "assumptions": ("decode step k attends to context + k keys",),
        "fallbacks": (),
        "architecture": {"fields": {"width": 4}, "digest": f"sha256:{'0' * 64}"},
    }
    return Provenance(**(values | others))


def _vendor(stage: str, flops: int | None, error: str | None = None) -> Series:
    entries = () if flops is None else (Entry("layer", "aten.mm", flops),)
    return Series(
        stage=stage,
        kind="vendor",
        attention="eager",
        counter="torch",
        label="vendor (eager, torch)",
        flops=flops,
        error=error,
        breakdown=entries,
        own_formula_flops=None if flops is None else 0,
    )


def _analytic(stage: str, flops: int, attention: str = "eager", **others: Any) -> Series:
    return Series(
        stage=stage,
        kind="analytic",
        attention=attention,
        counter=None,
        label=f"analytic {attention} (full)",
        flops=flops + 7,
        tensor_flops=flops,
        vector_flops=7,
        torch_visible_flops=flops,
        breakdown=(Entry("layer", "linear", flops), Entry("layer", "softmax", 7)),
        **others,
    )


def _costs(activations: int) -> dict[str, Any]:
    """Return costs of a stage that reads 400 B of weights and ``activations`` bytes.

    Its largest tensor is beside them.
    """
    cost = Cost(
        tensor_flops=100, vector_flops=7, weight_bytes_read=400, activation_bytes_read=activations
    )
    made = Made("layer", Tensor("linear", (5, activations // 10)), "bfloat16", 1)
    footprint = Footprint({"layer": 400}, 0, (activations,), (activations,), (made,))
    priced = StagePrice((Line("layer", "linear", cost),), footprint=footprint)
    return {"costs": cost_of(priced, {}), "largest_tensor": largest_tensor(priced)}


def _comparison(stage: str, vendor: int | None, analytic: int, **others: Any) -> Comparison:
    difference = None if vendor is None else analytic - vendor
    values: dict[str, Any] = {
        "stage": stage,
        "attention": "eager",
        "counter": "torch",
        "vendor_flops": vendor,
        "seen_flops": analytic,
        "difference": difference,
        "verdict": "exact",
        "unseen": {"softmax": 7},
        "counter_flops": vendor,
    }
    if vendor is not None:
        values["components"] = (ComponentDifference("layer", vendor, analytic, analytic - vendor),)
    return Comparison(**(values | others))


def _report(
    series: tuple[Series, ...], comparisons: tuple[Comparison, ...], **others: Any
) -> Report:
    return Report(
        model="toy",
        stages=(Stage("prefill", "Prefill"),),
        workload={"batch_size": 2, "page": {"width": 10}, "image": None},
        provenance=_provenance(**others),
        series=series,
        comparisons=comparisons,
    )


def _own_formula() -> Report:
    """Return the report of a run in which a formula of the counter's own gave a part."""
    solve = "aten.linalg_solve_triangular"
    vendor, analytic = _vendor("prefill", 100), _analytic("prefill", 112)
    entries = (*vendor.breakdown, Entry("layer", solve, 12))
    compared = _comparison(
        "prefill",
        112,
        112,
        components=(ComponentDifference("layer", 112, 112, 0, own_formula_flops=12),),
        counter_flops=100,
        own_formula_flops=12,
    )
    found = _report(
        (attrs.evolve(vendor, flops=112, breakdown=entries, own_formula_flops=12), analytic),
        (compared,),
    )
    formula = OwnFormula(solve, "n (n - 1) FLOPs per column", "docs/conventions.md#own-formulas")
    return attrs.evolve(found, own_formulas={"torch": (formula,)})


def _training() -> Report:
    """Return the report of a training step, with what it keeps in two attention modes."""

    def memory(kept: int, where: str) -> Mapping[str, Any]:
        peaks = {"loss": 900 + kept, "backward": 890 + kept, "optimizer": 2000}
        return {
            "peak_bytes": max(peaks.values()),
            "peak_at": where,
            "peaks": peaks,
            "backward_component": "layer",
            "trained_parameters": 100,
            "parameter_bytes": 200,
            "gradient_bytes": 200,
            "state_bytes": 800,
            "saved_bytes": kept,
            "saved": {"layer": kept - 40, "loss": 40},
            "remade_bytes": 0,
            "logits_bytes": 20,
            "logits_gradient_bytes": 80,
        }

    kept = {"saved_bytes": 1500, "saved": {"layer": 1452, "loss": 48}, "error": None}
    vendor, eager = _vendor("train", 300), _analytic("train", 300)
    found = _report(
        (
            attrs.evolve(vendor, memory=kept),
            attrs.evolve(eager, memory=memory(1400, "loss")),
            _analytic("train", 290, "flash", memory=memory(600, "optimizer")),
        ),
        (_comparison("train", 300, 300),),
    )
    return attrs.evolve(found, stages=(Stage("train", "Training step"),))


def sample_reports() -> Mapping[str, Report]:
    """Return reports that are good, failed, incomplete and more, by name."""
    made = _reports()
    return {**made, "bounds": with_bounds(made["costs_and_targets"])}


def _reports() -> dict[str, Report]:
    analytic = _analytic("prefill", 100)
    return {
        "good": _report((_vendor("prefill", 100), analytic), (_comparison("prefill", 100, 100),)),
        "failed": _report(
            (_vendor("prefill", 90), analytic),
            (
                _comparison(
                    "prefill", 90, 100, verdict="differs", reason="components differ: layer"
                ),
            ),
        ),
        "incomplete": _report(
            (_vendor("prefill", None, error="the vendor call failed: no such layer"), analytic),
            (_comparison("prefill", None, 100, verdict="incomplete", reason="it failed"),),
        ),
        "uncounted": _report(
            (_vendor("prefill", 100), analytic),
            (
                _comparison(
                    "prefill",
                    100,
                    100,
                    verdict="incomplete",
                    reason="the vendor runs ops that the counter has no formula for: aten.mv",
                    uncounted=(UncountedOp("layer", "aten.mv", 3),),
                ),
            ),
        ),
        "analytic_only": _report((analytic,), (), vendor={}, counters={}),
        "fallback_and_padding": _report(
            (
                _analytic("prefill", 100, "flash", useful_flops=80, executed_ratio=1.25),
                _analytic("prefill", 0, "free", useful_flops=0, executed_ratio=None),
            ),
            (
                _comparison(
                    "prefill",
                    100,
                    100,
                    attention="flash",
                    difference=None,
                    components=(),
                    verdict="no_vendor_match",
                    reason="the vendor does not run flash attention",
                ),
            ),
            fallbacks=(Fallback("flash", "layer", "it takes no bias"),),
            plugins=({"name": "broken", "origin": "-p", "error": "failed to import: no"},),
        ),
        "large": attrs.evolve(
            _report(
                (_vendor("prefill", LARGE), _analytic("prefill", LARGE)),
                (_comparison("prefill", LARGE, LARGE),),
            ),
            notes=("the head on all but the last position is 5.4 % of prefill's FLOPs",),
        ),
        "own_formula": _own_formula(),
        "training": _training(),
        "costs_and_targets": attrs.evolve(
            _report(
                (
                    attrs.evolve(analytic, **_costs(4000)),
                    _analytic("prefill", 90, "flash", **_costs(1000)),
                ),
                (),
            ),
            required=tuple(
                Required(
                    target="ttft",
                    target_s=0.5,
                    stages=("prefill",),
                    seconds=0.5,
                    attention=mode,
                    tflops_per_s=2.14e-10,
                    gigabytes_per_s=moved / 5e8,
                )
                for mode, moved in (("eager", 4000), ("flash", 1000))
            ),
        ),
        "other_unit": _report(
            (_vendor("prefill", 50), analytic),
            (
                _comparison(
                    "prefill",
                    50,
                    100,
                    difference=None,
                    components=(),
                    verdict="not_comparable",
                    reason="the counter's unit is executed FLOP, not FLOP or MAC",
                ),
            ),
        ),
    }
