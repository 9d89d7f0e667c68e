"""The floor of a stage: the time that no program that does its work can beat.

    max(tensor FLOPs at the dense peaks, bytes that must pass memory / bandwidth)

of all its operations at once: whatever is fused, overlapped or kept in a cache. Each term is the
least that any program needs:

- **Tensor FLOPs** of a price whose attention leaves masked pairs out. A convolution counts one
  product per output and pair of channels: Winograd's algorithm (arXiv:1509.09308) and Fourier
  transforms do with fewer products than the definition, but not with fewer than that. Products of
  the KV cache with weights (the expansion of latents) count none: an engine may move them to the
  queries (DeepSeek-V2, arXiv:2405.04434, section 2.1.2).
- **Weights** once per pass, however many operations of a pass share them. Of routed experts those
  of one token, since all tokens may choose the same; of embeddings one row, since all tokens may
  be equal, and none beside a tied LM head, which reads the table.
- **KV cache**: what earlier passes wrote, read once per pass, and what is new and stays, written.
- **Input and output**: what the first operation reads, and the last one writes.

The passes of decoding follow each other, because a token depends on the one before. What the last
level of cache can keep from one pass to the next need not be read again; a stage starts with
nothing of its own in the cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

from attrs import asdict, evolve, frozen

from flopbench.analytic.price import StagePrice
from flopbench.hardware.bounds import Limit
from flopbench.hardware.machine import Machine
from flopbench.ops import Conv2d, Convolution, Cost, Embedding, ExpertLinear, Linear, PricedOp
from flopbench.storage import Storage, bytes_of
from flopbench.tally import sums


@frozen(eq=False)
class Floor:
    """The floor of a stage, in milliseconds, and what it consists of. Floors can be added.

    Attributes:
        ms: the floor; a sum of stages has the sum of theirs, since they depend on each other.
        compute_ms: tensor FLOPs at the peaks of their dtypes.
        memory_ms: bytes through memory at the bandwidth.
        weight_bytes: weights of all passes, those of routed experts included.
        kv_cache_bytes: keys and values, read and written.
        activation_bytes: input and output.
        kept_bytes: what of the weights and the KV cache a cache can keep between passes.
    """

    ms: float = 0.0
    compute_ms: float = 0.0
    memory_ms: float = 0.0
    weight_bytes: int = 0
    kv_cache_bytes: int = 0
    activation_bytes: int = 0
    kept_bytes: int = 0

    @property
    def bytes_moved(self) -> int:
        """Bytes that must pass memory."""
        return self.weight_bytes + self.kv_cache_bytes + self.activation_bytes - self.kept_bytes

    @property
    def bound_by(self) -> Limit | None:
        """Which of the two terms is larger; None if there is nothing to do."""
        if not self.ms:
            return None
        return "compute" if self.compute_ms > self.memory_ms else "memory"

    def __add__(self, other: Floor) -> Floor:
        one, two = asdict(self), asdict(other)
        return Floor(**{name: one[name] + two[name] for name in one})

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, the floor as ``floor_ms``."""
        fields = asdict(self)
        return {"floor_ms": fields.pop("ms"), **fields, "bytes_moved": self.bytes_moved}


def stage_floor(priced: StagePrice, machine: Machine) -> Floor:
    """Return the floor of a stage that is not composed.

    Args:
        priced: the stage's price; with an attention mode that leaves masked pairs out if the floor
            is to hold for all.

    Raises:
        UsageError: the GPU has no peak for the dtype of a product.
    """
    work = sums((machine.dtype_of(op), _needed_flops(op, cost)) for op, cost in priced.items)
    compute = sum(machine.compute_ms(dtype, flops) for dtype, flops in work.items())
    storage = machine.storage
    weights = [(_weights(op, storage), _passes(op)) for op in _holders(priced)]
    once, read = sum(w for w, _ in weights), sum(w * passes for w, passes in weights)
    earlier, earlier_read, written = _cache(priced, storage)
    passes = max((_passes(op) for op, _ in priced.items), default=1)
    again = read - once + earlier_read - earlier
    floor = Floor(
        compute_ms=compute,
        weight_bytes=read,
        kv_cache_bytes=earlier_read + written,
        activation_bytes=_ends(priced, storage),
        kept_bytes=min(again, (passes - 1) * machine.gpu.l2_bytes),
    )
    memory = machine.memory_ms(floor.bytes_moved)
    return evolve(floor, ms=max(compute, memory), memory_ms=memory)


