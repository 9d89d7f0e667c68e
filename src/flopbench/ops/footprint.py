"""What a stage keeps in memory: weights, KV cache, and the activations alive at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import Factory, frozen

from flopbench.dims import Dim, at_most_one, maximum
from flopbench.ops.base import PricedOp
from flopbench.ops.tensors import LargestTensor, Made
from flopbench.storage import Storage, bytes_of


@frozen(eq=False)
class Held:
    """Bytes that one operation holds: weights and cache of all copies, activations of one."""

    component: str
    weight_bytes: Dim
    cache_bytes: Dim
    alive_bytes: Dim
    result_bytes: Dim
    made: tuple[Made, ...] = ()

    @classmethod
    def by(cls, op: PricedOp, storage: Storage) -> Held:
        """Measure an operation."""
        weights = 0 if op.weights_shared else op.weight_bytes(storage) * op.layers
        cache = op.layers * bytes_of(op.cache_held(), op.cache_dtype(storage))
        # An op with 0 copies does not run: nothing is alive.
        runs = at_most_one(op.layers)
        live = bytes_of(op.peak(), storage.activations) * runs
        result = bytes_of(op.largest_result(), storage.activations) * runs
        made = tuple(
            Made(op.component, tensor, tensor.dtype or storage.activations, runs)
            for tensor in op.tensors()
        )
        return cls(op.component, weights, cache, live, result, made)


@frozen(eq=False)
class Footprint:
    """Bytes that a stage holds.

    Attributes:
        weight_bytes: weights by component, all experts included.
        kv_cache_bytes: keys and values of all layers, and states of recurrences, at the end of the
            stage.
        alive_bytes: the activations that are alive during each of its operations.
        result_bytes: the largest result of each of its operations.
        made: the tensors that its operations make, each as its program stores it.
    """

    weight_bytes: Mapping[str, Dim] = Factory(dict)
    kv_cache_bytes: Dim = 0
    alive_bytes: tuple[Dim, ...] = ()
    result_bytes: tuple[Dim, ...] = ()
    made: tuple[Made, ...] = ()

    @classmethod
    def of(cls, held: Iterable[Held]) -> Footprint:
        """Combine what operations hold."""
        weights: dict[str, Dim] = {}
        cache: Dim = 0
        live: list[Dim] = []
        results: list[Dim] = []
        made: list[Made] = []
        for each in held:
            weights[each.component] = weights.get(each.component, 0) + each.weight_bytes
            cache = cache + each.cache_bytes
            live.append(each.alive_bytes)
            results.append(each.result_bytes)
            made += each.made
        return cls(weights, cache, tuple(live), tuple(results), tuple(made))

    @property
    def total_weight_bytes(self) -> Dim:
        """Weights of all components."""
        return sum(self.weight_bytes.values())

    @property
    def peak_activation_bytes(self) -> Dim:
        """The peak of live activations: a maximum over the stage, not a sum."""
        return _largest(self.alive_bytes)

    @property
    def largest_activation_bytes(self) -> Dim:
        """The largest result of one of its operations, in the dtype of activations."""
        return _largest(self.result_bytes)

    @property
    def largest_tensor_bytes(self) -> Dim:
        """The largest tensor that one of its operations makes, in the dtype that it has."""
        return _largest(each.bytes for each in self.made)

    @property
    def largest_tensor(self) -> LargestTensor | None:
        """That tensor, the first of several; None if there is none. Sizes must be numbers."""
        largest = max(self.made, key=lambda each: int(each.bytes), default=None)
        return None if largest is None else LargestTensor.of(largest)

    def then(self, other: Footprint) -> Footprint:
        """Combine with a later stage of the same model, which has the same weights and cache."""
        both = {**self.weight_bytes, **other.weight_bytes}
        return Footprint(
            {
                name: maximum(self.weight_bytes.get(name, 0), other.weight_bytes.get(name, 0))
                for name in both
            },
            maximum(self.kv_cache_bytes, other.kv_cache_bytes),
            self.alive_bytes + other.alive_bytes,
            self.result_bytes + other.result_bytes,
            self.made + other.made,
        )


def _largest(sizes: Iterable[Dim]) -> Dim:
    """Return the largest size; asked for only where it is shown, since symbols take time."""
    most: Dim = 0
    for size in sizes:
        most = maximum(most, size)
    return most
