"""Where the real model works more than an engine that serves it: seen in its weights.

A product with a weight of n elements costs 2 n FLOPs per token, or for routed experts that times
the share of them that a token chooses. What was counted beyond that is work that the result does
not need.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flopbench.conventions import MAC_FLOPS
from flopbench.text import tera
from flopbench_transformers_lm.config import LmConfig
from flopbench_transformers_lm.vendor_model import RealModel

_EXPERTS = "decoder/moe/experts"
_QKV = "decoder/attention/qkv"
_RECURRENT = "decoder/recurrence/in"

_COUNT = ("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts")
_CHOSEN = ("num_experts_per_tok", "moe_topk", "moe_k", "num_experts_per_token")
"""Configs' names for the number of routed experts, and of those that a token chooses."""


def sentences(real: RealModel, stage: str, tokens: int, flops: Mapping[str, int]) -> Iterator[str]:
    """Yield what a stage of ``tokens`` new tokens does more than once, or in vain.

    Args:
        flops: what was counted, by component.
    """
    config = real.config.decoder
    yield from _idle_experts(real, config, stage, tokens, flops.get(_EXPERTS, 0))
    for component in (_QKV, _RECURRENT):
        found = flops.get(component, 0)
        needed = MAC_FLOPS * tokens * _elements(real, component)
        if found > needed > 0:
            yield (
                f"{stage}: {tera(found)} TFLOPs were counted in {component}, of which "
                f"{tera(found - needed)} ({found - needed:,} FLOPs) {_why(real, stage)}; "
                f"{tera(needed)} are for the new ones"
            )
    if stage == "prefill" and _loops_over_tokens(real):
        yield (
            f"{stage}: without its CUDA kernels, transformers runs a selective scan token by token"
        )


def _idle_experts(
    real: RealModel, config: LmConfig, stage: str, tokens: int, found: int
) -> Iterator[str]:
    experts, chosen = _first(config, _COUNT), _first(config, _CHOSEN)
    if not (experts and chosen and found):
        return
    needed = MAC_FLOPS * tokens * _elements(real, _EXPERTS) * chosen // experts
    if found > needed:
        yield (
            f"{stage}: transformers runs experts that no token chose: {tera(found)} TFLOPs in "
            f"{_EXPERTS} ({found:,} FLOPs); the {chosen} of {experts} experts that each token "
            f"uses would need {tera(needed)} ({needed:,})"
        )


def _why(real: RealModel, stage: str) -> str:
    if real.config.decoder.get("kv_lora_rank"):
        return "expand the latents of earlier tokens again"
    if stage == "decode" and not real.keeps_state:
        return "repeat earlier tokens, for which transformers keeps no cache"
    return "are more than one product of each token with each weight"


def _elements(real: RealModel, component: str) -> int:
    """Return the elements of the matrices in a component, of shared ones in each place."""
    named = real.module.named_parameters(remove_duplicate=False)
    return sum(
        parameter.numel()
        for name, parameter in named
        if parameter.dim() > 1 and real.component_of(name.rpartition(".")[0]) == component
    )


def _first(config: LmConfig, names: tuple[str, ...]) -> int | None:
    """Return the first field that is a whole number; some configs list one for each layer."""
    return next((value for name in names if type(value := config.get(name)) is int), None)


def _loops_over_tokens(real: RealModel) -> bool:
    """Return whether a layer has a selective scan, which transformers runs as a loop."""
    return any(
        hasattr(module, "x_proj") or hasattr(module, "x_proj_weight")
        for module in real.module.modules()
    )
