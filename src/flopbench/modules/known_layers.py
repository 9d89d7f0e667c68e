"""What linear, bilinear and convolutional layers compute, and sums of looked-up rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import prod
from typing import Any

from flopbench.ops import Convolution, Linear, MatMul, PricedOp


def linear(module: Any, call: Mapping[str, Any], _output: Any) -> Iterable[PricedOp]:
    """Yield the product of ``nn.Linear``, for all leading dimensions of the input."""
    yield Linear(
        component="linear",
        rows=prod(call["input"].shape[:-1]),
        in_features=module.in_features,
        out_features=module.out_features,
        bias=module.bias is not None,
    )


def transposed_linear(module: Any, call: Mapping[str, Any], _output: Any) -> Iterable[PricedOp]:
    """Yield the product of transformers' ``Conv1D``: a linear layer with a transposed weight."""
    yield Linear(
        component="linear",
        rows=prod(call["x"].shape[:-1]),
        in_features=module.nx,
        out_features=module.nf,
        bias=True,
    )


def bilinear(module: Any, call: Mapping[str, Any], _output: Any) -> Iterable[PricedOp]:
    """Yield the products of ``nn.Bilinear``: (x1 W) x2, with a matrix W for each output."""
    rows = prod(call["input1"].shape[:-1])
    first, second, outputs = module.in1_features, module.in2_features, module.out_features
    has_bias = module.bias is not None
    yield Linear(
        component="first",
        rows=rows,
        in_features=first,
        out_features=second * outputs,
        bias=has_bias,
    )
    yield MatMul(component="second", batch=rows * outputs, m=1, k=second, n=1)


def convolution(module: Any, call: Mapping[str, Any], output: Any) -> Iterable[PricedOp]:
    """Yield the convolution of ``nn.ConvNd`` or ``nn.ConvTransposeNd``, batched or not."""
    pixels, dims = call["input"], len(module.kernel_size)
    yield Convolution(
        component="convolution",
        batch=pixels.shape[0] if pixels.dim() == dims + 2 else 1,
        in_channels=module.in_channels,
        out_channels=module.out_channels,
        kernel=module.kernel_size,
        in_size=pixels.shape[-dims:],
        out_size=output.shape[-dims:],
        groups=module.groups,
        transposed=module.transposed,
        bias=module.bias is not None,
    )


def bag(module: Any, call: Mapping[str, Any], _output: Any) -> Iterable[PricedOp]:
    """Yield the product of ``nn.EmbeddingBag``, if samples have weights: each with a row."""
    if call.get("per_sample_weights") is not None:
        samples = prod(call["input"].shape)
        yield MatMul(component="bags", batch=1, m=1, k=samples, n=module.embedding_dim)


KINDS: dict[str, Callable[..., Iterable[PricedOp]]] = {
    "Bilinear": bilinear,
    "Conv1d": convolution,
    "Conv2d": convolution,
    "Conv3d": convolution,
    "ConvTranspose1d": convolution,
    "ConvTranspose2d": convolution,
    "ConvTranspose3d": convolution,
    "EmbeddingBag": bag,
    "Linear": linear,
}
"""By the name of the class in torch.nn."""
