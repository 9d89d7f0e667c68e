"""Parts that the families with experts share."""

from __future__ import annotations

from typing import Any, TypeAlias

import attrs

from flopbench.blocks import Decoder, Experts, GatedMlp, Mlp, Moe, Router
from flopbench_transformers_lm.families.fields import Fields

FeedForward: TypeAlias = Mlp | GatedMlp | Moe


def moe(
    fields: Fields,
    inner: int,
    shared: Mlp | GatedMlp | None = None,
    *,
    shared_first: bool = False,
    count: str = "num_experts",
    per_token: Any = None,
    experts: dict[str, Any] | None = None,
    **router: Any,
) -> Moe:
    """Return routed experts that are ``inner`` wide, and shared ones if any.

    Args:
        count: the field with the number of experts.
        per_token: experts per token, if not the number that the config gives for all layers.
        experts, router: fields of `Experts` and `Router` that differ from the usual.
    """
    number, name = fields.size(count), "num_experts_per_tok"
    chosen = fields.size(name) if per_token is None else per_token
    if type(chosen) is not int or not 1 <= chosen <= number:
        raise fields.refused(name, f"whole numbers from 1 to {number}, the number of experts")
    # The loss that balances experts is only for training.
    fields.expect(output_router_logits=False)
    sizes: dict[str, Any] = {"width": fields.width, "experts": number, "per_token": chosen}
    usual = {"activation": None if "activation" in (experts or {}) else fields.activation()}
    return Moe(
        router=Router(**sizes, **router),
        experts=Experts(**(sizes | {"inner": inner} | usual | (experts or {}))),
        shared=shared,
        shared_first=shared_first,
    )


def angles_per_pair(decoder: Decoder) -> Decoder:
    """Return a decoder that computes one cosine and sine per pair of elements."""
    angles: Any = decoder.angles
    return attrs.evolve(decoder, angles=tuple(attrs.evolve(a, per_pair=True) for a in angles))
