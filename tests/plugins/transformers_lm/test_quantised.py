"""Quantised checkpoints: what a file says, against the layers of transformers and by hand."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.pytorch_utils import Conv1D

from flopbench.analytic.price import Pricer
from flopbench.blocks import Mlp
from flopbench.builtin.eager import Eager
from flopbench.conventions import Conventions
from flopbench.ops import ExpertLinear, Linear
from flopbench.storage import Matrix
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.components import component_of
from flopbench_transformers_lm.config import LmOptions
from flopbench_transformers_lm.families import FAMILIES
from flopbench_transformers_lm.module_names import UNGATED, names_of
from flopbench_transformers_lm.quantised import read, stored
from flopbench_transformers_lm.quantised.methods import METHODS
from flopbench_transformers_lm.quantised.patterns import (
    Patterns,
    as_it_is,
    of_compressed_tensors,
    of_modelopt,
    of_transformers,
)
from flopbench_transformers_lm.vendor_model import RealModel
from flopbench_transformers_lm.workload import Workload
from plugins.transformers_lm.lm_helpers import SMALL
from plugins.transformers_lm.tiny_configs import few, one_per_family, tiny

FP8 = {"quant_method": "fp8", "weight_block_size": [128, 128], "activation_scheme": "dynamic"}
SIZES = {
    **SMALL,
    "qwen3": SMALL["llama"],
    "qwen3_moe": {
        **SMALL["llama"],
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 40,
        "decoder_sparse_step": 2,
    },
    "qwen2_moe": {
        **SMALL["llama"],
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 40,
        "shared_expert_intermediate_size": 24,
        "decoder_sparse_step": 1,
    },
    "hunyuan_v1_moe": {**SMALL["llama"], "num_experts": 4, "moe_topk": 2, "num_experts_per_tok": 2},
}


@pytest.fixture
def model(tmp_path):
    """Build the model of a config.json with these fields."""

    def build(kind, quantised, *, dtype=None, **fields):
        path = tmp_path / "config.json"
        found = {"model_type": kind, **SIZES.get(kind, {}), **fields}
        path.write_text(json.dumps({**found, "quantization_config": quantised}))
        options = LmOptions(config=str(path), dtype=dtype)
        return HfModel.for_name(f"hf/{kind}").from_options(options)

    return build


def held(model):
    """Return the bytes of the weights that products have, by component."""
    workload = Workload(batch_size=1, context_tokens=3, decode_steps=2)
    pricer = Pricer(Eager(), Conventions(), model.storage)
    found = pricer.price(model.ops("prefill", workload), Eager())
    return {name: size for name, size in found.footprint.weight_bytes.items() if size}


def quantised_by_transformers(model):
    """Return the bytes of the real model's tensors by component, converted on the meta device."""
    import torch
    from transformers.integrations.finegrained_fp8 import replace_with_fp8_linear
    from transformers.quantizers.base import HfQuantizer
    from transformers.utils.quantization_config import FineGrainedFP8Config

    real = RealModel(model.architecture).module.to(torch.bfloat16)
    said = FineGrainedFP8Config.from_dict(dict(model.architecture.quantisation))
    kept = HfQuantizer.get_modules_to_not_convert(
        real, said.modules_to_not_convert, real._keep_in_fp32_modules
    )
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        replace_with_fp8_linear(real, kept, said)
    finally:
        torch.set_default_dtype(default)
    sizes = {}
    for name, parameter in real.named_parameters():
        owner = component_of(name.rpartition(".")[0])
        sizes[owner] = sizes.get(owner, 0) + parameter.nbytes
    # Corrections of routers are learned, though most models register them as buffers.
    for name, buffer in real.named_buffers():
        if name.endswith("e_score_correction_bias"):
            owner = component_of(name.rpartition(".")[0])
            sizes[owner] = sizes.get(owner, 0) + 2 * buffer.numel()
    return sizes


