"""DeepSeek-OCR 2's dimensions.

Sources of the values: DeepSeek-OCR 2 (arXiv:2601.20552) and its published ``config.json``:
DeepSeek-OCR's SAM with a narrower output, a language model as vision encoder (Qwen2-0.5B's
sizes, arXiv:2407.10671) in CLIP's place, and DeepSeek-OCR's decoder.
"""

from __future__ import annotations

import attrs
from attrs import frozen

from flopbench_deepseek_ocr.architecture import Decoder, Sam, require, size


@frozen(kw_only=True)
class Encoder:
    """The vision encoder: a decoder-only transformer over patches, then learned queries."""

    layers: int = size(24)
    width: int = size(896)
    heads: int = size(14)
    kv_heads: int = size(2)
    mlp_width: int = size(4864)

    def __attrs_post_init__(self) -> None:
        require(self.width % self.heads == 0, "the encoder's width must be a multiple of its heads")
        require(
            self.heads % self.kv_heads == 0,
            "the encoder's heads must be a multiple of its KV heads",
        )

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.width // self.heads


QUERIES = {768: 144, 1024: 256}
"""Number of learned queries, by a view's side in pixels: as many as the view has patches."""


@frozen(kw_only=True)
class Architecture:
    """All of DeepSeek-OCR 2; the defaults are the published model."""

    sam: Sam = attrs.field(factory=lambda: Sam(downsample_channels=(512, 896)))
    encoder: Encoder = Encoder()
    decoder: Decoder = attrs.field(factory=Decoder)

    def __attrs_post_init__(self) -> None:
        require(
            self.sam.downsample_channels[1] == self.encoder.width,
            "SAM's last channel count must be the encoder's width",
        )
