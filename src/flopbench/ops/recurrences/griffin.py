"""Griffin's recurrence, the real-gated linear recurrent unit, and its convolution."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from flopbench.dims import Dim, dim_field, is_one
from flopbench.ops.base import PricedOp
from flopbench.ops.recurrences.chain import Chain
from flopbench.ops.recurrences.convolution import CausalConvolution
from flopbench.ops.vector import Elementwise


@frozen(kw_only=True, eq=False)
class RgLru(Chain):
    """h[t] = a[t] h[t - 1] + sqrt(1 - a[t]^2) i[t] x[t], with a gate for each channel.

    a = exp(-8 r softplus(A)), with r the sigmoid of one gate, i that of another, and A a weight
    per channel. Source: arXiv:2402.19427, section 2.4.
    """

    operand_names = ("inputs", "input gate", "recurrent gate")
    state_dtype = "float32"
    no_chunks = "each channel decays at its own rate in each token"

    width: Dim = dim_field()

    @property
    def operand_elements(self) -> tuple[Dim, ...]:
        return (self.batch * self.tokens * self.width,) * 3

    @property
    def result_elements(self) -> Dim:
        return self.operand_elements[0]

    @property
    def state_elements(self) -> Dim:
        return self.width

    def weights(self) -> Dim:
        return self.width

    def sequential(self) -> Iterator[PricedOp]:
        """Yield the gates, the decay, the scaled input, and the new state of all tokens.

        The decay and the scale of a sequence's first token are set to 0 and 1, by products.
        """
        elements, gate = self.operand_elements[0], "recurrent gate"
        yield self._vector("sigmoid", elements, "input gate")
        yield self._vector("sigmoid", elements, gate)
        yield self._vector("multiply", elements, gate)
        yield self.op(Elementwise, takes=(), gives="rates", function="softplus", outputs=self.width)
        yield self._weighed("multiply", elements, self.width, gate)
        yield self._vector("multiply", elements, gate, gives="scale")
        yield self._vector("exp", elements, gate, gives="decay")
        yield self._vector("exp", elements, "scale")
        yield self._vector("multiply", elements, "inputs", "input gate", gives="inputs")
        yield self._vector("add", elements, "scale")
        yield self._vector("sqrt", elements, "scale")
        yield self._vector("multiply", elements, "scale")
        yield self._vector("add", elements, "scale")
        yield self._vector("multiply", elements, "inputs", "scale", gives="inputs")
        yield self._vector("multiply", elements, "decay")
        yield self._vector("multiply", elements, "decay", "state", gives="state")
        yield self._vector("add", elements, "state", "inputs", gives="inputs")


@frozen(kw_only=True, eq=False)
class ShiftedConvolution(CausalConvolution):
    """A causal convolution that keeps the last ``kernel`` - 1 inputs.

    transformers pads both ends of several tokens by as many, and leaves the kept inputs out; one
    token is multiplied with the weights, and added up.
    """

    @property
    def state_elements(self) -> Dim:
        return self.channels * (self.kernel - 1)

    def as_run(self) -> Iterator[PricedOp]:
        """Yield the convolution with its padding, or the products and the sum for one token."""
        if not (self.cached and is_one(self.tokens)):
            yield self._over(self.tokens, self.tokens + self.kernel - 1)
            return
        outputs, weights = self.batch * self.channels, self.channels * self.kernel
        place = {"takes": ("inputs",), "gives": "inputs"}
        yield self.op(
            Elementwise,
            function="multiply",
            outputs=outputs * self.kernel,
            reads=outputs * self.kernel,
            lookup_weights=weights,
            lookup_reads=weights,
            **place,
        )
        yield self.op(Elementwise, function="add", outputs=outputs * (self.kernel - 1), **place)
        if self.bias:
            biases = {"lookup_weights": self.channels, "lookup_reads": self.channels}
            yield self.op(
                Elementwise, function="add", outputs=outputs, reads=outputs, **biases, **place
            )
