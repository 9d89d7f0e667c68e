"""The real model: transformers' own class, on the meta device without weights.

Attention is eager in every module. Experts run as ``batched_mm`` where the model has that
switch: the ``grouped_mm`` default has no formula in torch's registry, and ``eager`` experts
loop over data that meta tensors do not have.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from functools import cached_property
from typing import Any

from attrs import frozen

from flopbench import CountError, UsageError
from flopbench.dims import DTYPE_BYTES, is_traced
from flopbench.errors import describe
from flopbench.text import listed
from flopbench.vendor.transformers import ATTENTION, EXPERTS, require_eager
from flopbench_transformers_lm.components import component_of, recurrent_in, usual_name
from flopbench_transformers_lm.config import LmConfig, quiet, to_transformers
from flopbench_transformers_lm.kv_cache import fill_like
from flopbench_transformers_lm.model_types import needs_transformers, table_of

_SIZE = re.compile(r"(head_dim|_size|_heads|_rank)$")
"""Names of fields that are sizes of a model."""

_KV_CACHE = "past_key_values"

_STATES = (_KV_CACHE, "cache_params", "state", "mems")
"""Models' names for the state that a pass leaves for the next: a KV cache or recurrent states."""

_AUTO_CLASSES = {
    "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES": "AutoModelForCausalLM",
    "MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES": "AutoModelForImageTextToText",
    "MODEL_FOR_MULTIMODAL_LM_MAPPING_NAMES": "AutoModelForMultimodalLM",
}
"""What builds a model of a type, by the table that lists the type. Called on text alone, a
multimodal model runs its language model alone."""

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
        try:
            import torch
            from transformers.models.auto import modeling_auto
        except ImportError as error:
            raise needs_transformers(error) from error
        auto = getattr(modeling_auto, _AUTO_CLASSES[self._table])
        try:
            with quiet(), torch.device("meta"):
                module = auto.from_config(
                    _buildable(to_transformers(self.config)),
                    attn_implementation=ATTENTION,
                    experts_implementation=EXPERTS,
                )
        except UsageError:
            raise
        except Exception as error:
            found = _missing_size(self.config) if "NoneType" in str(error) else None
            reason = found or describe(error)
            raise CountError(
                f"transformers cannot build {self.config.model_type}: {reason}"
            ) from error
        require_eager(module)
        # Without a mask some warn of padding, and look for it in token values that do not exist.
        # This bypasses the config's own check: a few types demand a number.
        object.__setattr__(module.config, "pad_token_id", None)
        return module.eval()

    def component_of(self, module: str, op: str = "") -> str:
        """Return the component of work in a module, as `components.component_of` does."""
        return component_of(usual_name(module, self._recurrent), op)

    @cached_property
    def _recurrent(self) -> frozenset[str]:
        return recurrent_in(self.module)

    @property
    def implementation(self) -> str:
        """Name of the class."""
        from transformers.models.auto import modeling_auto

        name: str = getattr(modeling_auto, self._table)[self.config.model_type]
        return name

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

    def _run(self, inputs: dict[str, Any], last: Any) -> Any:
        """Call the model; ``last`` is the largest position, which meta tensors do not have."""
        if is_traced(last) or not self._follows_positions:
            with quiet():
                return self.module(**inputs)
        from flopbench_transformers_lm.positions import LastPosition

        with quiet(), LastPosition(last):
            return self.module(**inputs)

    def prefill(self, batch: Any, tokens: Any, *, all_logits: bool = True) -> Callable[[], Any]:
        """Return the pass over whole sequences, the first that `generate` makes."""
        inputs = self._inputs(batch, tokens, 0, all_logits=all_logits)
        return lambda: self._run(inputs, tokens - 1)

    def decode(self, batch: Any, past_tokens: Any) -> Callable[[], Any]:
        """Return the pass over one more token, on the state that a prefill of the others leaves.

        A model that leaves no state is given all tokens again, as `generate` does.
        """
        left = self.left_by_prefill(batch, past_tokens)
        if not left:
            return self.prefill(batch, past_tokens + 1, all_logits=False)
        inputs = self._inputs(batch, 1, past_tokens, all_logits=False)
        return lambda: self._run({**inputs, **left}, past_tokens)

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
        inputs = self._inputs(1, new, cached, all_logits=all_logits)
        return lambda: self._run({**inputs, **left}, cached + new - 1)

    def left_by_prefill(self, batch: Any, tokens: Any) -> dict[str, Any]:
        """Return the state that a prefill leaves: a filled cache if possible, else from a run."""
        sample = self._sample
        if self._keeps_to_itself:
            self.run_prefill(batch, 2)  # for the states that modules hold
        filled = {name: fill_like(state, batch, tokens) for name, state in sample.items()}
        if any(state is None for state in filled.values()):
            return self.run_prefill(batch, tokens)
        return filled

    def run_prefill(self, batch: Any, tokens: Any) -> dict[str, Any]:
        """Run a prefill, and return the state that it leaves for the next pass."""
        import torch

        with torch.no_grad():
            if self._keeps_to_itself:
                return self._run_on_own_cache(batch, tokens)
            output = self.prefill(batch, tokens, all_logits=False)()
        return {name: output[name] for name in _STATES if output.get(name) is not None}

    @property
    def _keeps_to_itself(self) -> bool:
        """Whether its modules hold recurrent states, beside a cache that it does not return."""
        return hasattr(self.module, "_setup_cache")

    def _run_on_own_cache(self, batch: Any, tokens: Any) -> dict[str, Any]:
        """Run a prefill on a cache of its own, as `generate` does, and return the cache.

        A pass without it comes first: it resets the states that the modules hold.
        """
        from transformers import DynamicCache

        self.prefill(batch, tokens)()
        cache = DynamicCache(config=self.module.config)
        inputs = self._inputs(batch, tokens, 0, all_logits=False)
        self._run({**inputs, _KV_CACHE: cache}, tokens - 1)
        return {_KV_CACHE: cache}

    @property
    def keeps_state(self) -> bool:
        """Whether a pass leaves a cache or a state for the next."""
        return bool(self._sample)

    @cached_property
    def _sample(self) -> dict[str, Any]:
        return self.run_prefill(1, 2)

    def _inputs(
        self, batch: Any, tokens: Any, past_tokens: Any, *, all_logits: bool
    ) -> dict[str, Any]:
        """Return the arguments: tokens, none of them masked, and the number of logits to keep."""
        import torch

        ids = torch.empty(batch, tokens, dtype=torch.long, device="meta")
        inputs: dict[str, Any] = {"input_ids": ids, "use_cache": True}
        if self.chooses_logits:
            inputs["logits_to_keep"] = 0 if all_logits else 1
        if self.config.model_type in _MASKED:
            inputs["attention_mask"] = torch.ones(
                batch, past_tokens + tokens, dtype=torch.long, device="meta"
            )
        return inputs


def _buildable(config: Any) -> Any:
    """Return a config whose dtype torch can build a model in; FLOPs do not depend on it."""
    if str(config.dtype).removeprefix("torch.") not in DTYPE_BYTES:
        config.dtype = None
    return config


def _missing_size(config: LmConfig) -> str | None:
    """Name the sizes that a config leaves open, and fields that may have them."""
    values = config.decoder.values
    empty = [name for name, value in values.items() if value is None and _SIZE.search(name)]
    if not empty:
        return None
    others = [f"{n}={v}" for n, v in values.items() if v and n.endswith(tuple(empty))]
    given = f" (it has {', '.join(others)})" if others else ""
    return f"its config has no {listed(empty, 'or')}{given}: set model.overrides.{empty[0]}"
