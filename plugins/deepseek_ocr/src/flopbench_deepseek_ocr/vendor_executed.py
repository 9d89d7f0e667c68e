"""DeepSeek-OCR as a user runs it: on a GPU in bfloat16, measured by what it executes.

This is not the witness of the closed forms, which is `vendor_native`, always eager and on meta.
The weights are random, and so is the choice of experts for a token. Experts run as
``grouped_mm``, transformers' default on a GPU.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property, partial
from importlib import metadata
from typing import Any, Literal

import attrs

from flopbench import UsageError, VendorCall, VendorStage
from flopbench.vendor.transformers import fill_cache
from flopbench_deepseek_ocr.architecture import Architecture
from flopbench_deepseek_ocr.vendor_native import PagesInTransformers, clip_config, import_torch
from flopbench_deepseek_ocr.workload import Workload

LOG = logging.getLogger("flopbench")

EXPERTS = "grouped_mm"

MANY_STEPS = 5
SECONDS_A_STEP = 25
"""On an H200, to start the process, build the model and profile it."""

Attention = Literal["sdpa", "flash", "eager"]
"""``sdpa`` runs what torch chooses; ``flash`` forces FlashAttention-2 where possible."""


class Executed(PagesInTransformers):
    """transformers' implementation on a GPU; calls run in another process."""

    device = "cuda"

    def __init__(self, architecture: Architecture, attention: Attention) -> None:
        super().__init__(architecture)
        self.attention = attention

    def encoder_config(self) -> dict[str, Any]:
        return clip_config(self._architecture.clip)

    @cached_property
    def model(self) -> Any:
        """The ``torch.nn.Module``, in bfloat16 on the GPU, with random weights of a fixed seed.

        Raises:
            UsageError: torch sees no GPU, or no suitable transformers is installed.
        """
        torch = import_torch()
        if self.device == "cuda" and not torch.cuda.is_available():
            raise UsageError("torch sees no CUDA GPU: it may be a CPU-only build")
        torch.manual_seed(0)
        with torch.device(self.device):
            model = self.build(
                attn_implementation="eager" if self.attention == "eager" else "sdpa",
                experts_implementation=EXPERTS,
                dtype=torch.bfloat16,
            )
        return model.eval()

    def stage(self, name: str, workload: Workload) -> VendorStage:
        """Build the calls of a stage; none is prepared in this process.

        Steps are not sampled: the choice of experts is random, and so is the padding.
        """
        stage = super().stage(name, workload)
        if stage.steps > MANY_STEPS:
            LOG.warning(
                "each of %d decode steps is a process of about %d s on the GPU: "
                "set workload.decode_steps=1 to measure only one",
                stage.steps,
                SECONDS_A_STEP,
            )
        source = (self._architecture, self.attention, name, attrs.evolve(workload, page=None))

        def prepare(step: int) -> VendorCall:
            make = partial(make_call, *source, step)
            return VendorCall(root=None, run=lambda: make().run(), make=make)

        return attrs.evolve(stage, prepare=prepare, sampled=False)

    def prepare(self, name: str, workload: Workload, step: int) -> VendorCall:
        """Prepare the call of a stage's step in this process.

        Raises:
            UsageError: torch sees no GPU, or no suitable transformers is installed.
        """
        _ = self.model  # raises if there is no GPU, before any tensor is created
        call = super().stage(name, workload).prepare(step)

        def run() -> None:
            with self._backends():
                call.run()

        return attrs.evolve(call, run=run)

    def provenance(self) -> Mapping[str, str]:
        """Return the implementation and its settings."""
        return {
            "implementation": f"{self.prefix}ForConditionalGeneration",
            "transformers": metadata.version("transformers"),
            "attention": self.attention,
            "experts": EXPERTS,
            "device": self.device,
            "dtype": "bfloat16",
        }

    def _backends(self) -> AbstractContextManager[Any]:
        if self.attention != "flash":
            return nullcontext()
        from torch.nn.attention import SDPBackend, sdpa_kernel

        # FlashAttention does not support SAM's bias on the scores.
        return sdpa_kernel([SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION])

    def _tensor(self, *shape: Any) -> Any:
        import torch

        return torch.randn(*shape, device=self.device, dtype=torch.bfloat16)

    def _fill(self, cache: Any, batch: Any, tokens: Any) -> Any:
        import torch

        cache = fill_cache(
            cache,
            self._architecture.decoder.cache_shapes,
            batch,
            tokens,
            device=self.device,
            dtype=torch.bfloat16,
        )
        for layer in cache.layers if tokens else ():
            layer.keys.normal_()
            layer.values.normal_()
        return cache


def make_call(
    architecture: Architecture, attention: Attention, stage: str, workload: Workload, step: int
) -> VendorCall:
    """Prepare one call in the current process."""
    return Executed(architecture, attention).prepare(stage, workload, step)
