"""Closed forms of causal language models, by family."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from flopbench.dims import Dim
from flopbench.dtypes import DEFAULT_DTYPE, DTYPE_BYTES
from flopbench.errors import UsageError
from flopbench.model import AnalyticModel, Size, Stage
from flopbench.ops import Op
from flopbench_transformers_lm.config import LmConfig, LmOptions, read_config
from flopbench_transformers_lm.model_types import PREFIX, model_type
from flopbench_transformers_lm.workload import Inputs, Workload

COVERED: Collection[str] = ()
"""Model types with closed forms."""


class HfModel(AnalyticModel):
    """A causal language model of transformers, by its config."""

    name = PREFIX + "*"
    summary = "any other causal language model of transformers: the vendor alone"
    options_type = LmOptions
    inputs_type = Inputs
    defaults = Path(__file__).with_name("default.yaml")
    stages = (
        Stage("prefill", "Prefill"),
        Stage("decode", "Decode"),
        Stage("end2end", "End to end", parts=("prefill", "decode")),
    )
    first_token = ("prefill",)
    per_token = "decode"  # noqa: S105 - a stage, no password
    parts: ClassVar[Mapping[str, str]] = {"decoder": "decoder", "lm_head": "LM head"}
    sizes = (
        Size("B", "sequences at once (batch size)"),
        Size("S", "context tokens of the prefill"),
        Size("K", "decode steps", steps=True),
    )

    def __init__(self, config: LmConfig, *, dtype: str = DEFAULT_DTYPE) -> None:
        self._config = config
        self.dtype = dtype

    @classmethod
    def from_options(cls, options: LmOptions) -> HfModel:
        config = read_config(model_type(cls.name), options)
        found = config.get("dtype")
        return cls(
            config, dtype=options.dtype or (found if found in DTYPE_BYTES else DEFAULT_DTYPE)
        )

    @property
    def architecture(self) -> LmConfig:
        return self._config

    @property
    def no_closed_forms(self) -> str | None:
        if self._config.model_type in COVERED:
            return None
        return f"flopbench-transformers-lm has no closed forms of {self._config.model_type!r}"

    def workload(self, inputs: Inputs) -> Workload:
        return Workload(
            batch_size=inputs.batch_size,
            context_tokens=inputs.context_tokens,
            decode_steps=inputs.decode_steps,
            lm_head=inputs.lm_head,
        )

    def workload_facts(self, workload: Workload) -> Mapping[str, Any]:
        return {
            "batch_size": workload.batch_size,
            "context_tokens": workload.context_tokens,
            "decode_steps": workload.decode_steps,
            "lm_head": workload.lm_head,
        }

    def ops(self, stage: str, workload: Workload) -> Iterator[Op]:
        raise UsageError(f"model {self.name!r}: {self.no_closed_forms}")

    def stage_sizes(self, stage: str, workload: Workload) -> Mapping[str, Dim]:
        sizes = {"B": workload.batch_size, "S": workload.context_tokens}
        return sizes | ({"K": workload.decode_steps} if stage == "decode" else {})

    def stage_workload(self, stage: str, workload: Workload, sizes: Mapping[str, Dim]) -> Workload:
        return Workload(
            batch_size=sizes["B"],
            context_tokens=sizes["S"],
            decode_steps=sizes.get("K", 1),
            lm_head=workload.lm_head,
        )
