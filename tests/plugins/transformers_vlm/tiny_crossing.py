"""Small configs of models whose decoder reads the image by cross-attention."""

import inspect

from hypothesis import strategies as st
from transformers import Kosmos2_5Processor

from plugins.transformers_vlm.vl_helpers import Tiny

ints, choice, flag = st.integers, lambda *values: st.sampled_from(values), st.booleans()

READER = {
    "vocab_size": 96,
    "d_model": choice(16, 24),
    "decoder_layers": ints(1, 3),
    "decoder_attention_heads": choice(1, 2, 4),
    "decoder_ffn_dim": ints(4, 40),
    "max_position_embeddings": 40,
    "tie_word_embeddings": flag,
}

SWIN = {
    "image_size": choice([32, 24], [30, 41], [56, 56]),
    "embed_dim": choice(8, 16),
    "depths": choice([1, 2], [2, 3], [3]),
    "num_heads": choice([2, 4], [1, 2]),
    "window_size": choice(2, 3),
    "mlp_ratio": choice(1.5, 4.0),
    "qkv_bias": flag,
}

VIT = {
    "image_size": choice(32, 48),
    "patch_size": 16,
    "hidden_size": choice(16, 32),
    "num_hidden_layers": ints(1, 3),
    "num_attention_heads": choice(1, 4),
    "intermediate_size": ints(4, 40),
    "qkv_bias": flag,
}

TROCR = {
    **READER,
    "use_learned_position_embeddings": flag,
    "layernorm_embedding": flag,
}

FLORENCE2 = Tiny(
    {
        "text_config": {
            **{key: value for key, value in READER.items() if key != "d_model"},
            "tie_word_embeddings": True,
            "max_position_embeddings": 90,
            "d_model": 16,
            "encoder_layers": ints(1, 3),
            "encoder_attention_heads": choice(1, 2),
            "encoder_ffn_dim": ints(4, 40),
        },
        "vision_config": {
            "embed_dim": [8, 16],
            "depths": choice([1, 2], [2, 1]),
            "num_heads": [2, 4],
            "num_groups": choice([2, 4], [1, 2]),
            "patch_size": [7, 3],
            "patch_stride": choice([4, 2], [3, 2]),
            "patch_padding": [3, 1],
            "patch_prenorm": choice([False, True], [True, False]),
            "window_size": ints(2, 5),
            "mlp_ratio": choice(1.5, 4.0),
            "qkv_bias": flag,
            "projection_dim": 16,
        },
        "image_token_id": 5,
    },
    {"size": choice({"height": 48, "width": 48}, {"height": 61, "width": 40})},
    images=1,
)


def parts(encoder, decoder):
    """Return a config of an encoder and a decoder."""
    return Tiny({"encoder": encoder, "decoder": decoder}, images=1)


TINY = {
    "donut": parts(SWIN, READER),
    "nougat": parts(SWIN, READER),
    "trocr": parts(VIT, TROCR),
    "vision-encoder-decoder": parts(
        {"model_type": "deit", **VIT},
        {"model_type": "trocr", **TROCR, "cross_attention_hidden_size": None},
    ),
    "florence2": FLORENCE2,
    "pix2struct": Tiny(
        {
            "text_config": {
                "vocab_size": 96,
                "hidden_size": 16,
                "d_kv": 8,
                "num_heads": 2,
                "d_ff": ints(4, 40),
                "num_layers": ints(1, 3),
                "relative_attention_num_buckets": choice(8, 32),
            },
            "vision_config": {
                "hidden_size": 16,
                "patch_embed_hidden_size": 48,
                "d_ff": ints(4, 40),
                "d_kv": choice(4, 6),
                "num_hidden_layers": ints(1, 3),
                "num_attention_heads": choice(1, 3),
                "seq_len": 70,
            },
            "tie_word_embeddings": flag,
        },
        {"patch_size": {"height": 4, "width": 4}, "max_patches": ints(4, 60)},
        images=1,
    ),
    "kosmos-2.5": Tiny(
        {
            "text_config": {
                "vocab_size": 96,
                "embed_dim": 16,
                "layers": ints(1, 3),
                "ffn_dim": ints(4, 40),
                "attention_heads": choice(1, 2),
            },
            "vision_config": {
                "hidden_size": choice(12, 16),
                "patch_embed_hidden_size": 48,
                "intermediate_size": ints(4, 40),
                "head_dim": choice(4, 6),
                "num_hidden_layers": ints(1, 3),
                "num_attention_heads": choice(1, 3),
                "max_num_patches": 70,
            },
            "latent_query_num": ints(1, 9),
        },
        {"patch_size": {"height": 4, "width": 4}, "max_patches": ints(4, 60)},
        images=1,
    ),
}


PLACES = inspect.signature(Kosmos2_5Processor.__init__).parameters["num_image_tokens"].default
"""Tokens of an image, whatever its patches, in the processor of Kosmos-2.5."""

TOKENS = {
    "donut": (None, lambda made: made["pixel_values"].shape[-2:].numel() // 32**2),
    "nougat": (None, lambda made: made["pixel_values"].shape[-2:].numel() // 32**2),
    "trocr": (None, lambda made: made["pixel_values"].shape[-2:].numel() // 16**2 + 1),
    "vision-encoder-decoder": (
        None,
        lambda made: made["pixel_values"].shape[-2:].numel() // 16**2 + 1,
    ),
    "florence2": (None, lambda made: made["pixel_values"].shape[-2:].numel() // 32**2 + 1),
    "kosmos-2.5": (None, lambda made: PLACES if len(made["flattened_patches"]) else 0),
    "pix2struct": (None, lambda made: made["flattened_patches"].shape[1]),
}
