"""Small configs of models that cut pages into tiles."""

import math

from hypothesis import strategies as st

from plugins.transformers_vlm.tiny_first import TEXT
from plugins.transformers_vlm.vl_helpers import Tiny
from plugins.transformers_vlm.without_torchvision import source_of

ints, choice, flag = st.integers, lambda *values: st.sampled_from(values), st.booleans()
numbers = st.lists(ints(0, 3), max_size=3)

VISION = {
    "num_hidden_layers": ints(1, 3),
    "hidden_size": 16,
    "num_attention_heads": choice(1, 2, 4),
    "intermediate_size": ints(4, 20),
    "hidden_act": choice("gelu_pytorch_tanh", "quick_gelu"),
}

IDEFICS3 = Tiny(
    {
        "text_config": TEXT,
        "vision_config": {**VISION, "image_size": choice(32, 48), "patch_size": 4},
        "scale_factor": choice(1, 2, 4),
        "image_token_id": 5,
    },
    {"do_image_splitting": flag},
)

TOWER = {**VISION, "image_size": choice(16, 24), "patch_size": 4}
SIGLIP = {**TOWER, "model_type": "siglip_vision_model", "vision_use_head": flag}

COHERE = Tiny(
    {
        "text_config": {**TEXT, "model_type": "cohere2", "pad_token_id": 0, "head_dim": 8},
        "vision_config": SIGLIP,
        "downsample_factor": choice(1, 2),
        "alignment_intermediate_size": choice(12, 20),
        "image_token_id": 5,
    },
    {"crop_to_patches": flag, "max_patches": ints(1, 6)},
)
AYA = {**COHERE.fields, "image_token_index": 5}
for each in ("alignment_intermediate_size", "image_token_id"):
    del AYA[each]

QWEN3_5 = {
    **TEXT,
    "head_dim": 8,
    "layer_types": ["linear_attention", "full_attention"],
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
    "rope_parameters": {
        "rope_theta": 1e4,
        "rope_type": "default",
        "partial_rotary_factor": 0.5,
        "mrope_section": [2, 0, 0],
    },
}
MINICPM = Tiny(
    {
        "text_config": QWEN3_5,
        "vision_config": {
            **VISION,
            "num_hidden_layers": ints(2, 4),
            "image_size": choice(16, 24),
            "patch_size": 4,
        },
        "insert_layer_id": choice(0, 1),
        "downsample_mode": choice("4x", "16x"),
        "image_token_id": 5,
    },
    {"scale_resolution": choice(24, 32), "max_slice_nums": ints(1, 4), "slice_mode": flag},
    most=60,
    images=2,
)

DEEPSEEK_VL = {"text_config": TEXT, "vision_config": SIGLIP, "image_token_id": 5}

OVIS2 = {
    "text_config": TEXT,
    "vision_config": {
        **TOWER,
        "hidden_act": "silu",
        "qkv_bias": flag,
        "mlp_bias": flag,
        "vocab_size": ints(6, 20),
        "hidden_stride": choice(1, 2),
    },
    "image_token_id": 5,
}

TINY = {
    "ovis2": Tiny(
        OVIS2,
        {"max_patches": ints(1, 6), "crop_to_patches": flag, "use_covering_area_grid": flag},
        file={"hidden_size": 32, "vocab_size": 128},
    ),
    "deepseek_vl": Tiny(DEEPSEEK_VL),
    "vipllava": Tiny(
        {
            "text_config": TEXT,
            "vision_config": {**TOWER, "model_type": "clip_vision_model"},
            "vision_feature_layer": choice(-1, [0, 1], [-1, -2, 1]),
            "image_token_index": 5,
        }
    ),
    "minicpm_ocr": MINICPM,
    "minicpmv4_6": MINICPM,
    "aya_vision": Tiny(AYA, COHERE.settings),
    "cohere2_vision": COHERE,
    "gemma3": Tiny(
        {
            "text_config": {**TEXT, "head_dim": 8, "pad_token_id": 0},
            "vision_config": SIGLIP,
            "mm_tokens_per_image": ints(1, 16),
            "image_token_index": 5,
        },
        {
            "do_pan_and_scan": flag,
            "pan_and_scan_min_crop_size": ints(1, 60),
            "pan_and_scan_max_num_crops": ints(2, 5),
        },
    ),
    "llava": Tiny(
        {
            "text_config": TEXT,
            "vision_config": {
                **SIGLIP,
                "model_type": choice("clip_vision_model", "siglip_vision_model"),
            },
            "vision_feature_layer": choice(-1, -2, [0, 1], [-1, -2, 1]),
            "vision_feature_select_strategy": choice("default", "full"),
            "multimodal_projector_bias": flag,
            "image_token_index": 5,
        }
    ),
    "paligemma": Tiny(
        {
            "text_config": {**TEXT, "model_type": "gemma", "head_dim": 8, "pad_token_id": 0},
            "vision_config": SIGLIP,
            "projection_dim": 32,
            "image_token_index": 5,
        }
    ),
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
    "granite_docling": Tiny(
        {
            "text_config": {**TEXT, "pad_token_id": 0},
            "vision_config": {
                **VISION,
                "image_size": choice(32, 48),
                "patch_size": 4,
                "out_hidden_size": 32,
                "scale_factor": choice(2, 4),
                "deepstack_visual_indexes": numbers,
                "use_fine_route": True,
            },
            "image_token_id": 5,
        },
        {"fine_route": flag, "max_patches": ints(1, 32)},
    ),
    "idefics3": IDEFICS3,
    "smolvlm": IDEFICS3,
}


