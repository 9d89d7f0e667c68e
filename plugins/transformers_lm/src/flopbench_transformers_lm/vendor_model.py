"""The real model, and its passes: the calls that `generate` makes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import Any

from attrs import frozen

from flopbench import CountError
from flopbench.dims import is_traced
from flopbench.vendor.transformers import EXPERTS
from flopbench_transformers_lm.building import built, class_of
from flopbench_transformers_lm.components import (
    component_of,
    recurrent_in,
    told_apart,
    usual_name,
)
from flopbench_transformers_lm.config import LmConfig, quiet
from flopbench_transformers_lm.failures import cannot_run
from flopbench_transformers_lm.kv_cache import fill_like, keys_alone
from flopbench_transformers_lm.model_types import table_of

_KV_CACHE = "past_key_values"

_STATES = (_KV_CACHE, "cache_params", "state", "mems")
"""Models' names for the state that a pass leaves for the next: a KV cache or recurrent states."""

_SAMPLE = 2
"""Tokens of a prefill that shows which state a model leaves."""

_ASKS_IN_STEPS = frozenset({"prophetnet"})
"""Types that ask for values of meta tensors in steps on a cache, and not in a prefill."""

_TAKES_ALL = frozenset({"cpmant"})
"""Types that take all tokens again beside their cache, and skip those that are in it."""

_ONE_NAME = frozenset({"nemotron_h"})
"""Types that call the only part of a layer ``mixer``, whatever kind it is of."""

_MASKED = frozenset({"gemma4", "gemma4_unified", "moshi"})
"""Types that, unless given a mask, look for packed sequences in the values of positions, which meta
tensors do not have. All others treat a missing mask as one that hides nothing."""


