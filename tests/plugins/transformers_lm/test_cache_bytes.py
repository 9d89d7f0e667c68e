"""What a decode step reads of the cache, against what the real cache hands to attention."""

import pytest
import torch

from flopbench.analytic.price import Pricer
from flopbench.builtin.eager import Eager
from flopbench.conventions import Conventions
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.config import LmOptions, read_config
from flopbench_transformers_lm.families import FAMILIES
from flopbench_transformers_lm.vendor_model import RealModel
from flopbench_transformers_lm.workload import Workload
from plugins.transformers_lm.test_multimodal import WHOLE, small
from plugins.transformers_lm.tiny_configs import tiny

BYTES = 2
"""Of a bfloat16, the dtype of all these configs."""


def priced(config, workload):
    pricer = Pricer(Eager(), Conventions(), "bfloat16")
    return pricer.stage(HfModel(config), "decode", workload, Eager())


def handed_to_attention(config, workload):
    """Run one step; return the elements that the cache gives back to attention, by layer."""
    real = RealModel(config)
    left = real.left_by_prefill(workload.batch_size, workload.context_tokens)
    cache, seen = left["past_key_values"], {}
    update = cache.update

    def watched(keys, values, layer, *args, **kwargs):
        found = update(keys, values, layer, *args, **kwargs)
        seen[layer] = sum(tensor.numel() for tensor in found)
        return found

    update_indexer = cache.update_indexer

    def watched_indexer(keys, layer, *args, **kwargs):
        found = update_indexer(keys, layer, *args, **kwargs)
        seen["index", layer] = found.numel()
        return found

    cache.update, cache.update_indexer = watched, watched_indexer
    inputs = real._inputs(workload.batch_size, 1, workload.context_tokens, all_logits=False)
    with torch.no_grad():
        real.module(**inputs, **left)
    return seen | dict(handed_on(real.module, seen))


def handed_on(module, seen):
    """Yield what layers are given that use the keys of the last layer of their kind with own."""
    layers = [each for each in module.modules() if hasattr(each, "is_kv_shared_layer")]
    own = {each.layer_type: each for each in layers if not each.is_kv_shared_layer}
    for each in layers:
        if each.is_kv_shared_layer:
            yield each.layer_idx, seen[own[each.layer_type].layer_idx]


FAST = {"deepseek_v2", "gemma2", "gpt_oss", "llama", "mistral", "qwen3_vl"}
"""Types of each kind of cache, which run always; all others in `make test-all`."""


@pytest.mark.parametrize(
    "kind",
    [k if k in FAST else pytest.param(k, marks=pytest.mark.slow) for k in (*FAMILIES, *WHOLE)],
)
def test_a_step_reads_what_the_real_cache_gives_it(kind):
    """Contexts below, at and beyond the window of 5, where there is one."""
    config = small(kind) if kind in WHOLE else tiny(kind)
    for context in (3, 5, 9):
        workload = Workload(batch_size=3, context_tokens=context, decode_steps=1)
        real = handed_to_attention(config, workload)
        assert priced(config, workload).cost.kv_cache_bytes_read == BYTES * sum(real.values())


def test_deepseek_v2_lite_reads_all_that_it_holds():
    """deepseek-ai/DeepSeek-V2-Lite, config.json: 27 layers, latents of 512, rotated keys of 64."""
    sizes = {"num_hidden_layers": 27, "kv_lora_rank": 512, "qk_rope_head_dim": 64}
    moe = {"num_experts_per_tok": 6, "n_group": 1, "topk_group": 1, "topk_method": "greedy"}
    overrides = {**sizes, **moe, "q_lora_rank": None}
    config = read_config("deepseek_v2", LmOptions(overrides=overrides))
    price = priced(config, Workload(context_tokens=1000, decode_steps=1))
    assert price.cost.kv_cache_bytes_read == 31_135_104
    assert price.footprint.kv_cache_bytes == 31_135_104
