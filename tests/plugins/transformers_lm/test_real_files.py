"""Config files as people have them: what they hold is taken as it is, and the model is exact.

The values are those of published config.json files, whose repository is named; of the large models
layers are left out.
"""

import json

import pytest

from flopbench_transformers_lm.config import LmOptions, read_config
from flopbench_transformers_lm.workload import Workload
from plugins.transformers_lm.test_moe import assert_exact

SIGLIP = {"model_type": "siglip_vision_model", "hidden_size": 1152, "num_hidden_layers": 27}
LINEAR = {"factor": 8.0, "rope_type": "linear"}
GEMMA_3 = {
    "architectures": ["Gemma3ForConditionalGeneration"],
    "boi_token_index": 255999,
    "eoi_token_index": 256000,
    "eos_token_id": [1, 106],
    "image_token_index": 262144,
    "initializer_range": 0.02,
    "mm_tokens_per_image": 256,
    "model_type": "gemma3",
    "torch_dtype": "bfloat16",
    "transformers_version": "4.50.0.dev0",
    "vision_config": SIGLIP,
}
YARN = {
    "beta_fast": 1.0,
    "beta_slow": 1.0,
    "factor": 32.0,
    "mscale": 1.0,
    "mscale_all_dim": 1.0,
    "original_max_position_embeddings": 4096,
    "type": "yarn",
}
KIMI_K2 = {
    "architectures": ["DeepseekV3ForCausalLM"],
    "auto_map": {"AutoConfig": "configuration_deepseek.DeepseekV3Config"},
    "aux_loss_alpha": 0.001,
    "ep_size": 1,
    "first_k_dense_replace": 1,
    "kv_lora_rank": 512,
    "model_type": "kimi_k2",
    "moe_intermediate_size": 2048,
    "moe_layer_freq": 1,
    "n_group": 1,
    "n_routed_experts": 384,
    "n_shared_experts": 1,
    "norm_topk_prob": True,
    "num_attention_heads": 64,
    "num_experts_per_tok": 8,
    "num_hidden_layers": 2,
    "num_key_value_heads": 64,
    "num_nextn_predict_layers": 0,
    "q_lora_rank": 1536,
    "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64,
    "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]},
    "rope_scaling": YARN,
    "rope_theta": 50000.0,
    "scoring_func": "sigmoid",
    "topk_group": 1,
    "topk_method": "noaux_tc",
    "v_head_dim": 128,
    "vocab_size": 163840,
}