FILES = {
    "by block": FP8,
    "per tensor": {"quant_method": "fp8", "weight_block_size": None},
    "static": {**FP8, "weight_block_size": None, "activation_scheme": "static"},
    "small blocks": {**FP8, "weight_block_size": [16, 8]},
    "powers of two": {**FP8, "scale_fmt": "ue8m0"},
    "a list": {**FP8, "modules_to_not_convert": ["lm_head", "model.layers.0.self_attn"]},
    "a list without the head": {
        **FP8,
        "modules_to_not_convert": ["model.layers.1.mlp", "k_proj", "shared_expert_gate"],
    },
    "a suffix": {**FP8, "modules_to_not_convert": ["gate", "lm_head"]},
    "a regular expression": {**FP8, "modules_to_not_convert": [r"model.layers.\d+.mlp.down_proj"]},
    "another name of the list": {**FP8, "ignored_layers": ["model.layers.0", "lm_head"]},
}


@pytest.mark.parametrize("kind", ["llama", "qwen3", "qwen3_moe", "qwen2_moe", "deepseek_v3"])
@pytest.mark.parametrize("file", FILES)
def test_fp8_is_stored_as_the_layers_of_transformers_are(model, kind, file):
    ours = model(kind, FILES[file], dtype="bfloat16")
    assert held(ours) == quantised_by_transformers(ours)


def pieces(names):
    """Draw what a list of modules may hold: whole names, prefixes, suffixes, patterns."""

    def some(name):
        parts = name.split(".")
        ends = [".".join(parts[i:]) for i in range(len(parts))]
        starts = [".".join(parts[:i]) for i in range(1, len(parts) + 1)]
        return st.sampled_from([*ends, *starts, name.replace(".0.", r".\d+."), name[:-1]])

    return st.lists(st.sampled_from(names).flatmap(some), max_size=4)


@pytest.mark.parametrize("kind", ["qwen2_moe", "deepseek_v3"])
@settings(max_examples=15)
@given(st.data())
def test_any_list_of_modules_leaves_out_what_transformers_does(model, kind, data):
    plain = RealModel(model(kind, FP8, dtype="bfloat16").architecture).module
    modules = [name for name, _ in plain.named_modules() if "layers." in name or "head" in name]
    kept = data.draw(pieces(modules))
    ours = model(kind, {**FP8, "modules_to_not_convert": kept}, tie_word_embeddings=False)
    assert held(ours) == quantised_by_transformers(ours), kept


def test_a_router_that_is_a_layer_is_converted_as_one(model):
    ours = model("hunyuan_v1_moe", FP8, dtype="bfloat16")
    router = held(ours)["decoder/moe/router"]
    assert router == quantised_by_transformers(ours)["decoder/moe/router"]
    layers, experts, width = 2, 4, 64
    assert router == layers * (experts * width + 4)  # and a scale each


BESIDE_LAYERS = [
    *("decoder/altup.modality_router", "decoder/altup.prediction_coefs"),
    *("decoder/altup.correction_coefs", "decoder/laurel.linear_left"),
    *("decoder/laurel.linear_right", "decoder/per_layer.per_layer_input_gate"),
    "decoder/per_layer.per_layer_projection",
]
"""Roles of what runs between the parts of layers."""


@pytest.mark.parametrize("kind", few(FAMILIES, one_per_family()))
def test_every_module_of_a_family_has_the_name_that_its_role_is_known_by(kind):
    """A pattern that leaves out one module leaves out the bytes of just its role."""
    import torch

    config = tiny(kind)
    model = RealModel(config)
    real, component_of = model.module, model.component_of
    decoder = HfModel(config)._decoder
    assert (kind in UNGATED) == any(isinstance(g.feed_forward, Mlp) for g in decoder.groups)
    for group in decoder.groups:
        layer, roles = group.numbers[-1], group.roles()  # a name may mean other parts elsewhere
        known, found = {}, set()
        for key in (*roles, *BESIDE_LAYERS):
            for name in names_of(key, layer, kind):
                known.setdefault(name, set()).add(key)
        for name, module in real.named_modules():
            if not isinstance(module, torch.nn.Linear | Conv1D) or "_adapter_" in name:
                continue  # Zamba 2's adapters are numbered by use
            if component_of(name) == "lm_head":
                assert name in names_of("lm_head.head", None, kind)
            elif re.search(rf"\.{layer}\.", name):
                (key,) = known[name]
                assert key.startswith(f"{component_of(name)}."), name
                found.add(key)
        assert found >= {key for key in roles if key.startswith("decoder/attention/")}


