"""U-Nets and autoencoders of diffusers."""

from modules.zoo.pretrained import diffuser
from modules.zoo.specimen import ids, real

_UNET = {
    "block_out_channels": (8, 16),
    "layers_per_block": 1,
    "norm_num_groups": 4,
}
_TEXT_AND_PATCHES = {"B": 2, "S": 7, "P": 3}


def _plain(channels, width):
    return lambda B, P: (real(B, channels, width * P, width * P),)


def _noisy(B, P):
    return {"sample": real(B, 3, 4 * P, 4 * P), "timestep": ids(B)}


def _prompted(channels):
    def arguments(B, S, P):
        return {
            "sample": real(B, channels, 4 * P, 4 * P),
            "timestep": ids(B),
            "encoder_hidden_states": real(B, S, 12),
        }

    return arguments


UNETS = [
    diffuser(
        "UNet2DModel",
        _noisy,
        in_channels=3,
        out_channels=3,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=4,
        **_UNET,
    ),
    diffuser(
        "UNet2DConditionModel",
        _prompted(4),
        _TEXT_AND_PATCHES,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=12,
        attention_head_dim=4,
        **_UNET,
    ),
    diffuser(
        "UNet3DConditionModel",
        lambda B, S, P: {**_prompted(4)(B, S, P), "sample": real(B, 4, 3, 4 * P, 4 * P)},
        _TEXT_AND_PATCHES,
        down_block_types=("CrossAttnDownBlock3D", "DownBlock3D"),
        up_block_types=("UpBlock3D", "CrossAttnUpBlock3D"),
        cross_attention_dim=12,
        attention_head_dim=4,
        **_UNET,
    ),
    diffuser(
        "AutoencoderKL",
        _plain(3, 8),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=4,
        **_UNET,
    ),
    diffuser(
        "VQModel",
        _plain(3, 8),
        block_out_channels=(8, 8),
        norm_num_groups=4,
        num_vq_embeddings=12,
    ),
    diffuser(
        "AutoencoderTiny",
        _plain(3, 8),
        encoder_block_out_channels=(8, 8),
        decoder_block_out_channels=(8, 8),
        num_encoder_blocks=(1, 2),
        num_decoder_blocks=(2, 1),
    ),
    diffuser(
        "AsymmetricAutoencoderKL",
        _plain(3, 8),
        down_block_out_channels=(8,),
        up_block_out_channels=(8,),
        norm_num_groups=4,
    ),
    diffuser(
        "AutoencoderDC",
        _plain(3, 8),
        latent_channels=4,
        attention_head_dim=2,
        encoder_block_out_channels=(8, 8),
        decoder_block_out_channels=(8, 8),
        encoder_layers_per_block=(1, 1),
        decoder_layers_per_block=(1, 1),
        encoder_block_types="ResBlock",
        decoder_block_types="ResBlock",
        encoder_qkv_multiscales=((), ()),
        decoder_qkv_multiscales=((), ()),
    ),
]
