"""What the real models take for an image: shapes of their inputs, by type.

The tensors of pixels are on the meta device. Sizes of images are on the CPU, where the models' own
code reads them.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from flopbench import CountError
from flopbench.dims import is_traced, maximum
from flopbench_transformers_vlm.workload import View

_MOST_CELLS = 2 * 10**7
_MOST_IMAGES = 10**5
"""What a model that reads grids of images is run on, at most: some GB of places."""

Pixels = Callable[[Any, Sequence[View]], Mapping[str, Any]]
"""Returns the arguments of ``get_image_features``, from the config and the views."""


def each_image(views: Sequence[View]) -> Iterator[View]:
    """Yield what the tower sees, one by one.

    Raises:
        CountError: it is more than memory holds: the model's own code computes the place of each.
    """
    for view in views:
        cells = view.count * view.rows * view.cols
        if not is_traced(cells) and (cells > _MOST_CELLS or view.count > _MOST_IMAGES):
            raise CountError(
                f"the vendor computes the places of {int(cells):,} cells of {int(view.count):,} "
                f"images one by one, which takes too much memory above {_MOST_CELLS:,} cells or "
                f"{_MOST_IMAGES:,} images: use --analytic-only"
            )
        yield from itertools.repeat(view, int(view.count))


def patches(config: Any, views: Sequence[View]) -> Mapping[str, Any]:
    """Return patches of all images, cut out and flattened, and the grid of each image."""
    import torch

    vision: Any = config.vision_config
    merge: Any = vision.spatial_merge_size
    frames: Any = getattr(vision, "temporal_patch_size", 1)
    channels: Any = getattr(vision, "in_channels", None) or getattr(vision, "num_channels", 3)
    grids: Any = [[1, merge * v.rows, merge * v.cols] for v in each_image(views)]
    number = sum(high * wide for _, high, wide in grids)
    width = channels * frames * vision.patch_size**2
    return {
        "pixel_values": torch.empty(number, width, device="meta"),
        "image_grid_thw": sizes_of(grids),
    }


def square_patches(config: Any, views: Sequence[View]) -> Mapping[str, Any]:
    """Return patches of all images, cut out as small images, and the grid of each image."""
    import torch

    flat, vision = patches(config, views), config.vision_config
    number = flat["pixel_values"].shape[0]
    shape = (number, vision.num_channels, vision.patch_size, vision.patch_size)
    return {**flat, "pixel_values": torch.empty(shape, device="meta")}


def sizes_of(numbers: Any) -> Any:
    """Return a tensor of sizes on the CPU, or what stands for one if some are symbols."""
    import torch

    if any(is_traced(size) for row in numbers for size in row):
        from flopbench_transformers_vlm.grids import SymbolicSizes

        return SymbolicSizes(numbers)
    return torch.tensor(numbers)


def tiles(config: Any, views: Sequence[View]) -> Mapping[str, Any]:
    """Return tiles of the size that the tower is made for."""
    import torch

    size = config.vision_config.image_size
    high, wide = size if isinstance(size, list | tuple) else (size, size)
    channels = getattr(config.vision_config, "num_channels", 3)
    count: Any = sum(view.count for view in views)
    return {"pixel_values": torch.empty(count, channels, high, wide, device="meta")}


def padded(config: Any, views: Sequence[View]) -> Mapping[str, Any]:
    """Return whole images, padded to the largest of them, and their own sizes in pixels."""
    import torch

    vision: Any = config.vision_config
    patch, merge = vision.patch_size, config.spatial_merge_size
    sizes: Any = [
        [patch * (merge * v.rows + v.spare[0]), patch * (merge * v.cols + v.spare[1])]
        for v in each_image(views)
    ]
    high, wide = (functools.reduce(maximum, sides) for sides in zip(*sizes, strict=True))
    return {
        "pixel_values": torch.empty(len(sizes), vision.num_channels, high, wide, device="meta"),
        "image_sizes": sizes_of(sizes),
    }


def shuffled(config: Any, views: Sequence[View]) -> Mapping[str, Any]:
    """Return tiles, of whose patches several become one cell."""
    import torch

    vision: Any = config.vision_config
    (high, wide), (view,) = vision.patch_size, views
    side = int(1 / config.downsample_ratio)
    size: Any = (view.count, vision.num_channels, high * side * view.rows, wide * side * view.cols)
    return {"pixel_values": torch.empty(*size, device="meta")}


def windows(config: Any) -> dict[str, int]:
    """Return how many cells of a page make a window, down and across, if the tower has windows."""
    vision = config.vision_config
    if not hasattr(vision, "window_size") or not hasattr(vision, "spatial_merge_size"):
        return {}
    side = vision.window_size // vision.spatial_merge_size // vision.patch_size
    return {"h": side, "w": side}


def tiles_of_cells(config: Any, views: Sequence[View]) -> Mapping[str, Any]:
    """Return tiles as those of one prompt, as large as their cells of scale x scale patches."""
    import torch

    vision, scale = config.vision_config, config.scale_factor
    count: Any = sum(view.count for view in views)
    side: Any = views[0].rows * scale * vision.patch_size
    return {"pixel_values": torch.empty(1, count, vision.num_channels, side, side, device="meta")}


def marked_tiles(config: Any, views: Sequence[View]) -> Mapping[str, Any]:
    """Return tiles as those of one prompt, a mask of them, and whether their features are fine.

    They are if a tile has more tokens than patches divided by the usual factor.
    """
    vision: Any = config.vision_config
    inputs = {"pixel_values": tiles(config, views)["pixel_values"].unsqueeze(0)}
    inputs["pixel_attention_mask"] = all_true(*inputs["pixel_values"].shape[:2])
    usual = vision.image_size // vision.patch_size // vision.scale_factor
    if any(view.rows != usual for view in views):
        inputs["tile_fine_mask"] = all_true(1)
    return inputs


def packed(config: Any, views: Sequence[View]) -> Mapping[str, Any]:
    """Return patches of all views side by side, and the size of each view in patches."""
    import torch

    vision: Any = config.vision_config
    cell: Any = 2 ** (config.merger_times + (config.downsample_mode != "4x"))
    sizes: Any = [[cell * v.rows, cell * v.cols] for v in each_image(views)]
    wide = vision.patch_size * sum(high * wide for high, wide in sizes)
    pixels = torch.empty(1, vision.num_channels, vision.patch_size, wide, device="meta")
    return {"pixel_values": pixels, "target_sizes": sizes_of(sizes)}


def all_true(*shape: Any) -> Any:
    """Return a mask on the CPU, or what stands for one if some of its sizes are symbols."""
    import torch

    if any(is_traced(size) for size in shape):
        from flopbench_transformers_vlm.uniform import Uniform

        return Uniform(value=True, shape=shape)
    return torch.ones(*shape, dtype=torch.bool)


PIXELS: Mapping[str, Pixels] = {
    "aya_vision": tiles,
    "cohere2_vision": tiles,
    "deepseek_vl": tiles,
    "gemma3": tiles,
    "glm46v": patches,
    "glm4v": patches,
    "glm4v_moe": patches,
    "glm_ocr": patches,
    "got_ocr2": tiles,
    "hunyuan_vl": patches,
    "lighton_ocr": padded,
    "llava": tiles,
    "minicpm_ocr": packed,
    "minicpmv4_6": packed,
    "mistral3": padded,
    "ovis2": tiles,
    "paligemma": tiles,
    "granite_docling": marked_tiles,
    "idefics3": tiles_of_cells,
    "internvl": shuffled,
    "paddleocr_vl": square_patches,
    "qianfan_ocr": shuffled,
    "qwen2_5_vl": patches,
    "qwen2_vl": patches,
    "qwen3_5": patches,
    "qwen3_5_moe": patches,
    "qwen3_vl": patches,
    "qwen3_vl_moe": patches,
    "smolvlm": tiles_of_cells,
    "vipllava": tiles,
}
