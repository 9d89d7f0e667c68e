"""Symbols for DeepSeek-OCR's dimensions, to make its closed forms readable."""

from __future__ import annotations

from typing import Any

from attrs import define, evolve, field

from flopbench_deepseek_ocr.architecture import Architecture, Clip, Decoder, Sam


@define
class Symbols:
    """Creates symbols, and records the value and the meaning of each."""

    values: dict[Any, int] = field(factory=dict)
    meanings: dict[str, str] = field(factory=dict)

    def name(self, name: str, value: int, meaning: str) -> Any:
        """Return a symbol for a dimension; a dimension of 0 stays 0."""
        import sympy

        if not value:
            return value
        symbol = sympy.Symbol(name, integer=True, positive=True)
        self.values[symbol] = value
        self.meanings[name] = meaning
        return symbol


def named_architecture(architecture: Architecture, symbols: Symbols) -> Architecture:
    """Return the architecture with symbols for its dimensions.

    Widths are heads times head width. The image's geometry (patches, windows, the number of
    global layers) stays numeric.
    """
    clip = _clip(architecture.clip, symbols)
    return Architecture(
        sam=_sam(architecture.sam, symbols, clip.width),
        clip=clip,
        decoder=_decoder(architecture.decoder, symbols),
    )


def _sam(sam: Sam, symbols: Symbols, last_channels: Any) -> Sam:
    heads = symbols.name("H_sam", sam.heads, "SAM's heads")
    middle = symbols.name("C_mid", sam.downsample_channels[0], "SAM's channels after one stride")
    return evolve(
        sam,
        layers=symbols.name("L_sam", sam.layers, "SAM's layers"),
        heads=heads,
        width=heads * symbols.name("d_sam", sam.head_dim, "SAM's head_dim"),
        mlp_width=symbols.name("M_sam", sam.mlp_width, "SAM's MLP width"),
        neck_channels=symbols.name("C_neck", sam.neck_channels, "channels of SAM's neck"),
        downsample_channels=(middle, last_channels),
    )


def _clip(clip: Clip, symbols: Symbols) -> Clip:
    heads = symbols.name("H_clip", clip.heads, "CLIP's heads")
    return evolve(
        clip,
        layers=symbols.name("L_clip", clip.layers, "CLIP's layers"),
        heads=heads,
        width=heads * symbols.name("d_clip", clip.head_dim, "CLIP's head_dim"),
        mlp_width=symbols.name("M_clip", clip.mlp_width, "CLIP's MLP width"),
    )


def _decoder(decoder: Decoder, symbols: Symbols) -> Decoder:
    kv_heads = heads = symbols.name("H", decoder.heads, "decoder heads")
    if decoder.kv_heads != decoder.heads:
        kv_heads = symbols.name("H_kv", decoder.kv_heads, "decoder KV heads")
        group = decoder.heads // decoder.kv_heads
        heads = kv_heads * symbols.name("G", group, "decoder heads per KV head")
    return evolve(
        decoder,
        layers=symbols.name("L", decoder.layers, "decoder layers"),
        dense_layers=symbols.name(
            "L_dense", decoder.dense_layers, "decoder layers without experts"
        ),
        heads=heads,
        kv_heads=kv_heads,
        width=heads * symbols.name("d", decoder.head_dim, "decoder head_dim"),
        mlp_width=symbols.name("M", decoder.mlp_width, "width of the dense MLP"),
        experts=symbols.name("E_routed", decoder.experts, "routed experts"),
        experts_per_token=symbols.name("E_top", decoder.experts_per_token, "experts per token"),
        shared_experts=symbols.name("E_shared", decoder.shared_experts, "shared experts"),
        expert_width=symbols.name("M_e", decoder.expert_width, "width of an expert"),
        vocabulary=symbols.name("V", decoder.vocabulary, "vocabulary"),
    )
