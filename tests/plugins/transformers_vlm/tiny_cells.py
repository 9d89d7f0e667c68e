"""Small configs of models whose pages keep their shape: cells of patches become tokens."""

import numpy as np
from hypothesis import strategies as st
from transformers.models.pixtral.image_processing_pil_pixtral import get_resize_output_image_size

from plugins.transformers_vlm.tiny_first import TEXT, patches
from plugins.transformers_vlm.vl_helpers import Tiny

ints, choice, flag = st.integers, lambda *values: st.sampled_from(values), st.booleans()


def rotated(*section, theta=1e4):
    """Return a rotation of several positions: of pairs as many as each of them has."""
    return {"rope_type": "default", "rope_theta": theta, "mrope_section": list(section)}


SMALL = {"size": {"shortest_edge": 3_136, "longest_edge": 30_000}}
QWEN = {"depth": ints(1, 3), "num_heads": choice(1, 2, 4), "hidden_act": choice("silu", "gelu")}
QWEN3 = {
    **QWEN,
    "hidden_size": 16,
    "intermediate_size": ints(4, 20),
    "out_hidden_size": 32,
    "patch_size": choice(14, 16),
    "num_position_embeddings": choice(4, 9, 16),
}
DEEP = {**QWEN3, "deepstack_visual_indexes": choice([], [0], [0, 2], [1, 7])}
EXPERTS = {
    "moe_intermediate_size": ints(4, 9),
    "num_experts_per_tok": 2,
}
LINEAR = {
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "layer_types": ["linear_attention", "full_attention"],
    "head_dim": 16,
}
PIXTRAL = {
    "num_hidden_layers": ints(1, 3),
    "num_attention_heads": choice(1, 2, 4),
    "hidden_size": 16,
    "intermediate_size": ints(4, 20),
    "hidden_act": choice("silu", "gelu"),
}
GLM = {
    "depth": ints(1, 3),
    "num_heads": choice(1, 2, 4),
    "hidden_size": 16,
    "attention_bias": flag,
    "intermediate_size": ints(4, 20),
    "out_hidden_size": 32,
    "image_size": choice(28, 56, 60),
}
GLM_ROPE = {**rotated(1, 1, 0), "partial_rotary_factor": 0.5}

