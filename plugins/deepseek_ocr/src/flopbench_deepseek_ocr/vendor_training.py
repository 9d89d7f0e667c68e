"""The real model as it is trained on pages: from pixels and token ids to its loss.

The model is one of its own: what training changes on it leaves that of other stages as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

from attrs import frozen

from flopbench import CountError, VendorCall, VendorStage
from flopbench.dims import is_traced
from flopbench.text import listed
from flopbench.training_step import TrainOptions
from flopbench.vendor.recomputed import attention_core_recomputed
from flopbench.vendor.trainable import assumptions, set_up
from flopbench_deepseek_ocr.layer_names import roles_of
from flopbench_deepseek_ocr.vendor_native import VIEW_BY_VIEW, PagesInTransformers
from flopbench_deepseek_ocr.workload import Workload

_PARTS = {"vision": "vision/", "prefill": "decoder/"}
"""What the components of a stage's attention begin with."""


@frozen(slots=False)
class TrainedPages:
    """A page model of transformers that is trained, and how to call it.

    Attributes:
        pages: transformers' implementation, of which nothing is built yet.
        options: how it is trained.
        component_of: gives the component of a module, by its path.
    """

    pages: PagesInTransformers
    options: TrainOptions
    component_of: Callable[[str], str]

    @cached_property
    def model(self) -> Any:
        """The ``torch.nn.Module``. Dropout is off: it is in ``eval`` mode.

        Raises:
            UsageError: a pattern of ``options`` matches nothing.
            CountError: transformers cannot recompute its layers.
        """
        model = self.pages.model
        set_up(model, self.options, self._names, self.pages.prefix)
        return model

    def stage(self, workloads: Mapping[str, Workload]) -> VendorStage:
        """Build the one call that runs vision, the prefill, or both of them.

        Raises:
            CountError: there are other stages.
        """
        if not workloads.keys() <= _PARTS.keys():
            raise CountError(
                f"{self.pages.prefix} is trained on vision and prefill, not on "
                f"{listed([*workloads], 'and')}"
            )
        return VendorStage(
            lambda _step: VendorCall(self.model, self._step(workloads)),
            assumptions=tuple(self._assumptions(workloads)),
        )

    def _assumptions(self, workloads: Mapping[str, Workload]) -> Iterator[str]:
        options, model = self.options, self.model
        yield from assumptions(model, options, self.component_of)
        if "vision" in workloads and _is_traced(workloads["vision"]):
            yield VIEW_BY_VIEW

    def _step(self, workloads: Mapping[str, Workload]) -> Callable[[], Any]:
        vision = self._vision(workloads["vision"]) if "vision" in workloads else None
        if vision is None or "prefill" in workloads:
            run = self._decoder(workloads["prefill"], vision)
        else:
            run = vision
        if self.options.recompute != "selective":
            return run
        begins = tuple(_PARTS[stage] for stage in workloads)
        cores = {each for path, each in self.model.named_modules() if self._is_core(path, begins)}

        what = "the vision tower" if vision is not None else self.pages.prefix

        def recomputed() -> Any:
            with attention_core_recomputed(cores, what):
                return run()

        return recomputed

    def _is_core(self, path: str, begins: tuple[str, ...]) -> bool:
        found = self.component_of(path)
        return found.startswith(begins) and found.endswith("attention/core")

    def _vision(self, workload: Workload) -> Callable[[], list[Any]]:
        """Return what encodes the views; it returns features of one width, in rows."""
        if _is_traced(workload):
            return self.pages.views_encoder(workload)
        return self.pages.pages_encoder(workload)

    def _decoder(
        self, workload: Workload, vision: Callable[[], list[Any]] | None
    ) -> Callable[[], Any]:
        """Return what runs the decoder on token ids, those of images replaced by features."""
        import torch

        batch: Any = workload.batch_size
        tokens: Any = workload.context_tokens
        ids = torch.empty(batch, tokens, dtype=torch.long, device="meta")
        is_image = torch.empty(batch, tokens, 1, dtype=torch.bool, device="meta")
        arguments = {
            "attention_mask": torch.ones(batch, tokens, dtype=torch.long, device="meta"),
            "use_cache": False,
            **({"labels": ids} if workload.lm_head == "all" else {"logits_to_keep": 1}),
        }

        def run() -> Any:
            embeddings = self.model.get_input_embeddings()(ids)
            if vision is not None:
                features = torch.cat([rows.flatten(0, -2) for rows in vision()])
                # With sizes that are symbols, torch cannot expand the mask by itself.
                mask = is_image.expand_as(embeddings)
                embeddings = embeddings.masked_scatter(mask, features)
            output = self.model(inputs_embeds=embeddings, **arguments)
            return output.logits if output.loss is None else output.loss

        return run

    def _names(self, path: str) -> tuple[str, ...]:
        """Return the component of a layer, its name, and that without what says its kind."""
        own = path.rpartition(".")[2]
        component = self.component_of(path)
        return component, own, *roles_of(component, own)


def _is_traced(workload: Workload) -> bool:
    return any(is_traced(view.count) for view in workload.views)
