"""A causal convolution over tokens, each channel by itself: its state is the last inputs."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from flopbench.dims import Dim, dim_field, maximum
from flopbench.ops.base import PricedOp
from flopbench.ops.convolution import Convolution
from flopbench.ops.recurrences.recurrence import Recurrence


@frozen(kw_only=True, eq=False)
class CausalConvolution(Recurrence):
    """y[t] = sum of w[i] x[t - kernel + 1 + i]: each channel has ``kernel`` weights of its own.

    transformers keeps the last ``kernel`` inputs, and without its CUDA kernels computes more
    positions than it uses: it pads both ends by ``kernel`` - 1, a prefill to ``kernel`` tokens at
    least, and puts the kept inputs in front of the new ones.
    """

    operand_names = ("inputs",)
    no_chunks = "a convolution has no chunks"

    channels: int
    kernel: Dim = dim_field()
    bias: bool = False

    @property
    def operand_elements(self) -> tuple[Dim, ...]:
        return (self.batch * self.tokens * self.channels,)

    @property
    def result_elements(self) -> Dim:
        return self.operand_elements[0]

    @property
    def state_elements(self) -> Dim:
        return self.channels * self.kernel

    def weights(self) -> Dim:
        return self.channels * (self.kernel + (1 if self.bias else 0))

    def sequential(self) -> Iterator[PricedOp]:
        """Yield the convolution of the new tokens, without padding."""
        yield self._over(self.tokens, self.tokens)

    def as_run(self) -> Iterator[PricedOp]:
        """Yield the convolution with its padding, and with the inputs that were kept."""
        if self.is_step:
            length = self.kernel + self.tokens
            yield self._over(length, length - self.kernel + 1)
            return
        length = self.tokens
        if self.resumed:
            length = self.kernel + self.tokens
        elif self.cached:
            length = maximum(self.tokens, self.kernel)
        yield self._over(length, length + self.kernel - 1)

    def _over(self, length: Dim, positions: Dim) -> Convolution:
        """Return the convolution of ``length`` inputs to ``positions`` outputs."""
        return self.op(
            Convolution,
            takes=("inputs",),
            gives="inputs",
            batch=self.batch,
            in_channels=self.channels,
            out_channels=self.channels,
            groups=self.channels,
            kernel=(self.kernel,),
            in_size=(length,),
            out_size=(positions,),
            bias=self.bias,
            reads=self.operand_elements[0],
            writes=self.batch * positions * self.channels,
        )
