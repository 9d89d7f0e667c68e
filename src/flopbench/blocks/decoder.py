"""A decoder: embeddings, groups of identical layers, LM head."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Protocol, Self, TypeAlias

import attrs
from attrs import frozen

from flopbench.blocks.ends import Embeddings, LmHead
from flopbench.blocks.linear import Part, ResidualNorms
from flopbench.blocks.mlp import GatedMlp, Mlp
from flopbench.blocks.moe import Moe
from flopbench.blocks.passes import PackedPass, Pass
from flopbench.blocks.site import Site
from flopbench.dims import Dim, is_one, minimum
from flopbench.ops import Core, Op, Rope, Unit
from flopbench.storage import Scheme

FeedForward: TypeAlias = Mlp | GatedMlp | Moe


class AttentionBlock(Protocol):
    """What mixes the tokens in a layer: `SelfAttention`, or a recurrence in its place.

    Its operations are under ``attention``, unless it has a class attribute ``component``, which is
    "" if it chooses for each of its parts.
    """

    def ops(self, site: Site, run: Pass) -> Iterator[Op]:
        """Yield the operations of a pass, such as those under ``qkv``, ``core`` and ``out``."""


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
        attention: the part that mixes tokens; None if the layers have none.
        feed_forward: the part after it; None if the layers have none.
        schemes: how their weights are stored, as in `Site`.
        numbers: which layers of the model they are, from 0, if that is known.
        around: norms and residual additions, if they are not those of the other layers.
        cross: the part between the two that reads another sequence (`CrossAttention`), if any.
        last_rows: whether they run on the positions alone that the LM head runs on, as all that
            comes after them then does: their keys are an earlier layer's.
    """

    count: Dim
    attention: AttentionBlock | None
    feed_forward: FeedForward | None
    schemes: Mapping[str, Scheme] = attrs.field(factory=dict, hash=False)
    numbers: tuple[int, ...] = ()
    around: ResidualNorms | None = None
    cross: AttentionBlock | None = None
    last_rows: bool = False

    def ops(self, site: Site, run: Pass, around: ResidualNorms) -> Iterator[Op]:
        """Yield the operations of a pass through the layers.

        Args:
            site: where they run; what is alive beside them must not include the residual.
            around: norms and residual additions, unless they have their own.
        """
        around = self.around or around
        layers = self
        if self.last_rows and run.head_rows is not run.queries:
            layers, run = self._of_last_rows(run)
        within = site.with_alive(run.tokens * around.width)  # the residual
        parts = layers._parts(within, run)  # noqa: SLF001 - of its own kind
        return around.layer(site.at("norm"), run.tokens, *parts)

    def rows(self, run: Pass) -> Dim:
        """Return the number of rows that they run on."""
        return run.batch * run.head_rows if self.last_rows else run.tokens

    def _of_last_rows(self, run: Pass) -> tuple[Self, Pass]:
        """Return the layers and the pass over the rows of the LM head, with all their keys.

        The first pass on what an earlier layer kept sees what that layer saw: with a window, all
        keys of its own queries. Steps of one query are as always.
        """
        window = getattr(self.attention, "window", None)
        if is_one(run.queries):
            return self, run

        def last(part: Pass) -> Pass:
            seen = part.keys if window is None else minimum(part.keys, window - 1 + part.queries)
            return attrs.evolve(part, queries=part.head_rows, keys=seen)

        parts = tuple(map(last, run.parts))
        shorter = PackedPass(parts=parts) if isinstance(run, PackedPass) else parts[0]
        if window is None:
            return self, shorter
        attention: Any = self.attention
        return attrs.evolve(self, attention=attrs.evolve(attention, evicts=False)), shorter

    def _parts(self, site: Site, run: Pass) -> Iterator[Part]:
        """Yield the parts of a layer, in the order in which they run."""
        for mixer in (self.attention, self.cross):
            if mixer is not None:
                yield _mixing(mixer, part_site(site, mixer), run)
        feed_forward = self.feed_forward
        if feed_forward is not None:
            there = part_site(site, feed_forward)
            yield lambda takes, gives: feed_forward.ops(there.between(takes, gives), run.tokens)

    def roles(self) -> tuple[str, ...]:
        """Return the components and roles of its weights: those whose scheme its blocks ask for."""
        asked = _Asked()
        site = Site("decoder", schemes=asked)
        one = Pass(batch=1, queries=1, keys=1, head_rows=1)
        for part in self._parts(site, one):
            for _ in part(site.takes, site.gives):
                pass
        return tuple(asked.keys_asked)


def _mixing(part: AttentionBlock, place: Site, run: Pass) -> Part:
    return lambda takes, gives: part.ops(place.between(takes, gives), run)


class _Asked(dict[str, Scheme]):
    """No schemes, and a memory of those that were asked for."""

    def __init__(self) -> None:
        self.keys_asked: dict[str, None] = {}

    def get(self, key: str, default: Any = None) -> Any:
        self.keys_asked[key] = None
        return default


def part_name(part: AttentionBlock | FeedForward) -> str:
    """Return the component of a part of a layer, below that of the layer; "" if it has several."""
    found: str = getattr(part, "component", "attention")
    return found


def part_site(site: Site, part: AttentionBlock | FeedForward) -> Site:
    """Return where a part of a layer runs: under its component, if it has one of its own."""
    name = part_name(part)
    return site.at(name) if name else site


@frozen(kw_only=True)
class Decoder:
    """A decoder-only language model.

    Attributes:
        groups: its layers; the order of groups does not matter, that within a layer does.
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
        shortened = next((group for group in self.groups if group.last_rows), self.groups[0])
        rows = shortened.rows(run)
        yield from self.around.end(site.with_alive(held).at("norm"), rows)
        head = Site("lm_head", steps=run.steps, schemes=self.schemes)
        yield from self.head.ops(head, run)

    def _layer(self, group: Layers, site: Site, run: Pass) -> Iterator[Op]:
        ops = _shared(group.ops(site, run, self.around), len(run.parts))
        windowed = getattr(group.attention, "window", None) is not None
        if len(self.angles) > 1 and windowed:
            return (_by_angles(op, "angles of windows") for op in ops)
        return ops


def _shared(ops: Iterator[Op], parts: int) -> Iterator[Op]:
    """Yield the operations of a layer; the cores of all parts of a pass have the same weights."""
    found: Counter[tuple[str, type[Op]]] = Counter()
    for op in ops:
        if isinstance(op, Core):
            key = (op.component, type(op))
            again = found[key] % parts != 0
            found[key] += 1
            yield attrs.evolve(op, weights_shared=True) if again else op
        else:
            yield op


def _by_angles(op: Op, name: str) -> Op:
    """Return an operation with the name of the angles that it rotates by, if it does."""
    return attrs.evolve(op, angles=name) if isinstance(op, Rope) else op
