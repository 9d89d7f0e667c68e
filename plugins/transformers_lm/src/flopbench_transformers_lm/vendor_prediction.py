"""The real multi-token prediction layers: transformers' own, on the model that has them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from attrs import frozen

from flopbench import CountError
from flopbench.errors import describe
from flopbench.vendor.transformers import require_eager
from flopbench_transformers_lm.config import quiet
from flopbench_transformers_lm.kv_cache import fill_like
from flopbench_transformers_lm.prediction import layers_of
from flopbench_transformers_lm.vendor_model import RealModel

ROOT = "mtp"
"""Name of the layers in the paths of modules."""


@frozen(slots=False)
class RealPrediction:
    """The layers that draft tokens for a real model, and how to call them."""

    model: RealModel

    @cached_property
    def module(self) -> Any:
        """The layers, under the name `ROOT`.

        Raises:
            CountError: transformers cannot build them.
        """
        import torch

        main = self.model.module
        try:
            from transformers.modeling_layers import MtpModel

            with quiet(), torch.device("meta"):
                layers = MtpModel(main, layers_of(self.model.config))
        except Exception as error:
            kind = self.model.config.model_type
            raise CountError(
                f"transformers cannot build the multi-token prediction layers of {kind}: "
                f"{describe(error)}"
            ) from error
        require_eager(layers)
        return torch.nn.ModuleDict({ROOT: layers.eval()})

    def draft(self, cached: Any, new: Any) -> Callable[[], Any]:
        """Return the pass of one sequence over ``new`` tokens, each layer on a filled cache."""
        cache = self._empty()
        if cached:
            cache = fill_like(self._sample, 1, cached)
        return lambda: self._run(new, cached, cache)

    def _run(self, new: Any, cached: Any, cache: Any) -> Any:
        import torch

        layers = self.module[ROOT]
        hidden = torch.empty(1, new, layers.config.hidden_size, device="meta", dtype=layers.dtype)
        with quiet():
            return layers(
                input_ids=torch.empty(1, new, dtype=torch.long, device="meta"),
                last_hidden_states=hidden,
                attention_mask=None,
                position_ids=torch.arange(cached + 1, cached + new + 1, device="meta")[None],
                mtp_cache=cache,
            )

    def _empty(self) -> Any:
        from transformers.cache_utils import MtpCache

        return MtpCache(config=self.module[ROOT].config)

    @cached_property
    def _sample(self) -> Any:
        import torch

        cache = self._empty()
        with torch.no_grad():
            self._run(2, 0, cache)
        return cache