def patches(processor, width, height):
    """Return the number of tiles by the processor's own function."""
    return processor.get_number_of_image_patches(height, width, {})


def cropped(processor, width, height):
    """Return the patches of 14 pixels of what CLIP's image processor cuts out of every image."""
    size = processor.crop_size
    return (size["height"] // 14) * (size["width"] // 14)


def split(processor, width, height):
    """Return the number of tiles of a processor that also returns their rows and columns."""
    return max(1, patches(processor, width, height)[0])


def fitting(processor, width, height):
    """Return the number of tiles that Command A Vision's image processor cuts a page into."""
    canvas = source_of("cohere2_vision").get_optimal_tiled_canvas
    cols, rows = canvas((height, width), (512, 512), processor.min_patches, processor.max_patches)
    return cols * rows + (cols * rows > 1)


def of_minicpm(merged):
    """Return how to count tokens by the functions of MiniCPM's image processor, and all it makes.

    Args:
        merged: patches that become one token.
    """

    def own(processor, width, height):
        usual = {name: getattr(processor, name) for name in ("scale_resolution", "patch_size")}
        mode = {**usual, "downsample_mode": processor.downsample_mode}
        size, side = (height, width), processor.scale_resolution
        grid = processor.get_sliced_grid(size, processor.max_slice_nums, side)
        found = math.prod(processor.find_best_resize(size, **mode, allow_upscale=grid is None))
        if grid is not None:
            found += math.prod(processor.get_refine_size(size, grid, **mode, allow_upscale=True))
        return found // processor.patch_size**2 // merged

    return own, lambda made: int(made["target_sizes"].prod(-1).sum()) // merged, SIGLIP_14


def of_prompt(tokens):
    """Return how to count the tokens of the tiles of a prompt."""
    return lambda made: tokens * made["pixel_values"].shape[1]


IDEFICS3_8B = {"vision_config": {"image_size": 364, "patch_size": 14}}
GEMMA_3_4B = {"vision_config": {"image_size": 896, "patch_size": 14}}
"""The defaults are no sizes that the real models run with."""

IDEFICS3_TOKENS = lambda *page: 169 * split(*page), of_prompt(169), IDEFICS3_8B

SIGLIP_14 = {"vision_config": {"patch_size": 14}}

DEEPSEEK_VL_7B = {"vision_config": {"image_size": 384, "patch_size": 16}}

TOKENS = {
    "ovis2": (None, lambda made: 256 * len(made["pixel_values"])),
    "deepseek_vl": (None, lambda made: 576 * len(made["pixel_values"]), DEEPSEEK_VL_7B),
    "vipllava": (cropped, None),
    "minicpm_ocr": of_minicpm(4),
    "minicpmv4_6": of_minicpm(16),
    "aya_vision": (
        lambda *page: 169 * patches(*page),
        lambda made: 169 * len(made["pixel_values"]),
        IDEFICS3_8B,
    ),
    "cohere2_vision": (lambda *page: 256 * fitting(*page), None),
    "gemma3": (None, lambda made: 256 * len(made["pixel_values"]), GEMMA_3_4B),
    "llava": (cropped, None),
    "paligemma": (None, lambda made: 256 * len(made["pixel_values"])),
    "granite_docling": (lambda *page: 64 * patches(*page), of_prompt(64)),
    "idefics3": IDEFICS3_TOKENS,
    "smolvlm": IDEFICS3_TOKENS,
    "got_ocr2": (
        lambda *page: 256 * patches(*page),
        lambda made: 256 * len(made["pixel_values"]),
    ),
}
