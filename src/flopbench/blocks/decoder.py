"""A decoder: embeddings, groups of identical layers, LM head."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import attrs
from attrs import frozen

from flopbench.blocks.ends import Embeddings, LmHead
from flopbench.blocks.linear import ResidualNorms
from flopbench.blocks.mlp import GatedMlp, Mlp
from flopbench.blocks.moe import Moe
from flopbench.blocks.passes import Pass
from flopbench.blocks.site import Site
from flopbench.dims import Dim
from flopbench.ops import Op, Rope, Unit
from flopbench.storage import Scheme


class AttentionBlock(Protocol):
    """The attention of a layer, such as `SelfAttention` or `LatentAttention`."""

    def ops(self, site: Site, run: Pass) -> Iterator[Op]:
        """Yield the operations of a pass under ``qkv``, ``core`` and ``out``."""


class AnglesBlock(Protocol):
    """The computation of rotary angles, such as `RotaryAngles`."""

    def held(self, run: Pass) -> Dim:
        """Return the number of elements that stay alive during the pass."""

    def ops(self, site: Site, run: Pass) -> Iterator[Op]:
        """Yield the computation of the angles; the site's ``layers`` are the model's."""


@frozen
class Layers:
    """A group of identical layers.

    Attributes:
        feed_forward: the part of a layer after attention.
        schemes: how their weights are stored, as in `Site`.
        numbers: which layers of the model they are, from 0, if that is known.
    """

    count: Dim
    attention: AttentionBlock
    feed_forward: Mlp | GatedMlp | Moe
    schemes: Mapping[str, Scheme] = attrs.field(factory=dict, hash=False)
    numbers: tuple[int, ...] = ()

    def roles(self) -> tuple[str, ...]:
        """Return the components and roles of its weights: those whose scheme its blocks ask for."""
        asked = _Asked()
        site = Site("decoder", schemes=asked)
        one = Pass(batch=1, queries=1, keys=1, head_rows=1)
        for _ in self.attention.ops(site.at("attention"), one):
            pass
        for _ in self.feed_forward.ops(site.at(part_name(self.feed_forward)), one.tokens):
            pass
        return tuple(asked.keys_asked)


class _Asked(dict[str, Scheme]):
    """No schemes, and a memory of those that were asked for."""

    def __init__(self) -> None:
        self.keys_asked: dict[str, None] = {}

    def get(self, key: str, default: Any = None) -> Any:
        self.keys_asked[key] = None
        return default


def part_name(feed_forward: Mlp | GatedMlp | Moe) -> str:
    """Return the component of a part after attention, below that of the layer."""
    return "moe" if isinstance(feed_forward, Moe) else "mlp"


@frozen(kw_only=True)
class Decoder:
    """A decoder-only language model.

    Attributes:
        groups: its layers; the order of groups does not matter.
        around: norms and residual additions of each layer, and the final norm.
        angles: one for each kind of rotation.
        schemes: how the weights outside of layers are stored, as in `Site`.
    """

    embeddings: Embeddings
    groups: tuple[Layers, ...]
    around: ResidualNorms
    head: LmHead
    angles: tuple[AnglesBlock, ...] = ()
    schemes: Mapping[str, Scheme] = attrs.field(factory=dict, hash=False)

    @property
    def layers(self) -> Dim:
        """Number of layers."""
        return sum(group.count for group in self.groups)

    def ops(self, run: Pass) -> Iterator[Op]:
        """Yield the operations of the passes, including embeddings and LM head.

        Within a layer the residual and the angles stay alive during all work, except where the
        work is on the residual itself.
        """
        site = Site("decoder", steps=run.steps)
        every = attrs.evolve(site, layers=self.layers)
        yield from self.embeddings.ops(site.at("embed"), run)
        residual = run.tokens * self.embeddings.width
        held: Dim = 0
        for angles in self.angles:
            yield from angles.ops(every.with_alive(held + residual).at("rope"), run)
            held = held + angles.held(run)
        for index, group in enumerate(self.groups):
            unit = Unit(f"layer {index}", group.count, group.numbers)
            place = attrs.evolve(site, layers=group.count, schemes=group.schemes, unit=unit)
            yield from self._layer(group, place.with_alive(held), run)
        yield from self.around.end(site.with_alive(held).at("norm"), run.tokens)
        head = Site("lm_head", steps=run.steps, schemes=self.schemes)
        yield from self.head.ops(head, run)

    def _layer(self, group: Layers, site: Site, run: Pass) -> Iterator[Op]:
        within = site.with_alive(run.tokens * self.embeddings.width)  # the residual
        attention, feed_forward = group.attention, group.feed_forward
        places = within.at("attention"), within.at(part_name(feed_forward))
        ops = self.around.layer(
            site.at("norm"),
            run.tokens,
            lambda takes, gives: attention.ops(places[0].between(takes, gives), run),
            lambda takes, gives: feed_forward.ops(places[1].between(takes, gives), run.tokens),
        )
        windowed = getattr(attention, "window", None) is not None
        if len(self.angles) > 1 and windowed:
            return (_by_angles(op, "angles of windows") for op in ops)
        return ops


def _by_angles(op: Op, name: str) -> Op:
    """Return an operation with the name of the angles that it rotates by, if it does."""
    return attrs.evolve(op, angles=name) if isinstance(op, Rope) else op
