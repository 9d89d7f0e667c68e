"""The real model as it is trained: what has gradients, adapters, and what is recomputed.

The model is one of its own: what training changes on it leaves that of other stages as it is.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import nullcontext
from functools import cached_property
from typing import Any
from unittest.mock import patch

from attrs import frozen

from flopbench.training_step import TrainOptions
from flopbench.vendor.recomputed import attention_core_recomputed
from flopbench.vendor.trainable import assumptions, set_up
from flopbench_transformers_lm.module_names import roles_of
from flopbench_transformers_lm.vendor_model import RealModel


@frozen(slots=False, kw_only=True)
class TrainedModel(RealModel):
    """A model of transformers that is trained, and how to call it.

    Attributes:
        options: how it is trained.
    """

    options: TrainOptions

    @cached_property
    def module(self) -> Any:
        """The ``torch.nn.Module``. Dropout is off: it is in ``eval`` mode.

        Raises:
            UsageError: a pattern of ``options`` matches nothing.
            CountError: transformers cannot build the model, or not recompute its layers.
        """
        module = RealModel(self.config).module
        set_up(module, self.options, self._names, self.config.model_type)
        return module

    def assumptions(self) -> tuple[str, ...]:
        """Return what the training assumes, a sentence each.

        Raises:
            UsageError, CountError: as for ``module``.
        """
        return tuple(assumptions(self.module, self.options, self.component_of))

    def prefill(self, batch: Any, tokens: Any, *, all_logits: bool = True) -> Callable[[], Any]:
        """Return the pass over whole sequences whose result is differentiated.

        It returns the model's own loss if there is one for all positions, or else the logits.
        """
        inputs = self._inputs(batch, tokens, 0, all_logits=all_logits)
        inputs["use_cache"] = False
        if all_logits and "labels" in inspect.signature(self.module.forward).parameters:
            inputs["labels"] = inputs["input_ids"]
        return lambda: self._result(inputs, tokens - 1)

    def _result(self, inputs: dict[str, Any], last: Any) -> Any:
        from transformers import masking_utils

        selective = self.options.recompute == "selective"
        kind = self.config.model_type
        # Without a mask and a cache, models look for packed sequences in the values of positions,
        # which meta tensors do not have: there are none.
        with (
            patch.object(masking_utils, "find_packed_sequence_indices", lambda *_: None),
            attention_core_recomputed(self._cores, kind) if selective else nullcontext(),
        ):
            output = self._run(inputs, last)
        loss = output.get("loss")
        return output["logits"] if loss is None else loss

    @cached_property
    def _cores(self) -> set[Any]:
        named = self.module.named_modules()
        core = "decoder/attention/core"
        return {each for name, each in named if self.component_of(name) == core}

    def _names(self, path: str) -> tuple[str, ...]:
        """Return the component of a layer, and what it is called in it."""
        component = self.component_of(path)
        return (component, path.rpartition(".")[2], *roles_of(component, path))
