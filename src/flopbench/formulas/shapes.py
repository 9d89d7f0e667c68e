"""The sizes of a decoder's layers, read off its operations, whose sizes are whole numbers here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

import attrs

from flopbench.formulas.facts import AttentionLayers, ExpertLayers, Latent, MlpLayers
from flopbench.ops import Attention, ExpertLinear, Linear, Op

T = TypeVar("T")

SHARED_GATE = "shared_gate"
"""The role of what weights the output of shared experts: it is no matrix of theirs."""


def linears(ops: Iterable[Op], part: str) -> list[Any]:
    """Return the products with a weight of one part, such as ``mlp``."""
    return [op for op in ops if isinstance(op, Linear) and is_part(op, part)]


def is_part(op: Op, part: str) -> bool:
    """Return whether an operation is of a part of a layer, wherever the layer is."""
    return f"/{op.component}".endswith(f"/{part}")


def attention_layers(ops: Sequence[Op], width: int) -> tuple[AttentionLayers, ...]:
    """Return the groups of layers whose attention is alike."""
    found = [
        AttentionLayers(
            layers=core.layers,
            heads=core.heads,
            kv_heads=core.kv_heads,
            head_dim=core.head_dim,
            value_dim=core.value_dim,
            window=_binding_window(core),
            separate=_is_separate(core, projections, width),
        )
        for core, projections in _with_projections(ops)
    ]
    return _merged(found)


def _binding_window(core: Any) -> int | None:
    """Return the window if it hides any pair; a larger one is as if there were none."""
    last = core.keys + core.queries * (core.steps - 1)
    window: int | None = core.window
    return window if window is not None and window < last else None


def _with_projections(ops: Sequence[Op]) -> Iterator[tuple[Any, list[Any]]]:
    """Yield each core with the projections before it, which are those of its layers."""
    projections: list[Any] = []
    for op in ops:
        if isinstance(op, Attention):
            yield op, projections
            projections = []
        elif isinstance(op, Linear) and is_part(op, "attention/qkv"):
            projections.append(op)


def _is_separate(core: Any, projections: Iterable[Any], width: int) -> bool:
    made = core.heads * core.head_dim + core.kv_heads * (core.head_dim + core.value_dim)
    elements = sum(op.in_features * op.out_features for op in projections)
    return bool(core.head_dim == core.value_dim and elements == made * width)


def latent_of(ops: Sequence[Op], width: int) -> Latent | None:
    """Return the sizes of latent attention: those of its down-projections, and of its cores.

    Its last projection expands the latent vectors of keys and values to their heads; the one
    before makes these vectors, and the rotated key.
    """
    for core, projections in _with_projections(ops):
        if _is_separate(core, projections, width) or len(projections) not in {3, 4}:
            continue
        *queries, down, up = projections
        if up.in_features > down.out_features or down.in_features != width:
            continue
        return Latent(
            query_rank=queries[0].out_features if len(queries) > 1 else None,
            kv_rank=up.in_features,
            rope_dim=down.out_features - up.in_features,
        )
    return None


def mlp_layers(ops: Sequence[Op], width: int) -> tuple[MlpLayers, ...]:
    """Return the groups of layers with a dense MLP."""
    return _merged(_mlps(linears(ops, "mlp"), width))


def _mlps(products: Iterable[Any], width: int) -> Iterator[MlpLayers]:
    """Yield the MLPs that products make up: the last of each gives the model's width.

    Its role says which is the last, where a model names roles: an MLP may be as wide as the model.
    """
    before = 0
    for op in products:
        if op.role == SHARED_GATE:
            continue
        inner = op.in_features
        last = op.role == "down" if op.role else op.out_features == width
        if last and before in {inner, 2 * inner}:
            yield MlpLayers(layers=op.layers, inner=inner, gated=before == 2 * inner)
            before = 0
        else:
            before += op.out_features


def expert_layers(ops: Sequence[Op], width: int) -> tuple[ExpertLayers, ...]:
    """Return the groups of layers with routed experts."""
    experts: list[Any] = [op for op in ops if isinstance(op, ExpertLinear)]
    shared = _mlps(linears(ops, "moe/shared"), width)
    inner, gated = next(((each.inner, each.gated) for each in shared), (0, True))
    found = [
        ExpertLayers(
            layers=down.layers,
            experts=down.experts,
            per_token=down.top_k,
            inner=down.in_features,
            gated=up.out_features == 2 * down.in_features,
            shared=inner,
            shared_gated=gated,
        )
        for up, down in zip(experts[::2], experts[1::2], strict=True)
    ]
    return _merged(found)


def _merged(groups: Iterable[T]) -> tuple[T, ...]:
    """Return the groups, those alike as one."""
    layers: dict[Any, int] = {}
    for group in groups:
        alike: Any = attrs.evolve(group, layers=0)  # type: ignore[misc]
        layers[alike] = layers.get(alike, 0) + group.layers  # type: ignore[attr-defined]
    return tuple(attrs.evolve(alike, layers=number) for alike, number in layers.items())