@frozen(slots=False)
class RealModel:
    """A model of transformers, and how to call it."""

    config: LmConfig

    @cached_property
    def module(self) -> Any:
        """The ``torch.nn.Module``.

        Raises:
            UsageError: torch or transformers is not installed.
            CountError: transformers cannot build the model, or not with eager attention.
        """
        return built(self.config, self.implementation)

    def component_of(self, module: str, op: str = "") -> str:
        """Return the component of work in a module, as `components.component_of` does."""
        if self.config.decoder.model_type in _ONE_NAME:
            module = told_apart(module, self.config.decoder.get("layer_types"))
        return component_of(usual_name(module, self._recurrent), op)

    @cached_property
    def _recurrent(self) -> frozenset[str]:
        return recurrent_in(self.module)

    @property
    def implementation(self) -> str:
        """Name of the class."""
        return class_of(self._table, self.config.model_type)

    @property
    def _table(self) -> str:
        """Name of transformers' table that has the class; the first that lists the type."""
        return table_of(self.config.model_type)

    @property
    def experts(self) -> str | None:
        """How experts run; None if the model has none or cannot be built."""
        try:
            names = [name for name, _module in self.module.named_modules()]
        except CountError:
            return None
        return EXPERTS if any(name.endswith("experts") for name in names) else None

    @cached_property
    def chooses_logits(self) -> bool:
        """Whether the model can omit logits that are not requested."""
        return "logits_to_keep" in inspect.signature(self.module.forward).parameters

    @cached_property
    def _follows_positions(self) -> bool:
        """Whether rotary frequencies depend on the values of positions."""
        found = re.findall(r"rope_type'?: '?(\w+)", str(self.config.decoder.get("rope_parameters")))
        return not {"dynamic", "longrope"}.isdisjoint(found)

    @property
    def asks_values(self) -> bool:
        """Whether it asks for values that meta tensors do not have."""
        from flopbench_transformers_lm.meta_values import is_asked

        if self.config.model_type in _ASKS_IN_STEPS:
            return True
        return isinstance(self._trial, Exception) and is_asked(self._trial)

    @cached_property
    def _trial(self) -> Any:
        """What a short prefill returns without answers to such questions, or its error."""
        import torch

        inputs = self._inputs(1, _SAMPLE, 0, all_logits=False)
        try:
            with torch.no_grad(), quiet(), self._positions(_SAMPLE - 1):
                return self.module(**inputs)
        except Exception as error:  # noqa: BLE001 - it is told if the call itself fails, too
            return error

    def _call(self, inputs: dict[str, Any], last: Any, request: str = "") -> Callable[[], Any]:
        """Return a call of the model; ``last`` is the largest position, which meta tensors lack.

        Args:
            request: as in `cannot_run`.

        The call raises a `CountError` if transformers cannot run the model on the meta device, or
        not on tokens alone.
        """
        answers = self._answers(last)  # what it finds out runs before the call, not within it

        def call() -> Any:
            with quiet(), answers():
                if is_traced(last):
                    return self.module(**inputs)
                try:
                    return self.module(**inputs)
                except (CountError, TimeoutError):
                    raise
                except Exception as error:
                    raise cannot_run(self.config, error, request) from error

        return call

    def _answers(self, last: Any) -> Callable[[], AbstractContextManager[Any]]:
        """Return what answers for the values that meta tensors do not have."""
        if not self.asks_values:
            return lambda: self._positions(last)
        from flopbench_transformers_lm.meta_values import MetaValues

        return lambda: MetaValues(last)

    def _positions(self, last: Any) -> AbstractContextManager[Any]:
        """Return what tells the largest position to a model that asks for it alone."""
        if is_traced(last) or not self._follows_positions:
            return nullcontext()
        from flopbench_transformers_lm.positions import LastPosition

        return LastPosition(last)

    def prefill(self, batch: Any, tokens: Any, *, all_logits: bool = True) -> Callable[[], Any]:
        """Return the pass over whole sequences, the first that `generate` makes."""
        inputs = self._inputs(batch, tokens, 0, all_logits=all_logits)
        return self._call(inputs, tokens - 1)

    def decode(self, batch: Any, past_tokens: Any) -> Callable[[], Any]:
        """Return the pass over one more token, on the state that a prefill of the others leaves.

        A model that leaves no state is given all tokens again, as `generate` does.
        """
        left = self.left_by_prefill(batch, past_tokens)
        if not left:
            return self.prefill(batch, past_tokens + 1, all_logits=False)
        again = past_tokens if self.config.model_type in _TAKES_ALL else 0
        inputs = self._inputs(batch, again + 1, past_tokens - again, all_logits=False)
        return self._call({**inputs, **left}, past_tokens)

    def resume(self, cached: Any, new: Any, *, all_logits: bool) -> Callable[[], Any]:
        """Return the pass of one sequence over ``new`` tokens, on the state that others left.

        Raises:
            CountError: there are cached tokens, and the model keeps nothing of earlier tokens.
        """
        if not cached:
            return self.prefill(1, new, all_logits=all_logits)
        left = self.left_by_prefill(1, cached)
        if not left:
            raise CountError(
                f"transformers keeps no cache for {self.config.model_type}: its requests must have "
                f"0 cached tokens, got {cached:,}"
            )
        again = cached if self.config.model_type in _TAKES_ALL else 0
        inputs = self._inputs(1, again + new, cached - again, all_logits=all_logits)
        several = f"{new:,} new and {cached:,} cached tokens of a request" if new > 1 else ""
        return self._call({**inputs, **left}, cached + new - 1, several)

    def left_by_prefill(self, batch: Any, tokens: Any) -> dict[str, Any]:
        """Return the state that a prefill leaves: a filled cache if possible, else from a run."""
        filled = {name: fill_like(state, batch, tokens) for name, state in self._sample.items()}
        if any(s is None for s in filled.values()) or self.config.model_type in _TAKES_ALL:
            return self.run_prefill(batch, tokens)
        if self._given_cache:  # its recurrent states are in its modules
            self._left(batch, _SAMPLE, given=True)
        return filled

    def run_prefill(self, batch: Any, tokens: Any) -> dict[str, Any]:
        """Run a prefill, and return the state that it leaves for the next pass."""
        return self._left(batch, tokens, given=self._given_cache)

    def _left(self, batch: Any, tokens: Any, *, given: bool) -> dict[str, Any]:
        """Run a prefill, on an empty cache if one is ``given``, and return the state left."""
        import torch
        from transformers import DynamicCache

        inputs = self._inputs(batch, tokens, 0, all_logits=False)
        if given:
            inputs[_KV_CACHE] = DynamicCache(config=self.module.config)
        with torch.no_grad():
            output = self._call(inputs, tokens - 1)()
        left = _states_of(output)
        return {_KV_CACHE: inputs[_KV_CACHE]} if given and not left else left

    @cached_property
    def _given_cache(self) -> bool:
        """Whether it fills the cache that `generate` gives it, but returns none."""
        takes = _KV_CACHE in inspect.signature(self.module.forward).parameters
        if not takes or self._returned:
            return False
        return bool(self._left(1, _SAMPLE, given=True)[_KV_CACHE].get_seq_length())

    @property
    def keeps_state(self) -> bool:
        """Whether a pass leaves a cache or a state for the next."""
        return bool(self._sample)

    @property
    def keeps_keys_alone(self) -> bool:
        """Whether a pass leaves keys and values alone: nothing that waits for the token before."""
        return keys_alone(self._sample.get(_KV_CACHE))

    @cached_property
    def _sample(self) -> dict[str, Any]:
        return self._left(1, _SAMPLE, given=True) if self._given_cache else self._returned

    @cached_property
    def _returned(self) -> dict[str, Any]:
        if isinstance(self._trial, Exception):
            return self._left(1, _SAMPLE, given=False)
        return _states_of(self._trial)

    def _inputs(
        self, batch: Any, tokens: Any, past_tokens: Any, *, all_logits: bool
    ) -> dict[str, Any]:
        """Return the arguments: tokens, none of them masked, and the number of logits to keep."""
        import torch

        shape = _shape_of_ids(self.module.config, batch, tokens)
        ids = torch.empty(*shape, dtype=torch.long, device="meta")
        inputs: dict[str, Any] = {"input_ids": ids, "use_cache": True}
        if self.chooses_logits:
            inputs["logits_to_keep"] = 0 if all_logits else 1
        if self.config.model_type in _MASKED:
            inputs["attention_mask"] = torch.ones(
                batch, past_tokens + tokens, dtype=torch.long, device="meta"
            )
        if "lang_ids" in inspect.signature(self.module.forward).parameters:
            # Values, not meta: which layers run depends on them. Those of all languages are equal.
            inputs["lang_ids"] = torch.zeros(int(batch), dtype=torch.long)
        return inputs


def _shape_of_ids(config: Any, batch: Any, tokens: Any) -> tuple[Any, ...]:
    """Return the shape of a model's token ids; those that make sound have several a position."""
    if config.model_type in {"musicgen_decoder", "musicgen_melody_decoder"}:
        return config.num_codebooks * batch, tokens
    if config.model_type == "kyutai_speech_to_text":
        return batch, tokens, config.num_codebooks + 1
    return batch, tokens


def _states_of(output: Any) -> dict[str, Any]:
    """Return the state that a model's output has for the next pass."""
    return {name: output[name] for name in _STATES if output.get(name) is not None}
