"""The report: plain frozen data that says what was priced, counted and found.

`to_dict` gives the JSON form, documented in docs/report-schema.md and versioned by
`SCHEMA_VERSION`. FLOPs are exact integers; what was not measured is null, never 0.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Literal

import attrs
from attrs import frozen

from flopbench.analytic import Stage
from flopbench.analytic.price import Fallback
from flopbench.vendor.attribution import Entry, UncountedOp
from flopbench.vendor.own import OwnFormula, with_own_formulas

SCHEMA_VERSION = "1.7"

Verdict = Literal["exact", "differs", "incomplete", "no_vendor_match", "not_comparable"]

FAILURES: frozenset[str] = frozenset({"differs", "incomplete"})
"""Verdicts that make a run exit with 1."""


@frozen
class Series:
    """FLOPs of one stage from one strategy.

    Attributes:
        kind: ``vendor`` (counted) or ``analytic`` (priced).
        flops: all FLOPs of the strategy; None if the count failed: ``error`` has the reason.
        tensor_flops, vector_flops, torch_visible_flops: for analytic series only.
        useful_flops: for a mode that reports what a kernel executes, the part of
            ``tensor_flops`` that the result needs.
        executed_ratio: ``tensor_flops`` over ``useful_flops``.
        unit: the unit of ``flops``; a counter may have another one than FLOP.
        costs: for analytic series, the fields of a cost of ``sweep.json``: FLOPs, bytes moved by
            kind, bytes held, FLOPs per byte.
        largest_tensor: for analytic series, the largest tensor that one of its operations makes:
            its name, component, shape, dtype and bytes.
        bound: for analytic series, if a GPU is given: bounds on the stage's time, its components'
            bounds, what binds, and a measured time beside them.
        memory: of a training step: for analytic series, what is kept and where most of it is; for
            vendor series, the activations that autograd keeps.
        breakdown: the same FLOPs by component and op.
        uncounted: for vendor series, the ops without a formula, which are not in ``flops``.
        own_formula_flops: for vendor series, the part of ``flops`` that the counter's own formulas
            gave; the rest is its library's.
    """

    stage: str
    kind: Literal["vendor", "analytic"]
    attention: str
    counter: str | None
    label: str
    flops: int | None
    tensor_flops: int | None = None
    vector_flops: int | None = None
    torch_visible_flops: int | None = None
    useful_flops: int | None = None
    executed_ratio: float | None = None
    unit: str = "FLOP"
    error: str | None = None
    costs: Mapping[str, Any] | None = None
    largest_tensor: Mapping[str, Any] | None = None
    bound: Mapping[str, Any] | None = None
    memory: Mapping[str, Any] | None = None
    breakdown: tuple[Entry, ...] = ()
    uncounted: tuple[UncountedOp, ...] = ()
    own_formula_flops: int | None = None


@frozen
class ComponentDifference:
    """One component on both sides; the difference is analytic minus vendor.

    Attributes:
        own_formula_flops: the part of ``vendor_flops`` that the counter's own formulas gave.
    """

    component: str
    vendor_flops: int
    analytic_flops: int
    difference: int
    own_formula_flops: int = 0


@frozen
class Comparison:
    """One analytic strategy against one vendor strategy in one stage.

    Attributes:
        seen_flops: the analytic work of the kinds of op that the counter sees, priced under its
            convention. JSON calls it ``torch_visible_flops``.
        difference: analytic minus vendor; None where the two cannot be compared.
        reason: why the verdict is not ``exact``.
        unseen: analytic work, by op, that the counter does not see.
        uncounted: vendor ops without a formula, by name.
        unit: the unit of the numbers compared, which is the counter's.
        counter_flops: the part of ``vendor_flops`` that the counter's library gave, unchanged.
        own_formula_flops: the rest, by the counter's own formulas for ops that its library has none
            for.
    """

    stage: str
    attention: str
    counter: str
    vendor_flops: int | None
    seen_flops: int
    difference: int | None
    verdict: Verdict
    reason: str | None = None
    components: tuple[ComponentDifference, ...] = ()
    unseen: Mapping[str, int] = attrs.Factory(dict)
    uncounted: tuple[UncountedOp, ...] = ()
    unit: str = "FLOP"
    counter_flops: int | None = None
    own_formula_flops: int = 0

    @property
    def torch_visible_flops(self) -> int:
        """The old name of ``seen_flops``, until 0.3."""
        what = "Comparison.torch_visible_flops is now seen_flops"
        warnings.warn(what, DeprecationWarning, stacklevel=2)
        return self.seen_flops


@frozen
class ComponentLaw:
    """The closed form of a component's matrix work, as text, in the sizes of the workload."""

    stage: str
    attention: str
    component: str
    form: str


@frozen
class ExecutedKernel:
    """A kernel with tensor work, and its tile if its name gives it."""

    name: str
    tile: str | None
    flops: int


@frozen(kw_only=True)
class ExecutedComponent:
    """What a GPU executed of one component, by a counter whose unit is executed FLOP.

    Attributes:
        useful_flops: tensor FLOPs that the result needs, by the closed forms in mode `flash`;
            None for work outside all their components.
        executed_flops: 0 if its kernels did no tensor work: they ran on scalar instructions.
        ratio: executed over useful.
    """

    stage: str
    counter: str
    component: str
    useful_flops: int | None
    executed_flops: int
    ratio: float | None
    kernels: tuple[ExecutedKernel, ...]


