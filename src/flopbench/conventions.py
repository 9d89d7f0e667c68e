"""FLOPs per element of all but matrix work: one table, each entry with its derivation.

Matrix work needs no convention: a multiply-accumulate (MAC) is 2 FLOPs, always. For the
rest, one arithmetic operation, comparison or transcendental function (exp, erf, sin,
rsqrt …) on one element is 1 FLOP, and each entry below adds up those in the textbook
formula. Every entry can be overridden from the configuration (``conventions.softmax=3``),
and every report prints the table it used.
"""

from __future__ import annotations

import attrs
from attrs import frozen

MAC_FLOPS = 2
"""FLOPs of one multiply-accumulate."""


def _per_element(flops: int, derivation: str) -> int:
    value: int = attrs.field(
        default=flops,
        validator=[attrs.validators.instance_of(int), attrs.validators.ge(0)],
        metadata={"derivation": derivation},
    )
    return value


@frozen(kw_only=True)
class Conventions:
    """FLOPs per element of each vector operation."""

    add: int = _per_element(1, "a + b: a residual, a position embedding, a mask on the scores")
    multiply: int = _per_element(1, "a * b: a scale, a gate, a routing weight")
    bias: int = _per_element(1, "one addition per output of a linear layer or convolution")
    softmax: int = _per_element(5, "maximum, subtract, exp, sum, divide")
    online_softmax: int = _per_element(
        5, "scale, running maximum, subtract, exp, running sum; the division is per output"
    )
    online_softmax_output: int = _per_element(1, "divide one output element by its row's sum")
    layer_norm: int = _per_element(
        7, "sum for the mean, subtract, square, sum for the variance, scale, weight, bias"
    )
    rms_norm: int = _per_element(4, "square, sum, scale, weight")
    gelu: int = _per_element(5, "x/2 * (1 + erf(x/sqrt 2)): divide, erf, add, halve, multiply")
    gelu_tanh: int = _per_element(
        9, "x/2 * (1 + tanh(c*(x + a*x^3))): 3 for a*x^3, add, scale, tanh, add, halve, multiply"
    )
    quick_gelu: int = _per_element(6, "x * sigmoid(1.702 x): scale, sigmoid (4), multiply")
    silu: int = _per_element(5, "x * sigmoid(x): negate, exp, add, divide, multiply")
    relu: int = _per_element(1, "one comparison")
    relu_squared: int = _per_element(2, "one comparison, square")
    sigmoid: int = _per_element(4, "1 / (1 + exp(-x)): negate, exp, add, divide")
    softcap: int = _per_element(3, "cap * tanh(x / cap): divide, tanh, multiply")
    rope: int = _per_element(3, "x * cos + rotated(x) * sin: two products, one sum")
    rope_angle: int = _per_element(2, "cos and sin of one angle")
    top_k: int = _per_element(1, "one comparison per score")

    def derivations(self) -> dict[str, str]:
        """Return the derivation of each entry's default, by name."""
        return {a.name: a.metadata["derivation"] for a in attrs.fields(type(self))}
