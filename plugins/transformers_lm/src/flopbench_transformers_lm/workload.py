"""A causal language model's workload: equal contexts and decode steps, a batch, or requests."""

from __future__ import annotations

import attrs
from attrs import frozen

from flopbench.dims import Dim, dim_field
from flopbench_transformers_lm.requests import LmHead, RequestInputs, Requests


def _at_least_one(default: int) -> int:
    value: int = attrs.field(default=default, validator=attrs.validators.ge(1))
    return value


@frozen(kw_only=True)
class Inputs:
    """What a user may set under ``workload.``.

    Attributes:
        context_tokens: tokens of each sequence's prefill.
        decode_steps: tokens generated after the prefill.
        batch_size: sequences processed at once.
        lm_head: positions of the prefill that the LM head runs on.
        requests: one step over these requests, in place of all of the above.
        draft: whether the model's multi-token prediction layers then draft the next tokens.
        lengths: tokens of each sequence of a packed batch, in place of all but ``lm_head``.

    Raises:
        ValueError: there are requests or lengths, and what they stand in for is set, too.
    """

    context_tokens: int = _at_least_one(512)
    decode_steps: int = _at_least_one(100)
    batch_size: int = _at_least_one(1)
    lm_head: LmHead = "all"
    requests: tuple[RequestInputs, ...] | None = attrs.field(default=None)

    draft: bool = attrs.field(default=False)
    lengths: tuple[int, ...] | None = attrs.field(default=None)

    @requests.validator
    def _alone(self, _attribute: object, requests: tuple[RequestInputs, ...] | None) -> None:
        if requests is None:
            return
        if not requests:
            raise ValueError("'requests' must be a list of at least one request: []")
        self._refuse(_OF_EQUAL_LENGTH, "requests, each of which has its own sizes")

    @lengths.validator
    def _packed(self, _attribute: object, lengths: tuple[int, ...] | None) -> None:
        if lengths is None:
            return
        if not lengths or min(lengths) < 1:
            raise ValueError(f"'lengths' must be a list of numbers of at least 1: {[*lengths]}")
        self._refuse(_NOT_PACKED, "lengths, which are those of all sequences of one pass")

    def _refuse(self, names: tuple[str, ...], what: str) -> None:
        for name in names:
            value = getattr(self, name)
            if value != getattr(attrs.fields(Inputs), name).default:
                said = name if name == "requests" else f"{name}={value}"
                raise ValueError(f"{said} does not go with {what}: leave out one of the two")

    @draft.validator
    def _after_a_step(self, _attribute: object, draft: bool) -> None:
        if draft and self.requests is None:
            raise ValueError("draft=true needs requests, after whose step the draft is made")

    @property
    def unused_keys(self) -> tuple[str, ...]:
        """Names of the keys that have no effect."""
        if self.lengths is not None:
            return _NOT_PACKED
        if self.requests is not None:
            return (*_OF_EQUAL_LENGTH, "lengths")
        return ("requests", "draft", "lengths")


_SIZES = ("context_tokens", "decode_steps", "batch_size")
_OF_EQUAL_LENGTH = (*_SIZES, "lm_head")
_NOT_PACKED = (*_SIZES, "requests", "draft")


@frozen(kw_only=True, eq=False)
class Workload:
    """Everything that a model's FLOPs depend on; dimensions may be arrays or symbols.

    Attributes:
        requests: those of one step; empty for a prefill and decode steps.
        draft: whether a draft follows the step.
        packed: whether the requests are the sequences of a prefill, and not those of a step.
    """

    batch_size: Dim = dim_field(default=1)
    context_tokens: Dim = dim_field(default=512)
    decode_steps: Dim = dim_field(default=100)
    lm_head: LmHead = "all"
    requests: tuple[Requests, ...] = ()
    draft: bool = False
    packed: bool = False

    @property
    def head_rows(self) -> Dim:
        """Positions of one sequence's prefill that the LM head runs on."""
        return self.context_tokens if self.lm_head == "all" else 1
