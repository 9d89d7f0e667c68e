"""Why a peer counts an ordinary module wrongly: from its source, and by how much exactly."""

from __future__ import annotations

from collections.abc import Callable

import peer_amounts as missed
from attrs import frozen
from peer_cells import TORCH, Cell

MHA, ENCODER, LSTM, GRU = "`nn.Mul", "`nn.Tr", "`nn.LSTM", "`nn.GRU"
DECONV, BILINEAR, EINSUM, SDPA = "`nn.ConvT", "`nn.Bil", "attention as", "`scaled"
TWICE, RESNET, MIXTRAL, VIT, BERT = "one `nn", "ResNet", "Mixtral", "ViT", "BERT"
SWIN, T5, WHISPER, GPT2 = "Swin", "T5", "Whisper", "GPT-2"
"""Specimens, by the beginnings of their names."""

MODELS = (MIXTRAL, VIT, BERT, SWIN, T5, WHISPER, GPT2)
OWN_GELU = (VIT, BERT, SWIN, WHISPER)


@frozen
class Reason:
    """A part of a difference.

    Attributes:
        peer: who counts wrongly.
        where: what in its source does it: a module of Python, and a name in it.
        amount: what is missed, in the peer's unit; negative if it is too much.
        modules: of which specimens.
        why: a clause.
    """

    peer: str
    where: tuple[str, str]
    amount: Callable[[Cell], int]
    modules: tuple[str, ...]
    why: str

    def holds_for(self, cell: Cell) -> bool:
        """Return whether it is a part of what is wrong in a cell."""
        return cell.peer == self.peer and cell.case.specimen.name.startswith(self.modules)


Row = tuple[Callable[[Cell], int], tuple[str, ...], str]


def _at(peer: str, where: str, *rows: Row) -> tuple[Reason, ...]:
    """Return the reasons of one place, ``module: name``."""
    module, name = where.split(": ")
    return tuple(Reason(peer, (module, name), *row) for row in rows)


def _kernel(name: str) -> str:
    return f"the CPU's kernel, `{name}`, has no formula"


def _of_dispatch(peer: str, where: str) -> tuple[Reason, ...]:
    """Return the reasons of those who see ops as they are dispatched on the CPU."""
    return _at(
        peer,
        where,
        (missed.whole, (MHA,), _kernel("_native_multi_head_attention")),
        (missed.whole, (ENCODER,), _kernel("_transformer_encoder_layer_fwd")),
        (missed.whole, (LSTM,), _kernel("mkldnn_rnn_layer")),
        (missed.whole, (BILINEAR,), "no formula for `_trilinear`"),
        (missed.core, (SDPA, *MODELS), _kernel("_scaled_dot_product_flash_attention_for_cpu")),
        (missed.grouped, (MIXTRAL,), "no formula for `_grouped_mm`, which the experts run as"),
    )


_KEPT_RELU = "its activation is the `F.relu` that it was built with, not the replacement"
_KEPT_GELU = "`GELUActivation` keeps the `F.gelu` that it was built with, not the replacement"
_NO_SDPA = "`F.scaled_dot_product_attention` is not replaced"
_NO_GROUPED = "`F.grouped_mm`, which the experts run as, is not replaced"
_NO_BILINEAR = "`F.bilinear` is not replaced"
_PRINTED = "reads what `numpy.einsum_path` prints: 4 digits, and 1 too much"
_BIAS_ONCE = "the bias counts once, not per token"


def _of_functions(peer: str, file: str) -> tuple[Reason, ...]:
    """Return the reasons that DeepSpeed shares with calflops, which derives from it."""
    return (
        *_at(
            peer,
            f"{file}: _patch_functionals",
            (missed.whole, (MHA,), "`torch._native_multi_head_attention` is not replaced"),
            (missed.self_attention, (ENCODER,), "attention takes the same fast path"),
            (missed.relu, (ENCODER,), _KEPT_RELU),
            (missed.whole, (BILINEAR,), _NO_BILINEAR),
            (missed.softmax, (EINSUM,), "`Tensor.softmax` is not replaced"),
            (missed.gelu, OWN_GELU, _KEPT_GELU),
            (missed.grouped, (MIXTRAL,), _NO_GROUPED),
        ),
        *_at(peer, f"{file}: _einsum_flops_compute", (missed.rounded, (EINSUM,), _PRINTED)),
        *_at(peer, f"{file}: _addmm_flops_compute", (missed.bias_once, (GPT2,), _BIAS_ONCE)),
    )


