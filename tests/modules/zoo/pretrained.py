"""What specimens of transformers and diffusers share: small configs, and inputs."""

import torch

from modules.zoo.specimen import Specimen, ids, real

TEXT = {"B": 2, "S": 17}
IMAGE = {"B": 2, "P": 3}
"""Images are P patches wide: a width that is a whole number of patches has a simple law."""

SMALL = {
    "vocab_size": 50,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
"""Most configs of transformers take these names."""
PADLESS = {**SMALL, "pad_token_id": None}
"""For models that look for padding among the token ids."""


def pretrained(kind, arguments, sizes, config, **more):
    """Return a specimen of an AutoModel type, with eager attention and no weights."""

    def builder():
        from transformers import AutoConfig, AutoModel

        built = AutoConfig.for_model(kind, **config)
        return AutoModel.from_config(built, attn_implementation="eager").eval()

    return Specimen(more.pop("name", kind), builder, arguments, sizes, **more)


def tokens(B, S):
    return {"input_ids": ids(B, S)}


def uncached(B, S):
    """Return a prompt; with a mask, nobody looks for sequences packed into one."""
    return {"input_ids": ids(B, S), "attention_mask": torch.ones(B, S), "use_cache": False}


def image(patch, channels=3):
    """Return the inputs that are square images of P patches of this width."""
    return lambda B, P: {"pixel_values": real(B, channels, patch * P, patch * P)}


def diffuser(kind, arguments, sizes=IMAGE, **config):
    def builder():
        import diffusers

        return getattr(diffusers, kind)(**config).eval()

    return Specimen(kind, builder, arguments, sizes)
