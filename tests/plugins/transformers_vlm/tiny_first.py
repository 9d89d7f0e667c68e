"""Small configs of GLM-OCR and InternVL."""

from hypothesis import strategies as st

from plugins.transformers_vlm.vl_helpers import Tiny

ints, choice, flag = st.integers, lambda *values: st.sampled_from(values), st.booleans()

TEXT = {
    "vocab_size": 128,
    "hidden_size": 32,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}

TINY = {
    "glm_ocr": Tiny(
        {
            "text_config": {
                **TEXT,
                "head_dim": 16,
                "rope_parameters": {
                    "rope_type": "default",
                    "rope_theta": 1e4,
                    "mrope_section": [2, 3, 3],
                },
            },
            "vision_config": {
                "depth": ints(1, 3),
                "hidden_size": 16,
                "num_heads": choice(1, 2, 4),
                "attention_bias": flag,
                "intermediate_size": ints(4, 20),
                "out_hidden_size": 32,
            },
            "image_token_id": 5,
        },
        {"size": {"shortest_edge": 6_272, "longest_edge": 30_000}},
        most=400,
    ),
    "internvl": Tiny(
        {
            "text_config": TEXT,
            "vision_config": {
                "num_hidden_layers": ints(1, 3),
                "hidden_size": 16,
                "num_attention_heads": choice(1, 2, 4),
                "attention_bias": flag,
                "use_qk_norm": flag,
                "norm_type": choice("layer_norm", "rms_norm"),
                "use_absolute_position_embeddings": flag,
                "use_mean_pooling": flag,
                "intermediate_size": ints(4, 20),
                "image_size": choice([28, 28], [56, 56]),
            },
            "image_token_id": 5,
        },
        {"max_patches": ints(1, 12)},
        most=400,
    ),
}
TINY["qianfan_ocr"] = TINY["internvl"]


def patches(processor, width, height):
    """Return the number of patches, or of tiles, by the processor's own function."""
    return processor.get_number_of_image_patches(height, width, {})


TOKENS = {
    "glm_ocr": (
        lambda *page: patches(*page) // 4,
        lambda made: int(made["image_grid_thw"].prod()) // 4,
    ),
    "internvl": (
        lambda *page: 256 * patches(*page),
        lambda made: 256 * len(made["pixel_values"]),
    ),
}
"""By type: tokens by the image processor's own size function, and from all that it makes."""

TOKENS["qianfan_ocr"] = TOKENS["internvl"]
