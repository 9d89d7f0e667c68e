"""Experts that all run on every token, as transformers runs those of Llama 4.

Source: Meta, "The Llama 4 herd" (ai.meta.com/blog/llama-4-multimodal-intelligence): a token is
multiplied by its routing weight before its expert, not after.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs
from attrs import frozen

from flopbench.blocks.mlp import gate_ops
from flopbench.blocks.moe import Experts
from flopbench.blocks.site import Site
from flopbench.dims import Dim
from flopbench.ops import Elementwise, Op


@frozen(kw_only=True)
class AllExperts(Experts):
    """Experts that all see every token, multiplied by its weight: 0 of those it did not choose.

    ``per_token`` is the number of experts: what a token chose changes values, not work.
    """

    def ops(self, site: Site, tokens: Dim) -> Iterator[Op]:
        """Yield the weighting, both products of every token with every expert, and the sum."""
        rows = tokens * self.experts
        inputs, inner = rows * self.width, rows * self.inner
        yield site.op(
            Elementwise,
            function="multiply",
            outputs=inputs,
            reads=inputs + rows,
            takes=(site.takes, "routing"),
            gives="expert",
        )
        inside = site.between("expert", "expert")
        first = self._product(inside, "gate_up", rows, (self.width, 2 * self.inner), 2)
        yield attrs.evolve(first, gathers=False)
        yield from gate_ops(inside, self.activation, inner, (inner, 0), ("expert", "expert"))
        yield self._product(inside, "down", rows, (self.inner, self.width), 1)
        yield site.between("expert", site.gives).op(
            Elementwise,
            function="add",
            outputs=tokens * (self.experts - 1) * self.width,
            reads=inputs,
            writes=tokens * self.width,
        )
