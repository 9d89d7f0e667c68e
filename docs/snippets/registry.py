"""Which kernels torch's registry has a formula for, those of other devices included."""

import torch
from torch.utils.flop_counter import flop_registry

KERNELS = {
    "CUDA, sdpa": (
        "_scaled_dot_product_flash_attention",
        "_scaled_dot_product_efficient_attention",
        "_scaled_dot_product_cudnn_attention",
    ),
    "CUDA, below sdpa": ("_flash_attention_forward", "_efficient_attention_forward"),
    "CPU, sdpa": ("_scaled_dot_product_flash_attention_for_cpu",),
    "other devices, sdpa": (
        "_scaled_dot_product_fused_attention_overrideable",
        "_scaled_dot_product_attention_math_for_mps",
    ),
    "fused modules": ("_native_multi_head_attention", "_transformer_encoder_layer_fwd"),
    "recurrent, CUDA, ROCm, MPS, CPU": (
        "_cudnn_rnn",
        "miopen_rnn",
        "_lstm_mps",
        "mkldnn_rnn_layer",
    ),
    "experts": ("_grouped_mm", "_scaled_grouped_mm"),
    "8 bits and fewer": ("_scaled_mm", "_scaled_mm_v2", "_int_mm", "_weight_int4pack_mm"),
    "sparse": ("_sparse_addmm", "_sparse_semi_structured_mm", "_cslt_sparse_mm"),
}

for group, names in KERNELS.items():
    print(f"{group}:")
    for name in names:
        known = getattr(torch.ops.aten, name) in flop_registry
        print(f"  {name:50} {'formula' if known else 'none'}")
