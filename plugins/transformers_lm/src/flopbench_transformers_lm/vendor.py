"""The witness: the real model of any type that transformers can build from a config."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Any, Literal

import attrs

from flopbench import CountError, VendorCall, VendorModel, VendorStage
from flopbench.dims import is_traced
from flopbench.text import listed
from flopbench.training_step import TrainOptions
from flopbench.vendor.model import ByLength
from flopbench.vendor.transformers import ATTENTION, VerifiedOptions
from flopbench_transformers_lm.config import LmConfig
from flopbench_transformers_lm.model_types import PREFIX
from flopbench_transformers_lm.prediction import DRAFT
from flopbench_transformers_lm.requests import (
    CALLED_APART,
    SEQUENCES_APART,
    STEP,
    Requests,
    totals,
)
from flopbench_transformers_lm.workload import Workload

if TYPE_CHECKING:
    from flopbench_transformers_lm.vendor_model import RealModel
    from flopbench_transformers_lm.vendor_training import TrainedModel

ALL_LOGITS = "this model cannot omit logits: its LM head runs on every position"

STATE_LEFT = "each decode step is called on the state that a prefill of earlier tokens leaves"


@attrs.frozen(kw_only=True)
class HfOptions(VerifiedOptions):
    """What a user may set under ``vendor.``.

    Attributes:
        tokens: a long prefill of a model that loops over tokens in Python: count shorter ones that
            determine it (``sampled``, the default), or ``every`` token.
    """

    tokens: Literal["sampled", "every"] | None = None


class HfVendor(VendorModel):
    """A causal language model as transformers implements it, on the meta device."""

    name = PREFIX + "*"
    summary = "transformers' own class on the meta device, eager attention"
    options_type = HfOptions

    def __init__(
        self, config: LmConfig, *, every_step: bool = False, every_token: bool = False
    ) -> None:
        from flopbench_transformers_lm.vendor_model import RealModel

        self._real = RealModel(config)
        self._every_step = every_step
        self._every_token = every_token
        self._trained: dict[TrainOptions, TrainedModel] = {}

    @classmethod
    def from_options(cls, architecture: LmConfig, options: VerifiedOptions) -> HfVendor:
        return cls(
            architecture,
            every_step=options.decode == "every",
            every_token=isinstance(options, HfOptions) and options.tokens == "every",
        )

    def stage(self, name: str, workload: Workload) -> VendorStage:
        if name == STEP:
            return self._step(workload.requests)
        if name == DRAFT:
            return self._draft(workload.requests)
        if name == "prefill":
            stage = self._prefill(workload, self._real)
            return attrs.evolve(
                stage, by_length=lambda: self._by_length(workload), chunks=self._chunks
            )
        return VendorStage(
            lambda step: self._decode(workload, step),
            steps=workload.decode_steps,
            sampled=not self._every_step,
            assumptions=self._assumptions(name, workload),
            grows="S",
        )

    def training(self, workloads: Mapping[str, Workload], options: TrainOptions) -> VendorStage:
        from flopbench_transformers_lm.vendor_training import TrainedModel

        if [*workloads] != ["prefill"]:
            raise CountError(
                f"vendor model {self.name!r} trains the prefill, not {listed([*workloads], 'and')}"
            )
        if options not in self._trained:
            self._trained[options] = TrainedModel(config=self._real.config, options=options)
        real = self._trained[options]
        stage = self._prefill(workloads["prefill"], real)
        return attrs.evolve(stage, assumptions=(*stage.assumptions, *real.assumptions()))

    def _chunks(self) -> Mapping[str, int]:
        """Return how many tokens make a chunk, where the model cuts a prefill into chunks."""
        from flopbench_transformers_lm.token_loops import chunk

        found = chunk(self._real)
        return {"S": found} if found else {}

    def shapes(self, stage: str, workload: Workload) -> Hashable:
        w = workload
        if w.requests:
            return tuple((r.new, r.cached, r.logits, r.count) for r in w.requests)
        if stage == "prefill":
            return w.batch_size, w.context_tokens, w.lm_head
        return w.batch_size, w.context_tokens, w.decode_steps

    def component(self, module: str) -> str:
        return self.component_of(module, "")

    def component_of(self, module: str, op: str) -> str:
        from flopbench.vendor.trainable import adapted

        return self._real.component_of(adapted(module), op)

    def notes(self, stage: str, workload: Workload, flops: Mapping[str, int]) -> tuple[str, ...]:
        from flopbench_transformers_lm.repeated_work import sentences

        w = workload
        if stage == DRAFT:
            return ()
        if stage == STEP:
            found = self._unasked_logits(w.requests)
            tokens = totals(w.requests)["new_tokens"]
        elif w.packed:
            found, tokens = (), totals(w.requests)["new_tokens"]
        else:
            found = ()
            tokens = w.batch_size * (w.context_tokens if stage == "prefill" else w.decode_steps)
        return (*found, *sentences(self._real, stage, int(tokens), flops))

    def _draft(self, requests: Sequence[Requests]) -> VendorStage:
        """Return a call of the multi-token prediction layers for each kind of request."""
        from flopbench_transformers_lm.vendor_prediction import RealPrediction

        real = RealPrediction(self._real)

        def prepare(one: Requests) -> VendorCall:
            return VendorCall(real.module, real.draft(one.cached, one.new))

        return _one_by_one(requests, prepare, (CALLED_APART,))

    def _unasked_logits(self, requests: Sequence[Requests]) -> tuple[str, ...]:
        """Say that the LM head runs on more than was asked for, if it does."""
        some = any(each.logits != each.new for each in requests)
        return (ALL_LOGITS,) if some and not self._real.chooses_logits else ()

    def provenance(self) -> Mapping[str, str]:
        return {
            "implementation": self._real.implementation,
            "transformers": metadata.version("transformers"),
            "attention": ATTENTION,
            **({"experts": self._real.experts} if self._real.experts else {}),
            "device": "meta",
        }

    def _prefill(self, workload: Workload, real: RealModel) -> VendorStage:
        """Return the calls of a prefill: one, or one for each length of packed sequences."""
        if workload.packed:
            return self._packed(workload, real)
        return VendorStage(
            lambda _step: _whole(workload, real, workload.context_tokens),
            assumptions=self._assumptions("prefill", workload),
        )

    def _by_length(self, workload: Workload) -> ByLength | None:
        """Return shorter prefills that may stand for a long one, if the model loops over tokens."""
        from flopbench_transformers_lm.token_loops import lengths

        tokens = workload.context_tokens
        if self._every_token or workload.packed or type(tokens) is not int:
            return None
        found = lengths(self._real, tokens)
        if found is None:
            return None
        return ByLength(
            lambda length: _whole(workload, self._real, length),
            length=tokens,
            first=found.first,
            stride=found.stride,
            what="a loop over tokens: prefills",
        )

    def _decode(self, workload: Workload, step: int) -> VendorCall:
        past_tokens = workload.context_tokens + step - 1
        run = self._real.decode(workload.batch_size, past_tokens)
        return VendorCall(self._real.module, run)

    def _step(self, requests: Sequence[Requests]) -> VendorStage:
        """Return a call for each kind of request: one of them, as often as there are."""

        def prepare(one: Requests) -> VendorCall:
            run = self._real.resume(one.cached, one.new, all_logits=one.logits != 1)
            return VendorCall(self._real.module, run)

        return _one_by_one(requests, prepare, (CALLED_APART, *self._unasked_logits(requests)))

    def _packed(self, workload: Workload, real: RealModel) -> VendorStage:
        """Return a call for each length: one sequence of it, as often as there are."""
        asked = self._assumptions("prefill", workload)

        def prepare(one: Requests) -> VendorCall:
            run = real.prefill(1, one.new, all_logits=workload.lm_head == "all")
            return VendorCall(real.module, run)

        return _one_by_one(workload.requests, prepare, (SEQUENCES_APART, *asked))

    def _assumptions(self, stage: str, workload: Workload) -> tuple[str, ...]:
        found = []
        if self._real.asks_values:
            from flopbench_transformers_lm.meta_values import ASSUMED

            found.append(ASSUMED)
        if stage == "decode":
            found.append(STATE_LEFT)
        elif workload.lm_head == "last" and not self._real.chooses_logits:
            found.append(ALL_LOGITS)
        return tuple(found)


def _whole(workload: Workload, real: RealModel, tokens: Any) -> VendorCall:
    """Return a prefill of sequences of a number of tokens.

    The logits of all of one token are those of the last one: RWKV, which mixes one token of each
    sequence with those before of all, would give as many as it has sequences.
    """
    wanted = workload.lm_head == "all" and (is_traced(tokens) or tokens != 1)
    run = real.prefill(workload.batch_size, tokens, all_logits=wanted)
    return VendorCall(real.module, run)


def _one_by_one(
    requests: Sequence[Requests],
    prepare: Callable[[Requests], VendorCall],
    assumptions: tuple[str, ...],
) -> VendorStage:
    """Return a stage that calls the model for one of each kind of request."""
    return VendorStage(
        lambda step: prepare(requests[step - 1]),
        steps=len(requests),
        sampled=False,
        assumptions=assumptions,
        times=tuple(int(each.count) for each in requests),
    )
