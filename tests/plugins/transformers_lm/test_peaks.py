"""Activations alive at once in decoders of the usual form, op by op, against the real models."""

from collections import defaultdict
from importlib import import_module

import attrs
import pytest
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.vendor import HfVendor
from flopbench_transformers_lm.workload import Workload
from plugins.transformers_lm.tiny_configs import tiny
from support import liveness
from support.peaks import KINDS, our_peaks

EQUAL = (
    "arcee",
    "biogpt",
    "cwm",
    "gemma",
    "gemma2",
    "gemma3_text",
    "gpt2",
    "gpt_bigcode",
    "granite",
    "llama",
    "ministral",
    "mistral",
    "nanochat",
    "olmo",
    "persimmon",
    "phi3",
    "qwen2",
    "qwen3",
    "seed_oss",
    "stablelm",
    "starcoder2",
    "vaultgemma",
)
"""Types whose every op holds what ours holds; docs/stage-costs.md says what others have besides."""

ALWAYS = {
    ("decoder/attention/qkv", "linear"),
    ("decoder/attention/core", "matmul"),
    ("decoder/attention/core", "softmax"),
    ("decoder/attention/out", "linear"),
    ("decoder/mlp", "linear"),
    ("lm_head", "linear"),
}
WORKLOAD = Workload(batch_size=2, context_tokens=7, decode_steps=1)


def tiny_and_deep(model_type):
    """Return a tiny config of five layers: the last of a kind keeps less alive than others."""
    config = tiny(model_type)
    fields = dict(config.values) | {"num_hidden_layers": 5}
    kinds = fields.get("layer_types")
    return attrs.evolve(config, values=fields | ({"layer_types": (kinds * 5)[:5]} if kinds else {}))


def real_peaks(vendor, model_type, stage):
    call = vendor.stage(stage, WORKLOAD).prepare(1)
    folder = model_type.removesuffix("_text")
    code = import_module(f"transformers.models.{folder}.modeling_{folder}")
    functions = {
        (cls, "update"): liveness.CACHE for cls in (DynamicLayer, DynamicSlidingWindowLayer)
    }
    if hasattr(code, "apply_rotary_pos_emb"):
        functions[code, "apply_rotary_pos_emb"] = "rope"
    norms = {type(m).__name__ for m in call.root.modules() if "RMSNorm" in type(m).__name__}
    most = defaultdict(int)
    for run in liveness.record(
        call.root,
        call.run,
        joined=dict.fromkeys(norms, "rms_norm"),
        functions=functions,
        given_first=True,
        only_while_read=("aten.where", "aten.scalar_tensor"),
    ):
        name = run.name.removeprefix("aten.")
        key = vendor.component(run.module), KINDS.get(name, name)
        most[key] = max(most[key], run.live)
    return most


@pytest.mark.parametrize("stage", ["prefill", "decode"])
@pytest.mark.parametrize("model_type", EQUAL)
def test_each_kind_of_op_holds_what_the_real_one_holds(model_type, stage, monkeypatch):
    # A look-up of tokens makes vectors.
    monkeypatch.setattr(liveness, "TABLES", liveness.TABLES - {"aten.embedding"})
    config = tiny_and_deep(model_type)
    real = real_peaks(HfVendor(config), model_type, stage)
    ours = our_peaks(HfModel(config), stage, WORKLOAD)
    both = real.keys() & ours.keys()
    assert both >= ALWAYS
    assert {key: ours[key] for key in both} == {key: real[key] for key in both}
