"""The requests of a batch as it is: how many tokens of each are new, and how many are cached."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import attrs
from attrs import frozen

from flopbench.dims import Dim, dim_field

LmHead = Literal["all", "last"]

STEP = "step"
"""Name of the stage that runs the requests."""

PACKED = (
    "the requests of the step are packed, as a kernel for ragged batches runs them: each new token "
    "meets only the keys of its own request, and weights are read once for all of them; a batch "
    "padded to its longest request does more"
)

SEQUENCES_PACKED = (
    "the sequences are packed, as a kernel for ragged batches runs them: each token meets only the "
    "keys of its own sequence, and weights are read once for all of them; a batch padded to its "
    "longest sequence does more"
)

SEQUENCES_APART = (
    "the model was called once per length of sequence, alone; the counts were multiplied and summed"
)

CALLED_APART = (
    "the model was called once per request, alone, on a cache of its cached tokens; the counts "
    "were summed"
)


@frozen(kw_only=True)
class RequestInputs:
    """What a user may set for a request.

    Attributes:
        new: tokens of it in this step: a chunk of its prompt, or what is generated or verified.
        cached: earlier tokens, whose keys and values are in the KV cache.
        lm_head: whether the last new token gets logits, or ``all`` of them, as for verification.
        count: number of such requests.
    """

    new: int = attrs.field(validator=attrs.validators.ge(1))
    cached: int = attrs.field(default=0, validator=attrs.validators.ge(0))
    lm_head: LmHead = "last"
    count: int = attrs.field(default=1, validator=attrs.validators.ge(1))


@frozen(kw_only=True, eq=False)
class Requests:
    """Requests of one length; the sizes may be symbols.

    Attributes:
        new, cached: tokens of one request.
        logits: new tokens of one request that get logits.
        count: number of requests.
    """

    new: Dim = dim_field()
    cached: Dim = dim_field(default=0)
    logits: Dim = dim_field(default=1)
    count: Dim = dim_field(default=1)


def by_length(inputs: Iterable[RequestInputs]) -> tuple[Requests, ...]:
    """Join equal requests, in the order of the first of each."""
    counts: dict[tuple[int, int, int], int] = {}
    for each in inputs:
        key = each.new, each.cached, each.new if each.lm_head == "all" else 1
        counts[key] = counts.get(key, 0) + each.count
    return tuple(
        Requests(new=new, cached=cached, logits=logits, count=count)
        for (new, cached, logits), count in counts.items()
    )


def totals(requests: Iterable[Requests]) -> dict[str, Dim]:
    """Return what all requests have together, as facts of a report."""
    each = tuple(requests)
    return {
        "batch_size": sum(r.count for r in each),
        "new_tokens": sum(r.count * r.new for r in each),
        "cached_tokens": sum(r.count * r.cached for r in each),
        "logits": sum(r.count * r.logits for r in each),
    }
