"""Closed forms of a batch as it is: its passes, and the layers that draft after it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from flopbench import UsageError
from flopbench_transformers_lm.config import LmConfig
from flopbench_transformers_lm.prediction import DRAFT, as_decoder
from flopbench_transformers_lm.requests import RequestInputs, Requests
from flopbench_transformers_lm.workload import Workload

if TYPE_CHECKING:
    from flopbench.blocks import MultiTokenPrediction, Pass

BEYOND = (
    "a request is longer than the {most} positions that the model is made for "
    "(max_position_embeddings); its FLOPs and bytes are those of a request of that length"
)

_MOST = "max_position_embeddings"


def require_positions(
    name: str, config: LmConfig, requests: Iterable[RequestInputs], key: str = "requests"
) -> None:
    """Refuse a request that is longer than a model's table of positions.

    Args:
        key: what they are called in the workload.

    Raises:
        UsageError: there is one.
    """
    most = config.decoder.get(_MOST)
    for index, each in enumerate(requests):
        if (tokens := each.cached + each.new) > most:
            raise UsageError(
                f"workload.{key}[{index}] reaches {tokens:,} tokens, but the position table "
                f"of {name} ends at {most:,} ({_MOST})"
            )


def beyond_positions(config: LmConfig, requests: Iterable[Requests]) -> Iterator[str]:
    """Yield a note if a request reaches positions that the model is not made for."""
    most = config.decoder.get(_MOST)
    if most and any(each.cached + each.new > most for each in requests):
        yield BEYOND.format(most=most)


def passes(stage: str, workload: Workload) -> Pass:
    """Return the passes of a stage."""
    from flopbench.blocks import PackedPass, Pass, stage_passes

    if workload.requests:
        logits = 1 if stage == DRAFT else None  # a draft is one token of each request
        parts = (
            Pass(batch=r.count, queries=r.new, keys=r.cached + r.new, head_rows=logits or r.logits)
            for r in workload.requests
        )
        return PackedPass(parts=tuple(parts))
    return stage_passes(
        stage,
        batch=workload.batch_size,
        context=workload.context_tokens,
        steps=workload.decode_steps,
        head_rows=workload.head_rows,
    )


def prediction(name: str, config: LmConfig) -> MultiTokenPrediction:
    """Return the multi-token prediction layers of a model.

    Raises:
        UsageError: the config does not say which layers they are.
    """
    from flopbench.blocks import MultiTokenPrediction
    from flopbench_transformers_lm.families import family_of

    layers, family = as_decoder(config), family_of(config)
    if layers is None or family is None:
        raise UsageError(
            f"model {name!r}: the config does not say of which kinds its multi-token prediction "
            "layers are (mtp_layer_types, mtp_mlp_layer_types)"
        )
    return MultiTokenPrediction(decoder=family(layers))
