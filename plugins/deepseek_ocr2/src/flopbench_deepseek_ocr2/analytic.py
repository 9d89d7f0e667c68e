"""Closed forms: a language model as vision encoder, and DeepSeek-OCR's decoder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar, Literal

from attrs import frozen

from flopbench import Op
from flopbench.dims import DEFAULT_DTYPE
from flopbench_deepseek_ocr.page_model import PageModel
from flopbench_deepseek_ocr.sweeps import grid_sweeps
from flopbench_deepseek_ocr.workload import Workload
from flopbench_deepseek_ocr2.architecture import Architecture
from flopbench_deepseek_ocr2.workload import TILING, VIEW_SIZES, Inputs, Ocr2Workload


@frozen(kw_only=True)
class Options:
    """What a user may set under ``model.``.

    Attributes:
        dtype: dtype of weights, activations and KV cache; None means bfloat16.
    """

    dtype: Literal["bfloat16", "float16", "float32"] | None = None


class DeepseekOcr2(PageModel):
    """SAM, a language model as encoder and projector, then DeepSeek-OCR's decoder."""

    name = "deepseek_ocr2"
    summary = "DeepSeek-OCR 2: SAM + language-model vision encoder, 3B mixture-of-experts decoder"
    options_type = Options
    inputs_type = Inputs
    defaults = Path(__file__).with_name("default.yaml")
    view_sizes = VIEW_SIZES
    tiling = TILING
    workload_type = Ocr2Workload
    sweeps = grid_sweeps(Ocr2Workload)
    parts: ClassVar[Mapping[str, str]] = {
        "vision/sam": "SAM",
        "vision/encoder": "encoder",
        "vision/projector": "projector",
        "decoder": "decoder",
        "lm_head": "LM head",
    }

    def __init__(
        self, architecture: Architecture | None = None, *, dtype: str = DEFAULT_DTYPE
    ) -> None:
        super().__init__(architecture or Architecture(), dtype=dtype)

    @classmethod
    def from_options(cls, options: Options) -> DeepseekOcr2:
        return cls(dtype=options.dtype or DEFAULT_DTYPE)

    def vision_ops(self, workload: Workload) -> Iterator[Op]:
        from flopbench_deepseek_ocr2.vision import vision_ops

        return vision_ops(self.architecture, workload)
