"""Names for DeepSeek-OCR's dimensions, so that its closed forms can be read."""

from __future__ import annotations

from typing import Any

from attrs import define, evolve, field

from flopbench_deepseek_ocr.architecture import Architecture, Clip, Decoder, Sam


@define
class Names:
    """Hands out symbols and keeps what each stands for and is called."""

    values: dict[Any, int] = field(factory=dict)
    meanings: dict[str, str] = field(factory=dict)

    def name(self, name: str, value: int, meaning: str) -> Any:
        """Return a symbol for a dimension; one that is 0 stays 0."""
        import sympy

        if not value:
            return value
        symbol = sympy.Symbol(name, integer=True, positive=True)
        self.values[symbol] = value
        self.meanings[name] = meaning
        return symbol


def named_architecture(architecture: Architecture, names: Names) -> Architecture:
    """Return the architecture with symbols for its dimensions.

    Widths are heads times head width. Sizes of the image's geometry (patches, windows, the
    number of global layers) stay numbers.
    """
    clip = _clip(architecture.clip, names)
    return Architecture(
        sam=_sam(architecture.sam, names, clip.width),
        clip=clip,
        decoder=_decoder(architecture.decoder, names),
    )


def _sam(sam: Sam, names: Names, last_channels: Any) -> Sam:
    heads = names.name("H_sam", sam.heads, "SAM's heads")
    middle = names.name("C_mid", sam.downsample_channels[0], "SAM's channels after one stride")
    return evolve(
        sam,
        layers=names.name("L_sam", sam.layers, "SAM's layers"),
        heads=heads,
        width=heads * names.name("d_sam", sam.head_dim, "SAM's head_dim"),
        mlp_width=names.name("M_sam", sam.mlp_width, "SAM's MLP width"),
        neck_channels=names.name("C_neck", sam.neck_channels, "channels of SAM's neck"),
        downsample_channels=(middle, last_channels),
    )


def _clip(clip: Clip, names: Names) -> Clip:
    heads = names.name("H_clip", clip.heads, "CLIP's heads")
    return evolve(
        clip,
        layers=names.name("L_clip", clip.layers, "CLIP's layers"),
        heads=heads,
        width=heads * names.name("d_clip", clip.head_dim, "CLIP's head_dim"),
        mlp_width=names.name("M_clip", clip.mlp_width, "CLIP's MLP width"),
    )


def _decoder(decoder: Decoder, names: Names) -> Decoder:
    kv_heads = heads = names.name("H", decoder.heads, "decoder heads")
    if decoder.kv_heads != decoder.heads:
        kv_heads = names.name("H_kv", decoder.kv_heads, "decoder KV heads")
        group = decoder.heads // decoder.kv_heads
        heads = kv_heads * names.name("G", group, "decoder heads per KV head")
    return evolve(
        decoder,
        layers=names.name("L", decoder.layers, "decoder layers"),
        dense_layers=names.name("L_dense", decoder.dense_layers, "decoder layers without experts"),
        heads=heads,
        kv_heads=kv_heads,
        width=heads * names.name("d", decoder.head_dim, "decoder head_dim"),
        mlp_width=names.name("M", decoder.mlp_width, "width of the dense MLP"),
        experts=names.name("E_routed", decoder.experts, "routed experts"),
        experts_per_token=names.name("E_top", decoder.experts_per_token, "experts per token"),
        shared_experts=names.name("E_shared", decoder.shared_experts, "shared experts"),
        expert_width=names.name("M_e", decoder.expert_width, "width of an expert"),
        vocabulary=names.name("V", decoder.vocabulary, "vocabulary"),
    )
