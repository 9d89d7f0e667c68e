"""A gated convolution in the place of attention: LFM2's (arXiv:2511.23404)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from attrs import frozen

from flopbench.blocks.passes import Pass
from flopbench.blocks.recurrent import ShortConvolution
from flopbench.blocks.site import Site
from flopbench.dims import Dim
from flopbench.ops import Elementwise, Linear, Op


@frozen(kw_only=True)
class GatedConvolution:
    """out(c * convolution(b * x)), with b, c and x from one product: LFM2's mixer.

    Attributes:
        kernel: as in `ShortConvolution`.
        bias: whether the projections and the convolution have a bias.
    """

    component: ClassVar[str] = "recurrence"

    width: int
    kernel: Dim
    bias: bool = False

    def ops(self, site: Site, run: Pass) -> Iterator[Op]:
        """Yield the operations under ``in``, ``core`` (both gates), ``conv`` and ``out``."""
        rows, values = run.tokens, run.tokens * self.width
        yield (
            site.at("in")
            .between(site.takes, "projected")
            .op(
                Linear,
                role="in",
                rows=rows,
                in_features=self.width,
                out_features=3 * self.width,
                bias=self.bias,
            )
        )
        core = site.at("core")
        gate: dict[str, Any] = {"function": "multiply", "outputs": values, "gives": "mixed"}
        # b and x are one value: both are cut out of the product.
        yield core.with_alive(values).op(Elementwise, takes=("projected", "projected"), **gate)
        convolution = ShortConvolution(channels=self.width, kernel=self.kernel, bias=self.bias)
        yield from convolution.ops(
            site.with_alive(values).at("conv").between("mixed", "mixed"), run
        )
        yield core.op(Elementwise, takes=("projected", "mixed"), **gate)
        yield (
            site.at("out")
            .between("mixed", site.gives)
            .op(
                Linear,
                role="out",
                rows=rows,
                in_features=self.width,
                out_features=self.width,
                bias=self.bias,
            )
        )
