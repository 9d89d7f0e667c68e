"""The vector work that a real model runs and the one that is priced, in elements by op of torch."""

from collections import Counter

from support.dispatched import priced_by_entry

RUNS = {
    "add": {"add": 1},
    "bias": {"add": 1},
    "multiply": {"mul": 1},
    "softmax": {"_softmax": 1},
    "layer_norm": {"native_layer_norm": 1},
    "rms_norm": {"pow": 1, "mul": 2},
    "gelu": {"gelu": 1},
    "gelu_tanh": {"gelu": 1},
    "quick_gelu": {"mul": 2, "sigmoid": 1},
    "silu": {"silu": 1},
    "relu": {"relu": 1},
    "relu_squared": {"relu": 1, "pow": 1},
    "sigmoid": {"sigmoid": 1},
    "softcap": {"mul": 2, "tanh": 1},
    "exp": {"exp": 1},
    "maximum": {"maximum": 1},
    "softplus": {"softplus": 1},
    "sqrt": {"sqrt": 1},
    "cumsum": {"cumsum": 1},
    "rope": {"mul": 2, "add": 1},
    "rope_angle": {"cos": 1, "sin": 1},
    "top_k": {"compared": 1},
}
"""What torch runs of each element, by entry of the convention."""

SAME = {
    **dict.fromkeys(("add_", "biased", "rsub", "sub", "sub_", "summed", "addmm", "baddbmm"), "add"),
    **dict.fromkeys(("div", "div_", "mul_"), "mul"),
}
"""A difference is a sum and a quotient a product; biases are added within a product."""

MOVES = {
    "_to_copy", "_unsafe_view", "alias", "arange", "as_strided", "bmm", "cat", "clone",
    "constant_pad_nd", "convolution", "copy_", "detach", "embedding", "expand", "eye", "full",
    "full_like", "gather", "index", "index_select", "linalg_solve_triangular", "masked_fill",
    "lift_fresh", "max", "mm", "new_empty", "new_zeros", "ones", "ones_like", "permute", "repeat",
    "scalar_tensor", "scatter", "scatter_", "select", "slice", "split", "split_with_sizes",
    "squeeze", "stack", "t", "topk", "transpose", "tril", "unbind", "unsqueeze", "view",
    "view_as_complex", "view_as_real", "where", "zeros", "zeros_like",
}  # fmt: skip
"""Views, copies, fills and choices; and matrix work, which is held elsewhere."""

NOT_PRICED = {"clamp", "mean", "neg", "rsqrt", "sum"}
"""Said in each report; a mean is of a norm, and its sum is in the norm's entry."""


def ran(total):
    """Return the elements of each op that may be priced."""
    found = Counter()
    for name, count in total.items():
        op = name.removeprefix("aten.")
        if op not in MOVES | NOT_PRICED:
            found[SAME.get(op, op)] += count
    found["add"] -= total["aten.rsqrt"]  # the epsilon of norms
    return found


def priced(model, stage, runs, workload):
    """Return the elements of each op that the price stands for."""
    found = Counter()
    for entry, count in priced_by_entry(model, stage, workload).items():
        if count:
            for op, times in runs[entry].items():
                found[op] += times * count
    return found
