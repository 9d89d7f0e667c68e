"""FLOPs per element of vector work in a forward pass."""

from __future__ import annotations

import attrs
from attrs import frozen

from flopbench.conventions.entries import Entries, per_element
from flopbench.conventions.training import BackwardConventions, OptimizerConventions

MAC_FLOPS = 2
"""FLOPs of one multiply-accumulate."""


@frozen(kw_only=True)
class Conventions(Entries):
    """FLOPs per element of each vector operation.

    Attributes:
        backward: those of the backward of each, in training.
        optimizer: those of an optimizer's step, per weight.
    """

    add: int = per_element(1, "a + b: a residual, a position embedding, a mask on the scores")
    multiply: int = per_element(1, "a * b: a scale, a gate, a routing weight")
    bias: int = per_element(1, "one addition per output of a linear layer or convolution")
    softmax: int = per_element(5, "maximum, subtract, exp, sum, divide")
    online_softmax: int = per_element(
        5, "scale, running maximum, subtract, exp, running sum; the division is per output"
    )
    online_softmax_output: int = per_element(1, "divide one output element by its row's sum")
    layer_norm: int = per_element(
        7, "sum for the mean, subtract, square, sum for the variance, scale, weight, bias"
    )
    rms_norm: int = per_element(4, "square, sum, scale, weight")
    gelu: int = per_element(5, "x/2 * (1 + erf(x/sqrt 2)): divide, erf, add, halve, multiply")
    gelu_tanh: int = per_element(
        9, "x/2 * (1 + tanh(c*(x + a*x^3))): 3 for a*x^3, add, scale, tanh, add, halve, multiply"
    )
    quick_gelu: int = per_element(6, "x * sigmoid(1.702 x): scale, sigmoid (4), multiply")
    silu: int = per_element(5, "x * sigmoid(x): negate, exp, add, divide, multiply")
    relu: int = per_element(1, "one comparison")
    relu_squared: int = per_element(2, "one comparison, square")
    sigmoid: int = per_element(4, "1 / (1 + exp(-x)): negate, exp, add, divide")
    softcap: int = per_element(3, "cap * tanh(x / cap): divide, tanh, multiply")
    exp: int = per_element(1, "exp(x): a decay")
    sqrt: int = per_element(1, "sqrt(x): the scale of a gated input")
    maximum: int = per_element(1, "the larger of two: one comparison")
    softplus: int = per_element(3, "log(1 + exp(x)): exp, add, log")
    cumsum: int = per_element(1, "one addition to the sum of the elements before")
    rope: int = per_element(3, "x * cos + rotated(x) * sin: two products, one sum")
    rope_angle: int = per_element(2, "cos and sin of one angle")
    top_k: int = per_element(1, "one comparison per score")
    backward: BackwardConventions = attrs.field(factory=BackwardConventions)
    optimizer: OptimizerConventions = attrs.field(factory=OptimizerConventions)


ENTRIES = Conventions.names()
"""Names of the vector operations that have an entry."""

NESTED = tuple(a.name for a in attrs.fields(Conventions) if a.name not in ENTRIES)
"""Names of the tables that only training has."""
