"""The witness: the real tower and the real language model, as transformers implements them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

from flopbench import VendorCall, VendorStage
from flopbench.dims import is_traced
from flopbench.vendor.transformers import VerifiedOptions
from flopbench_transformers_lm.config import quiet
from flopbench_transformers_lm.vendor import HfVendor
from flopbench_transformers_vlm.components import component_of, is_language
from flopbench_transformers_vlm.config import VlConfig
from flopbench_transformers_vlm.pixels import PIXELS, windows
from flopbench_transformers_vlm.workload import Workload

GRIDS = "tensors that depend on the sizes of images are computed from those by the model's own code"


class VlVendor(HfVendor):
    """A model of transformers that reads images, on the meta device."""

    name = "vl/*"
    summary = "transformers' own class on the meta device, eager attention"

    def __init__(self, config: VlConfig, *, every_step: bool = False) -> None:
        from flopbench_transformers_vlm.whole_model import WholeModel

        super().__init__(config.whole_class, every_step=every_step)
        self._real = WholeModel(config.whole_class)
        self._config = config

    @classmethod
    def from_options(cls, architecture: Any, options: VerifiedOptions) -> VlVendor:
        from flopbench_transformers_vlm.vendors import VENDORS

        kind = VENDORS.get(architecture.model_type, VlVendor)
        return kind(architecture, every_step=options.decode == "every")

    def stage(self, name: str, workload: Any) -> VendorStage:
        if name != "vision":
            return super().stage(name, workload.text)
        return VendorStage(
            lambda _step: VendorCall(self._real.module, self._features(workload)),
            assumptions=(GRIDS,),
            chunks=lambda: windows(self._real.module.config),
        )

    def _features(self, workload: Workload) -> Callable[[], Any]:
        """Return the call that turns the images of all prompts into features."""
        from flopbench_transformers_lm.failures import cannot_run
        from flopbench_transformers_vlm.mixed import MixedDevices

        module, config = self._real.module, self._real.config
        inputs = PIXELS[self._config.model_type](module.config, workload.all_views)

        # A few classes leave it to the model within them.
        features = getattr(module, "get_image_features", None) or module.model.get_image_features
        traced = any(is_traced(n) for v in workload.all_views for n in (v.count, v.rows, v.cols))

        def call() -> Any:
            try:
                with quiet(), MixedDevices():
                    return features(**inputs)
            except Exception as error:
                if traced:
                    raise
                raise cannot_run(config, error) from error

        return call

    def shapes(self, stage: str, workload: Any) -> Hashable:
        if stage == "vision":
            views = workload.all_views
            return tuple((v.count, v.rows, v.cols, v.spare) for v in views)
        return super().shapes(stage, workload.text)

    def component_of(self, module: str, op: str) -> str:
        if is_language(module):
            return super().component_of(module, op)
        return component_of(module)

    def notes(self, stage: str, workload: Any, flops: Mapping[str, int]) -> tuple[str, ...]:
        if stage == "vision":
            return ()
        return super().notes(stage, workload.text, flops)
