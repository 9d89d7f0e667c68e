"""GPUs with round figures, on which bounds are worked out by hand."""

import attrs

from flopbench.hardware import Gpu, Machine
from flopbench.storage import Plain, Storage

TOY = Gpu(
    name="toy",
    title="Toy",
    memory_bytes=10**6,
    bandwidth=1000,
    peaks={"float32": 1000, "bfloat16": 8000, "float8": 16_000},
)
"""1 B a millisecond, and 8 FLOPs in bfloat16."""


@attrs.frozen
class Float8(Plain):
    """Weights and activations of products in float8."""

    compute = "float8"


def toy(dtype="bfloat16", compute_dtype=None, **changes):
    return Machine(attrs.evolve(TOY, **changes), Storage.of(dtype), compute_dtype)
