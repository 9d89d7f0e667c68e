"""Small configs of models that cut pages into tiles."""

from hypothesis import strategies as st

from plugins.transformers_vlm.tiny_first import TEXT
from plugins.transformers_vlm.vl_helpers import Tiny

ints, choice, flag = st.integers, lambda *values: st.sampled_from(values), st.booleans()
numbers = st.lists(ints(0, 3), max_size=3)

TINY = {
    "got_ocr2": Tiny(
        {
            "text_config": TEXT,
            "vision_config": {
                "num_hidden_layers": ints(1, 3),
                "hidden_size": 16,
                "num_attention_heads": choice(1, 2, 4),
                "output_channels": ints(3, 9),
                "image_size": choice(48, 80),
                "hidden_act": choice("gelu", "relu"),
                "qkv_bias": flag,
                "use_abs_pos": flag,
                "use_rel_pos": flag,
                "window_size": choice(0, 2, 3, 5),
                "global_attn_indexes": numbers,
                "mlp_dim": ints(4, 20),
            },
            "image_token_index": 5,
        },
        {"crop_to_patches": flag, "max_patches": ints(1, 6)},
        most=400,
    ),
}


def patches(processor, width, height):
    """Return the number of tiles by the processor's own function."""
    return processor.get_number_of_image_patches(height, width, {})


TOKENS = {
    "got_ocr2": (
        lambda *page: 256 * patches(*page),
        lambda made: 256 * len(made["pixel_values"]),
    ),
}
