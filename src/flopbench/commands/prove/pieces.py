"""The pieces of a proof: the vendor's law of each stage, here or wherever an executor runs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from uuid import uuid4

from attrs import frozen

from flopbench.analytic import Size, Stage
from flopbench.errors import UsageError, unknown
from flopbench.executors import HERE, Where, WorkerLostError
from flopbench.executors.frames import roomy
from flopbench.executors.kept import Kept
from flopbench.laws.law import Law
from flopbench.laws.vendor_law import vendor_law
from flopbench.plan import Plan
from flopbench.plan.elsewhere import Identity, PlanRequest, identity, require_same
from flopbench.plan.subjects import subject_of
from flopbench.progress import Progress
from flopbench.text import listed
from flopbench.vendor import VERIFIED, VendorCounter
from flopbench.vendor.attribution import Failed, attempt
from flopbench.vendor.checked import CheckedVendor

_NO_STEP = Progress().step


@frozen(kw_only=True)
class Pieces:
    """How the laws of a proof are found: plain data, for other processes, too.

    Attributes:
        symbols: names of the sizes to leave open; None for all that the model has.
        every_layer: trace each layer. By default layers that are equal but for their index are
            traced once; a plain count of every layer must agree, module by module.
    """

    symbols: tuple[str, ...] | None = None
    every_layer: bool = False

    def law(self, plan: Plan, stage: str, step: Callable[[int], None] = _NO_STEP) -> Law | Failed:
        """Return the vendor's law of a stage, or why there is none."""
        vendor, counter = witness(plan)
        subject = subject_of(
            plan,
            stage,
            witness=(counter, vendor),
            open_sizes=open_sizes(plan, self.symbols),
            every_layer=self.every_layer,
        )
        return attempt(lambda: vendor_law(subject, step))


@frozen
class Elsewhere:
    """Other processes that find laws, and what they plan."""

    where: Where
    request: PlanRequest

    @classmethod
    def of(cls, where: Where, request: PlanRequest) -> Elsewhere | None:
        """Return where laws are found, if not in this process."""
        return None if where == HERE else cls(where, request)


def laws_elsewhere(
    plan: Plan, pieces: Pieces, elsewhere: Elsewhere
) -> Iterator[tuple[Stage, Law | Failed]]:
    """Yield the law of each stage when it is found, in any order."""
    run, stages = uuid4().hex, plan.base_stages
    with elsewhere.where.executor(len(stages)) as executor:
        pending = {}
        for stage in stages:
            same = identity(plan, stage.name, plan.workload)
            call = (law_there, run, elsewhere.request, pieces, stage.name, same)
            pending[executor.submit(*call)] = stage
        for done in executor.as_completed():
            try:
                yield pending[done], done.result()
            except WorkerLostError as error:
                yield pending[done], Failed(str(error))


_PLANS: Kept[Plan] = Kept()


@roomy
def law_there(
    run: str, request: PlanRequest, pieces: Pieces, stage: str, same: Identity
) -> Law | Failed:
    """Return the law of a stage in another process, which plans the same run once.

    Raises:
        UsageError: the stage is something else here.
    """
    plan = _PLANS.get(run, request.plan)
    require_same(same, identity(plan, stage, plan.workload), stage)
    return pieces.law(plan, stage)


def witness(plan: Plan) -> tuple[CheckedVendor, VendorCounter]:
    """Return who is the vendor, and who counts it."""
    if plan.vendor is None:
        raise UsageError("a proof needs the vendor side: leave out run.analytic_only")
    if len(plan.counters) != 1:
        names = ", ".join(counter.name for counter in plan.counters)
        raise UsageError(f"a proof takes one counter, got {names}")
    (counter,) = plan.counters
    if not counter.convention.plain:
        raise UsageError(
            "a proof needs a counter of the FLOPs of matrix work: "
            f"{counter.name!r} counts {counter.convention.describe()}"
        )
    if counter.variant != VERIFIED:
        raise UsageError(
            f"a proof is about the verified vendor model: {counter.name!r} counts its variant "
            f"{counter.variant!r}"
        )
    return plan.vendor, counter


def open_sizes(plan: Plan, symbols: Sequence[str] | None) -> tuple[Size, ...]:
    """Return the sizes to leave open: those asked for, of those that some stage has."""
    model = plan.model
    present = {name for s in plan.base_stages for name in model.stage_sizes(s.name, plan.workload)}
    sizes = tuple(size for size in model.sizes if size.name in present)
    if not sizes and model.sizes:
        names = listed([stage.name for stage in plan.base_stages], "and")
        raise UsageError(
            f"model {model.name!r} has no size that a proof could leave open in {names}: "
            "`flopbench run` compares it at its own sizes"
        )
    if not sizes:
        raise UsageError(f"model {model.name!r} declares no sizes that a proof could leave open")
    if symbols is None:
        return sizes
    for name in symbols:
        if name not in present:
            raise UsageError(unknown(f"symbol of {model.name} in these stages", name, present))
    return tuple(size for size in sizes if size.name in symbols)
