"""The witness: the real model of any type that transformers can build from a config."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from importlib import metadata

from flopbench import VendorCall, VendorModel, VendorStage
from flopbench.vendor.transformers import ATTENTION, VerifiedOptions
from flopbench_transformers_lm.config import LmConfig
from flopbench_transformers_lm.model_types import PREFIX
from flopbench_transformers_lm.workload import Workload


class HfVendor(VendorModel):
    """A causal language model as transformers implements it, on the meta device."""

    name = PREFIX + "*"
    summary = "transformers' own class on the meta device, eager attention"
    options_type = VerifiedOptions

    def __init__(self, config: LmConfig, *, every_step: bool = False) -> None:
        from flopbench_transformers_lm.vendor_model import RealModel

        self._real = RealModel(config)
        self._every_step = every_step

    @classmethod
    def from_options(cls, architecture: LmConfig, options: VerifiedOptions) -> HfVendor:
        return cls(architecture, every_step=options.decode == "every")

    def stage(self, name: str, workload: Workload) -> VendorStage:
        prepare = {"prefill": self._prefill, "decode": self._decode}[name]
        return VendorStage(
            lambda step: prepare(workload, step),
            steps=workload.decode_steps if name == "decode" else 1,
            sampled=not self._every_step,
            assumptions=self._assumptions(name, workload),
        )

    def shapes(self, stage: str, workload: Workload) -> Hashable:
        w = workload
        if stage == "prefill":
            return w.batch_size, w.context_tokens, w.lm_head
        return w.batch_size, w.context_tokens, w.decode_steps

    def component(self, module: str) -> str:
        from flopbench_transformers_lm.components import component_of

        return component_of(module)

    def notes(self, stage: str, workload: Workload, flops: Mapping[str, int]) -> tuple[str, ...]:
        from flopbench_transformers_lm.repeated_work import sentences

        w = workload
        tokens = w.batch_size * (w.context_tokens if stage == "prefill" else w.decode_steps)
        return tuple(sentences(self._real, stage, int(tokens), flops))

    def provenance(self) -> Mapping[str, str]:
        return {
            "implementation": self._real.implementation,
            "transformers": metadata.version("transformers"),
            "attention": ATTENTION,
            **({"experts": self._real.experts} if self._real.experts else {}),
            "device": "meta",
        }

    def _prefill(self, workload: Workload, _step: object) -> VendorCall:
        run = self._real.prefill(
            workload.batch_size, workload.context_tokens, all_logits=workload.lm_head == "all"
        )
        return VendorCall(self._real.module, run)

    def _decode(self, workload: Workload, step: int) -> VendorCall:
        past_tokens = workload.context_tokens + step - 1
        run = self._real.decode(workload.batch_size, past_tokens)
        return VendorCall(self._real.module, run)

    def _assumptions(self, stage: str, workload: Workload) -> tuple[str, ...]:
        if stage == "decode":
            return (
                "each decode step is called on the state that a prefill of earlier tokens leaves",
            )
        if workload.lm_head == "last" and not self._real.chooses_logits:
            return ("this model cannot omit logits: its LM head runs on every position",)
        return ()