QWEN3_30B_A3B = {
    "hidden_size": 2048,
    "num_hidden_layers": 48,
    "num_attention_heads": 32,
    "num_key_value_heads": 4,
    "head_dim": 128,
    "vocab_size": 151936,
    "num_experts": 128,
    "num_experts_per_tok": 8,
    "moe_intermediate_size": 768,
    "decoder_sparse_step": 1,
    "tie_word_embeddings": False,
}
"""From the config.json of Qwen/Qwen3-30B-A3B-FP8."""


def test_a_published_model_in_full_size_is_stored_as_transformers_does(model):
    kept = ["lm_head", *(f"model.layers.{layer}.mlp.gate" for layer in range(48))]
    ours = model("qwen3_moe", {**FP8, "modules_to_not_convert": kept}, **QWEN3_30B_A3B)
    sizes = held(ours)
    assert sizes == quantised_by_transformers(ours)
    # Bytes and scales of experts by hand: 128 x 128 divides their sizes.
    weights = 48 * 128 * 3 * 2048 * 768
    assert sizes["decoder/moe/experts"] == weights + 4 * weights // 128**2


INT4 = {
    "num_bits": 4,
    "type": "int",
    "strategy": "group",
    "group_size": 32,
    "symmetric": True,
    "dynamic": False,
}
FLOAT8 = {"num_bits": 8, "type": "float", "strategy": "tensor", "dynamic": False}
COMPRESSED = {
    "int4": {
        "format": "pack-quantized",
        "config_groups": {"group_0": {"targets": ["Linear"], "weights": INT4}},
        "ignore": ["lm_head", "re:.*self_attn.*"],
    },
    "two groups": {
        "format": "mixed-precision",
        "config_groups": {
            "group_0": {
                "targets": ["re:.*down_proj$", "model.layers.0.self_attn.q_proj"],
                "weights": FLOAT8,
                "input_activations": FLOAT8,
                "format": "float-quantized",
            },
            "group_1": {
                "targets": ["re:.*self_attn.(k|v|o)_proj"],
                "weights": INT4,
                "format": "pack-quantized",
            },
        },
        "ignore": ["model.layers.1.self_attn.k_proj"],
    },
    "the head, too": {
        "format": "int-quantized",
        "config_groups": {
            "group_0": {
                "targets": ["Linear"],
                "weights": {"num_bits": 8, "type": "int", "strategy": "channel", "symmetric": True},
                "input_activations": {
                    "num_bits": 8,
                    "type": "int",
                    "strategy": "token",
                    "dynamic": True,
                },
            }
        },
        "ignore": [],
    },
}


@pytest.mark.parametrize("kind", ["llama", "qwen3"])
@pytest.mark.parametrize("file", COMPRESSED)
def test_compressed_tensors_stores_the_real_model_alike(model, kind, file):
    pytest.importorskip("compressed_tensors", reason="compressed-tensors is not installed")
    import torch
    from compressed_tensors.compressors import compress_module
    from compressed_tensors.quantization import QuantizationConfig, apply_quantization_config

    said = {"quant_method": "compressed-tensors", **COMPRESSED[file]}
    ours = model(kind, said, dtype="bfloat16", tie_word_embeddings=False)
    real = RealModel(ours.architecture).module.to(torch.bfloat16)
    plain = {key: value for key, value in said.items() if key != "quant_method"}
    config = QuantizationConfig(**plain, quantization_status="compressed")
    apply_quantization_config(real, config, run_compressed=False)
    for module in real.modules():
        if hasattr(module, "quantization_scheme"):
            compress_module(module)
    sizes = {}
    for name, tensor in real.state_dict().items():
        owner = component_of(name.rpartition(".")[0])
        sizes[owner] = sizes.get(owner, 0) + tensor.nbytes
    assert held(ours) == sizes


