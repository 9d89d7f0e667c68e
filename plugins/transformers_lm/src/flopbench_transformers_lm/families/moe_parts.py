"""Parts that the families with experts share."""

from __future__ import annotations

from typing import Any, TypeAlias

import attrs

from flopbench.blocks import Decoder, Experts, GatedMlp, Mlp, Moe, Router, SelfAttention
from flopbench_transformers_lm.families import checks, parts
from flopbench_transformers_lm.families.fields import Fields

FeedForward: TypeAlias = Mlp | GatedMlp | Moe


def attention(
    fields: Fields, *, biases: str | None = None, rope_partly: bool = False, **options: Any
) -> SelfAttention:
    """Return grouped-query attention.

    Args:
        biases: field that says whether all projections have a bias, if one does.
        rope_partly: whether the family heeds ``partial_rotary_factor``.
        options: fields of the block that are not as usual.
    """
    bias = biases is not None and fields.flag(biases)
    usual = {
        "kv_heads": checks.kv_heads(fields),
        "qkv_bias": bias,
        "out_bias": bias,
    }
    return parts.attention(fields, rope_partly=rope_partly, **(usual | options))


def mlp(fields: Fields, inner: int, **options: Any) -> GatedMlp:
    """Return a gated MLP that is ``inner`` wide."""
    return GatedMlp(width=fields.width, inner=inner, activation=fields.activation(), **options)


def moe(
    fields: Fields,
    inner: int,
    *,
    count: str = "num_experts",
    per_token: Any = None,
    shared: GatedMlp | None = None,
    experts: dict[str, Any] | None = None,
    **router: Any,
) -> Moe:
    """Return routed experts that are ``inner`` wide, and shared ones if any.

    Args:
        count: field that says how many experts there are.
        per_token: experts of a token, if not what the config says of all layers.
        experts, router: fields of `Experts` and `Router` that are not as usual.
    """
    number, name = checks.number(fields, count), "num_experts_per_tok"
    chosen = checks.number(fields, name) if per_token is None else per_token
    if type(chosen) is not int or not 1 <= chosen <= number:
        raise checks.refused(fields, name, f"whole numbers of 1 to {number}, the experts")
    # The loss that balances experts is for training.
    fields.expect(output_router_logits=False)
    sizes: dict[str, Any] = {"width": fields.width, "experts": number, "per_token": chosen}
    usual = {"activation": None if "activation" in (experts or {}) else fields.activation()}
    return Moe(
        router=Router(**sizes, **router),
        experts=Experts(**sizes, inner=inner, **(usual | (experts or {}))),
        shared=shared,
    )


def angles_per_pair(decoder: Decoder) -> Decoder:
    """Return a decoder that makes one cosine and sine for each two elements."""
    angles: Any = decoder.angles
    return attrs.evolve(decoder, angles=tuple(attrs.evolve(a, per_pair=True) for a in angles))
