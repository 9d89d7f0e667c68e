"""Public formulas of FLOPs, each from the description or the meaning of its source.

No code is copied: every formula is written anew, and its declaration is checked against a model's
operations wherever it is used.
"""

from __future__ import annotations

from flopbench import Formula, hookimpl
from flopbench.builtin.formulas.cookbook import Cookbook
from flopbench.builtin.formulas.deepspeed import DeepSpeed
from flopbench.builtin.formulas.maxtext import MaxText
from flopbench.builtin.formulas.megatron import MegatronBridge, MegatronLm
from flopbench.builtin.formulas.papers import Chinchilla, Kaplan, Palm, SixNd, SixNdActive
from flopbench.builtin.formulas.serving import Sglang, Vllm
from flopbench.builtin.formulas.small import NanoGpt, TransformersTrainer
from flopbench.builtin.formulas.torchtitan import (
    TorchTitan,
    TorchTitanTransformers,
    TorchTitanWindows,
)
from flopbench.builtin.formulas.verl import Verl


@hookimpl
def flopbench_formulas() -> list[type[Formula]]:
    """Contribute the formulas: papers first, then frameworks by name."""
    return [
        SixNd,
        SixNdActive,
        Kaplan,
        Chinchilla,
        Palm,
        Cookbook,
        DeepSpeed,
        MaxText,
        MegatronBridge,
        MegatronLm,
        NanoGpt,
        TorchTitan,
        TorchTitanTransformers,
        TorchTitanWindows,
        TransformersTrainer,
        Verl,
        Vllm,
        Sglang,
    ]
