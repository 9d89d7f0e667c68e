"""What a GPU executed of a stage, component by component, beside what is useful of it."""

from __future__ import annotations

from collections.abc import Iterator

from flopbench.analytic.price import StagePrice
from flopbench.report import ExecutedComponent, ExecutedKernel
from flopbench.tally import sums
from flopbench.vendor import VendorCounter
from flopbench.vendor.attribution import Attributed


def executed_components(
    stage: str, counter: VendorCounter, counted: Attributed, useful: StagePrice
) -> Iterator[ExecutedComponent]:
    """Set a count of executed FLOPs beside the tensor FLOPs of the unmasked pairs and products.

    Nothing is compared: a kernel multiplies whole tiles, so the ratio is its padding. Work in a
    component that the closed forms do not have comes last, with no useful FLOPs.

    Args:
        useful: the stage priced in the mode `flash`.

    Raises:
        PluginError: the counter raises when it is asked for the tile of a kernel.
    """
    needed = sums((line.component, int(line.cost.tensor_flops)) for line in useful.lines)
    needed = {component: flops for component, flops in needed.items() if flops}
    kernels = sums(((entry.component, entry.op), entry.flops) for entry in counted.entries)
    for component in dict.fromkeys((*needed, *(entry.component for entry in counted.entries))):
        found = tuple(
            ExecutedKernel(kernel, counter.tile(kernel), flops)
            for (part, kernel), flops in kernels.items()
            if part == component
        )
        flops = sum(kernel.flops for kernel in found)
        wanted = needed.get(component)
        yield ExecutedComponent(
            stage=stage,
            counter=counter.name,
            component=component,
            useful_flops=wanted,
            executed_flops=flops,
            ratio=flops / wanted if wanted else None,
            kernels=found,
        )
