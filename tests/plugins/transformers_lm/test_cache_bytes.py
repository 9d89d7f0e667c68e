"""What a decode step reads of the cache and writes, and what it holds, against the real cache.

The models run in bfloat16; a state may have another type.
"""

import attrs
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from flopbench.analytic.price import Pricer
from flopbench.builtin.eager import Eager
from flopbench.conventions import Conventions
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.config import LmOptions, read_config
from flopbench_transformers_lm.families import FAMILIES
from flopbench_transformers_lm.vendor_model import RealModel
from flopbench_transformers_lm.workload import Workload
from plugins.transformers_lm.test_multimodal import WHOLE, small
from plugins.transformers_lm.tiny_configs import few, tiny


def priced(config, workload):
    pricer = Pricer(Eager(), Conventions(), "bfloat16")
    return pricer.stage(HfModel(config), "decode", workload, Eager())


class Cache(TorchDispatchMode):
    """What a step of the real model does with its cache, in bytes.

    Attributes:
        read: of the keys, values and states that the cache gives to the layers.
        written: of the new keys and values, and of what is copied into states.
        states: those that the cache holds.
    """

    def __init__(self, config, workload):
        super().__init__()
        bfloat16 = {**config.values, "dtype": "bfloat16"}
        self.real = RealModel(attrs.evolve(config, values=bfloat16))
        self.workload = workload
        self.left = self.real.left_by_prefill(workload.batch_size, workload.context_tokens)
        (self.cache,) = self.left.values()
        self.states = [state for layer in self.cache.layers for state in states_of(layer)]
        self.storages = {state.untyped_storage()._cdata for state in self.states}
        self.read = self.written = 0

    def step(self):
        """Run a step of decoding under watch."""
        cache, update, seen = self.cache, self.cache.update, {}

        def watched(keys, values, layer, *args, **kwargs):
            found = update(keys, values, layer, *args, **kwargs)
            self.written += bytes_of(keys, values)
            seen[layer] = bytes_of(*found)
            self.read += seen[layer]
            return found

        cache.update = watched
        indexed = cache.update_indexer

        def watched_indexer(keys, layer, *args, **kwargs):
            found = indexed(keys, layer, *args, **kwargs)
            self.written += bytes_of(keys)
            self.read += bytes_of(found)
            return found

        cache.update_indexer = watched_indexer
        for name in ("get_conv_state", "get_recurrent_state"):
            setattr(cache, name, self._watched(getattr(cache, name)))
        sizes = (self.workload.batch_size, 1, self.workload.context_tokens)
        inputs = self.real._inputs(*sizes, all_logits=False)
        with torch.no_grad(), self:
            self.real.module(**inputs, **self.left)
        self.read += sum(handed_on(self.real.module, seen))
        return self

    def _watched(self, get):
        def watched(*args, **kwargs):
            state = get(*args, **kwargs)
            self.read += 0 if state is None else bytes_of(state)
            return state

        return watched

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        copies = str(func.overloadpacket) == "aten.copy_"
        if copies and args[0].untyped_storage()._cdata in self.storages:
            self.written += bytes_of(args[0])
        return func(*args, **(kwargs or {}))


def handed_on(module, seen):
    """Yield what layers are given that use the keys of the last layer of their kind with own."""
    layers = [each for each in module.modules() if hasattr(each, "is_kv_shared_layer")]
    own = {each.layer_type: each for each in layers if not each.is_kv_shared_layer}
    for each in layers:
        if each.is_kv_shared_layer:
            yield seen[own[each.layer_type].layer_idx]


def states_of(layer):
    """Return the recurrent states of a layer, and those of its convolutions."""
    found = (getattr(layer, name, {}) for name in ("conv_states", "recurrent_states"))
    return [state for states in found for state in states.values() if state is not None]


def bytes_of(*tensors):
    return sum(tensor.numel() * tensor.itemsize for tensor in tensors)


def keys_and_values(layer):
    found = (getattr(layer, name, None) for name in ("keys", "values"))
    return [tensor for tensor in found if tensor is not None]


FAST = {"deepseek_v2", "gemma2", "gpt_oss", "llama", "mamba2", "mistral", "qwen3_vl"}
"""Types of each kind of cache, which run always; all others in `make test-all`."""


OWN_CACHES = {"minimax", "recurrent_gemma", "rwkv"}
"""Types whose states are not in the layers of a cache; test_linear.py has their bytes."""


@pytest.mark.parametrize(
    "kind", few([kind for kind in (*FAMILIES, *WHOLE) if kind not in OWN_CACHES], FAST)
)
def test_a_step_moves_and_holds_the_bytes_of_the_real_cache(kind):
    """Contexts below, at and beyond the window of 5, where there is one."""
    config = small(kind) if kind in WHOLE else tiny(kind)
    for context in (3, 5, 9):
        workload = Workload(batch_size=3, context_tokens=context, decode_steps=1)
        seen = Cache(config, workload).step()
        ours = priced(config, workload)
        assert ours.cost.kv_cache_bytes_read == seen.read
        assert ours.cost.kv_cache_bytes_written == seen.written
        if seen.states:
            pairs = [tensor for layer in seen.cache.layers for tensor in keys_and_values(layer)]
            assert ours.footprint.kv_cache_bytes == bytes_of(*seen.states, *pairs)


def test_deepseek_v2_lite_reads_all_that_it_holds():
    """deepseek-ai/DeepSeek-V2-Lite, config.json: 27 layers, latents of 512, rotated keys of 64."""
    sizes = {"num_hidden_layers": 27, "kv_lora_rank": 512, "qk_rope_head_dim": 64}
    moe = {"num_experts_per_tok": 6, "n_group": 1, "topk_group": 1, "topk_method": "greedy"}
    overrides = {**sizes, **moe, "q_lora_rank": None}
    config = read_config("deepseek_v2", LmOptions(overrides=overrides))
    price = priced(config, Workload(context_tokens=1000, decode_steps=1))
    assert price.cost.kv_cache_bytes_read == 31_135_104
    assert price.footprint.kv_cache_bytes == 31_135_104