def products(model):
    """Return the names of the schemes of products by component; the distinct ones in order."""
    workload = Workload(batch_size=1, context_tokens=3, decode_steps=2)
    found = {}
    for op in model.ops("prefill", workload):
        if isinstance(op, Linear | ExpertLinear):
            part = op.component.removeprefix("decoder/")
            found.setdefault(part, {})[op.stored_as(model.storage).name] = None
    return {part: list(names) for part, names in found.items()}


PLAIN = ["bfloat16"]


@pytest.mark.parametrize(
    ("kind", "said", "stored"),
    [
        (
            "gpt_oss",
            {
                "quant_method": "mxfp4",
                "modules_to_not_convert": [
                    "model.layers.*.self_attn",
                    "model.layers.*.mlp.router",
                    "model.embed_tokens",
                    "lm_head",
                ],
            },
            {
                "attention/qkv": PLAIN,
                "attention/out": PLAIN,
                "moe/router": PLAIN,
                "moe/experts": ["mxfp4"],
                "lm_head": PLAIN,
            },
        ),
        (
            "llama",
            {
                "quant_algo": "FP8",
                "ignore": ["lm_head"],
                "kv_cache_scheme": "FP8",
                "config_groups": {"group_0": {"weights": {"num_bits": 8, "type": "float"}}},
            },
            {
                "attention/qkv": ["modelopt_fp8"],
                "attention/out": ["modelopt_fp8"],
                "mlp": ["modelopt_fp8"],
                "lm_head": PLAIN,
            },
        ),
        (
            "deepseek_v3",
            {
                "quant_method": "modelopt",
                "quant_algo": "NVFP4",
                "ignore": [
                    "language_model.lm_head",
                    "language_model.model.layers.0.self_attn*",
                    "model.layers.1.self_attn.kv_b_proj",
                    "*.shared_experts.down_proj",
                ],
            },
            {
                "attention/qkv": ["bfloat16", "nvfp4"],
                "attention/out": ["bfloat16", "nvfp4"],
                "mlp": ["nvfp4"],
                "moe/router": PLAIN,
                "moe/experts": ["nvfp4"],
                "moe/shared": ["nvfp4", "bfloat16"],
                "lm_head": PLAIN,
            },
        ),
        (
            "llama",
            {"quant_method": "gptq", "bits": 4, "group_size": 128, "desc_act": False},
            {
                "attention/qkv": ["gptq_int4_g128"],
                "attention/out": ["gptq_int4_g128"],
                "mlp": ["gptq_int4_g128"],
                "lm_head": PLAIN,
            },
        ),
        (
            "llama",
            {
                "quant_method": "gptq",
                "bits": 4,
                "group_size": -1,
                "lm_head": True,
                "dynamic": {r"-:.*layers\.1\..*": {}, r"+:.*\.mlp\..*": {"bits": 8}},
            },
            {
                "attention/qkv": ["gptq_int4_channel", "bfloat16"],
                "attention/out": ["gptq_int4_channel", "bfloat16"],
                "mlp": ["gptq_int8_channel", "bfloat16"],
                "lm_head": ["gptq_int4_channel"],
            },
        ),
        (
            "llama",
            {
                "quant_method": "gptq",
                "bits": 4,
                "group_size": 32,
                "modules_in_block_to_quantize": [["self_attn.q_proj"], ["mlp.down_proj"]],
            },
            {
                "attention/qkv": ["gptq_int4_g32", "bfloat16"],
                "attention/out": PLAIN,
                "mlp": ["bfloat16", "gptq_int4_g32"],
                "lm_head": PLAIN,
            },
        ),
        (
            "mixtral",
            {
                "quant_method": "awq",
                "bits": 4,
                "group_size": 128,
                "modules_to_not_convert": ["gate"],
            },
            {
                "attention/qkv": ["awq_int4_g128"],
                "attention/out": ["awq_int4_g128"],
                "moe/router": PLAIN,
                "moe/experts": ["awq_int4_g128"],
                "lm_head": PLAIN,
            },
        ),
        (
            "qwen2_moe",
            {
                "quant_method": "bitsandbytes",
                "load_in_4bit": True,
                "bnb_4bit_quant_type": "nf4",
                "bnb_4bit_use_double_quant": True,
                "llm_int8_skip_modules": ["lm_head", "shared_expert_gate"],
            },
            {
                "attention/qkv": ["nf4_double"],
                "attention/out": ["nf4_double"],
                "moe/router": PLAIN,
                "moe/experts": PLAIN,
                "moe/shared": ["nf4_double", "bfloat16"],
                "lm_head": PLAIN,
            },
        ),
        (
            "llama",
            {"quant_method": "bitsandbytes", "load_in_8bit": True},
            {
                "attention/qkv": ["bnb_int8"],
                "attention/out": ["bnb_int8"],
                "mlp": ["bnb_int8"],
                "lm_head": PLAIN,
            },
        ),
        (
            "llama",
            {
                "quant_method": "torchao",
                "quant_type": {"default": {"_type": "Int8WeightOnlyConfig", "_data": {}}},
            },
            {
                "attention/qkv": ["ao_int8"],
                "attention/out": ["ao_int8"],
                "mlp": ["ao_int8"],
                "lm_head": PLAIN,
            },
        ),
        (
            "llama",
            {"quant_method": "fbgemm_fp8", "modules_to_not_convert": ["lm_head", "self_attn"]},
            {
                "attention/qkv": ["fbgemm_fp8"],
                "attention/out": ["fbgemm_fp8"],
                "mlp": ["fbgemm_fp8"],
                "lm_head": PLAIN,
            },
        ),
    ],
)
def test_a_file_of_another_method_is_read(model, kind, said, stored):
    assert products(model(kind, said, dtype="bfloat16", tie_word_embeddings=False)) == stored


