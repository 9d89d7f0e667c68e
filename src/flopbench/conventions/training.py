"""FLOPs per element of vector work that only training does."""

from __future__ import annotations

from attrs import frozen

from flopbench.conventions.entries import Entries, per_element


@frozen(kw_only=True)
class BackwardConventions(Entries):
    """FLOPs per element of the backward of each vector operation; g is the incoming gradient.

    A sum passes its gradient on for nothing. A product takes one `Conventions.multiply` for each
    operand that needs a gradient, and gradients of a value that was used several times are added
    (`Conventions.add`).
    """

    softmax: int = per_element(4, "p * (g - sum(g * p)): multiply, sum, subtract, multiply")
    online_softmax: int = per_element(
        6, "scale, subtract the log of the row's sum, exp; g - sum, multiply by p; scale"
    )
    online_softmax_output: int = per_element(2, "sum(g * output): multiply, sum")
    layer_norm: int = per_element(
        10,
        "n = (x - mean) / deviation: subtract, scale; g * weight; their sum; times n, that sum; "
        "n * sum, two subtractions, scale",
    )
    rms_norm: int = per_element(
        7, "n = x * scale; g * weight; times n, their sum; n * sum, subtract, scale"
    )
    norm_weight: int = per_element(2, "g * n, summed over the rows")
    bias: int = per_element(1, "g, summed over the rows")
    gelu: int = per_element(
        11,
        "g * (P + x * p): P = (1 + erf(x/sqrt 2)) / 2 (divide, erf, add, halve); "
        "p (square, scale, exp, scale); multiply, add, multiply",
    )
    gelu_tanh: int = per_element(
        18,
        "g * ((1 + t)/2 + x/2 * (1 - t^2) * u'): t = tanh(u) (6); u' = c*(1 + 3*a*x^2) (3); "
        "first half (2); 1 - t^2 (2); three products, add, multiply",
    )
    quick_gelu: int = per_element(
        10, "g * s * (1 + 1.702 x * (1 - s)): s = sigmoid(1.702 x) (5); 5 more"
    )
    silu: int = per_element(9, "g * s * (1 + x * (1 - s)): s = sigmoid(x) (4); 5 more")
    relu: int = per_element(1, "one comparison")
    relu_squared: int = per_element(3, "2 * relu(x) * g: one comparison, two products")
    sigmoid: int = per_element(3, "g * s * (1 - s)")
    softcap: int = per_element(4, "g * (1 - (y / cap)^2): divide, square, subtract, multiply")
    exp: int = per_element(1, "g * y")
    sqrt: int = per_element(2, "g / (2 * y): double, divide")
    maximum: int = per_element(1, "g for the larger of two: one comparison")
    softplus: int = per_element(5, "g * sigmoid(x): sigmoid (4), multiply")
    cumsum: int = per_element(1, "the sum of the gradients after")
    rope: int = per_element(3, "the rotation back: two products, one sum")
    cross_entropy: int = per_element(2, "(p - target) / rows: subtract, scale")


@frozen(kw_only=True)
class OptimizerConventions(Entries):
    """FLOPs per weight of an optimizer's step; g is its gradient.

    What is the same for all weights, such as the correction of a bias, is computed once.
    """

    adamw: int = per_element(
        14,
        "weight decay (multiply); m + (g - m) * c (3); v * b + g * g * d (4); "
        "sqrt(v) / correction + epsilon (3); w - step * m / that (3)",
    )
    sgd: int = per_element(2, "w - rate * g: multiply, subtract")
    momentum: int = per_element(2, "momentum * m + g: multiply, add")
    muon: int = per_element(
        12,
        "momentum m + (g - m) * c (3); g + (m - g) * c (3); its norm (2), division; "
        "weight decay (multiply); w - rate * the result (2)",
    )
    newton_schulz: int = per_element(2, "a * X + the product: multiply, add; in each iteration")
    newton_schulz_gram: int = per_element(
        3, "b * A + c * A A, with A = X X': two products, one sum; in each iteration"
    )
