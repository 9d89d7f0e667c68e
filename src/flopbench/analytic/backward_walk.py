"""What is kept while the backward goes through a model, from the last operation to the first.

When it is at an operation, what that one and all before it kept is still there, and so are the
gradients of its weights and of those of all after it. Of equal layers in a row the last and the
first are looked at: from one layer to the next, the same is freed and the same is added.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import groupby

from attrs import field, frozen

from flopbench.dims import Dim
from flopbench.ops import Op
from flopbench.tally import sums
from flopbench.training.flow import Step
from flopbench.training.frozen import Trained, name_of
from flopbench.training.optimizer import weights_of
from flopbench.training.saved import Saved


@frozen(eq=False)
class Place:
    """Bytes of one operation, in one layer.

    Attributes:
        kept: activations that are kept from the forward.
        remade: those that are made again with its layer.
        meanwhile: those that are made again for itself alone.
        gradient: of its weights, unless an operation after it has the same ones.
    """

    component: str
    kept: Dim = 0
    remade: Dim = 0
    meanwhile: Dim = 0
    gradient: Dim = 0


@frozen(eq=False)
class Part:
    """Equal layers in a row, or one operation outside of layers."""

    places: tuple[Place, ...]
    layers: Dim = 1
    kept: Dim = field(init=False)
    gradient: Dim = field(init=False)

    @kept.default
    def _kept(self) -> Dim:
        return sum(place.kept for place in self.places)

    @gradient.default
    def _gradient(self) -> Dim:
        return sum(place.gradient for place in self.places)

    @property
    def remade(self) -> Dim:
        """The bytes that are made again at once."""
        most = max((int(place.meanwhile) for place in self.places), default=0)
        return sum(place.remade for place in self.places) + most


def walk(parts: Sequence[Part]) -> Iterator[tuple[str, Dim]]:
    """Yield the component of each operation on the way back, and what is kept meanwhile."""
    kept: Dim = sum(part.kept * part.layers for part in parts)
    gradients: Dim = 0
    for part in reversed(parts):
        if not part.layers:
            continue
        others = part.layers - 1
        yield from _inside(part, kept, gradients)
        if others:
            yield from _inside(part, kept - others * part.kept, gradients + others * part.gradient)
        kept = kept - part.layers * part.kept
        gradients = gradients + part.layers * part.gradient


def _inside(part: Part, kept: Dim, gradients: Dim) -> Iterator[tuple[str, Dim]]:
    """Yield the operations of one layer, and what is kept; ``kept`` includes what it kept."""
    remade: Dim = sum(place.remade for place in part.places)
    for place in reversed(part.places):
        gradients = gradients + place.gradient
        yield place.component, kept + remade + place.meanwhile + gradients
        kept, remade = kept - place.kept, remade - place.remade


def parts_of(
    steps: Sequence[Step],
    kept: Iterable[Saved],
    remade: Iterable[Saved],
    gradients: Callable[[Step], Dim],
) -> list[Part]:
    """Return the parts of a forward, in the order in which they run.

    Args:
        kept: by `flopbench.training.saved.saved`.
        remade: by `flopbench.training.saved.remade`.
        gradients: gives the bytes of the gradients that an operation makes in one layer.
    """
    every, made = tuple(kept), tuple(remade)
    outside = sums((each.step, each.each) for each in every if each.layer is None)
    inside = sums((each.step, each.each) for each in every if each.layer is not None)
    again = sums((each.step, each.each) for each in made if not each.alone)
    core = sums((each.step, each.each) for each in made if each.alone)

    def place(step: Step) -> Place:
        own = outside if step.layer is None else inside
        kept, remade, meanwhile = (found.get(step, 0) for found in (own, again, core))
        return Place(step.op.component, kept, remade, meanwhile, gradients(step))

    found = []
    for is_layer, group in groupby(steps, lambda step: step.layer is not None):
        together = tuple(group)
        if not is_layer:
            found += [Part((place(step),)) for step in together]
            continue
        # What all layers share is kept until the backward has left them.
        found += [Part((Place(s.op.component, outside[s]),)) for s in together if s in outside]
        kinds: dict[Hashable, list[Place]] = {}
        for step in together:
            kinds.setdefault(step.layer, []).append(place(step))
        found += [Part(tuple(kinds[layer]), count) for layer, count in _in_order(together)]
    return found


def _in_order(steps: Iterable[Step]) -> Iterator[tuple[Hashable, Dim]]:
    """Yield kinds of layers, and how many of them come next, as far as their numbers say."""
    counts = {step.layer: step.layers for step in steps if step.layer is not None}
    numbered: list[tuple[int, Hashable]] = []
    for (unit, needs), count in counts.items():
        if len(unit.numbers) != unit.count:
            yield from counts.items()
            return
        # Layers before the first one with a gradient come first, whatever their kind.
        before = 0 if not needs else unit.count - count
        numbered += [(n, (unit, needs)) for n in unit.numbers[before:][: int(count)]]
    for layer, group in groupby(sorted(numbered, key=lambda each: each[0]), lambda each: each[1]):
        yield layer, len(list(group))


def gradients_of(
    steps: Sequence[Step], trains: Trained, size: Callable[[Dim], Dim]
) -> Callable[[Step], Dim]:
    """Return what gives the bytes of the gradients that an operation makes, in one layer.

    Weights that several operations share get theirs where the backward comes first: the last one.

    Args:
        size: gives the bytes of a number of gradients.
    """
    held = Counter(_weights(step.op) for step in steps if not step.op.weights_shared)
    makes = set()
    for step in reversed(steps):
        key = _weights(step.op)
        if trains(step.op) and held[key]:
            held[key] -= 1
            makes.add(step)
    return lambda step: size(weights_of(step.op) * step.copies) if step in makes else 0


def _weights(op: Op) -> Hashable:
    """Return what tells the weights of operations apart."""
    return name_of(op), op.unit, weights_of(op)
