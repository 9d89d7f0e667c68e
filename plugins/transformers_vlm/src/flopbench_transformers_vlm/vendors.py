"""Witnesses of models that are not called as most that read images are, by transformers' type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flopbench_transformers_lm.components import component_of as text_component
from flopbench_transformers_lm.config import quiet
from flopbench_transformers_vlm.components import component_of
from flopbench_transformers_vlm.crossing_vendor import CrossingVendor, ids
from flopbench_transformers_vlm.vendor import VlVendor
from flopbench_transformers_vlm.workload import Workload


class TextEncoderVendor(CrossingVendor):
    """A model whose decoder reads what a text encoder makes of image and prompt."""

    @property
    def _channels(self) -> int:
        found: int = self._tower.in_channels
        return found

    @property
    def _width(self) -> int:
        found: int = self._module.config.text_config.hidden_size
        return found

    def _encode(self, **images: Any) -> Any:
        return self._module.get_image_features(**images)

    def _read(self, batch: Any, memory: Any) -> dict[str, Any]:
        return {"input_ids": ids(batch, memory)}


class PatchesVendor(CrossingVendor):
    """A model that takes patches, and asks whether some only fill them up."""

    def images(self, count: Any) -> Mapping[str, Any]:
        return _patches(self._config.processor, self._tower, count)

    def _encode(self, **images: Any) -> Any:
        from flopbench_transformers_lm.meta_values import MetaValues

        with MetaValues(0):
            return super()._encode(**images)


class QueriesVendor(VlVendor):
    """A model that takes patches, and reads what the tower gives by learned queries."""

    def images(self, count: Any) -> Mapping[str, Any]:
        """Return what the tower takes for a number of images."""
        return _patches(self._config.processor, self._real.module.config.vision_config, count)

    def component_of(self, module: str, op: str) -> str:
        own = module.removeprefix("text_model.")
        return component_of(module) if own == module else text_component(own, op)

    def _features(self, workload: Workload) -> Callable[[], Any]:
        import torch

        from flopbench_transformers_lm.meta_values import MetaValues

        module = self._real.module
        images = self.images(sum(view.count for view in workload.all_views))

        def call() -> Any:
            with quiet(), MetaValues(0):
                states = module.vision_model(**images).last_hidden_state
                states = torch.nn.functional.normalize(states, dim=-1)
                return module.image_to_text_projection(states)

        return call


def _patches(settings: Mapping[str, Any], tower: Any, count: Any) -> Mapping[str, Any]:
    """Return patches that are filled up; row and column precede the pixels of each."""
    import torch

    shape = (settings["max_patches"], 2 + tower.patch_embed_hidden_size)
    return {"flattened_patches": torch.empty(count, *shape, device="meta")}


VENDORS: Mapping[str, type[VlVendor]] = {
    "florence2": TextEncoderVendor,
    "kosmos-2.5": QueriesVendor,
    "pix2struct": PatchesVendor,
    "vision-encoder-decoder": CrossingVendor,
}
"""The witness of a model, by transformers' type, if it is not `VlVendor`."""
