"""Sizes of layers that several formulas compute in the same way."""

from __future__ import annotations

from flopbench.formulas import DoesNotApplyError, ExpertLayers, Facts

MATRICES = 3
"""Matrices of an MLP or an expert in formulas that take every one for gated."""


def require_gated(moe: ExpertLayers) -> None:
    """Refuse experts without a gate.

    Raises:
        DoesNotApplyError: they have none.
    """
    if moe.matrices != MATRICES:
        raise DoesNotApplyError("its experts are gated")


def projections(facts: Facts) -> int:
    """Return the elements of a layer's projections.

    Raises:
        DoesNotApplyError: they are neither plain products of one input nor those of latents.
    """
    width, heads, latent = facts.width, facts.heads, facts.latent
    queries = heads * facts.head_dim
    if latent is None:
        facts.require_separate()
        return width * (queries + 2 * facts.kv_heads * facts.head_dim) + width * queries
    rank, values = latent.kv_rank, heads * facts.value_dim
    made = width * queries
    if latent.query_rank is not None:
        made = latent.query_rank * (width + queries)
    unrotated = heads * (facts.head_dim - latent.rope_dim)
    expanded = width * (rank + latent.rope_dim) + rank * (unrotated + values)
    return made + expanded + width * values
