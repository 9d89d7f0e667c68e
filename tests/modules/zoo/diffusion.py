"""Transformers of diffusers."""

from modules.zoo.pretrained import diffuser
from modules.zoo.specimen import ids, real

_DIT = {"num_attention_heads": 2, "attention_head_dim": 8, "num_layers": 2, "patch_size": 2}
_TEXT_AND_PATCHES = {"B": 2, "S": 7, "P": 3}


def _dit(B):
    return {
        "hidden_states": real(B, 4, 8, 8),
        "timestep": ids(B),
        "class_labels": ids(B, high=10),
    }


def _sd3(B, S, P):
    return {
        "hidden_states": real(B, 4, 2 * P, 2 * P),
        "encoder_hidden_states": real(B, S, 12),
        "pooled_projections": real(B, 10),
        "timestep": ids(B),
    }


def _pixart(B, S):
    return {
        "hidden_states": real(B, 4, 8, 8),
        "encoder_hidden_states": real(B, S, 16),
        "timestep": ids(B),
    }


def _flux(B, S, P):
    return {
        "hidden_states": real(B, P, 4),
        "encoder_hidden_states": real(B, S, 12),
        "pooled_projections": real(B, 10),
        "timestep": real(B),
        "img_ids": real(P, 3),
        "txt_ids": real(S, 3),
        "guidance": real(B),
    }


DIFFUSION = [
    diffuser(
        "DiTTransformer2DModel",
        _dit,
        {"B": 2},
        in_channels=4,
        sample_size=8,
        num_embeds_ada_norm=10,
        norm_num_groups=4,
        **_DIT,
    ),
    diffuser(
        "SD3Transformer2DModel",
        _sd3,
        _TEXT_AND_PATCHES,
        sample_size=32,
        in_channels=4,
        joint_attention_dim=12,
        caption_projection_dim=16,
        pooled_projection_dim=10,
        pos_embed_max_size=16,
        **_DIT,
    ),
    diffuser(
        "FluxTransformer2DModel",
        _flux,
        _TEXT_AND_PATCHES,
        in_channels=4,
        num_layers=1,
        num_single_layers=2,
        num_attention_heads=2,
        attention_head_dim=8,
        joint_attention_dim=12,
        pooled_projection_dim=10,
        guidance_embeds=True,
        axes_dims_rope=(2, 2, 4),
    ),
    diffuser(
        "PixArtTransformer2DModel",
        _pixart,
        {"B": 2, "S": 7},
        in_channels=4,
        sample_size=8,
        cross_attention_dim=16,
        caption_channels=16,
        norm_num_groups=4,
        use_additional_conditions=False,
        **_DIT,
    ),
    diffuser(
        "PriorTransformer",
        lambda B: {
            "hidden_states": real(B, 8),
            "timestep": ids(B),
            "proj_embedding": real(B, 8),
            "encoder_hidden_states": real(B, 7, 8),
        },
        {"B": 2},
        num_attention_heads=2,
        attention_head_dim=4,
        num_layers=2,
        embedding_dim=8,
        num_embeddings=7,
        additional_embeddings=4,
    ),
    diffuser(
        "AuraFlowTransformer2DModel",
        lambda B, S: {
            "hidden_states": real(B, 4, 8, 8),
            "encoder_hidden_states": real(B, S, 12),
            "timestep": real(B),
        },
        {"B": 2, "S": 7},
        sample_size=8,
        patch_size=2,
        in_channels=4,
        num_mmdit_layers=1,
        num_single_dit_layers=1,
        attention_head_dim=8,
        num_attention_heads=2,
        joint_attention_dim=12,
        caption_projection_dim=16,
        out_channels=4,
        pos_embed_max_size=16,
    ),
    diffuser(
        "SanaTransformer2DModel",
        lambda B, S, P: {
            "hidden_states": real(B, 4, P, P),
            "encoder_hidden_states": real(B, S, 12),
            "timestep": real(B),
        },
        _TEXT_AND_PATCHES,
        in_channels=4,
        out_channels=4,
        num_attention_heads=2,
        attention_head_dim=8,
        num_cross_attention_heads=2,
        cross_attention_head_dim=8,
        cross_attention_dim=16,
        caption_channels=12,
        num_layers=2,
        sample_size=8,
        patch_size=1,
    ),
    diffuser(
        "CogVideoXTransformer3DModel",
        lambda B, S: {
            "hidden_states": real(B, 2, 4, 8, 8),
            "encoder_hidden_states": real(B, S, 12),
            "timestep": ids(B),
        },
        {"B": 2, "S": 7},
        num_attention_heads=2,
        attention_head_dim=8,
        in_channels=4,
        out_channels=4,
        time_embed_dim=4,
        text_embed_dim=12,
        num_layers=1,
        sample_width=8,
        sample_height=8,
        sample_frames=5,
        patch_size=2,
        max_text_seq_length=7,
    ),
    diffuser(
        "WanTransformer3DModel",
        lambda B, S, P: {
            "hidden_states": real(B, 4, 2, 2 * P, 2 * P),
            "encoder_hidden_states": real(B, S, 12),
            "timestep": ids(B),
        },
        _TEXT_AND_PATCHES,
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=4,
        out_channels=4,
        text_dim=12,
        freq_dim=8,
        ffn_dim=24,
        num_layers=2,
    ),
]
