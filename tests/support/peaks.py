"""The peaks that the closed forms say, op by op, and the names of torch's ops in them."""

from collections import defaultdict

from flopbench.analytic.price import lower
from flopbench.builtin.eager import Eager

KINDS = {
    "mm": "linear",
    "addmm": "linear",
    "bmm": "matmul",
    "convolution": "conv2d",
    "_softmax": "softmax",
    "native_layer_norm": "layer_norm",
    "mul": "multiply",
    "sum": "add",
    "topk": "top_k",
    "cos": "rope_angle",
    "sin": "rope_angle",
}
"""Kinds of our ops by the name of torch's."""


def our_peaks(model, stage, workload):
    """Return the most elements alive during an op, by component and kind."""
    most = defaultdict(int)
    for op in model.ops(stage, workload):
        for lowered in lower(op, Eager(), Eager())[0] if op.layers else ():
            where = lowered.component, lowered.kind
            most[where] = max(most[where], lowered.peak())
    return dict(most)