@pytest.mark.parametrize("scheme", ["FP8", {"num_bits": 8, "type": "float", "dynamic": False}])
def test_the_scheme_of_the_cache_halves_its_bytes_alone(model, scheme):
    plain = {"quant_algo": "NVFP4", "ignore": ["lm_head"]}
    workload = Workload(batch_size=2, context_tokens=7, decode_steps=2)
    costs = []
    for said in (plain, {**plain, "kv_cache_scheme": scheme}):
        ours = model("llama", said, dtype="bfloat16")
        pricer = Pricer(Eager(), Conventions(), ours.storage)
        costs.append(pricer.price(ours.ops("decode", workload), Eager()))
    before, after = (cost.footprint.kv_cache_bytes for cost in costs)
    layers, kv_heads, head_dim, tokens = 2, 2, 24, 9
    assert after == 2 * layers * kv_heads * head_dim * 2 * tokens
    assert before == 2 * after
    assert costs[0].cost.kv_cache_bytes_read == 2 * costs[1].cost.kv_cache_bytes_read
    assert costs[0].footprint.weight_bytes == costs[1].footprint.weight_bytes
    assert costs[0].cost.flops == costs[1].cost.flops


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({"kv_cache_quant_algo": "NVFP4"}, "nvfp4"),
        ({"kv_cache_scheme": {"num_bits": 4, "type": "float"}}, "float4"),
    ],
)
def test_a_scheme_of_the_cache_that_is_not_known_is_told(model, said, name):
    ours = model("llama", {"quant_algo": "FP8", **said}, dtype="float16")
    assert ours.storage.kv_cache == "float16"
    assert f"KV cache: the model's dtype, since {name} is not known" in ours.notes()[0]
    (note,) = model("llama", {"quant_algo": "FP8", "kv_cache_quant_algo": None}).notes()
    assert "KV cache" not in note


@pytest.mark.parametrize("where", ["whole", "groups"])
def test_nvfp4_has_the_groups_that_the_file_says(model, where):
    size = {"group_size": 32}
    said = size if where == "whole" else {"config_groups": {"g": {"weights": size}}}
    scheme = model("llama", {"quant_algo": "NVFP4", **said}).storage.weights
    assert scheme.stored(Matrix(64, 128)).scales == 64 * 128 // 32 + 4 + 4
    usual = model("llama", {"quant_algo": "NVFP4"}).storage.weights
    assert usual.stored(Matrix(64, 128)).scales == 64 * 128 // 16 + 4 + 4


