"""LLaVA and ViP-LLaVA: CLIP or SigLIP, features of some layers, and an MLP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import attrs

from flopbench import Op
from flopbench.blocks import Mlp, Site
from flopbench.dims import Dim
from flopbench_transformers_lm.families.parts import LAYER_NORM
from flopbench_transformers_vlm.families.clip import ClipTower, require_layers
from flopbench_transformers_vlm.families.tiles import OneTileFamily
from flopbench_transformers_vlm.workload import Cut


class Llava(OneTileFamily):
    """LLaVA 1.5 (arXiv:2310.03744). All layers run, whichever of them the features are of."""

    source = "LLaVA 1.5 (arXiv:2310.03744)"
    processor = "CLIPImageProcessor"
    normed: ClassVar[bool] = False
    """Whether the projector begins with a norm."""

    @classmethod
    def settings(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Images as large as the tower's, cut out of the middle."""
        side = values["vision_config"]["image_size"]
        return {"size": {"shortest_edge": side}, "crop_size": {"height": side, "width": side}}

    @property
    def features(self) -> int:
        """Features of an image: one for each token, without the first one unless it is asked for.

        The first is the class token, or a patch if the tower has none.
        """
        return self.tower.tokens - self.without_first

    @property
    def without_first(self) -> bool:
        """Whether the first is left out."""
        name = "vision_feature_select_strategy"
        return bool(self.config.whole.one_of(name, "default", "full") == "default")

    def cut(self, width: int, height: int) -> Cut:
        return attrs.evolve(super().cut(width, height), tokens=self.features)

    @property
    def same_size(self) -> bool:
        """CLIP's tower takes one size alone."""
        return ClipTower.of(self.config.vision).clip

    def tiles(self, count: Dim) -> Iterator[Op]:
        tower, site, whole = self.tower, Site("vision"), self.config.whole
        yield from tower.ops(site, count)
        require_layers(whole, self.config.vision.layers)
        taken = whole.get("vision_feature_layer")
        text = self.config.language.get("hidden_size")
        wide = tower.width * (1 if isinstance(taken, int) else len(taken))
        place, tokens = site.at("projector"), count * self.features
        if self.normed:
            yield LAYER_NORM.op(place, tokens, wide)
        mlp = Mlp(
            width=wide,
            inner=text,
            activation=whole.activation("projector_hidden_act"),
            bias=whole.flag("multimodal_projector_bias", default=True),
            out_width=text,
        )
        yield from mlp.ops(place, tokens)


class VipLlava(Llava):
    """ViP-LLaVA (arXiv:2312.00784): features of five layers, and a norm before the MLP."""

    source = "ViP-LLaVA (arXiv:2312.00784)"
    normed = True
    without_first = True


FAMILIES = {"llava": Llava, "vipllava": VipLlava}
