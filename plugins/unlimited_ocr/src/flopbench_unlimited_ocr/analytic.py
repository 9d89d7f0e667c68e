"""Closed forms: DeepSeek-OCR with reference sliding-window attention in its decoder.

A generated token attends to the whole prefill (the reference) and the last generated tokens.
DeepSeek-OCR's plugin implements that (`Decoder.reference_window`); this module has the sizes of
the published model (config.json of baidu/Unlimited-OCR) and the names.
"""

from __future__ import annotations

from pathlib import Path

import attrs

from flopbench_deepseek_ocr.analytic import SamClipModel
from flopbench_deepseek_ocr.architecture import Architecture, read_architecture
from flopbench_deepseek_ocr.workload import Tiling

WINDOW = 128
"""Generated tokens that a generated token attends to, itself included."""


class UnlimitedOcr(SamClipModel):
    """DeepSeek-OCR's closed forms, with a window in decoding and more tiles."""

    name = "unlimited_ocr"
    summary = "Unlimited-OCR: DeepSeek-OCR with a sliding window over generated tokens"
    defaults = Path(__file__).with_name("default.yaml")
    tiling = Tiling(most=32)
    windowed = True

    @classmethod
    def published(cls) -> Architecture:
        deepseek = Architecture()
        decoder = attrs.evolve(deepseek.decoder, reference_window=WINDOW)
        return attrs.evolve(deepseek, decoder=decoder)

    @classmethod
    def read(cls, config: Path) -> Architecture:
        return read_architecture(config, windowed=True)

    def assumptions(self) -> tuple[str, ...]:
        window = self.architecture.decoder.reference_window
        decoding = (
            f"decode step k attends to context + min(k, {window}) keys and runs the LM head on "
            "one position"
        )
        tiles, rows, _decoding, not_priced = super().assumptions()
        return tiles, rows, decoding, not_priced