NAMED = [
    "model.layers.1", "model.layers.1.", "model.layers.1.*", "layers.1", "model.layers.1.mlp",
    r"model\.layers\.1\..*", ".*layers.1.mlp.*", ".*layers.1.*", "model.layers.1..*mlp",
    ".*layers.1.mlp|.*layers.2.mlp", "(?:model.layers.1.)?lm_head|model.layers.10.mlp",
    "model.layers.1[01].self_attn", "model.layers.10.mlp.down_proj", r"model.layers.1\.?0?.mlp",
]  # fmt: skip


@pytest.mark.parametrize("pattern", NAMED)
@pytest.mark.parametrize("how", [of_transformers, of_compressed_tensors, of_modelopt, as_it_is])
def test_a_pattern_is_of_the_layers_that_it_matches(pattern, how):
    """Patterns are sorted by layer, which must leave out none that would match."""
    for text in (pattern, f"re:{pattern}"):
        found = Patterns((text,), how)
        for layer in range(13):
            name = f"model.layers.{layer}.mlp.down_proj"
            assert found.match([name], layer) == bool(re.match(how(text), name))


def test_patterns_match_as_in_transformers():
    from transformers.quantizers.quantizers_utils import should_convert_module

    for pattern in NAMED:
        for layer in range(13):
            name = f"model.layers.{layer}.mlp.down_proj"
            kept = Patterns((pattern,), of_transformers).match([name], layer)
            assert kept != should_convert_module(name, [pattern])


def test_the_note_says_which_parts_are_stored_how(model):
    said = {
        **FP8,
        "modules_to_not_convert": ["lm_head", "model.layers.0.self_attn.k_proj", "down_proj"],
    }
    (note,) = model("deepseek_v3", {**said, "kv_cache_scheme": "FP8"}).notes()[:1]
    assert note.startswith("weights are stored as the file says (fp8): fp8_block: attention/qkv, ")
    assert "mlp (gate and up)" in note
    assert "bfloat16: mlp (down)" in note
    assert "KV cache: float8" in note
    (note,) = model("llama", said).notes()
    assert "attention/qkv (k) in 1 of 2 layers" in note


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            {"quant_method": "awg"},
            "not in a way that is known (unknown quantisation method 'awg': did you mean 'awq'?)",
        ),
        ({"bits": 4}, "(method not named), but not in a way that is known (it names no method)"),
        ({"quant_algo": "NVFP5"}, "unknown quant_algo 'NVFP5': did you mean 'NVFP4'?"),
        ({"quant_method": "fp8", "weight_block_size": "wide"}, "(fp8), but not in a way"),
        ({"quant_method": "fp8", "weight_block_size": [128, 0]}, "(fp8), but not in a way"),
        ({"quant_method": "gptq"}, "(gptq), but not in a way that is known (it has no 'bits')"),
        ({"quant_method": "gptq", "bits": 16}, "(bits must be from 1 to 8, got 16)"),
        ({**FP8, "modules_to_not_convert": "lm_head"}, "must be a list of texts, got 'lm_head'"),
        (
            {
                "quant_method": "compressed-tensors",
                "config_groups": {
                    "g": {
                        "weights": {
                            "num_bits": 3,
                            "type": "float",
                            "strategy": "group",
                            "group_size": 8,
                        }
                    }
                },
            },
            "float3 weights by group",
        ),
        ({"quant_method": "torchao", "quant_type": {"default": {"_type": "Odd"}}}, "'Odd'"),
        (
            {"quant_method": "compressed-tensors", "ignore": ["re:(unclosed"]},
            "'(unclosed' is no regular expression",
        ),
        ({"quant_method": "gptq", "bits": float("inf")}, "cannot convert float infinity"),
        (
            {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf5"},
            "unknown bnb_4bit_quant_type 'nf5': did you mean 'nf4'?",
        ),
        ({**FP8, "expert_dtype": "int3"}, "unknown expert_dtype 'int3': expected one of fp4, fp8"),
        ({**FP8, "modules_to_not_convert": ["(a+)+$"]}, "'(a+)+$' may take too long to match"),
        ({**FP8, "modules_to_not_convert": [".*.*.*.*.*X"]}, "may take too long to match"),
        (
            {"quant_method": "compressed-tensors", "ignore": ["re:a{99999999999999999999}"]},
            "a pattern is no regular expression: the repetition number is too large",
        ),
        (
            {"quant_method": "compressed-tensors", "ignore": ["re:" + "(" * 9999 + ")" * 9999]},
            "a pattern is no regular expression: maximum recursion depth",
        ),
        (
            {
                "quant_method": "compressed-tensors",
                "sparsity_config": {"format": "sparse-24-bitmask"},
            },
            "unknown format 'sparse-24-bitmask': expected one of dense",
        ),
        (
            {
                "quant_algo": "NVFP4",
                "group_size": 16,
                "config_groups": {"g": {"weights": {"group_size": 32}}},
            },
            "groups of different sizes: 16, 32",
        ),
        (
            {
                "quant_method": "compressed-tensors",
                "config_groups": {"g": {"weights": INT4, "targets": "Linear"}},
                "format": "pack-quantized",
            },
            "targets must be a list of texts, got 'Linear'",
        ),
    ],
)
def test_what_is_not_known_changes_nothing_and_is_told(model, said, reason):
    ours = model("llama", said, dtype="float32")
    (note,) = ours.notes()
    assert reason in note
    assert note.endswith("bytes are those of float32; FLOPs are those of the same products")
    assert {name for names in products(ours).values() for name in names} == {"float32"}