TINY = {
    "qwen2_vl": Tiny(
        {
            "text_config": {**TEXT, "rope_parameters": rotated(1, 1, 2)},
            "vision_config": {
                **QWEN,
                "embed_dim": 16,
                "hidden_size": 32,
                "mlp_ratio": ints(1, 4),
            },
            "image_token_id": 5,
        },
        SMALL,
        most=400,
    ),
    "qwen2_5_vl": Tiny(
        {
            "text_config": {**TEXT, "rope_parameters": rotated(1, 1, 2)},
            "vision_config": {
                **QWEN,
                "hidden_size": 16,
                "intermediate_size": ints(4, 20),
                "out_hidden_size": 32,
                "window_size": choice(28, 56, 112),
                "fullatt_block_indexes": choice([], [0], [1], [0, 2], [5]),
            },
            "image_token_id": 5,
        },
        SMALL,
        most=400,
    ),
    "qwen3_vl": Tiny(
        {
            "text_config": {**TEXT, "head_dim": 16, "rope_parameters": rotated(2, 3, 3)},
            "vision_config": DEEP,
            "image_token_id": 5,
        },
        SMALL,
        most=400,
    ),
    "qwen3_vl_moe": Tiny(
        {
            "text_config": {
                **TEXT,
                **EXPERTS,
                "num_local_experts": 4,
                "head_dim": 16,
                "rope_parameters": rotated(2, 3, 3),
            },
            "vision_config": DEEP,
            "image_token_id": 5,
        },
        SMALL,
        most=400,
    ),
    "qwen3_5": Tiny(
        {
            "text_config": {**TEXT, **LINEAR},
            "vision_config": QWEN3,
            "image_token_id": 5,
        },
        SMALL,
        most=400,
    ),
    "qwen3_5_moe": Tiny(
        {
            "text_config": {
                **TEXT,
                **LINEAR,
                **EXPERTS,
                "num_experts": 4,
                "shared_expert_intermediate_size": 8,
            },
            "vision_config": QWEN3,
            "image_token_id": 5,
        },
        SMALL,
        most=400,
    ),
    "paddleocr_vl": Tiny(
        {
            "text_config": {
                **TEXT,
                "head_dim": 16,
                "use_bias": flag,
                "rope_parameters": rotated(2, 3, 3),
            },
            "vision_config": {
                "num_hidden_layers": ints(1, 3),
                "num_attention_heads": choice(1, 2, 4),
                "hidden_size": 16,
                "intermediate_size": ints(4, 20),
                "image_size": choice(28, 56, 60),
                "hidden_act": choice("silu", "gelu"),
            },
            "image_token_id": 5,
        },
        SMALL,
        most=400,
    ),
    "hunyuan_vl": Tiny(
        {
            "text_config": {
                **TEXT,
                "head_dim": 16,
                "rope_parameters": rotated(2, 2, 2, 2),
            },
            "vision_config": {
                "num_hidden_layers": ints(1, 3),
                "num_attention_heads": choice(1, 2, 4),
                "hidden_size": 16,
                "intermediate_size": ints(4, 20),
                "max_image_size": choice(32, 64, 70),
                "hidden_act": choice("silu", "gelu"),
                "interpolate_mode": choice("bilinear", "bicubic"),
            },
            "image_token_id": 5,
        },
        SMALL,
        most=400,
    ),
    "lighton_ocr": Tiny(
        {
            "text_config": {**TEXT, "head_dim": 16},
            "vision_config": PIXTRAL,
            "spatial_merge_size": ints(1, 3),
            "image_token_id": 5,
        },
        {
            "size": {"longest_edge": 300},
            "patch_size": choice(14, {"height": 42, "width": 28}),
        },
        most=400,
        least=84,  # a page of fewer patches than a cell becomes no token
    ),
    "mistral3": Tiny(
        {
            "text_config": {**TEXT, "head_dim": 16},
            "vision_config": PIXTRAL,
            "spatial_merge_size": ints(1, 3),
            "multimodal_projector_bias": flag,
            "projector_hidden_act": choice("gelu", "silu"),
            "vision_feature_layer": choice(-1, -2, [-1]),
            "image_token_index": 5,
        },
        {"size": {"longest_edge": 150}},
        most=400,
        least=43,  # transformers fails to split the features of one token
    ),
    "glm4v": Tiny(
        {
            "text_config": {**TEXT, "attention_bias": flag, "rope_parameters": GLM_ROPE},
            "vision_config": GLM,
            "image_token_id": 5,
        },
        SMALL,
        most=400,
    ),
    "glm4v_moe": Tiny(
        {
            "text_config": {
                **TEXT,
                **EXPERTS,
                "n_routed_experts": 4,
                "first_k_dense_replace": 1,
                "rope_parameters": GLM_ROPE,
            },
            "vision_config": GLM,
            "image_token_id": 5,
        },
        SMALL,
        most=400,
    ),
}
TINY["glm46v"] = TINY["glm4v"]

QWEN_TOKENS = (
    lambda *page: patches(*page) // 4,
    lambda made: int(made["image_grid_thw"].prod()) // 4,
)

QWEN = ("qwen2_5_vl", "qwen2_vl", "qwen3_5", "qwen3_5_moe", "qwen3_vl", "qwen3_vl_moe")
TOKENS = dict.fromkeys(("paddleocr_vl", "glm46v", "glm4v", "glm4v_moe", *QWEN), QWEN_TOKENS)


def rows_of(grid):
    """Return the vectors of an image: cells, one more for each row, and two around them."""
    high, wide = (int(each) // 2 for each in grid)
    return high * (wide + 1) + 2


TOKENS["hunyuan_vl"] = (
    lambda *page: rows_of(patches(*page)),
    lambda made: rows_of(made["image_grid_thw"][0][1:]),
)


CELL = 28
"""Pixels per side of a cell of LightOnOCR and of Mistral Small 3.1."""


def whole_cells(high, wide):
    """Return the whole cells of an image whose size is in pixels."""
    found = int(high // CELL * (wide // CELL))
    if not found:
        raise ValueError("the page has no cell")
    return found


def fitted(processor, width, height):
    """Return the tokens of a page that is made to fit and padded, by the module's own function."""
    multiple, longest = processor.patch_size["height"], processor.size["longest_edge"]
    page = np.broadcast_to(np.uint8(0), (height, width, 3))
    return whole_cells(*get_resize_output_image_size(page, longest, multiple, "channels_last"))


TOKENS["lighton_ocr"] = TOKENS["mistral3"] = (
    fitted,
    lambda made: whole_cells(*made["image_sizes"][0]),
)
