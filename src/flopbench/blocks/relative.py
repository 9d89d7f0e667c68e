"""Relative positions: a learned number per head and range of distances (T5, arXiv:1910.10683)."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
from attrs import frozen

from flopbench.blocks.passes import Pass
from flopbench.blocks.site import Site
from flopbench.dims import Dim, consecutive_sum
from flopbench.ops import Embedding, Op


@frozen
class RelativePositions:
    """The look-up of a number for each pair of tokens, which all layers add to their scores.

    Attributes:
        ranges: ranges of distances, each of which has its own numbers.
    """

    heads: Dim
    ranges: Dim

    def held(self, run: Pass) -> Dim:
        """Return the elements that stay alive for all layers."""
        return self.heads * run.queries * run.last_keys

    def ops(self, site: Site, run: Pass) -> Iterator[Op]:
        """Yield the look-ups of all passes; one table serves all layers."""
        keys = run.steps * run.keys + run.queries * consecutive_sum(0, run.steps)
        yield attrs.evolve(site, layers=1, steps=1).op(
            Embedding,
            role="relative_positions",
            takes=("distances",),
            gives="relative positions",
            tokens=run.queries * keys,
            width=self.heads,
            entries=self.ranges,
        )
