"""Quantisation schemes by name, each as a library or a checkpoint stores it.

Sources of the layouts: transformers' ``finegrained_fp8.py`` and ``fbgemm_fp8.py`` (fp8, fbgemm),
compressed-tensors' compressors (ct), torchao's ``Int8Tensor`` and ``Float8Tensor`` (ao),
bitsandbytes' ``QuantState`` (nf4, fp4, bnb), AutoGPTQ's ``QuantLinear`` (gptq), AutoAWQ's
``WQLinear_GEMM`` (awq), the OCP Microscaling Formats 1.0 and the gpt-oss checkpoints (mxfp4), and
checkpoints of TensorRT Model Optimizer (nvfp4, modelopt).
docs/quantisation.md says what each was checked against.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from flopbench.storage.dtypes import dtype_named
from flopbench.storage.packed import Packed
from flopbench.storage.scheme import Plain, Scheme

_TABLE_4BIT = 16 * 4
"""Bytes of bitsandbytes' table of the values of 4-bit codes, in float32."""

_TABLE_8BIT = 256 * 4 + 4
"""Bytes of its table for 8-bit scales, and of the offset that was taken from them."""

_SHAPE = 2 * 8
"""Bytes of the matrix's shape that pack-quantized checkpoints store, in int64."""


def fp8(
    name: str,
    block: tuple[int | None, int | None] = (None, None),
    *,
    scale: str = "float32",
    activations: int = 0,
    together: bool = False,
) -> Packed:
    """Return fp8 weights with a scale per block."""
    return Packed(
        name=name,
        bits=8,
        block=block,
        scale=scale,
        activations=activations,
        together=together,
        compute="float8",
    )


def mxfp4(name: str = "mxfp4", *, compute: str | None = None) -> Packed:
    """Return 4-bit floats with a scale of one byte per 32 weights of a row.

    Args:
        compute: ``float4`` if activations are in 4 bits, too; those of gpt-oss are not.
    """
    return Packed(name=name, bits=4, block=(1, 32), scale="float8", compute=compute)


def nvfp4(
    name: str = "nvfp4", *, group: int = 16, activations: int = 4, compute: str | None = "float4"
) -> Packed:
    """Return 4-bit floats with an fp8 scale per group of a row, and a float32 scale per matrix."""
    return Packed(
        name=name,
        bits=4,
        block=(1, group),
        scale="float8",
        second=None,
        activations=activations,
        compute=compute,
    )


def grouped(
    name: str, bits: int, group: int | None, scale: str, *, zero: bool, **layout: Any
) -> Packed:
    """Return integers in 32-bit words, with a scale per group of a row (None: per row)."""
    return Packed(
        name=name,
        bits=bits,
        word=32,
        block=(1, group),
        scale=scale,
        zero=bits if zero else 0,
        **layout,
    )


def gptq(bits: int = 4, group: int | None = 128, *, index: bool = True) -> Packed:
    """Return GPTQ's integers: zero points always, and for each column the number of its group.

    Args:
        index: whether the numbers of the groups are stored (``g_idx``).
    """
    name = f"gptq_int{bits}" + (f"_g{group}" if group else "_channel")
    return grouped(name, bits, group, "float16", zero=True, per_column=4 if index else 0)


def awq(bits: int = 4, group: int | None = 128, *, zero: bool = True) -> Packed:
    """Return AWQ's integers, whose words hold codes of several rows."""
    name = f"awq_int{bits}" + (f"_g{group}" if group else "_channel")
    return grouped(name, bits, group, "float16", zero=zero, along="rows")


def pack_quantized(
    bits: int, group: int | None, *, symmetric: bool = True, scale: str = "bfloat16"
) -> Packed:
    """Return compressed-tensors' packed integers, with the matrix's shape."""
    name = f"ct_int{bits}" + (f"_g{group}" if group else "_channel")
    return grouped(
        name if symmetric else f"{name}_asym",
        bits,
        group,
        scale,
        zero=not symmetric,
        constant=_SHAPE,
    )


def bnb_4bit(name: str, *, double: bool = False, group: int = 64) -> Packed:
    """Return bitsandbytes' 4-bit codes of a flat matrix, each layer with its table of values.

    Args:
        double: whether the scales are quantised themselves, to 8 bits in groups of 256.
    """
    return Packed(
        name=name,
        bits=4,
        along="flat",
        block=(1, group),
        scale="int8" if double else "float32",
        second=256 if double else 0,
        constant=_TABLE_4BIT + (_TABLE_8BIT if double else 0),
    )


def int8(name: str, *, scale: str, zero: bool = False, compute: str | None = None) -> Packed:
    """Return int8 weights with a scale per row."""
    return Packed(name=name, bits=8, scale=scale, zero=8 if zero else 0, compute=compute)


def _by_name(*schemes: Packed) -> dict[str, Scheme]:
    return {scheme.name: scheme for scheme in schemes}


SCHEMES: Mapping[str, Scheme] = _by_name(
    fp8("fp8_tensor", together=True),
    fp8("fp8_tensor_static", activations=4, together=True),
    fp8("fp8_block", (128, 128), together=True),
    fp8("fp8_channel", (1, None)),
    fp8("fbgemm_fp8", (1, None), activations=4),
    fp8("modelopt_fp8", activations=4),
    fp8("ct_fp8_tensor", scale="bfloat16", activations=2),
    fp8("ct_fp8_channel", (1, None), scale="bfloat16"),
    fp8("ct_fp8_block", (128, 128), scale="bfloat16"),
    mxfp4(),
    nvfp4(),
    nvfp4("nvfp4_a16", activations=0, compute=None),
    gptq(4, 128),
    gptq(4, 32),
    gptq(4, None),
    gptq(8, 128),
    awq(4, 128),
    awq(4, 64),
    *(
        pack_quantized(bits, group, symmetric=symmetric)
        for bits in (4, 8)
        for group in (32, 128, None)
        for symmetric in (True, False)
    ),
    bnb_4bit("nf4"),
    bnb_4bit("nf4_double", double=True),
    bnb_4bit("bnb_fp4"),
    bnb_4bit("bnb_fp4_double", double=True),
    int8("bnb_int8", scale="float32", compute="int8"),
    int8("ct_int8", scale="bfloat16", compute="int8"),
    int8("ao_int8", scale="float32", zero=True),
    attrs.evolve(fp8("ao_float8", (1, None)), compute=None),
)
"""What ``dtypes.weights`` and ``dtypes.experts`` take, besides dtypes."""


def scheme_named(name: str) -> Scheme:
    """Return the scheme of a name, or that of a dtype without scales.

    Raises:
        UsageError: there is neither.
    """
    return SCHEMES[name] if name in SCHEMES else Plain(dtype_named(name))
