"""Bytes of quantised matrices against what libraries' own quantised layers hold: no difference.

A layer is on the meta device where the library packs that completely, and on the CPU where it
packs real data alone.
"""

import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flopbench.storage import SCHEMES, Matrix

torch = pytest.importorskip("torch")

ANY = st.integers(1, 400)
SHAPES = {"rows": ANY, "columns": ANY}


def held(name, rows, columns, copies=1, joined=1):
    """Return the bytes of weights, scales and the rest, as the scheme has them."""
    stored = SCHEMES[name].stored(Matrix(rows, columns, copies, joined))
    return stored.weights, stored.scales, stored.zeros


def library(name):
    """Import a library without its warnings; skip the test if it is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name, reason=f"{name} is not installed")


# --- transformers


@pytest.mark.parametrize(
    ("name", "block", "scheme"),
    [
        ("fp8_block", (128, 128), "dynamic"),
        ("fp8_tensor", None, "dynamic"),
        ("fp8_tensor_static", None, "static"),
    ],
)
@given(**SHAPES)
def test_fp8_of_transformers(name, block, scheme, rows, columns):
    fp8 = library("transformers.integrations.finegrained_fp8")
    with torch.device("meta"):
        layer = fp8.FP8Linear(columns, rows, block_size=block, activation_scheme=scheme)
    inputs = layer.activation_scale.nbytes if scheme == "static" else 0
    scales = layer.weight_scale_inv.nbytes + inputs
    assert held(name, rows, columns) == (layer.weight.nbytes, scales, 0)
    assert sum(p.nbytes for p in layer.parameters()) == layer.weight.nbytes + scales


@pytest.mark.parametrize(
    ("name", "block", "scheme"),
    [
        ("fp8_block", (128, 128), "dynamic"),
        ("fp8_tensor", None, "dynamic"),
        ("fp8_tensor_static", None, "static"),
    ],
)
@given(experts=st.integers(1, 9), inner=ANY, width=ANY)
def test_fp8_experts_of_transformers(name, block, scheme, experts, inner, width):
    fp8 = library("transformers.integrations.finegrained_fp8")
    config = library("transformers").PretrainedConfig(
        hidden_size=width, moe_intermediate_size=inner, num_experts=experts, hidden_act="silu"
    )
    with torch.device("meta"):
        layer = fp8.FP8Experts(config, block_size=block, activation_scheme=scheme)
    for part, ours in (
        ("gate_up_proj", held(name, 2 * inner, width, experts, joined=2)),
        ("down_proj", held(name, width, inner, experts)),
    ):
        tensors = {n: p for n, p in layer.named_parameters() if n.startswith(part)}
        weights = tensors.pop(part)
        assert ours == (weights.nbytes, sum(t.nbytes for t in tensors.values()), 0)


@given(**SHAPES)
def test_fbgemm_fp8_of_transformers(rows, columns):
    fbgemm = library("transformers.integrations.fbgemm_fp8")
    with torch.device("meta"):
        layer = fbgemm.FbgemmFp8Linear(columns, rows, bias=False)
    scales = layer.weight_scale.nbytes + layer.input_scale_ub.nbytes
    assert held("fbgemm_fp8", rows, columns) == (layer.weight.nbytes, scales, 0)


@given(experts=st.integers(1, 9), inner=st.integers(1, 30), width=st.integers(1, 30))
def test_mxfp4_blocks_of_transformers(experts, inner, width):
    """Its experts hold the blocks; scales appear in the checkpoint (test_documented_layouts.py)."""
    mxfp4 = library("transformers.integrations.mxfp4")
    inner, width = 32 * inner, 32 * width
    config = library("transformers").PretrainedConfig(
        hidden_size=width, intermediate_size=inner, num_local_experts=experts
    )
    with torch.device("meta"):
        layer = mxfp4.Mxfp4GptOssExperts(config)
    first, *_ = held("mxfp4", 2 * inner, width, experts, joined=2)
    second, *_ = held("mxfp4", width, inner, experts)
    assert (first, second) == (layer.gate_up_proj.nbytes, layer.down_proj.nbytes)


# --- compressed-tensors

GROUP_OF_16 = {"num_bits": 4, "type": "float", "strategy": "tensor_group", "group_size": 16}
GROUP_OF_32 = {"num_bits": 4, "type": "float", "strategy": "group", "group_size": 32}
FP8 = {"num_bits": 8, "type": "float"}
COMPRESSED = {
    "nvfp4": (GROUP_OF_16, {**GROUP_OF_16, "dynamic": "local"}),
    "nvfp4_a16": (GROUP_OF_16, None),
    "mxfp4": (
        {**GROUP_OF_32, "scale_dtype": "torch.uint8"},
        None,
    ),
    "ct_fp8_tensor": ({**FP8, "strategy": "tensor"}, {**FP8, "strategy": "tensor"}),
    "ct_fp8_channel": (
        {**FP8, "strategy": "channel"},
        {**FP8, "strategy": "token", "dynamic": True},
    ),
    "ct_fp8_block": ({**FP8, "strategy": "block", "block_structure": [128, 128]}, None),
    "ct_int8": (
        {"num_bits": 8, "type": "int", "strategy": "channel"},
        {"num_bits": 8, "type": "int", "strategy": "token", "dynamic": True},
    ),
    **{
        f"ct_int{bits}_{'channel' if group is None else f'g{group}'}": (
            {
                "num_bits": bits,
                "type": "int",
                "strategy": "channel" if group is None else "group",
                "group_size": group,
            },
            None,
        )
        for bits in (4, 8)
        for group in (32, 128, None)
    },
}


def compressed(weights, activations, rows, columns, device):
    """Return the tensors of a layer that compressed-tensors has compressed."""
    library("compressed_tensors")
    from compressed_tensors.compressors import compress_module
    from compressed_tensors.quantization import QuantizationConfig, apply_quantization_config

    linear = torch.nn.Linear(columns, rows, bias=False, device=device, dtype=torch.bfloat16)
    model = torch.nn.Sequential()
    model.add_module("layer", linear)
    group = {"targets": ["Linear"], "weights": weights, "input_activations": activations}
    config = QuantizationConfig(config_groups={"group_0": group}, quantization_status="compressed")
    apply_quantization_config(model, config, run_compressed=False)
    for name, tensor in linear.state_dict().items():
        if device != "meta" and name != "weight":  # scales that a calibration would have found
            tensor.fill_(1)
    compress_module(linear)
    return linear.state_dict()


def split(tensors):
    """Return the bytes of weights, scales and the rest of a layer's tensors."""
    kinds = {"weights": 0, "scales": 0, "zeros": 0}
    for name, tensor in tensors.items():
        kind = "scales" if "scale" in name else "zeros"
        kinds["weights" if name in ("weight", "weight_packed") else kind] += tensor.nbytes
    return tuple(kinds.values())


