"""What only moves bytes: look-ups in tables, and the KV cache."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from flopbench.conventions import Conventions
from flopbench.dims import Dim, dim_field
from flopbench.ops.base import PricedOp, VectorOp, optional_dim_field, rows_of
from flopbench.ops.flow import Needs
from flopbench.ops.gradients import place_of
from flopbench.ops.kept import Kept
from flopbench.ops.vector import Elementwise
from flopbench.storage import Storage, bytes_of


@frozen(kw_only=True, eq=False)
class Embedding(VectorOp):
    """A table look-up: no FLOPs, but bytes to move.

    Attributes:
        uses: how often its vectors are used, if not once each: sequences share those of positions.
    """

    kind = "embedding"
    tokens: Dim = dim_field()
    width: Dim = dim_field()
    entries: Dim = dim_field()
    uses: Dim | None = optional_dim_field()

    @property
    def elements(self) -> Dim:
        return self.tokens * self.width

    def result_shape(self) -> tuple[Dim, ...]:
        return rows_of(self, self.tokens, self.width)

    def vector_flops(self, conventions: Conventions) -> Dim:
        return 0

    def operands(self) -> Dim:
        return 0

    def weights(self) -> Dim:
        return self.entries * self.width

    def weights_read(self) -> Dim:
        return self.elements

    def weight_bytes(self, storage: Storage) -> Dim:
        return bytes_of(self.weights(), storage.embeddings)

    def weight_bytes_read(self, storage: Storage) -> Dim:
        return bytes_of(self.weights_read(), storage.embeddings)

    def backward(self, needs: Needs) -> Iterator[PricedOp]:
        """Yield the addition of the gradient of each use to that of its entry."""
        if needs.weights:
            uses = self.tokens if self.uses is None else self.uses
            yield Elementwise(function="add", outputs=uses * self.width, **place_of(self))

    def keeps(self, needs: Needs) -> Iterator[Kept]:
        """Yield nothing: its indices are the model's input."""
        return iter(())


@frozen(kw_only=True, eq=False)
class KvCacheUpdate(VectorOp):
    """What a run writes to the KV cache, or to a state in its place: no FLOPs, but bytes to move.

    Attributes:
        new: elements of keys and values, or of the state, that one run writes.
        held: elements that the cache of one layer holds after the last step.
        dtype: type of the state, if it does not have that of the KV cache.
    """

    kind = "kv_cache"
    new: Dim = dim_field()
    held: Dim = dim_field()
    dtype: str | None = None

    @property
    def elements(self) -> Dim:
        return self.new

    def vector_flops(self, conventions: Conventions) -> Dim:
        return 0

    def results(self) -> Dim:
        return 0

    def cache_written(self) -> Dim:
        return self.new

    def cache_held(self) -> Dim:
        return self.held

    def cache_dtype(self, storage: Storage) -> str:
        return self.dtype or storage.kv_cache
