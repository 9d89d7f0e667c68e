"""Several ways of mixing tokens in one layer, side by side.

Source: Falcon-H1, arXiv:2507.22448, section 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from attrs import frozen

from flopbench.blocks.decoder import AttentionBlock, part_site
from flopbench.blocks.passes import Pass
from flopbench.blocks.site import Site
from flopbench.dims import Dim
from flopbench.ops import Elementwise, Op


@frozen(kw_only=True)
class Branch:
    """One of several mixers that work on the same input.

    Attributes:
        scaled_before, scaled_after: whether a constant multiplies its input, and its output.
    """

    mixer: AttentionBlock
    scaled_before: bool = False
    scaled_after: bool = False


@frozen(kw_only=True)
class SideBySide:
    """The sum of what several mixers make of the same input."""

    component: ClassVar[str] = ""

    width: Dim
    branches: tuple[Branch, ...]

    def ops(self, site: Site, run: Pass) -> Iterator[Op]:
        """Yield one mixer after the other; its output is added to that of those before it."""
        elements = run.tokens * self.width
        waiting = site.with_alive(elements)  # the input, or the outputs so far
        for index, branch in enumerate(self.branches):
            gives = f"branch {index}" if index else site.gives
            yield from self._branch(waiting.between(site.takes, gives), run, branch)
            if index:
                last = part_site(site, branch.mixer)
                yield last.between(site.gives, site.gives).op(
                    Elementwise, function="add", outputs=elements, takes=(site.gives, gives)
                )

    def _branch(self, site: Site, run: Pass, branch: Branch) -> Iterator[Op]:
        place, elements = part_site(site, branch.mixer), run.tokens * self.width
        sizes: dict[str, Any] = {"function": "multiply", "outputs": elements, "reads": elements}
        takes = place.takes
        if branch.scaled_before:
            takes = f"scaled {place.gives}"
            yield place.between(place.takes, takes).op(Elementwise, **sizes)
        yield from branch.mixer.ops(place.between(takes, place.gives), run)
        if branch.scaled_after:
            yield place.between(place.gives, place.gives).op(Elementwise, **sizes)
