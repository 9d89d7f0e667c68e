"""What the real models take for an image: shapes of their inputs, by type.

The tensors of pixels are on the meta device. Sizes of images are on the CPU, where the models' own
code reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flopbench.dims import is_traced
from flopbench_transformers_vlm.workload import View

Pixels = Callable[[Any, Sequence[View]], Mapping[str, Any]]
"""Returns the arguments of ``get_image_features``, from the config and the views."""


def patches(config: Any, views: Sequence[View]) -> Mapping[str, Any]:
    """Return patches of all images, cut out and flattened, and the grid of each image."""
    import torch

    vision: Any = config.vision_config
    merge: Any = vision.spatial_merge_size
    frames: Any = getattr(vision, "temporal_patch_size", 1)
    channels: Any = getattr(vision, "in_channels", None) or getattr(vision, "num_channels", 3)
    grids: Any = [[1, merge * v.rows, merge * v.cols] for v in views for _ in range(int(v.count))]
    number = sum(high * wide for _, high, wide in grids)
    width = channels * frames * vision.patch_size**2
    return {
        "pixel_values": torch.empty(number, width, device="meta"),
        "image_grid_thw": sizes_of(grids),
    }


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
    sizes: Any = [[cell * v.rows, cell * v.cols] for v in views for _ in range(int(v.count))]
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
    "glm_ocr": patches,
    "llava": tiles,
    "minicpm_ocr": packed,
    "minicpmv4_6": packed,
    "ovis2": tiles,
    "paligemma": tiles,
    "granite_docling": marked_tiles,
    "idefics3": tiles_of_cells,
    "smolvlm": tiles_of_cells,
    "vipllava": tiles,
    "got_ocr2": tiles,
    "internvl": tiles,
    "qianfan_ocr": tiles,
}
