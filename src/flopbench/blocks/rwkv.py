"""The two parts of RWKV-4's layers, and the layers (arXiv:2305.13048, section 3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import attrs
from attrs import frozen

from flopbench.blocks.decoder import Layers
from flopbench.blocks.linear import Part, Projections, ResidualNorms
from flopbench.blocks.passes import Pass
from flopbench.blocks.site import Site
from flopbench.dims import Dim, is_one
from flopbench.ops import Elementwise, Linear, Op, TokenShift, Wkv


@frozen(kw_only=True)
class TimeMix:
    """output(wkv(key(x), value(x)) * sigmoid(receptance(x))), each of x mixed with the one before.

    Attributes:
        inner: width of keys, values and receptance.
    """

    component: ClassVar[str] = "recurrence"

    width: Dim
    inner: Dim

    def ops(self, site: Site, run: Pass) -> Iterator[Op]:
        """Yield the operations under ``shift``, ``in``, ``core`` and ``out``."""
        rows, values = run.tokens, run.tokens * self.inner
        yield from shifts(site.at("core"), run, self.width, 3)
        roles = ("key", "value", "receptance")
        made = Projections(self.width, (self.inner,) * 3, roles=roles)
        yield from made.ops(site.at("in").between("mixed", "mixed"), rows)
        core = site.at("core").with_alive(values)
        gate = core.between("receptance", "receptance")
        yield gate.op(Elementwise, function="sigmoid", outputs=values)
        for part in run.parts:
            yield core.op(
                Wkv,
                takes=("value", "key"),
                gives="core",
                batch=part.batch,
                tokens=part.queries,
                resumed=part.resumed,
                width=self.inner,
            )
        both = ("receptance", "core")
        yield site.at("core").op(
            Elementwise, function="multiply", outputs=values, takes=both, gives="core"
        )
        last = site.at("out").between("core", site.gives)
        yield last.op(
            Linear, role="output", rows=rows, in_features=self.inner, out_features=self.width
        )


@frozen(kw_only=True)
class ChannelMix:
    """value(relu(key(x))^2) * sigmoid(receptance(x)), each of x mixed with the one before."""

    component: ClassVar[str] = "mlp"

    width: Dim
    inner: Dim

    def ops(self, site: Site, run: Pass) -> Iterator[Op]:
        """Yield the shift, the products and their activations, in that order."""
        rows, values = run.tokens, run.tokens * self.width
        yield from shifts(site, run, self.width, 2)
        mixed = site.between("mixed", "mixed")
        inner = mixed.between("key", "key")
        yield self._linear(mixed, "key", "mixed", rows)
        yield inner.op(Elementwise, function="relu_squared", outputs=rows * self.inner)
        yield self._linear(mixed, "value", "key", rows)
        beside = mixed.with_alive(values)
        yield self._linear(beside, "receptance", "mixed", rows)
        gate = beside.between("receptance", "receptance")
        yield gate.op(Elementwise, function="sigmoid", outputs=values)
        yield site.op(
            Elementwise, function="multiply", outputs=values, takes=("receptance", "value")
        )

    def _linear(self, site: Site, role: str, takes: str, rows: Dim) -> Linear:
        sizes: dict[str, Any] = {
            "in_features": self.inner if role == "value" else self.width,
            "out_features": self.inner if role == "key" else self.width,
        }
        return site.op(Linear, role=role, rows=rows, takes=(takes,), gives=role, **sizes)


def shifts(site: Site, run: Pass, width: Dim, mixes: int) -> Iterator[Op]:
    """Yield the mixtures of each input with the one before, ``mixes`` of them."""
    for part in run.parts:
        yield site.op(
            TokenShift,
            gives="mixed",
            batch=part.batch,
            tokens=part.queries,
            resumed=part.resumed,
            width=width,
            mixes=mixes,
        )


@frozen
class RwkvLayers(Layers):
    """Layers whose second part has a state, too.

    transformers mixes each of B new tokens with the last ones of all B sequences: from the first
    mixture on, a pass over one token of each, such as a step of decoding, has B tokens for each
    sequence. (Training on one token, which keeps no state, has one.) The very first norm, before
    that mixture, is priced for all of them and the last norm for one of each: as many in all.

    Attributes:
        halved: whether the residual is halved after them, as RWKV does every few layers.
    """

    halved: bool = False

    def ops(self, site: Site, run: Pass, around: ResidualNorms) -> Iterator[Op]:
        alone = run.parts[0] is run  # sequences of a packed pass run one by one
        if alone and is_one(run.queries):
            earlier = run.keys - run.queries
            run = attrs.evolve(run, queries=run.batch, keys=earlier + run.batch)
        yield from super().ops(site, run, around)
        if self.halved:
            elements = run.tokens * around.width
            half: dict[str, Any] = {"function": "multiply", "outputs": elements, "reads": elements}
            yield site.at("norm").op(Elementwise, **half)

    def _parts(self, site: Site, run: Pass) -> Iterator[Part]:
        for part in (self.attention, self.feed_forward):
            yield _of_run(part, site, run)


def _of_run(part: Any, site: Site, run: Pass) -> Part:
    """Return a part that is given the pass, and not the number of its tokens alone."""
    place = site.at(part.component)
    return lambda takes, gives: part.ops(place.between(takes, gives), run)
