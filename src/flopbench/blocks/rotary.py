"""The cosines and sines of rotary positions (RoFormer, arXiv:2104.09864)."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
from attrs import frozen

from flopbench.blocks.passes import Pass
from flopbench.blocks.site import Site
from flopbench.dims import Dim, halve
from flopbench.ops import Elementwise, MatMul, Op, Rope


@frozen
class RotaryAngles:
    """Cosines and sines of the positions of a pass, computed once for all layers.

    Attributes:
        dim: rotated elements of a head.
        by_matmul: whether the angles are a matrix product of frequencies and positions, rather
            than computed element by element.
        per_pair: whether two elements that are rotated together share one cosine and sine,
            rather than each having its own.
        axes: how many positions a token has. With several (time, height and width in M-RoPE,
            arXiv:2409.12191), each sequence has its own, all angles of all of them are computed
            once per pair, and one of them is taken for each pair.
        layers: how often they are computed, if each layer that needs them does so for itself.
    """

    dim: Dim
    by_matmul: bool = False
    per_pair: bool = False
    axes: int = 1
    layers: Dim = 1

    @property
    def _made(self) -> Dim:
        """Number of cosines per position, and of sines."""
        return halve(self.dim) if self.per_pair or self.axes > 1 else self.dim

    def _positions(self, run: Pass) -> Dim:
        return run.queries if self.axes == 1 else self.axes * run.tokens

    def held(self, run: Pass) -> Dim:
        """Return the number of elements that stay alive during the pass.

        Sequences share them, unless tokens have several positions.
        """
        return 2 * (self._made * run.queries if self.axes == 1 else self.dim * run.tokens)

    def ops(self, site: Site, run: Pass) -> Iterator[Op]:
        """Yield the angles, their cosines and sines, and the scaling of both.

        The multiplication runs even if the scale is 1.
        """
        site = attrs.evolve(site, layers=self.layers).between("positions", "angles")
        frequencies, queries = halve(self.dim), self._positions(run)
        # Positions by frequencies, and the scaling. Cosines stay alive while sines are scaled.
        scaled = 2 * self._made * queries
        outputs, reads = scaled, scaled
        if self.by_matmul:
            yield site.op(MatMul, batch=1, m=frequencies, k=1, n=queries)
        else:
            outputs, reads = queries * frequencies + scaled, queries + frequencies + scaled
        live = 3 * self._made * queries
        yield site.op(
            Elementwise, function="multiply", outputs=outputs, reads=reads, peak_elements=live
        )
        yield angle_op(site, queries * self._made)


def angle_op(site: Site, angles: Dim) -> Elementwise:
    """Return the cosines and sines of angles, which are read once for each."""
    return site.op(
        Elementwise,
        function="rope_angle",
        outputs=angles,
        reads=2 * angles,
        writes=2 * angles,
        peak_elements=3 * angles,
    )


def rotation(
    site: Site,
    run: Pass,
    heads: Dim,
    dim: Dim,
    *,
    positions: Dim | None = None,
    takes: tuple[str, ...] = ("q", "k"),
) -> Rope:
    """Return the rotation of ``dim`` elements of each head; the angles are alive beside it.

    Args:
        positions: how many positions have angles of their own; None if sequences share them.
        takes: names of the values that are rotated.
    """
    return site.op(
        Rope,
        takes=takes,
        gives="",
        tokens=run.tokens,
        heads=heads,
        head_dim=dim,
        positions=run.queries if positions is None else positions,
        peak_elements=2 * run.tokens * heads * dim,
    )