def test_a_model_without_closed_forms_says_it_too(model):
    ours = model("ctrl", FP8)
    assert ours.no_closed_forms
    assert "quantised (fp8): FLOPs are those of the same products" in ours.notes()[0]


@pytest.mark.parametrize(
    ("kind", "compute"),
    [("Int8WeightOnlyConfig", None), ("Int8DynamicActivationInt8WeightConfig", "int8")],
)
def test_products_of_torchao_are_in_8_bits_if_activations_are(kind, compute):
    said = read({"quant_method": "torchao", "quant_type": {"default": {"_type": kind}}}, "bfloat16")
    assert (said.dense.name, said.dense.compute) == ("ao_int8", compute)


def test_a_tied_head_is_never_converted(model):
    said = {**FP8, "modules_to_not_convert": ["nothing"]}
    assert products(model("llama", said, tie_word_embeddings=False))["lm_head"] == ["fp8_block"]
    tied = model("llama", said, tie_word_embeddings=True)
    assert products(tied)["lm_head"] == PLAIN
    assert not held(tied).get("lm_head")  # the embeddings hold its weights


def test_flops_are_those_of_the_unquantised_model(flopbench, tmp_path):
    fields = {"model_type": "deepseek_v3", **SIZES["deepseek_v3"], "quantization_config": FP8}
    (tmp_path / "config.json").write_text(json.dumps(fields))
    result = flopbench("run", "config.json", "workload.context_tokens=16")
    assert result.returncode == 0, result.stderr
    assert "weights are stored as the file says (fp8)" in result.stdout
    assert "verified" in result.stdout.splitlines()[-1]


def test_a_dtype_of_8_bits_is_used(tmp_path):
    path = tmp_path / "config.json"
    fields = {"model_type": "llama", **SIZES["llama"], "dtype": "float8_e4m3fn"}
    path.write_text(json.dumps(fields))
    ours = HfModel.for_name("hf/llama").from_options(LmOptions(config=str(path)))
    assert (ours.dtype, ours.notes()) == ("float8", ())
    plain = HfModel.for_name("hf/llama").from_options(LmOptions(config=str(path), dtype="bfloat16"))
    assert {k: 2 * v for k, v in held(ours).items()} == held(plain)


@pytest.mark.parametrize("where", ["whole", "part"])
def test_a_language_model_within_a_larger_one_is_found(tmp_path, where):
    """Kimi-K2.5's file has it in the part; NVIDIA's of the same model has it in the whole."""
    text = {"model_type": "deepseek_v3", **SIZES["deepseek_v3"]}
    found = {"model_type": "kimi_k25", "text_config": text}
    said = {"quant_algo": "NVFP4", "quant_method": "modelopt", "ignore": ["language_model.lm_head"]}
    (found if where == "whole" else text)["quantization_config"] = said
    path = tmp_path / "config.json"
    path.write_text(json.dumps(found))
    ours = HfModel.for_name("hf/kimi_k25").from_options(LmOptions(config=str(path)))
    assert products(ours)["moe/experts"] == ["nvfp4"]
    assert products(ours)["lm_head"] == PLAIN