@pytest.mark.parametrize("name", COMPRESSED)
@given(**SHAPES)
def test_compressed_tensors_on_meta(name, rows, columns):
    columns += columns % 2 if "fp4" in name else 0  # two codes to a byte
    tensors = compressed(*COMPRESSED[name], rows, columns, "meta")
    assert held(name, rows, columns) == split(tensors)


@pytest.mark.parametrize("name", [n for n in COMPRESSED if n.startswith(("ct_int4", "ct_int8_"))])
@given(rows=st.integers(1, 90), groups=st.integers(1, 4))
def test_compressed_tensors_with_zero_points_on_the_cpu(name, rows, groups):
    """On meta the library leaves zero points as they are; on real data it packs them."""
    weights, activations = COMPRESSED[name]
    columns = groups * (weights["group_size"] or 37)
    weights = {**weights, "symmetric": False}
    tensors = compressed(weights, activations, rows, columns, "cpu")
    assert tensors["weight_zero_point"].dtype == torch.int32
    assert held(f"{name}_asym", rows, columns) == split(tensors)


# --- torchao


@pytest.mark.parametrize(
    ("name", "config"),
    [("ao_int8", "Int8WeightOnlyConfig"), ("ao_float8", "Float8WeightOnlyConfig")],
)
@given(rows=ANY, columns=st.integers(2, 400))  # torchao refuses a single column
def test_torchao_on_meta(name, config, rows, columns):
    quantization = library("torchao.quantization")
    linear = torch.nn.Linear(columns, rows, bias=False, device="meta", dtype=torch.bfloat16)
    quantization.quantize_(linear, getattr(quantization, config)(), filter_fn=lambda *_: True)
    weight = linear.weight
    zero = getattr(weight, "zero_point", None)
    parts = weight.qdata, weight.scale, zero
    assert held(name, rows, columns) == tuple(0 if t is None else t.nbytes for t in parts)


# --- bitsandbytes


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("kind", ["nf4", "fp4"])
@given(rows=st.integers(1, 150), columns=st.integers(1, 150))
def test_bitsandbytes_4bit_on_the_cpu(kind, double, rows, columns):
    bnb = library("bitsandbytes")
    weight = bnb.nn.Params4bit(
        torch.ones(rows, columns, dtype=torch.bfloat16),
        requires_grad=False,
        quant_type=kind,
        compress_statistics=double,
    ).to("cpu")
    state = weight.quant_state
    scales, tables = state.absmax.nbytes, state.code.nbytes
    if double:
        scales += state.state2.absmax.nbytes
        tables += state.state2.code.nbytes + state.offset.nbytes
    name = ("nf4" if kind == "nf4" else "bnb_fp4") + ("_double" if double else "")
    assert held(name, rows, columns) == (weight.nbytes, scales, tables)


@given(rows=st.integers(1, 150), columns=st.integers(1, 150))
def test_bitsandbytes_int8_on_the_cpu(rows, columns):
    bnb = library("bitsandbytes")
    layer = bnb.nn.Linear8bitLt(columns, rows, bias=False, has_fp16_weights=False).to("cpu")
    assert layer.weight.dtype == torch.int8
    assert held("bnb_int8", rows, columns) == (layer.weight.nbytes, layer.weight.SCB.nbytes, 0)
