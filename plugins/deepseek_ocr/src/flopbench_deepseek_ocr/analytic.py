"""DeepSeek-OCR's closed forms, stage by stage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import attrs
from attrs import frozen

from flopbench.blocks import Pass, decode_passes, prefill_pass
from flopbench.dims import Dim
from flopbench.dtypes import DEFAULT_DTYPE
from flopbench.errors import UsageError
from flopbench.model import AnalyticModel, Named, Size, Stage
from flopbench.ops import Op
from flopbench_deepseek_ocr.architecture import Architecture, read_architecture, read_dtype
from flopbench_deepseek_ocr.decoder import decoder_block
from flopbench_deepseek_ocr.image import choose_grid, read_page
from flopbench_deepseek_ocr.names import Names, named_architecture
from flopbench_deepseek_ocr.sweeps import SWEEPS
from flopbench_deepseek_ocr.vision import vision_ops
from flopbench_deepseek_ocr.workload import (
    PIXELS_PER_TOKEN,
    VIEW_SIZES,
    CropGrid,
    Inputs,
    Page,
    Workload,
)


@frozen(kw_only=True)
class Options:
    """What a user may set under ``model.``.

    Attributes:
        config: a ``config.json`` of the published checkpoint's form, in place of its values.
        rope: how the rotary angles are computed: ``elementwise`` once per pass, as
            transformers does, or by ``matmul`` in every layer, as the original code does.
        dtype: of weights, activations and KV cache; none means the config's, or bfloat16.
    """

    config: str | None = None
    rope: Literal["elementwise", "matmul"] = "elementwise"
    dtype: Literal["bfloat16", "float16", "float32"] | None = None


NOT_PRICED = (
    "not priced: position tables resized to the image's grid, SAM's relative coordinates, the "
    "making of the causal mask, the negation of half of each rotated head, and RMSNorm's "
    "epsilon and reciprocal root"
)


class DeepseekOcr(AnalyticModel):
    """SAM, CLIP and projector, then a mixture-of-experts decoder with LM head."""

    name = "deepseek_ocr"
    summary = "DeepSeek-OCR: SAM + CLIP vision tower, 3B mixture-of-experts decoder"
    options_type = Options
    inputs_type = Inputs
    defaults = Path(__file__).with_name("default.yaml")
    stages = (
        Stage("vision", "Vision"),
        Stage("prefill", "Prefill"),
        Stage("decode", "Decode"),
        Stage("vision_prefill", "Vision + prefill", parts=("vision", "prefill")),
        Stage("end2end", "End to end", parts=("vision", "prefill", "decode")),
    )
    sweeps = SWEEPS
    first_token = ("vision", "prefill")
    per_token = "decode"  # noqa: S105 - a stage, no password
    parts: ClassVar[Mapping[str, str]] = {
        "vision/sam": "SAM",
        "vision/clip": "CLIP",
        "vision/projector": "projector",
        "decoder": "decoder",
        "lm_head": "LM head",
    }

    sizes = (
        Size("B", "pages at once (batch size)"),
        Size("S", "context tokens of the prefill"),
        Size("K", "decode steps", steps=True),
        Size("n", "tiles of a page"),
    )

    def __init__(
        self,
        architecture: Architecture | None = None,
        *,
        rope_by_matmul: bool = False,
        dtype: str = DEFAULT_DTYPE,
    ) -> None:
        self._architecture = architecture or Architecture()
        if 4 * self._architecture.sam.patch_size != PIXELS_PER_TOKEN:
            raise ValueError(f"SAM's patches must be {PIXELS_PER_TOKEN // 4} pixels wide")
        self._rope_by_matmul = rope_by_matmul
        self.dtype = dtype

    @classmethod
    def from_options(cls, options: Options) -> DeepseekOcr:
        architecture = read_architecture(Path(options.config)) if options.config else None
        dtype = options.dtype or (read_dtype(Path(options.config)) if options.config else None)
        return cls(
            architecture, rope_by_matmul=options.rope == "matmul", dtype=dtype or DEFAULT_DTYPE
        )

    @property
    def architecture(self) -> Architecture:
        return self._architecture

    def workload(self, inputs: Inputs) -> Workload:
        page, grid = _page_and_grid(inputs)
        return Workload(
            batch_size=inputs.batch_size,
            view_size=VIEW_SIZES[inputs.mode],
            tile_rows=grid.rows if grid else 0,
            tile_cols=grid.cols if grid else 0,
            prompt_tokens=inputs.prompt_tokens,
            decode_steps=inputs.decode_steps,
            lm_head=inputs.lm_head,
            page=page,
        )

    def workload_facts(self, workload: Workload) -> Mapping[str, Any]:
        return {
            "page": attrs.asdict(workload.page) if workload.page else None,
            "view_size": workload.view_size,
            "tile_size": workload.tile_size,
            "tile_rows": workload.tile_rows,
            "tile_cols": workload.tile_cols,
            "tiles": workload.tiles,
            "image_tokens": workload.image_tokens,
            "context_tokens": workload.context_tokens,
        }

    def ops(self, stage: str, workload: Workload) -> Iterator[Op]:
        if stage == "vision":
            yield from vision_ops(self._architecture, workload)
        else:
            decoder = decoder_block(self._architecture.decoder, rope_by_matmul=self._rope_by_matmul)
            yield from decoder.ops(_passes(stage, workload))

    def stage_sizes(self, stage: str, workload: Workload) -> Mapping[str, Dim]:
        sizes = {"B": workload.batch_size}
        if stage == "vision":
            return sizes | ({"n": workload.tiles} if workload.tiles else {})
        sizes["S"] = workload.context_tokens
        return sizes | ({"K": workload.decode_steps} if stage == "decode" else {})

    def stage_workload(self, stage: str, workload: Workload, sizes: Mapping[str, Dim]) -> Workload:
        if stage == "vision":
            return Workload(
                batch_size=sizes["B"],
                view_size=workload.view_size,
                tile_size=workload.tile_size,
                tile_rows=1 if "n" in sizes else 0,
                tile_cols=sizes.get("n", 0),
            )
        return Workload(
            batch_size=sizes["B"],
            context=sizes["S"],
            decode_steps=sizes.get("K", 1),
            lm_head=workload.lm_head,
        )

    def named(self) -> Named:
        names = Names()
        architecture = named_architecture(self._architecture, names)
        model = DeepseekOcr(architecture, rope_by_matmul=self._rope_by_matmul, dtype=self.dtype)
        return Named(model, names.values, names.meanings)

    def assumptions(self) -> tuple[str, ...]:
        return (
            "all tiles of a page pass the vision tower at once, stacked on the batch axis",
            "decode step k attends to context + k keys and runs the LM head on one position",
            NOT_PRICED,
        )


def _passes(stage: str, workload: Workload) -> Pass:
    batch, context = workload.batch_size, workload.context_tokens
    if stage == "prefill":
        return prefill_pass(batch=batch, context=context, head_rows=workload.head_rows)
    return decode_passes(batch=batch, context=context, steps=workload.decode_steps)


def _page_and_grid(inputs: Inputs) -> tuple[Page | None, CropGrid | None]:
    """Read the page and choose its grid of tiles, or take the explicit grid."""
    if inputs.crop_grid is None:
        page = read_page(inputs.image)
        chosen = choose_grid(page.width, page.height) if inputs.mode == "gundam" else None
        return page, CropGrid(rows=chosen[0], cols=chosen[1]) if chosen else None
    if inputs.mode != "gundam":
        raise UsageError(f"workload.crop_grid needs workload.mode=gundam, got mode {inputs.mode!r}")
    if inputs.image is not None:
        raise UsageError(
            "workload.crop_grid and workload.image are both given: an explicit grid replaces "
            "the one chosen for an image, so give one of them"
        )
    return None, inputs.crop_grid