_DISPATCHED = (
    *_of_dispatch(TORCH, "torch.utils.flop_counter: flop_registry"),
    *_of_dispatch("ptflops_aten", "ptflops.aten_ops: ATEN_OPS_MAPPING"),
    *_at(
        "ptflops_aten",
        "ptflops.aten_ops: addmm_flop",
        (missed.half_the_biases, (GRU,), "the biases of the input run as `add_` after `mm`"),
    ),
    *_at(
        "fvcore",
        "fvcore.nn.flop_count: _DEFAULT_SUPPORTED_OPS",
        (
            missed.core,
            (MHA, ENCODER, SDPA, *MODELS),
            "no handler for `scaled_dot_product_attention`",
        ),
        (missed.whole, (LSTM, GRU), "no handler for `lstm` and `gru`"),
        (missed.whole, (BILINEAR,), "no handler for `bilinear`"),
        (missed.grouped, (MIXTRAL,), "no handler for `_grouped_mm`, which the experts run as"),
    ),
    *_at("fvcore", "fvcore.nn.jit_handles: einsum_flop_jit", (missed.rounded, (EINSUM,), _PRINTED)),
)

_REPLACED = (
    *_of_functions("deepspeed", "deepspeed.profiling.flops_profiler.profiler"),
    *_of_functions("calflops", "calflops.pytorch_ops"),
    *_at(
        "calflops",
        "calflops.pytorch_ops: _patch_functionals",
        (missed.core, (SDPA, *MODELS), _NO_SDPA),
    ),
    *_at(
        "calflops",
        "calflops.pytorch_ops: _conv_trans_flops_compute",
        (
            missed.per_group_twice,
            (DECONV,),
            "divides by the groups twice, and takes its outputs to be those of a convolution",
        ),
    ),
    *_at(
        "ptflops",
        "ptflops.pytorch_engine: patch_functional",
        (missed.relu, (ENCODER,), _KEPT_RELU),
        (missed.whole, (BILINEAR,), _NO_BILINEAR),
        (missed.core, (SDPA, *MODELS), _NO_SDPA),
        (missed.relu_again, (TWICE, RESNET, T5), "`nn.ReLU` counts as a module and as `F.relu`"),
        (missed.gelu, OWN_GELU, _KEPT_GELU),
        (missed.router, (MIXTRAL,), "`F.linear`, which the router calls, is commented out"),
        (missed.grouped, (MIXTRAL,), _NO_GROUPED),
    ),
    *_at(
        "ptflops",
        "ptflops.pytorch_engine: patch_tensor_ops",
        (missed.whole, (EINSUM,), "`torch.einsum` and `Tensor.softmax` are not replaced"),
    ),
    *_at(
        "ptflops",
        "ptflops.pytorch_ops: _addmm_tensor_flops_hook",
        (missed.biases_but_once, (GPT2,), _BIAS_ONCE),
    ),
)

_BY_LAYER = (
    *_at(
        "thop",
        "thop.profile: register_hooks",
        (missed.whole, (MHA, BILINEAR, EINSUM, SDPA), "no rule for this type"),
        (missed.self_attention, (ENCODER,), "no rule for `nn.MultiheadAttention`"),
        (missed.core, MODELS, "no rule for the modules that attend"),
        (missed.addmm, (GPT2,), "no rule for transformers' `Conv1D`"),
        (missed.router, (MIXTRAL,), "no rule for the router"),
        (missed.grouped, (MIXTRAL,), "no rule for the experts"),
    ),
    *_at(
        "thop",
        "thop.vision.basic_hooks: count_convNd",
        (missed.transposed, (DECONV,), "multiplies by the outputs, not the inputs"),
    ),
    *_at(
        "torchinfo",
        "torchinfo.layer_info: LayerInfo.calculate_macs",
        (
            missed.whole,
            (MHA,),
            "its layer `out_proj` is never called, its other weights are its own",
        ),
        (missed.self_attention_and_biases, (ENCODER,), "the same, in each layer"),
        (missed.core, (EINSUM, SDPA, *MODELS), "products without parameters are not seen"),
        (missed.transposed, (DECONV,), "multiplies by the outputs, not the inputs"),
        (missed.second_product, (BILINEAR,), "its second product, 8 · 16 · 40, has no parameters"),
        (missed.tokens, (ENCODER, *MODELS), "a linear layer counts its first dimension only"),
        (missed.no_products, (ENCODER, RESNET, *MODELS), "norms and tables count as products"),
        (missed.tables, (SWIN,), "tables of relative positions count as products"),
        (missed.conv1d, (GPT2,), "`Conv1D`, a linear layer, counts as a convolution"),
        (missed.grouped, (MIXTRAL,), "no parameter of the experts has `weight` in its name"),
    ),
)

REASONS = (*_DISPATCHED, *_REPLACED, *_BY_LAYER)


def reasons(cell: Cell) -> list[Reason]:
    """Return what is wrong in a cell."""
    return [reason for reason in REASONS if reason.holds_for(cell) and reason.amount(cell)]
