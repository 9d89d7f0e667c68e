"""What vector ops cost: their entries in the conventions, or operations of the textbook formula.

As in `flopbench.conventions`, one arithmetic operation, comparison or transcendental function on
one element is 1 FLOP.
"""

from __future__ import annotations

from collections.abc import Mapping

ENTRIES: Mapping[str, str] = {
    "_softmax": "softmax", "_log_softmax": "softmax", "_safe_softmax": "softmax",
    "native_layer_norm": "layer_norm", "native_group_norm": "layer_norm",
    "native_batch_norm": "layer_norm", "_native_batch_norm_legit": "layer_norm",
    "_native_batch_norm_legit_no_training": "layer_norm", "_batch_norm_with_update": "layer_norm",
    "cudnn_batch_norm": "layer_norm", "_fused_rms_norm": "rms_norm",
    "silu": "silu", "sigmoid": "sigmoid", "add": "add", "mul": "multiply", "relu": "relu",
}  # fmt: skip
"""Entries of the conventions, by op; each is per element of the result."""

PER_RESULT: Mapping[str, int] = {
    "addcdiv": 3, "addcmul": 3,  # multiply or divide, scale, add
    "celu": 5, "elu": 4, "selu": 5,  # compare, exp, subtract, scale; divide or scale again
    "clamp": 2, "hardtanh": 2, "hardshrink": 2,  # two comparisons
    "glu": 5,  # sigmoid (4), multiply
    "hardsigmoid": 4,  # add, two comparisons, divide
    "hardswish": 5,  # the same, multiply
    "leaky_relu": 2, "_prelu_kernel": 2, "rrelu_with_noise": 2,  # compare, multiply
    "lerp": 3,  # subtract, multiply, add
    "logaddexp": 5,  # maximum, subtract, exp, log1p, add
    "logit": 3,  # subtract, divide, log
    "mish": 5,  # softplus (3), tanh, multiply
    "native_dropout": 1,  # scale; the mask is drawn
    "sinc": 3,  # scale, sin, divide
    "softplus": 3,  # exp, add, log
    "softshrink": 3,  # two comparisons, subtract
    "cumsum": 1, "cumprod": 1,
    "threshold_backward": 1,  # compare: the gradient of a ReLU
}  # fmt: skip
"""FLOPs per element of the result."""

PER_READ: Mapping[str, int] = {
    "binary_cross_entropy": 7,  # two logs, 1 - p, 1 - y, two products, sum
    "huber_loss": 4, "smooth_l1_loss": 4,  # subtract, absolute value, compare, square
    "linalg_vector_norm": 2, "norm": 2,  # square, sum
    "log_sigmoid_forward": 4,  # negate, exp, add, log
    "logsumexp": 4,  # maximum, subtract, exp, sum
    "mse_loss": 2,  # subtract, square
    "nll_loss2d_forward": 1, "nll_loss_forward": 1,  # sum
    "std": 4, "std_mean": 4, "var": 4, "var_mean": 4,  # sum, subtract, square, sum
    "topk": 1,  # compare
    "_weight_norm_interface": 3,  # square, sum, scale
}  # fmt: skip
"""FLOPs per element of the first operand. What is done once per result is left out."""

POOLS: Mapping[str, int] = {
    "avg_pool1d": 1, "avg_pool2d": 2, "avg_pool3d": 3, "max_pool2d_with_indices": 2,
    "max_pool3d_with_indices": 3,
}  # fmt: skip
"""Pooling ops with their dimensions: one operation per element of each window."""

MOVES = frozenset(
    {"_conj_physical", "_copy_from", "_embedding_bag", "_local_scalar_dense", "_to_copy",
     "_unsafe_index", "_unsafe_view", "_upsample_nearest_exact1d",
     "_upsample_nearest_exact2d", "_upsample_nearest_exact3d", "alias", "arange", "argsort",
     "as_strided", "bernoulli", "block_diag", "cat", "channel_shuffle", "clone", "col2im",
     "complex", "conj_physical", "constant_pad_nd", "copy", "diag_embed", "embedding",
     "empty_like", "equal", "expand", "fill", "flip", "full_like", "gather", "im2col",
     "index", "index_copy", "index_fill", "index_put", "index_select", "lift_fresh",
     "lift_fresh_copy", "masked_fill", "masked_scatter", "masked_select", "max_unpool2d",
     "max_unpool3d", "native_channel_shuffle", "native_dropout_backward", "new_empty",
     "new_empty_strided", "new_full", "new_ones", "new_zeros", "nonzero", "normal", "one_hot",
     "ones_like", "pixel_shuffle", "pixel_unshuffle", "polar", "positive", "rand_like",
     "randn_like", "reflection_pad1d", "reflection_pad2d", "reflection_pad3d", "repeat",
     "repeat_interleave", "replication_pad1d", "replication_pad2d", "replication_pad3d",
     "resize", "roll", "rot90", "scatter", "select_backward", "select_scatter",
     "slice_backward", "slice_scatter", "sort", "split_with_sizes_copy", "stack", "take",
     "tril", "triu", "unfold_backward", "uniform", "unsafe_chunk", "unsafe_split",
     "upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d", "view_as_complex",
     "view_as_real", "where", "zero", "zeros_like"}
)  # fmt: skip
"""Ops that move, make, select or draw numbers."""

BIASES: Mapping[str, int] = {
    "addbmm": 0, "addmm": 0, "addmv": 0, "baddbmm": 0, "_convolution": 2, "convolution": 2,
}  # fmt: skip
"""Matrix ops that may add a bias, with the argument that it is."""
