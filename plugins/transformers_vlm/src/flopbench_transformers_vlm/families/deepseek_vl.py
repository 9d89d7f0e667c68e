"""DeepSeek-VL: SigLIP on padded images of one size, and an MLP."""

from __future__ import annotations

from collections.abc import Iterator

from flopbench import Op
from flopbench.blocks import Mlp, Site
from flopbench.dims import Dim
from flopbench_transformers_vlm.families.tiles import OneTileFamily


class DeepseekVl(OneTileFamily):
    """DeepSeek-VL (arXiv:2403.05525): each patch becomes a token."""

    source = "DeepSeek-VL (arXiv:2403.05525)"
    processor = "DeepseekVLImageProcessor"

    def made_of(self, width: int, height: int) -> tuple[int, int]:
        """Return the size of a page, whose shorter side is filled up."""
        made = super().made_of(width, height)
        return (max(made),) * 2 if self.config.settings.flag("do_pad", default=True) else made

    def tiles(self, count: Dim) -> Iterator[Op]:
        tower, site = self.tower, Site("vision")
        yield from tower.ops(site, count)
        text = self.config.language.get("hidden_size")
        mlp = Mlp(width=tower.width, inner=text, activation="gelu", bias=True, out_width=text)
        yield from mlp.ops(site.at("projector"), count * tower.tokens)


FAMILIES = {"deepseek_vl": DeepseekVl}
