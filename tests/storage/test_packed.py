"""The description that all schemes share: by hand, by published shapes, and by its own laws."""

import math
import re

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from flopbench.ops import ExpertLinear, Linear
from flopbench.storage import DTYPE_BITS, SCHEMES, Matrix, Packed, Plain, Storage, bytes_of

SIZES = {"U8": 1, "I32": 4, "F8": 1, "F16": 2, "F32": 4}

PUBLISHED = [
    # gpt-oss-20b's safetensors: 32 experts, width and inner width 2880
    ("mxfp4", (5760, 2880, 32, 2), {"weights": [("U8", 32, 5760, 90, 16)],
                                    "scales": [("U8", 32, 5760, 90)]}),
    ("mxfp4", (2880, 2880, 32, 1), {"weights": [("U8", 32, 2880, 90, 16)],
                                    "scales": [("U8", 32, 2880, 90)]}),
    # AutoGPTQ's QuantLinear (qweight, scales, qzeros, g_idx): Llama-2-7B's q_proj and down_proj
    ("gptq_int4_g128", (4096, 4096, 1, 1), {"weights": [("I32", 512, 4096)],
                                            "scales": [("F16", 32, 4096)],
                                            "zeros": [("I32", 32, 512), ("I32", 4096)]}),
    ("gptq_int4_g128", (4096, 11008, 1, 1), {"weights": [("I32", 1376, 4096)],
                                             "scales": [("F16", 86, 4096)],
                                             "zeros": [("I32", 86, 512), ("I32", 11008)]}),
    ("gptq_int8_g128", (4096, 11008, 1, 1), {"weights": [("I32", 2752, 4096)],
                                             "scales": [("F16", 86, 4096)],
                                             "zeros": [("I32", 86, 1024), ("I32", 11008)]}),
    # AutoAWQ's WQLinear_GEMM (qweight, scales, qzeros): Llama-2-7B's q_proj and up_proj
    ("awq_int4_g128", (4096, 4096, 1, 1), {"weights": [("I32", 4096, 512)],
                                           "scales": [("F16", 32, 4096)],
                                           "zeros": [("I32", 32, 512)]}),
    ("awq_int4_g128", (11008, 4096, 1, 1), {"weights": [("I32", 4096, 1376)],
                                            "scales": [("F16", 32, 11008)],
                                            "zeros": [("I32", 32, 1376)]}),
    # Model Optimizer's NVFP4 (weight; weight_scale, weight_scale_2, input_scale), Llama-3.1-8B
    ("nvfp4", (4096, 4096, 1, 1), {"weights": [("U8", 4096, 2048)],
                                   "scales": [("F8", 4096, 256), ("F32",), ("F32",)]}),
    ("nvfp4", (1024, 4096, 1, 1), {"weights": [("U8", 1024, 2048)],
                                   "scales": [("F8", 1024, 256), ("F32",), ("F32",)]}),
    # two experts, whose gate and up are layers of their own
    ("nvfp4", (1536, 4096, 2, 2), {"weights": [("U8", 768, 2048)] * 4,
                                   "scales": [("F8", 768, 256), ("F32",), ("F32",)] * 4}),
    # Model Optimizer's FP8 (weight; weight_scale, input_scale)
    ("modelopt_fp8", (4096, 4096, 1, 1), {"weights": [("F8", 4096, 4096)],
                                          "scales": [("F32",), ("F32",)]}),
]  # fmt: skip
"""Names and shapes of tensors as the sources document them, where no library here builds them."""


@pytest.mark.parametrize(("name", "matrix", "tensors"), PUBLISHED)
def test_published_layouts(name, matrix, tensors):
    stored = SCHEMES[name].stored(Matrix(*matrix))
    for part in ("weights", "scales", "zeros"):
        shapes = tensors.get(part, [])
        assert getattr(stored, part) == sum(SIZES[d] * math.prod(shape) for d, *shape in shapes)


