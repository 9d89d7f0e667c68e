"""What DeepSeek-OCR and its neighbours have in common: pages, their tokens, and a decoder."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from flopbench import AnalyticModel, Op, Size, Stage, UsageError
from flopbench.blocks import stage_passes
from flopbench.dims import Dim
from flopbench.inputs import Page, read_page
from flopbench_deepseek_ocr.decoder import decoder_block
from flopbench_deepseek_ocr.image import choose_grid
from flopbench_deepseek_ocr.layer_names import layer_name
from flopbench_deepseek_ocr.workload import (
    PIXELS_PER_TOKEN,
    VIEW_SIZES,
    CropGrid,
    Inputs,
    Tiling,
    Workload,
)

ROWS = (
    "if the number of tiles is left open, the learned tokens that end rows of tokens are those of "
    "the page's own rows of tiles"
)

NOT_PRICED = (
    "not priced: resizing position tables to the image's grid, SAM's relative coordinates, "
    "building the causal mask, negating half of each rotated head, and RMSNorm's "
    "epsilon and reciprocal root"
)


class PageModel(AnalyticModel):
    """Pages pass through SAM and what follows it, their tokens and a prompt through a decoder.

    The architecture has the attributes ``sam`` and ``decoder``.
    """

    view_sizes: ClassVar[Mapping[str, int]] = VIEW_SIZES
    """Side of the global view of each mode, in pixels."""

    tiling: ClassVar[Tiling] = Tiling()
    """Tiling of the mode ``gundam``."""

    workload_type: ClassVar[type[Workload]] = Workload

    stages = (
        Stage("vision", "Vision"),
        Stage("prefill", "Prefill"),
        Stage("decode", "Decode"),
        Stage("vision_prefill", "Vision + prefill", parts=("vision", "prefill")),
        Stage("end2end", "End to end", parts=("vision", "prefill", "decode")),
    )
    first_token = ("vision", "prefill")
    per_token = "decode"  # noqa: S105 - a stage, no password
    sizes = (
        Size("B", "pages at once (batch size)", batch=True),
        Size("S", "context tokens of the prefill"),
        Size("K", "decode steps", steps=True),
        Size("n", "tiles of a page"),
    )

    _rope_by_matmul = False

    def __init__(self, architecture: Any, *, dtype: str) -> None:
        if 4 * architecture.sam.patch_size != PIXELS_PER_TOKEN:
            raise ValueError(f"SAM's patches must be {PIXELS_PER_TOKEN // 4} pixels wide")
        self._architecture = architecture
        self.dtype = dtype

    @property
    def architecture(self) -> Any:
        return self._architecture

    @abstractmethod
    def vision_ops(self, workload: Workload) -> Iterator[Op]:
        """Yield the operations that turn pages into image tokens."""

    def workload(self, inputs: Inputs) -> Workload:
        page, grid = self._page_and_grid(inputs)
        return self.workload_type(
            batch_size=inputs.batch_size,
            view_size=self.view_size(inputs),
            tile_size=self.tiling_of(inputs).size,
            tile_rows=grid.rows if grid else 0,
            tile_cols=grid.cols if grid else 0,
            prompt_tokens=inputs.prompt_tokens,
            decode_steps=inputs.decode_steps,
            lm_head=inputs.lm_head,
            page=page,
        )

    def view_size(self, inputs: Any) -> int:
        """Return the side of the global view, in pixels."""
        return self.view_sizes[inputs.mode]

    def tiling_of(self, inputs: Any) -> Tiling:
        """Return how a page is cut in the mode ``gundam``."""
        return self.tiling

    def _page_and_grid(self, inputs: Inputs) -> tuple[Page | None, CropGrid | None]:
        """Read the page and choose its grid of tiles, or take the explicit grid."""
        if inputs.crop_grid is None:
            page = read_page(inputs.image)
            tiled = inputs.mode == "gundam"
            tiling = self.tiling_of(inputs)
            return page, choose_grid(page.width, page.height, tiling) if tiled else None
        if inputs.mode != "gundam":
            raise UsageError(
                f"workload.crop_grid needs workload.mode=gundam, got mode {inputs.mode!r}"
            )
        if inputs.image is not None:
            raise UsageError(
                "workload.crop_grid and workload.image are both given: an explicit grid replaces "
                "the one chosen for an image, so give one of them"
            )
        return None, inputs.crop_grid

    def workload_facts(self, workload: Workload) -> Mapping[str, Any]:
        return {
            "page": workload.page._asdict() if workload.page else None,
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
            yield from self.vision_ops(workload)
            return
        decoder = decoder_block(
            self._architecture.decoder,
            rope_by_matmul=self._rope_by_matmul,
            window=self._window(stage, workload),
        )
        yield from decoder.ops(
            stage_passes(
                stage,
                batch=workload.batch_size,
                context=workload.context_tokens,
                steps=workload.decode_steps,
                head_rows=workload.head_rows,
            )
        )

    def _window(self, stage: str, workload: Workload) -> Dim | None:
        """Return the maximum number of keys that a query attends to; None for no limit.

        A reference window does not limit the prefill. A generated token attends to the whole
        prefill and the last generated tokens, as in a sliding window longer by the prefill.
        """
        window: Dim | None = self._architecture.decoder.reference_window
        if stage != "decode" or window is None:
            return None
        return workload.context_tokens + window

    def stage_sizes(self, stage: str, workload: Workload) -> Mapping[str, Dim]:
        sizes = {"B": workload.batch_size}
        if stage == "vision":
            return sizes | ({"n": workload.tiles} if workload.tiles else {})
        sizes["S"] = workload.context_tokens
        return sizes | ({"K": workload.decode_steps} if stage == "decode" else {})

    def stage_workload(self, stage: str, workload: Workload, sizes: Mapping[str, Dim]) -> Workload:
        if stage == "vision":
            rows = workload.tile_rows if workload.newline_rows is None else workload.newline_rows
            return self.workload_type(
                newline_rows=rows,
                batch_size=sizes["B"],
                view_size=workload.view_size,
                tile_size=workload.tile_size,
                tile_rows=1 if "n" in sizes else 0,
                tile_cols=sizes.get("n", 0),
            )
        return self.workload_type(
            batch_size=sizes["B"],
            context=sizes["S"],
            decode_steps=sizes.get("K", 1),
            lm_head=workload.lm_head,
        )

    def layer_names(self, component: str, role: str) -> tuple[str, ...]:
        return (layer_name(component, role),)

    def assumptions(self) -> tuple[str, ...]:
        return (
            "all tiles of a page pass through the vision tower at once, stacked on the batch axis",
            ROWS,
            "decode step k attends to context + k keys and runs the LM head on one position",
            NOT_PRICED,
        )
