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
    chosen: Any = "num_experts_per_tok",
    experts: dict[str, Any] | None = None,
    **router: Any,
) -> Moe:
    """Return routed experts that are ``inner`` wide, and shared ones if any.

    Args:
        count: the field with the number of experts.
        chosen: the field with the number of experts per token; or the number, if the config
            gives none for all layers.
        experts, router: fields of `Experts` and `Router` that differ from the usual.
    """
    number, named = fields.size(count), isinstance(chosen, str)
    each = fields.size(chosen) if named else chosen
    if type(each) is not int or not 1 <= each <= number:
        name = chosen if named else "num_experts_per_tok"
        raise fields.refused(name, f"whole numbers from 1 to {number}, the number of experts")
    # The loss that balances experts is only for training.
    fields.expect(output_router_logits=False)
    sizes: dict[str, Any] = {"width": fields.width, "experts": number, "per_token": each}
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