@pytest.mark.parametrize("name", SCHEMES)
def test_symbols_and_arrays_agree_with_integers(name):
    rows, columns = sympy.symbols("n k", integer=True, positive=True)
    points = [(2 * n, k, e) for n in (1, 64, 65, 130) for k in (2, 30, 128, 200) for e in (1, 3)]
    form = SCHEMES[name].stored(Matrix(2 * rows, columns, 3, 2)).total
    by_array = SCHEMES[name].stored(Matrix(*map(np.array, zip(*points, strict=True)), 2)).total
    for index, point in enumerate(points):
        one = SCHEMES[name].stored(Matrix(*point, 2)).total
        assert type(one) is int
        assert by_array[index] == one
        if point[2] == 3:
            assert form.subs({rows: point[0] // 2, columns: point[1]}) == one


@pytest.mark.parametrize("name", SCHEMES)
@given(st.data())
def test_laws_of_any_scheme(name, data):
    """Copies add up; more rows or columns never take less; codes are no smaller than their bits."""
    scheme, size = SCHEMES[name], st.integers(1, 600)
    rows, columns, copies = (data.draw(size) for _ in range(3))
    one = scheme.stored(Matrix(rows, columns))
    assert scheme.stored(Matrix(rows, columns, copies)).total == copies * one.total
    for larger in (Matrix(rows + 1, columns), Matrix(rows, columns + 1)):
        assert scheme.stored(larger).total >= one.total
    assert 8 * one.weights >= scheme.bits * rows * columns
    # Rounding to words adds less than a word per row or column.
    assert 8 * one.weights < scheme.bits * rows * columns + scheme.word * max(rows, columns)
    # A layer in two halves has the codes of one matrix of both, if halves fill their words.
    both = scheme.stored(Matrix(16 * rows, columns, joined=2))
    halves = scheme.stored(Matrix(8 * rows, columns))
    assert both.weights == 2 * halves.weights
    assert scheme.together or both.total == 2 * halves.total


BITS_PER_WEIGHT = {
    "fp8_block": 8 + 32 / 128**2,
    "mxfp4": 4 + 8 / 32,
    "nvfp4": 4 + 8 / 16,
    "gptq_int4_g128": 4 + (16 + 4) / 128,
    "awq_int4_g64": 4 + (16 + 4) / 64,
    "ct_int4_g32": 4 + 16 / 32,
    "nf4": 4 + 32 / 64,
    "nf4_double": 4 + 8 / 64 + 32 / (64 * 256),
}
"""Codes, scales and zero points of a large matrix, by hand."""


@pytest.mark.parametrize(("name", "bits"), BITS_PER_WEIGHT.items())
def test_bits_per_weight_of_a_large_matrix(name, bits):
    size = 2**20
    total = SCHEMES[name].stored(Matrix(size, size)).total
    excess = 8 * total - size * size * bits  # bytes per matrix, row or column
    assert 0 <= excess <= 40 * size


@pytest.mark.parametrize("dtype", DTYPE_BITS)
@given(rows=st.integers(1, 99), columns=st.integers(1, 99))
def test_plain_weights_are_packed_without_gaps(dtype, rows, columns):
    bits = DTYPE_BITS[dtype] * rows * columns
    assert Plain(dtype).stored(Matrix(rows, columns)).total == -(-bits // 8)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"bits": 0}, "bits must be from 1 to 8, got 0"),
        ({"bits": 9}, "bits must be from 1 to 8, got 9"),
        ({"bits": 4, "block": (1, -2)}, "a block must have rows and columns, got (1, -2)"),
    ],
)
def test_a_scheme_that_stores_nothing_is_refused(wrong, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        Packed(name="odd", **wrong)


def test_an_op_adds_its_bias_in_the_dtype_of_the_rest():
    storage = Storage.of("float32")
    op = Linear(component="a", rows=2, in_features=256, out_features=128, bias=True,
                scheme=SCHEMES["fp8_block"])  # fmt: skip
    assert op.weight_bytes(storage) == 128 * 256 + 2 * 4 + 4 * 128
    assert op.weight_bytes_read(storage) == op.weight_bytes(storage)


def test_an_expert_is_read_with_its_own_scales():
    op = ExpertLinear(component="moe/experts", rows=6, in_features=256, out_features=128,
                      experts=8, top_k=2, scheme=SCHEMES["nvfp4"], joined=2)  # fmt: skip
    storage = Storage.of("bfloat16")
    one = 128 * 128 + 128 * 16 + 2 * 8
    assert op.weight_bytes(storage) == 8 * one
    assert op.fewest_expert_bytes_read(storage) == 2 * one
    expected = 8 * (1 - (1 - 2 / 8) ** 3)
    assert op.expected_expert_bytes_read(storage) == pytest.approx(expected * one)


@given(elements=st.integers(0, 10**6))
def test_4_bits_fill_bytes_from_the_front(elements):
    assert bytes_of(elements, "int4") == (elements + 1) // 2