@frozen(kw_only=True)
class Required:
    """The rates that a machine must sustain to reach a target.

    Attributes:
        target: ``ttft``, to the first token, or ``tpot``, per output token.
        target_s: the target, in seconds.
        stages: the stages that must be done for it.
        seconds: the time for all of them: of ``tpot``, that of all steps.
        tflops_per_s, gigabytes_per_s: sustained.
    """

    target: str
    target_s: float
    stages: tuple[str, ...]
    seconds: float
    attention: str
    tflops_per_s: float
    gigabytes_per_s: float


@frozen(kw_only=True)
class Deployment:
    """What a GPU makes of a run, by attention mode; each entry has a ``text`` that says it.

    Attributes:
        gpu: its name, memory, bandwidth, peaks, and where they come from.
        fit: whether weights, KV cache and activations fit, and up to which batch and context.
        step_fit: whether a training step fits, and up to which batch.
        speeds: how soon tokens can come at best.
        limits: what limits each stage that is no sum; of a sum, its parts.
        shares: of each such stage, in tensor FLOPs, bytes and the bound of all.
        prices: what a million tokens cost at least, if a price is given.
        targets: what each target in time asks of the GPU, if all its stages are priced.
    """

    gpu: Mapping[str, Any]
    fit: tuple[Mapping[str, Any], ...] = ()
    step_fit: tuple[Mapping[str, Any], ...] = ()
    speeds: tuple[Mapping[str, Any], ...] = ()
    limits: tuple[Mapping[str, Any], ...] = ()
    shares: tuple[Mapping[str, Any], ...] = ()
    prices: tuple[Mapping[str, Any], ...] = ()
    targets: tuple[Mapping[str, Any], ...] = ()


@frozen(kw_only=True)
class Provenance:
    """Where the numbers come from: enough to reproduce them.

    Attributes:
        architecture: what the model was built from, all fields of its config, as ``fields``, and
            their ``digest``; None if JSON cannot hold it.
    """

    versions: Mapping[str, str]
    plugins: tuple[Mapping[str, Any], ...]
    vendor: Mapping[str, str]
    counters: Mapping[str, Mapping[str, Any]]
    convention: Mapping[str, int]
    config: Mapping[str, Any]
    assumptions: tuple[str, ...]
    fallbacks: tuple[Fallback, ...]
    architecture: Mapping[str, Any] | None = None


@frozen(kw_only=True)
class Report:
    """The result of a run.

    Attributes:
        deployment: what a GPU makes of it, if one is given.
        required: what the targets in time ask of a machine, if there are any.
        no_closed_forms: why nothing was compared, if the model has none.
        notes: what a reader must know of the numbers: what stands for what, and where the vendor
            works more than an engine that serves the model.
        own_formulas: by counter, the formulas of its own that gave some of its numbers.
        laws: closed forms of components, if a reporter shows them. JSON has none of them:
            ``flopbench explain`` has.
    """

    schema_version: str = SCHEMA_VERSION
    model: str
    stages: tuple[Stage, ...]
    workload: Mapping[str, Any]
    provenance: Provenance
    series: tuple[Series, ...]
    comparisons: tuple[Comparison, ...]
    executed: tuple[ExecutedComponent, ...] = ()
    required: tuple[Required, ...] = ()
    deployment: Deployment | None = None
    no_closed_forms: str | None = None
    notes: tuple[str, ...] = ()
    own_formulas: Mapping[str, tuple[OwnFormula, ...]] = attrs.Factory(dict)
    laws: tuple[ComponentLaw, ...] = ()

    @property
    def verdict(self) -> Literal["verified", "not_verified", "not_checked"]:
        """What the whole run shows.

        ``not_verified``: something differs, could not be counted or is uncounted.
        ``verified``: something is exact, and nothing else is meant to match.
        ``not_checked``: nothing was compared with a vendor.
        """
        failed = any(series.error or series.uncounted for series in self.series)
        if failed or any(c.verdict in FAILURES for c in self.comparisons):
            return "not_verified"
        exact = any(c.verdict == "exact" for c in self.comparisons)
        return "verified" if exact else "not_checked"

    @property
    def verdict_text(self) -> str:
        """The verdict in words, with the own formulas that a verified one rests on."""
        words = self.verdict.replace("_", " ")
        if self.verdict != "verified":
            return words
        return words + with_own_formulas(f for used in self.own_formulas.values() for f in used)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        head = {
            "schema_version": self.schema_version,
            "verdict": self.verdict,
            "verdict_text": self.verdict_text,
        }
        found = head | attrs.asdict(self)
        del found["laws"]
        found["comparisons"] = [_renamed(comparison) for comparison in found["comparisons"]]
        return found


def _renamed(comparison: Mapping[str, Any]) -> dict[str, Any]:
    """Give `Comparison.seen_flops` its name in JSON, which readers of schema 1.0 know."""
    names = {"seen_flops": "torch_visible_flops"}
    return {names.get(name, name): value for name, value in comparison.items()}
