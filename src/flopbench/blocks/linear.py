"""Linear layers and norms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Literal

import attrs
from attrs import frozen

from flopbench.blocks.site import Site
from flopbench.dims import Dim
from flopbench.ops import STREAM, Elementwise, Linear, Norm, Op


@frozen
class Projections:
    """Linear layers on the same input; their outputs stay alive until the last one is computed.

    Each gives a value named as its role; a fused product gives one, named as the first.

    Attributes:
        out_features: widths of the layers.
        biases: whether the layers have a bias: one answer for all, or one for each.
        fused: whether one product computes all outputs.
        roles: what the layers' weights are, if they may be quantised; a fused product is all of
            them, as in ``q_k_v``.
    """

    in_features: Dim
    out_features: tuple[Dim, ...]
    biases: bool | tuple[bool, ...] = False
    fused: bool = False
    roles: tuple[str, ...] = ()

    @property
    def values(self) -> tuple[str, ...]:
        """The name of each layer's output."""
        names = self.roles or tuple(f"output {n}" for n in range(len(self.out_features)))
        return names[:1] * len(names) if self.fused else names

    def ops(self, site: Site, rows: Dim) -> Iterator[Op]:
        """Yield one product per layer, or one for all."""
        widths = (sum(self.out_features),) if self.fused else self.out_features
        biases = (self.biases,) * len(widths) if isinstance(self.biases, bool) else self.biases
        roles = ("_".join(self.roles),) if self.fused else self.roles or ("",) * len(widths)
        made: Dim = 0
        for width, bias, role, value in zip(widths, biases, roles, self.values, strict=False):
            yield site.with_alive(made).op(
                Linear,
                role=role,
                gives=value,
                rows=rows,
                in_features=self.in_features,
                out_features=width,
                bias=bias,
            )
            made = made + rows * width


@frozen
class NormSpec:
    """A kind of norm.

    Attributes:
        parameters: weights per element; None for as many as the function usually has.
    """

    function: Literal["layer_norm", "rms_norm"]
    parameters: int | None = None

    def op(self, site: Site, rows: Dim, width: Dim) -> Norm:
        """Return the norm of ``rows`` vectors."""
        return site.op(
            Norm, function=self.function, rows=rows, width=width, parameters=self.parameters
        )

    def apart(self, site: Site, rows: Dim, copies: Dim, width: Dim) -> Norm:
        """Return ``copies`` norms of ``rows`` vectors each, every copy with its own weights."""
        return self.op(attrs.evolve(site, layers=copies * site.layers), rows, width)


Part = Callable[[str, str], Iterable[Op]]
"""What yields the operations of a part, given the names of the value that it works on and makes."""


@frozen(kw_only=True)
class ResidualNorms:
    """The norms and residual additions around the parts of each layer.

    A part works on the norm of the residual; its output is added to the residual.

    Attributes:
        norms: how many norms one layer has: one before each part, unless the others say more.
        posts: how many of its norms work on the output of a part, while the residual is alive.
        parallel: whether both parts work on the residual as it enters the layer: on one norm of it,
            or each on its own.
        after: whether the norms work on the residual after each addition.
        scaled: whether the addend is multiplied by a constant first.
        last: norms after all layers.
    """

    norm: NormSpec
    width: Dim
    norms: int = 2
    posts: int = 0
    parallel: bool = False
    after: bool = False
    scaled: bool = False
    last: Dim = 0

    def layer(self, site: Site, rows: Dim, *parts: Part) -> Iterator[Op]:
        """Yield a layer in the order in which it runs.

        Args:
            site: where norms and additions run. The elements alive beside the work must not include
                the residual: they work on that itself.
        """
        steps = [self._steps(site, rows, index, part) for index, part in enumerate(parts)]
        in_order = zip(*steps, strict=True) if self.parallel else steps
        for step in chain.from_iterable(in_order):
            yield from step

    def _steps(
        self, site: Site, rows: Dim, index: int, part: Part
    ) -> tuple[Iterable[Op], Iterable[Op], Iterable[Op]]:
        """Return what runs before a part, the part itself, and its addition."""
        before = 0 if self.after else self.norms - self.posts
        own = min(index, before - 1) if self.parallel else index
        takes = f"norm {own}" if 0 <= own < before else STREAM
        gives = f"part {index}"
        norm = [self.norm.op(site.between(STREAM, takes), rows, self.width)]
        return (
            norm if index < before else [],
            part(takes, gives),
            self._added(site, rows, gives),
        )

    def _added(self, site: Site, rows: Dim, part: str) -> Iterator[Op]:
        """Yield the addition of a part's output, and what happens to both around it."""
        elements, inside = rows * self.width, site.between(part, part)
        if self.posts:
            yield self.norm.op(inside.with_alive(elements), rows, self.width)
        if self.scaled:
            yield inside.op(Elementwise, function="multiply", outputs=elements, reads=elements)
        yield site.op(Elementwise, function="add", outputs=elements, takes=(STREAM, part))
        if self.after:
            yield self.norm.op(site, rows, self.width)

    def end(self, site: Site, rows: Dim) -> Iterator[Op]:
        """Yield the norms after all layers."""
        yield self.norm.op(attrs.evolve(site, layers=self.last), rows, self.width)