def _needed_flops(op: PricedOp, cost: Cost) -> int:
    """Return the tensor FLOPs of all runs of an operation that no program can leave out."""
    flops = int(cost.tensor_flops - cost.padding_flops)
    if isinstance(op, Conv2d):
        return flops // int(op.kernel_size) ** 2
    if isinstance(op, Convolution):
        return flops // int(prod(op.kernel))
    expands_cache = isinstance(op, Linear) and op.cache_reads and not op.moved()[0]
    return 0 if expands_cache else flops


def _holders(priced: StagePrice) -> Iterator[PricedOp]:
    """Yield the operations whose weights no other one that is yielded has.

    A tied LM head reads the whole table, with the row that embeddings look up: it stands for both.
    """
    ops = [op for op, _ in priced.items]
    tables = {(op.entries, op.width) for op in ops if isinstance(op, Embedding)}
    heads = [op for op in ops if isinstance(op, Linear) and op.weights_shared and op.rows]
    tied = {(op.out_features, op.in_features) for op in heads} & tables
    for op in ops:
        if isinstance(op, Embedding):
            alone = (op.entries, op.width) not in tied
        else:
            of_table = isinstance(op, Linear) and (op.out_features, op.in_features) in tied
            alone = of_table or not op.weights_shared
        if alone:
            yield op


def _weights(op: PricedOp, storage: Storage) -> int:
    """Return the fewest bytes of weights that one pass of all copies reads."""
    if isinstance(op, ExpertLinear):
        read = op.fewest_expert_bytes_read(storage)
    elif isinstance(op, Embedding):
        read = bytes_of(op.width, storage.embeddings) if op.tokens else 0
    else:
        # Look-ups may read a row more than once.
        read = min(op.weight_bytes_read(storage), op.weight_bytes(storage))
    return int(read * op.layers)


def _passes(op: PricedOp) -> int:
    return int(op.steps * op.passes if isinstance(op, Linear) else op.steps)


def _cache(priced: StagePrice, storage: Storage) -> tuple[int, int, int]:
    """Return bytes of the KV cache: of earlier passes' tokens, held and read, and new ones.

    A token that leaves the cache before the stage ends need not be written.
    """
    read = sum(int(cost.kv_cache_bytes_read) for _, cost in priced.items)
    new = sum(int(cost.kv_cache_bytes_written) for _, cost in priced.items)
    kept = sum(
        min(int(cost.kv_cache_bytes_written), int(op.layers * bytes_of(op.cache_held(), kv)))
        for (op, cost), kv in ((item, storage.kv_cache) for item in priced.items)
    )
    earlier_read = max(read - new, 0)
    held = max(int(priced.footprint.kv_cache_bytes) - new, 0)
    return min(held, earlier_read), earlier_read, kept


def _ends(priced: StagePrice, storage: Storage) -> int:
    """Return bytes of what the first operation reads and the last one writes, of one copy."""
    if not priced.items:
        return 0
    (first, _), (last, _) = priced.items[0], priced.items[-1]
    read, written = first.moved()[0] * _runs(first), last.moved()[1] * _runs(last)
    return int(bytes_of(read, storage.activations) + bytes_of(written, storage.activations))


def _runs(op: PricedOp) -> int:
    """Return the runs of one copy, 0 if there is none."""
    return int(op.steps) if op.layers else 0
