"""One attention in every mode: what is useful, what is counted, what a GPU executes."""

from __future__ import annotations

import attrs
from attrs import frozen

from flopbench.analytic import AttentionMode
from flopbench.analytic.price import StagePrice, price
from flopbench.builtin.eager import Eager
from flopbench.builtin.flash import Flash, FlashTorch
from flopbench.conventions import Conventions
from flopbench.errors import UsageError, unknown
from flopbench.kernels.flash_tiles import DTYPES, GPUS, HEAD_GRAIN, KERNELS
from flopbench.kernels.flash_work import Choice, executed_flops
from flopbench.ops import Attention


@frozen(kw_only=True)
class AttentionFigures:
    """FLOPs of one attention, matrix work only.

    Attributes:
        useful_flops: of the query-key pairs that the mask leaves.
        eager_flops: of all pairs.
        torch_visible_flops: what FlopCounterMode counts of flash-attn's own op: nothing.
        torch_sdpa_flops: what it counts of SDPA, whichever kernel runs: all pairs, with heads
            as wide as SDPA hands them to the kernel.
        executed_flops: of the tiles that the kernel multiplies.
        executed_ratio: executed over useful; None if nothing is useful.
        kernel: the kernel that runs.
        tile: its query rows and keys.
        splits: the number of parts the keys are split into; None where the rule is not known.
        sdpa_kernel: the kernel that SDPA's flash backend runs for this shape; None if another
            backend or library was asked for.
    """

    useful_flops: int
    eager_flops: int
    torch_visible_flops: int
    torch_sdpa_flops: int
    executed_flops: int
    executed_ratio: float | None
    kernel: str
    tile: tuple[int, int]
    splits: int | None
    sdpa_kernel: str | None


def attention_figures(op: Attention, gpu: str, kernel: str, dtype: str) -> AttentionFigures:
    """Price one attention op, whose sizes are ints, in every mode.

    Args:
        gpu: a name of `GPUS`.
        kernel: a name of `KERNELS`, or ``auto``: what SDPA's flash backend runs.

    Raises:
        UsageError: a name is unknown, or the kernel cannot carry out the op.
    """
    for what, given, known in (("GPU", gpu, GPUS), ("dtype", dtype, DTYPES)):
        if given not in known:
            raise UsageError(unknown(what, given, known))
    if kernel not in (*KERNELS, "auto"):
        raise UsageError(unknown("kernel", kernel, (*KERNELS, "auto")))
    if op.bias or op.head_dim != op.value_dim:
        raise UsageError("kernels are modelled without a bias and with values as wide as heads")
    if kernel == "cudnn":
        _refuse_for_cudnn(op)
    choice = Choice(GPUS[gpu], kernel, fp8=dtype == "fp8")
    executed = int(executed_flops(op, choice))
    eager, useful = _price(op, Eager()).cost, int(_price(op, Flash()).cost.tensor_flops)
    sdpa_kernel = _sdpa_kernel(op, choice)
    name = choice.kernel if choice.kernel != "auto" else str(sdpa_kernel)
    tile = choice.tile(name, op)
    return AttentionFigures(
        useful_flops=useful,
        eager_flops=int(eager.tensor_flops),
        torch_visible_flops=int(_price(op, FlashTorch()).torch_visible_flops),
        torch_sdpa_flops=_torch_sdpa_flops(op, choice.kernel),
        executed_flops=executed,
        executed_ratio=executed / useful if useful else None,
        kernel=name,
        tile=(tile.rows, tile.keys),
        splits=_splits(op, choice, name),
        sdpa_kernel=sdpa_kernel,
    )


def _refuse_for_cudnn(op: Attention) -> None:
    """Refuse what SDPA's cuDNN backend does not take (sdp_utils.cpp), or masks differently."""
    if op.keys == 1:
        raise UsageError("kernel cudnn needs at least 2 keys in PyTorch's SDPA, got 1")
    if op.causal and 1 < op.queries < op.keys:
        raise UsageError(
            "kernel cudnn with a causal mask needs as many queries as keys in PyTorch's SDPA, got "
            f"{op.queries} queries and {op.keys} keys"
        )


def _price(op: Attention, mode: AttentionMode) -> StagePrice:
    return price([op], mode, Eager(), Conventions())


_SDPA_FLASH = ("auto", "fa2", "fa2_splitkv")


def _sdpa_kernel(op: Attention, choice: Choice) -> str | None:
    """Return the kernel that SDPA's flash backend runs, if it is what was asked for."""
    if choice.kernel not in _SDPA_FLASH:
        return None
    return "fa2_splitkv" if choice.splits(op, op.keys) > 1 else "fa2"


def _splits(op: Attention, choice: Choice, kernel: str) -> int | None:
    if kernel not in _SDPA_FLASH:
        return None
    return int(choice.splits(op, op.keys)) if kernel == "fa2_splitkv" else 1


def _torch_sdpa_flops(op: Attention, kernel: str) -> int:
    """Return what FlopCounterMode counts: SDPA pads heads before FlashAttention gets them."""
    grain = HEAD_GRAIN if kernel in _SDPA_FLASH else 1
    width = -(-int(op.head_dim) // grain) * grain
    padded = attrs.evolve(op, head_dim=width, value_dim=width)
    return int(_price(padded, Eager()).torch_visible_flops)


@frozen(kw_only=True)
class Measured:
    """What a GPU executed of one attention, and by which kernels."""

    measured_flops: int
    measured_kernels: tuple[str, ...]


def measure(op: Attention, kernel: str, dtype: str) -> Measured:
    """Run the attention on this machine's GPU with PyTorch's SDPA, under Nsight Compute.

    Raises:
        UsageError: there is no GPU or no ncu, or PyTorch does not run the kernel or the type.
        CountError: the backend does not take the shape.
    """
    from flopbench.kernels.gemm_tiles import short_name
    from flopbench.kernels.sdpa_call import TYPES, Core, measure_cores

    if kernel not in {"auto", "cudnn"}:
        raise UsageError(
            f"--measure runs PyTorch's SDPA: --kernel must be auto or cudnn, got {kernel}"
        )
    if dtype not in TYPES:
        raise UsageError(f"--measure needs --dtype {' or '.join(TYPES)}, got {dtype}")
    backend = "cudnn" if kernel == "cudnn" else "flash"
    (kernels,) = measure_cores([Core(op, dtype)], backend)
    working = [k for k in kernels if sum(k.flops.values())]
    names = tuple(dict.fromkeys(short_name(k.name) for k in working))
    return Measured(
        measured_flops=sum(sum(k.flops.values()) for k in working), measured_kernels=names
    )
