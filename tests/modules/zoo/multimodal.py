"""Models of transformers that read images and text."""

from modules.zoo.pretrained import PADLESS, SMALL, pretrained
from modules.zoo.specimen import ids, real

_VIT = {**PADLESS, "image_size": 32, "patch_size": 8}
_PAIR = {"B": 2, "S": 7}


def _image_and_text(B, S):
    return {"input_ids": ids(B, S), "pixel_values": real(B, 3, 32, 32)}


MULTIMODAL = [
    *(
        pretrained(
            kind,
            _image_and_text,
            _PAIR,
            {"text_config": SMALL, "vision_config": _VIT, "projection_dim": 8},
        )
        for kind in (
            "clip",
            "siglip",
            "altclip",
            "chinese_clip",
            "clipseg",
            "metaclip_2",
            "blip",
            "groupvit",
            "owlvit",
            "aimv2",
        )
    ),
    pretrained(
        "lxmert",
        lambda B, S: {
            "input_ids": ids(B, S),
            "visual_feats": real(B, 4, 8),
            "visual_pos": real(B, 4, 4),
        },
        _PAIR,
        {**PADLESS, "visual_feat_dim": 8, "l_layers": 1, "x_layers": 1, "r_layers": 1},
    ),
    pretrained(
        "visual_bert",
        lambda B, S: {"input_ids": ids(B, S), "visual_embeds": real(B, 4, 8)},
        _PAIR,
        {**PADLESS, "visual_embedding_dim": 8},
    ),
]
