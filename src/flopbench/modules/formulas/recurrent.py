"""Formulas of recurrent layers that run in one kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from flopbench.conventions import MAC_FLOPS


def layer(tokens: Any, from_input: Any, from_state: Any, *_args: Any, **_: Any) -> Any:
    """Return the FLOPs of one direction of one LSTM layer: oneDNN's kernel on a CPU.

    Every token multiplies its input with a weight of [4 hidden, input], and the state before it
    with one of [4 hidden, hidden] (Hochreiter and Schmidhuber, 1997, as torch.nn.LSTM has it).
    """
    weights = prod(from_input.shape) + prod(from_state.shape)
    return MAC_FLOPS * prod(tokens.shape[:-1]) * weights


def layer_backward(tokens: Any, from_input: Any, from_state: Any, *_args: Any, **_: Any) -> Any:
    """Return the FLOPs of the gradients of `layer`: twice its own.

    With the gradient of the gates, each product has one for its operand and one for its weight. The
    kernel always computes both, even that of an input or first state that needs none.
    """
    return 2 * layer(tokens, from_input, from_state)


def whole(tokens: Any, weights: Sequence[Any], *_args: Any, **_: Any) -> Any:
    """Return the FLOPs of all layers and directions in one call, cuDNN's or MIOpen's.

    Every token is multiplied once with each matrix among the weights: of the gates for inputs and
    for states, and of an LSTM's projection. The others are biases. A packed sequence is
    [tokens, input]: without padding.
    """
    matrices = sum(prod(weight.shape) for weight in weights if weight.dim() > 1)
    return MAC_FLOPS * prod(tokens.shape[:-1]) * matrices


FORMULAS: dict[str, Callable[..., Any]] = {
    "_cudnn_rnn": whole,
    "miopen_rnn": whole,
    "mkldnn_rnn_layer": layer,
    "mkldnn_rnn_layer_backward": layer_backward,
}
"""By the name of the op."""
