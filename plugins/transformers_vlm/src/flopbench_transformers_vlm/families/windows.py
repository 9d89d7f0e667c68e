"""Windows of a grid: attention in them runs on what fills the last ones up, too."""

from __future__ import annotations

from attrs import frozen

from flopbench.blocks import Segments
from flopbench.dims import Dim


@frozen
class Windows:
    """Square windows that cover a grid.

    Attributes:
        side: cells per side of a window.
    """

    rows: int
    cols: int
    side: int

    @property
    def count(self) -> int:
        """Windows of one grid, those at its end filled up."""
        return -(-self.rows // self.side) * -(-self.cols // self.side)

    def segments(self, images: Dim) -> list[Segments]:
        """Return what attends to itself alone: each window."""
        return [Segments(images * self.count, self.side * self.side)]