FILES = {
    "google/gemma-3-1b-it": {
        "attention_bias": False,
        "attn_logit_softcapping": None,
        "bos_token_id": 2,
        "cache_implementation": "hybrid",
        "eos_token_id": [1, 106],
        "final_logit_softcapping": None,
        "head_dim": 256,
        "hidden_activation": "gelu_pytorch_tanh",
        "hidden_size": 1152,
        "intermediate_size": 6912,
        "max_position_embeddings": 32768,
        "model_type": "gemma3_text",
        "num_attention_heads": 4,
        "num_hidden_layers": 26,
        "num_key_value_heads": 1,
        "pad_token_id": 0,
        "query_pre_attn_scalar": 256,
        "rope_local_base_freq": 10000,
        "rope_scaling": None,
        "rope_theta": 1000000,
        "sliding_window": 512,
        "sliding_window_pattern": 6,
        "torch_dtype": "bfloat16",
        "vocab_size": 262144,
    },
    "google/gemma-3-4b-it": GEMMA_3
    | {
        "text_config": {
            "hidden_size": 2560,
            "intermediate_size": 10240,
            "model_type": "gemma3_text",
            "num_hidden_layers": 34,
            "rope_scaling": LINEAR,
            "sliding_window": 1024,
        }
    },
    "google/gemma-3-27b-it": GEMMA_3
    | {
        "text_config": {
            "head_dim": 128,
            "hidden_size": 5376,
            "intermediate_size": 21504,
            "model_type": "gemma3_text",
            "num_attention_heads": 32,
            "num_hidden_layers": 62,
            "num_key_value_heads": 16,
            "query_pre_attn_scalar": 168,
            "rope_scaling": LINEAR,
            "sliding_window": 1024,
        }
    },
    "moonshotai/Kimi-K2-Instruct": KIMI_K2,
    "moonshotai/Kimi-K2.5": {
        "architectures": ["KimiK25ForConditionalGeneration"],
        "auto_map": {"AutoConfig": "configuration_kimi_k25.KimiK25Config"},
        "ignore_index": -100,
        "media_placeholder_token_id": 163605,
        "model_type": "kimi_k25",
        "text_config": KIMI_K2,
    },
    "XiaomiMiMo/MiMo-7B-Base": {
        "architectures": ["MiMoForCausalLM"],
        "attention_bias": True,
        "head_dim": 128,
        "hidden_size": 4096,
        "intermediate_size": 11008,
        "max_window_layers": 32,
        "model_type": "mimo",
        "num_attention_heads": 32,
        "num_hidden_layers": 2,
        "num_key_value_heads": 8,
        "num_nextn_predict_layers": 1,
        "sliding_window": 32768,
        "use_mrope": False,
        "use_sliding_window": False,
        "vocab_size": 151680,
    },
    "microsoft/Phi-3.5-MoE-instruct": {
        "attention_bias": True,
        "hidden_size": 4096,
        "input_jitter_noise": 0.01,
        "intermediate_size": 6400,
        "lm_head_bias": True,
        "max_position_embeddings": 131072,
        "model_type": "phimoe",
        "num_attention_heads": 32,
        "num_experts_per_tok": 2,
        "num_hidden_layers": 2,
        "num_key_value_heads": 8,
        "num_local_experts": 16,
        "original_max_position_embeddings": 4096,
        "rope_scaling": {
            "long_factor": [1.0 + i / 64 for i in range(64)],
            "long_mscale": 1.243163121016122,
            "original_max_position_embeddings": 4096,
            "short_factor": [1.0] * 64,
            "short_mscale": 1.243163121016122,
            "type": "longrope",
        },
        "sliding_window": 131072,
        "vocab_size": 32064,
    },
    "tencent/Hunyuan-A13B-Instruct, with its head_dim": {
        "attention_head_dim": 128,
        "head_dim": 128,
        "hidden_size": 4096,
        "intermediate_size": 3072,
        "model_type": "hunyuan_v1_moe",
        "moe_intermediate_size": [3072, 3072],
        "moe_topk": [8, 8],
        "num_attention_heads": 32,
        "num_experts": 64,
        "num_hidden_layers": 2,
        "num_key_value_heads": 8,
        "num_shared_expert": [1, 1],
        "rope_scaling": {"alpha": 1000.0, "beta_fast": 32, "factor": 1.0, "type": "dynamic"},
        "tie_word_embeddings": True,
        "vocab_size": 128167,
    },
    "Qwen/Qwen3-VL-30B-A3B-Instruct": {
        "architectures": ["Qwen3VLMoeForConditionalGeneration"],
        "image_token_id": 151655,
        "model_type": "qwen3_vl_moe",
        "text_config": {
            "decoder_sparse_step": 1,
            "head_dim": 128,
            "hidden_size": 2048,
            "intermediate_size": 6144,
            "mlp_only_layers": [],
            "model_type": "qwen3_vl_moe_text",
            "moe_intermediate_size": 768,
            "norm_topk_prob": True,
            "num_attention_heads": 32,
            "num_experts": 128,
            "num_experts_per_tok": 8,
            "num_hidden_layers": 2,
            "num_key_value_heads": 4,
            "rope_scaling": {
                "mrope_interleaved": True,
                "mrope_section": [24, 20, 20],
                "rope_type": "default",
            },
            "rope_theta": 5000000,
            "vocab_size": 151936,
        },
        "vision_config": {"depth": 2, "out_hidden_size": 2048},
    },
    "Qwen/Qwen2.5-VL-7B-Instruct, its fields not nested": {
        "architectures": ["Qwen2_5_VLForConditionalGeneration"],
        "hidden_size": 3584,
        "image_token_id": 151655,
        "intermediate_size": 18944,
        "max_window_layers": 28,
        "model_type": "qwen2_5_vl",
        "num_attention_heads": 28,
        "num_hidden_layers": 2,
        "num_key_value_heads": 4,
        "rope_scaling": {"mrope_section": [16, 24, 24], "type": "mrope"},
        "sliding_window": 32768,
        "use_sliding_window": False,
        "vision_config": {"depth": 2, "hidden_size": 1280},
        "vocab_size": 152064,
    },
    "mistralai/Mistral-Small-3.1-24B-Instruct-2503": {
        "model_type": "mistral3",
        "multimodal_projector_bias": False,
        "spatial_merge_size": 2,
        "text_config": {
            "attention_dropout": 0.0,
            "head_dim": 128,
            "hidden_size": 5120,
            "intermediate_size": 32768,
            "model_type": "mistral",
            "num_attention_heads": 32,
            "num_hidden_layers": 2,
            "num_key_value_heads": 8,
            "sliding_window": None,
            "vocab_size": 131072,
        },
        "vision_config": {"model_type": "pixtral", "hidden_size": 1024},
        "vision_feature_layer": -1,
    },
    "OpenGVLab/InternVL2_5-8B-MPO, whose code is its own": {
        "architectures": ["InternVLChatModel"],
        "auto_map": {"AutoConfig": "configuration_internvl_chat.InternVLChatConfig"},
        "llm_config": {
            "architectures": ["Qwen2ForCausalLM"],
            "hidden_size": 2048,
            "intermediate_size": 11008,
            "max_window_layers": 70,
            "model_type": "qwen2",
            "num_attention_heads": 16,
            "num_hidden_layers": 2,
            "num_key_value_heads": 2,
            "vocab_size": 151674,
        },
        "model_type": "internvl_chat",
        "vision_config": {"model_type": "intern_vit_6b"},
    },
}


LARGE = ("google/gemma-3-4b-it", "google/gemma-3-27b-it")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n in LARGE else n for n in FILES]
)
def test_a_published_file_is_exact_unchanged(tmp_path, name):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(FILES[name]))
    config = read_config(FILES[name]["model_type"], LmOptions(config=str(path)))
    assert_exact(config, Workload(batch_size=2, context_tokens=9, decode_steps=3))


def test_a_size_that_a_file_has_under_another_name_is_told(flopbench, tmp_path):
    values = dict(FILES["tencent/Hunyuan-A13B-Instruct, with its head_dim"])
    del values["head_dim"]
    path = tmp_path / "config.json"
    path.write_text(json.dumps(values))
    done = flopbench("run", "hf/hunyuan_v1_moe", f"model.config={path}")
    assert done.returncode == 1
    assert (
        "transformers cannot build hunyuan_v1_moe: its config has no head_dim (it has "
        "attention_head_dim=128): set model.overrides.head_dim"
    ) in " ".join(done.stdout.split())
    assert "TypeError" not in done.stdout + done.stderr
