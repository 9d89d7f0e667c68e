"""Vision models of transformers."""

from modules.zoo.pretrained import IMAGE, SMALL, image, pretrained
from modules.zoo.specimen import real

_VIT = {**SMALL, "image_size": 32, "patch_size": 8}
_POSITIONED = ["vit", "deit", "dinov2", "vit_msn", "ijepa", "dinov2_with_registers"]
_FREE = {
    "resnet": (32, {"embedding_size": 8, "hidden_sizes": [8, 12], "depths": [1, 2]}),
    "regnet": (
        32,
        {"embedding_size": 8, "hidden_sizes": [8, 12], "depths": [1, 2], "groups_width": 4},
    ),
    "convnext": (32, {"hidden_sizes": [8, 12], "depths": [1, 2], "num_stages": 2}),
    "convnextv2": (32, {"hidden_sizes": [8, 12], "depths": [1, 2], "num_stages": 2}),
    "mobilenet_v1": (32, {"depth_multiplier": 0.25, "min_depth": 8}),
    "mobilenet_v2": (32, {"depth_multiplier": 0.25}),
    "poolformer": (32, {"hidden_sizes": [8, 8, 8, 8], "depths": [1, 1, 1, 1]}),
    "segformer": (
        32,
        {"hidden_sizes": [8, 8, 8, 8], "depths": [1, 1, 1, 1], "num_attention_heads": [1, 2, 2, 2]},
    ),
    "glpn": (
        32,
        {"hidden_sizes": [8, 8, 8, 8], "depths": [1, 1, 1, 1], "num_attention_heads": [1, 2, 2, 2]},
    ),
    "pvt_v2": (
        32,
        {"hidden_sizes": [8, 8, 8, 8], "depths": [1, 1, 1, 1], "num_attention_heads": [1, 2, 2, 2]},
    ),
    "swiftformer": (32, {"embed_dims": [8, 8, 8, 8], "depths": [1, 1, 1, 1]}),
    "mobilevit": (
        32,
        {"hidden_sizes": [16, 24, 32], "neck_hidden_sizes": [8, 8, 16, 16, 16, 16, 32]},
    ),
    "mobilevitv2": (32, {"width_multiplier": 0.25}),
    "focalnet": (
        8,
        {
            "image_size": 32,
            "embed_dim": 8,
            "depths": [1, 1],
            "focal_levels": [2, 2],
            "focal_windows": [3, 3],
            "patch_size": 4,
        },
    ),
    "vitdet": (8, {**_VIT, "window_block_indices": [0], "window_size": 2}),
    "hgnet_v2": (32, {}),
    "dinov3_vit": (8, _VIT),
    "dinov3_convnext": (32, {"hidden_sizes": [8, 8, 8, 8], "depths": [1, 1, 1, 1]}),
    "pixtral": (8, _VIT),
}
_WINDOWED = {
    "image_size": 32,
    "patch_size": 4,
    "embed_dim": 8,
    "depths": [1, 2],
    "num_heads": [2, 4],
    "window_size": 4,
}
_WHOLE = {
    "swin": (32, _WINDOWED),
    "swinv2": (32, _WINDOWED),
    "donut-swin": (32, _WINDOWED),
    "maskformer-swin": (32, _WINDOWED),
    "beit": (32, {**_VIT, "use_relative_position_bias": True}),
    "data2vec-vision": (32, _VIT),
    "yolos": (32, {**_VIT, "image_size": [32, 32], "num_detection_tokens": 5}),
    "clip_vision_model": (32, _VIT),
    "siglip_vision_model": (32, _VIT),
    "vit_mae": (32, {**_VIT, "decoder_hidden_size": 8}),
    "levit": (
        64,
        {
            "image_size": 64,
            "hidden_sizes": [8, 8, 8],
            "num_attention_heads": [1, 1, 1],
            "depths": [1, 1, 1],
            "key_dim": [8, 8, 8],
        },
    ),
    "sam_vision_model": (
        32,
        {
            **_VIT,
            "output_channels": 8,
            "window_size": 2,
            "global_attn_indexes": [1],
            "num_pos_feats": 8,
            "mlp_dim": 24,
        },
    ),
    "pvt": (
        32,
        {
            "image_size": 32,
            "hidden_sizes": [8, 8, 8, 8],
            "depths": [1, 1, 1, 1],
            "num_attention_heads": [1, 2, 2, 2],
        },
    ),
    "mlcd_vision_model": (32, {**_VIT, "num_key_value_groups": 1}),
    "aimv2_vision_model": (32, _VIT),
    "dpt": (32, {**_VIT, "backbone_out_indices": [0, 1], "neck_hidden_sizes": [8, 8]}),
}


def _interpolated(B, P):
    return {**image(8)(B, P), "interpolate_pos_encoding": True}


def _one_size(width):
    return lambda B: {"pixel_values": real(B, 3, width, width)}


def _frames(width, count):
    return lambda B: {"pixel_values": real(B, count, 3, width, width)}


_VIDEO = {
    "timesformer": {**_VIT, "num_frames": 4},
    "vivit": {**_VIT, "num_frames": 4, "tubelet_size": [2, 8, 8]},
    "videomae": {**_VIT, "num_frames": 4, "tubelet_size": 2},
}

VISION = [
    *(pretrained(kind, _interpolated, IMAGE, _VIT) for kind in _POSITIONED),
    *(pretrained(kind, image(width), IMAGE, own) for kind, (width, own) in _FREE.items()),
    *(pretrained(kind, _one_size(width), {"B": 2}, own) for kind, (width, own) in _WHOLE.items()),
    *(pretrained(kind, _frames(32, 4), {"B": 2}, own) for kind, own in _VIDEO.items()),
]
