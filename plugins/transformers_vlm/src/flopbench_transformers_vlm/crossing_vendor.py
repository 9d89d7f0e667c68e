"""The witness of models whose decoder reads the image by cross-attention."""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Callable, Hashable, Mapping
from functools import cached_property
from typing import Any

from flopbench import CountError, VendorCall, VendorStage
from flopbench.dims import is_traced
from flopbench.training_step import TrainOptions
from flopbench_transformers_lm.components import component_of as text_component
from flopbench_transformers_lm.config import quiet
from flopbench_transformers_lm.failures import cannot_run
from flopbench_transformers_lm.kv_cache import fill_like
from flopbench_transformers_lm.vendor import ALL_LOGITS, STATE_LEFT
from flopbench_transformers_vlm.components import component_of
from flopbench_transformers_vlm.processors import fixed_size
from flopbench_transformers_vlm.vendor import VlVendor
from flopbench_transformers_vlm.workload import Workload

_SAMPLE = 2
"""Tokens, of both the decoder and its memory, of a prefill that shows what it keeps."""

_TOWER = re.compile(r"^encoder(\.|$)|^model\.(vision_tower|multi_modal_projector)(\.|$)")
_ENCODER = re.compile(r"^model\.language_model\.encoder\.")
_DECODER = re.compile(r"^(decoder|model\.language_model)\.")
_CROSS = re.compile(r"\.(encoder_attn|encoder_decoder_attention)(?=\.|$)")


class CrossingVendor(VlVendor):
    """A model of transformers with an encoder and a decoder, on the meta device.

    The whole class is called: on the tower's output, or with it in place of the image.
    """

    def stage(self, name: str, workload: Any) -> VendorStage:
        if name == "vision":
            return VendorStage(lambda _step: VendorCall(self._module, self.features(workload)))
        if name == "prefill":
            return VendorStage(
                lambda _step: VendorCall(self._module, self._first_pass(workload)),
                assumptions=self._unasked(workload),
            )
        return VendorStage(
            lambda step: VendorCall(self._module, self._next_pass(workload, step)),
            steps=workload.decode_steps,
            sampled=not self._every_step,
            assumptions=(STATE_LEFT,),
        )

    def training(self, workloads: Mapping[str, Any], options: TrainOptions) -> VendorStage:
        raise CountError(
            f"vendor model {self.name!r} does not train a model with an encoder and a decoder"
        )

    def shapes(self, stage: str, workload: Any) -> Hashable:
        w = workload
        if stage == "vision":
            return super().shapes(stage, workload)
        sizes = (w.batch_size, w.context_tokens, w.memory)
        return (*sizes, w.lm_head if stage == "prefill" else w.decode_steps)

    def component_of(self, module: str, op: str) -> str:
        if _TOWER.search(module):
            return component_of(module)
        if module == "enc_to_dec_proj":
            return "decoder/memory"
        if _ENCODER.search(module):
            found = text_component(_ENCODER.sub("model.decoder.", module), op)
            return found.replace("decoder/", "encoder/", 1)
        own = _DECODER.sub("", module, count=1)
        found = text_component(_CROSS.sub(".self_attn", own), op)
        return found.replace("attention", "cross_attention", 1) if _CROSS.search(own) else found

    def notes(self, stage: str, workload: Any, flops: Mapping[str, int]) -> tuple[str, ...]:
        return self._unasked(workload) if stage == "prefill" else ()

    def _unasked(self, workload: Workload) -> tuple[str, ...]:
        """Say that the LM head runs on more than was asked for, if it does."""
        return (ALL_LOGITS,) if workload.lm_head == "last" and self._logits is None else ()

    @property
    def _module(self) -> Any:
        return self._real.module

    @property
    def _logits(self) -> str | None:
        """The argument that says how many logits to keep, if there is one."""
        name, part = "logits_to_keep", self._module
        if name in inspect.signature(part.forward).parameters:
            return name
        part = getattr(part, "decoder", part)
        return f"decoder_{name}" if name in inspect.signature(part.forward).parameters else None

    def features(self, workload: Workload) -> Callable[[], Any]:
        """Return the call that turns the images of all prompts into features."""
        count: Any = sum(view.count for view in workload.all_views)
        images = self.images(count)
        return self._guarded(lambda: self._encode(**images), traced=is_traced(count))

    def images(self, count: Any) -> Mapping[str, Any]:
        """Return what the tower takes for a number of images."""
        import torch

        size = fixed_size(self._config.processor, "image processor")
        return {"pixel_values": torch.empty(count, self._channels, *size, device="meta")}

    @property
    def _tower(self) -> Any:
        """The config of the tower."""
        config = self._module.config
        return getattr(config, "encoder", None) or config.vision_config

    @property
    def _channels(self) -> int:
        found: int = self._tower.num_channels
        return found

    def _encode(self, **images: Any) -> Any:
        return self._module.encoder(**images)

    def _first_pass(self, workload: Workload) -> Callable[[], Any]:
        w = workload
        inputs = self._inputs(w.batch_size, w.context_tokens)
        if self._logits is not None:
            inputs[self._logits] = 0 if w.lm_head == "all" else 1
        inputs |= self._read(w.batch_size, w.memory)
        return self._called(inputs, (w.batch_size, w.context_tokens, w.memory))

    def _next_pass(self, workload: Workload, step: int) -> Callable[[], Any]:
        w, sample = workload, self._sample
        past: Any = w.context_tokens + step - 1
        cache = copy.copy(sample)
        cache.self_attention_cache = fill_like(sample.self_attention_cache, w.batch_size, past)
        cache.cross_attention_cache = fill_like(
            sample.cross_attention_cache, w.batch_size, w.memory
        )
        inputs = {**self._inputs(w.batch_size, 1), "past_key_values": cache}
        inputs |= self._states(w.batch_size, w.memory)
        return self._called(inputs, (w.batch_size, past, w.memory))

    @cached_property
    def _sample(self) -> Any:
        """The cache that a short prefill leaves."""
        import torch

        inputs = {**self._inputs(1, _SAMPLE), **self._read(1, _SAMPLE)}
        with torch.no_grad():
            return self._called(inputs, ())().past_key_values

    def _inputs(self, batch: Any, tokens: Any) -> dict[str, Any]:
        return {"decoder_input_ids": ids(batch, tokens), "use_cache": True}

    def _read(self, batch: Any, memory: Any) -> dict[str, Any]:
        """Return what the first pass has of the memory."""
        return self._states(batch, memory)

    @property
    def _width(self) -> int:
        """Width of the memory."""
        found: int = self._tower.hidden_size
        return found

    def _states(self, batch: Any, memory: Any) -> dict[str, Any]:
        """Return the output of the encoder that the decoder reads."""
        import torch
        from transformers.modeling_outputs import BaseModelOutput

        states = torch.empty(batch, memory, self._width, device="meta")
        return {"encoder_outputs": BaseModelOutput(last_hidden_state=states)}

    def _called(self, inputs: Mapping[str, Any], sizes: tuple[Any, ...]) -> Callable[[], Any]:
        traced = any(map(is_traced, sizes))
        return self._guarded(lambda: self._module(**inputs), traced=traced)

    def _guarded(self, call: Callable[[], Any], *, traced: bool) -> Callable[[], Any]:
        def guarded() -> Any:
            with quiet():
                try:
                    return call()
                except Exception as error:
                    if traced:
                        raise
                    raise cannot_run(self._real.config, error) from error

        return guarded


def ids(batch: Any, tokens: Any) -> Any:
    """Return token ids, without values."""
    import torch

    return torch.empty(batch, tokens, dtype=torch.long, device="meta")
