"""A decoder: embeddings, groups of identical layers, LM head."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeVar

import attrs
from attrs import frozen

from flopbench.blocks.ends import Embeddings, LmHead
from flopbench.blocks.linear import ResidualNorms
from flopbench.blocks.mlp import GatedMlp, Mlp
from flopbench.blocks.moe import Moe
from flopbench.blocks.passes import Pass
from flopbench.blocks.site import Site
from flopbench.dims import Dim, is_array
from flopbench.ops import Op

Part = TypeVar("Part")


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
    """

    count: Dim
    attention: AttentionBlock
    feed_forward: Mlp | GatedMlp | Moe


@frozen(kw_only=True)
class Decoder:
    """A decoder-only language model.

    Attributes:
        groups: its layers; the order of groups does not matter.
        around: norms and residual additions of each layer, and the final norm.
        angles: one for each kind of rotation.
    """

    embeddings: Embeddings
    groups: tuple[Layers, ...]
    around: ResidualNorms
    head: LmHead
    angles: tuple[AnglesBlock, ...] = ()

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
        within = site.with_alive(held + residual)
        for attention, count in self._counts(lambda group: group.attention):
            yield from attention.ops(attrs.evolve(within, layers=count).at("attention"), run)
        yield from self.around.ops(every.with_alive(held).at("norm"), run.tokens)
        for feed_forward, count in self._counts(lambda group: group.feed_forward):
            part = "moe" if isinstance(feed_forward, Moe) else "mlp"
            place = attrs.evolve(within, layers=count).at(part)
            yield from feed_forward.ops(place, run.tokens)
        yield from self.head.ops(Site("lm_head", steps=run.steps), run)

    def _counts(self, part: Callable[[Layers], Part]) -> list[tuple[Part, Dim]]:
        """Return the distinct parts of this kind, each with the number of layers that use it."""
        counts: list[tuple[Part, Dim]] = []
        for group in self.groups:
            found, count = part(group), group.count
            for index, (known, layers) in enumerate(counts):
                if _alike(found, known):
                    counts[index] = known, layers + count
                    break
            else:
                counts.append((found, count))
        return counts


def _alike(one: Any, other: Any) -> bool:
    """Return whether two parts are equal; arrays in their fields have no single truth value."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if is_array(one):
        return one.shape == other.shape and bool((one == other).all())
    if attrs.has(type(one)):
        fields = [field.name for field in attrs.fields(type(one))]
        return all(_alike(getattr(one, name), getattr(other, name)) for name in fields)
    return bool(one == other)
