"""Families whose pages keep their shape: each cell of merge x merge patches becomes a token."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from flopbench import Elementwise, Op, UsageError
from flopbench.blocks import Segments, Site, angle_op
from flopbench.dims import Dim, halve
from flopbench_transformers_vlm.families.family import Family
from flopbench_transformers_vlm.families.resize import smart_resize
from flopbench_transformers_vlm.workload import Cut, View


class CellsFamily(Family):
    """Models that take a page at its own aspect ratio, within limits of its number of pixels."""

    sizes: ClassVar[tuple[str, ...]] = ("h", "w")

    frames_counted: ClassVar[bool] = False
    """Whether the copies of an image in time count as its pixels."""

    widened: ClassVar[bool] = False
    """Whether a page that is narrower than a cell becomes as wide before anything else."""

    shared: ClassVar[tuple[tuple[str, str], ...]] = (
        ("patch_size", "patch_size"),
        ("merge_size", "spatial_merge_size"),
    )
    """Settings of the image processor, each with the field of the tower that must equal it."""

    @classmethod
    def settings(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Patches and cells of the tower's size: it takes no others."""
        tower = values.get("vision_config") or {}
        return {ours: tower[theirs] for ours, theirs in cls.shared if theirs in tower}

    @property
    def merge(self) -> int:
        """Patches per side of a cell, in the tower."""
        return self.config.vision.size("spatial_merge_size")

    def cut(self, width: int, height: int) -> Cut:
        settings = self.config.settings
        self._require_patches()
        cell = settings.size("patch_size") * settings.size("merge_size")
        copies = settings.size("temporal_patch_size") if self.frames_counted else None
        limits = settings.pixels()
        if settings.flag("do_resize", default=True):
            width, height = smart_resize(
                width, height, cell, limits, frames=copies, widened=self.widened
            )
        elif width % cell or height % cell:
            raise UsageError(
                f"a page of {width} x {height} pixels is no number of cells of {cell} x {cell}, "
                "and model.processor has do_resize=false"
            )
        rows, cols = height // cell, width // cell
        return Cut((View(1, rows, cols),), rows * cols, separators=2)

    def _require_patches(self) -> None:
        """Refuse patches that the tower does not take.

        Raises:
            UsageError: its config has others than the image processor.
        """
        for name, own in self.shared:
            made, taken = self.config.settings.get(name), self.config.vision.get(own)
            if made != taken:
                raise UsageError(
                    f"the image processor's {name} is {made!r}, but the tower's {own} is "
                    f"{taken!r}: set both, model.processor_overrides and "
                    "model.overrides.vision_config"
                )

    def segments(self, views: Sequence[View]) -> list[Segments]:
        """Return the patches of each kind of image; one attends to itself alone."""
        unit = self.merge * self.merge
        return [Segments(view.count, unit * view.tokens) for view in views]


def axial_angles(site: Site, patches: Dim, dim: Dim) -> Iterator[Op]:
    """Yield cosines and sines of the rows and columns of patches, for a head of ``dim`` elements.

    Half of the pairs of elements are rotated by the row, half by the column. Cosines and sines are
    multiplied by a constant, even if by 1, as in `flopbench.blocks.RotaryAngles`.
    """
    made = patches * halve(dim)
    yield site.op(
        Elementwise, function="multiply", outputs=3 * made, reads=3 * made, peak_elements=3 * made
    )
    yield angle_op(site, made)