def test_the_file_beside_a_config_is_read(tmp_path):
    """As in nvidia/Llama-3.1-8B-Instruct-FP8."""
    fields = {"model_type": "llama", **SIZES["llama"], "tie_word_embeddings": False}
    (tmp_path / "config.json").write_text(json.dumps(fields))
    said = {"quant_algo": "FP8", "kv_cache_quant_algo": "FP8", "exclude_modules": ["lm_head"]}
    beside = {"producer": {"name": "modelopt"}, "quantization": said}
    (tmp_path / "hf_quant_config.json").write_text(json.dumps(beside))
    ours = HfModel.for_name("hf/llama").from_options(LmOptions(config=str(tmp_path)))
    assert products(ours)["mlp"] == ["modelopt_fp8"]
    assert products(ours)["lm_head"] == PLAIN
    assert ours.storage.kv_cache == "float8"


@pytest.mark.parametrize(
    ("kind", "said", "computes"),
    [
        ("llama", FP8, "float8"),
        ("llama", {"quant_algo": "NVFP4"}, "float4"),
        ("llama", {"quant_method": "gptq", "bits": 4}, None),
        ("llama", {"quant_method": "compressed-tensors", **COMPRESSED["int4"]}, None),
        ("llama", {"quant_method": "compressed-tensors", **COMPRESSED["the head, too"]}, "int8"),
        ("gpt_oss", {"quant_method": "mxfp4"}, None),
    ],
)
def test_products_compute_in_the_dtype_of_quantised_activations(model, kind, said, computes):
    storage = model(kind, said).storage
    assert (storage.experts if kind == "gpt_oss" else storage.weights).compute == computes


def test_single_experts_that_a_file_names_are_told(model):
    named = ["lm_head", "model.layers.1.mlp.experts.3.down_proj"]
    (note,) = model("qwen3_moe", {**FP8, "modules_to_not_convert": named}).notes()
    assert "single experts that it names are taken to be as the first" in note
    (note,) = model("qwen3_moe", {**FP8, "modules_to_not_convert": ["lm_head"]}).notes()
    assert "single" not in note


WORDS = ["", "int", "float", "static", "re:(", "Linear", "lm_head", "group", "[", "*"]
KEYS = ["weights", "g", "default", "_type", "num_bits", "targets", "strategy", "group_size", "type",
        "block_structure", "input_activations", "format", "dynamic"]  # fmt: skip
value = st.none() | st.booleans() | st.integers(-2, 300) | st.sampled_from(WORDS)
pairs = st.dictionaries(st.sampled_from(KEYS), value | st.lists(value, max_size=2), max_size=5)
nested = st.dictionaries(st.sampled_from(KEYS), pairs, max_size=3)
junk = value | st.lists(value, max_size=3) | pairs | nested
FIELDS = ("weight_block_size", "activation_scheme", "modules_to_not_convert", "ignored_layers",
          "scale_fmt", "config_groups", "ignore", "format", "kv_cache_scheme", "quant_algo", "bits",
          "group_size", "dynamic", "modules_in_block_to_quantize", "lm_head", "zero_point",
          "load_in_4bit", "bnb_4bit_quant_type", "llm_int8_skip_modules", "quant_type",
          "exclude_modules", "expert_dtype")  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=50)
@given(fields=st.dictionaries(st.sampled_from(FIELDS), junk))
def test_no_file_is_refused(method, fields):
    """Whatever it says, the model runs, with a note in one line."""
    config = tiny("qwen3_moe")
    decoder = FAMILIES["qwen3_moe"](config)
    said = read({**fields, "quant_method": method}, "bfloat16")
    found = stored(decoder, config, said, "bfloat16")
    assert (said.problem is not None) == ("is known (" in found.note)
    assert "\n" not in found.note
    if said.dense:
        assert said.dense.stored(Matrix(64, 64)).weights > 0
    assert sum(group.count for group in found.decoder.groups) == decoder.layers
