"""The vendor of transformers' language models, against hand-made counts and real generation."""

import warnings

import pytest
import sympy
import torch
from torch.utils.flop_counter import FlopCounterMode

from flopbench.errors import CountError
from flopbench.laws.law import Subject
from flopbench.laws.vendor_law import vendor_law
from flopbench.vendor.counting import count_stage
from flopbench.vendor.transformers import VerifiedOptions, require_eager
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.components import component_of
from flopbench_transformers_lm.config import to_transformers
from flopbench_transformers_lm.vendor import HfVendor
from flopbench_transformers_lm.workload import Workload
from plugins.transformers_lm.lm_helpers import COUNTER, SMALL, flops_by, small_config, small_model


def counted(model_type, stage, workload, **overrides):
    vendor = HfVendor.from_options(small_config(model_type, **overrides), VerifiedOptions())
    return count_stage(COUNTER, vendor.stage(stage, workload)).count


def llama_by_hand(batch, queries, keys, head_rows):
    """Two layers, 64 wide, 4 heads and 2 KV heads of 24, MLP of 96, 128 words; a MAC is 2."""
    rows = batch * queries
    return {
        "decoder/attention/qkv": 2 * 2 * rows * 64 * (4 + 2 + 2) * 24,
        "decoder/attention/core": 2 * 2 * 2 * batch * 4 * queries * keys * 24,
        "decoder/attention/out": 2 * 2 * rows * (4 * 24) * 64,
        "decoder/mlp": 2 * 3 * 2 * rows * 64 * 96,
        "lm_head": 2 * batch * head_rows * 64 * 128,
    }


@pytest.mark.parametrize(("lm_head", "head_rows"), [("all", 7), ("last", 1)])
def test_llamas_prefill_is_what_a_hand_counts(lm_head, head_rows):
    count = counted("llama", "prefill", Workload(batch_size=3, context_tokens=7, lm_head=lm_head))
    assert flops_by(component_of, count) == llama_by_hand(3, 7, 7, head_rows)
    assert not count.uncounted


def test_llamas_decode_steps_attend_to_all_before_and_themselves():
    count = counted("llama", "decode", Workload(batch_size=3, context_tokens=7, decode_steps=9))
    by_hand = [llama_by_hand(3, 1, 7 + k, 1) for k in range(1, 10)]
    assert flops_by(component_of, count) == {
        name: sum(step[name] for step in by_hand) for name in by_hand[0]
    }


@pytest.mark.parametrize("model_type", SMALL)
def test_the_stages_are_what_generate_runs(model_type):
    """The same class with weights, on a CPU, as a user calls it: 1 prefill and 5 steps."""
    import transformers

    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = transformers.AutoModelForCausalLM.from_config(
            to_transformers(small_config(model_type)),
            attn_implementation="eager",
            experts_implementation="batched_mm",
        ).eval()
        ids = torch.randint(2, 128, (2, 4))
        with FlopCounterMode(display=False) as mode, torch.no_grad():
            out = model.generate(
                ids, attention_mask=torch.ones_like(ids), max_new_tokens=6, do_sample=False
            )
    assert out.shape == (2, 10)
    # Steps 2 and later lie beyond the sliding window of 5.
    workload = Workload(batch_size=2, context_tokens=4, decode_steps=5, lm_head="last")
    stages = [counted(model_type, stage, workload) for stage in ("prefill", "decode")]
    assert sum(count.flops for count in stages) == mode.get_total_flops() > 0
    components = {component_of(e.module) for count in stages for e in count.counted}
    assert not [c for c in components if c.startswith("unmapped")]


@pytest.mark.parametrize("tokens", [1, 4, 5, 9])
@pytest.mark.parametrize("model_type", SMALL)
def test_a_filled_cache_is_the_one_that_a_prefill_leaves(model_type, tokens):
    model = small_model(model_type)
    filled = model.left_by_prefill(3, tokens)["past_key_values"]
    real = model.run_prefill(3, tokens)["past_key_values"]
    assert type(filled) is type(real)
    assert filled.get_seq_length() == real.get_seq_length() == tokens
    for mine, its in zip(filled.layers, real.layers, strict=True):
        assert type(mine) is type(its)
        for name in ("keys", "values"):
            one, other = getattr(mine, name), getattr(its, name)
            assert (one.shape, one.dtype, one.device) == (other.shape, other.dtype, other.device)
        assert mine.get_mask_sizes(1) == its.get_mask_sizes(1)


def test_filling_leaves_no_trace_in_the_next_cache():
    model = small_model("gemma2")
    first = model.decode(2, 9)
    first()
    assert model.left_by_prefill(2, 3)["past_key_values"].get_seq_length() == 3


def test_a_sliding_layer_attends_to_its_window():
    prefill = counted("gemma2", "decode", Workload(context_tokens=40, decode_steps=1))
    core = flops_by(lambda module: module, prefill)
    sliding, full = (core[f"model.layers.{layer}.self_attn"] for layer in (0, 1))
    assert (sliding, full) == (4 * 4 * 24 * 5, 4 * 4 * 24 * 41)


def test_latent_attention_expands_all_keys_at_each_step():
    """kv_b_proj runs on every cached token: 12 -> 4 heads x (10 + 14), two layers."""
    count = counted("deepseek_v3", "decode", Workload(context_tokens=30, decode_steps=1))
    modules = flops_by(lambda module: module.rpartition(".")[2], count)
    assert modules["kv_b_proj"] == 2 * 2 * 31 * 12 * 4 * (10 + 14)


@pytest.mark.parametrize("model_type", ["mixtral", "gpt_oss", "deepseek_v3"])
def test_experts_are_counted_for_the_chosen_only(model_type):
    """Gate, up and down of 2 experts a token; deepseek_v3's first layer has no experts."""
    count = counted(model_type, "prefill", Workload(batch_size=2, context_tokens=6))
    width, layers = (40, 1) if model_type == "deepseek_v3" else (96, 2)
    by_component = flops_by(component_of, count)
    assert by_component["decoder/moe/experts"] == 2 * layers * 12 * 2 * 3 * 64 * width
    assert not count.uncounted


def test_attention_is_eager_whatever_the_config_asks_for():
    config = small_config("llama")
    asks = type(config)("llama", {**config.values, "attn_implementation": "sdpa"})
    module = HfVendor(asks).stage("prefill", Workload()).prepare(1).root
    assert {m.config._attn_implementation for m in module.modules() if hasattr(m, "config")} == {
        "eager"
    }


def test_a_part_that_is_not_eager_is_refused():
    module = small_model("llama").module
    module.model.layers[1].self_attn.config = type("Other", (), {"_attn_implementation": "sdpa"})
    with pytest.raises(CountError, match=r"model\.layers\.1\.self_attn uses sdpa attention"):
        require_eager(module)


@pytest.mark.parametrize("stage", ["prefill", "decode"])
def test_the_call_can_be_traced_with_symbols_for_all_sizes(stage):
    config = small_config("llama")
    subject = Subject(
        vendor=HfVendor(config),
        counter=COUNTER,
        model=HfModel(config),
        stage=stage,
        workload=Workload(batch_size=2, context_tokens=6, decode_steps=8),
        open_sizes=HfModel.sizes,
    )
    law = vendor_law(subject)
    assert law.method == "symbolic"
    assert not law.guards
    form = sympy.Add(*law.forms.values())
    size = {symbol.name: symbol for symbol in form.free_symbols}
    if stage == "prefill":
        by_hand = sum(llama_by_hand(size["B"], size["S"], size["S"], size["S"]).values())
    else:
        k = sympy.Symbol("k")
        step = sum(llama_by_hand(size["B"], 1, size["S"] + k, 1).values())
        by_hand = sympy.summation(step, (k, 1, size["K"]))
    assert sympy.expand(form - by_hand) == 0


@pytest.mark.parametrize(
    ("module", "component"),
    [
        ("model.embed_tokens", "decoder/embed"),
        ("transformer.wpe", "decoder/embed"),
        ("transformer.word_embeddings_layernorm", "decoder/embed"),
        ("bert.embeddings.LayerNorm", "decoder/embed"),
        ("model.rotary_emb", "decoder/rope"),
        ("model.layers.3.self_attn.q_proj", "decoder/attention/qkv"),
        ("model.layers.3.self_attn.q_norm", "decoder/attention/qkv"),
        ("model.layers.3.self_attn.kv_a_proj_with_mqa", "decoder/attention/qkv"),
        ("model.layers.3.self_attn.kv_a_layernorm", "decoder/attention/qkv"),
        ("transformer.h.3.attn.c_attn", "decoder/attention/qkv"),
        ("transformer.h.3.attn.attention.k_proj", "decoder/attention/qkv"),
        ("gpt_neox.layers.3.attention.query_key_value", "decoder/attention/qkv"),
        ("transformer.blocks.3.norm_attn_norm.attn.Wqkv", "decoder/attention/qkv"),
        ("bert.encoder.layer.3.attention.self.query", "decoder/attention/qkv"),
        ("model.layers.3.self_attn", "decoder/attention/core"),
        ("bert.encoder.layer.3.attention.self", "decoder/attention/core"),
        ("model.layers.3.self_attn.o_proj", "decoder/attention/out"),
        ("model.layers.3.self_attn.dense", "decoder/attention/out"),
        ("transformer.h.3.attn.c_proj", "decoder/attention/out"),
        ("bert.encoder.layer.3.attention.output.dense", "decoder/attention/out"),
        ("model.layers.3.input_layernorm", "decoder/norm"),
        ("transformer.ln_f", "decoder/norm"),
        ("model.norm", "decoder/norm"),
        ("model.layers.3.mlp.gate_proj", "decoder/mlp"),
        ("transformer.h.3.mlp.c_proj", "decoder/mlp"),
        ("model.decoder.layers.3.fc1", "decoder/mlp"),
        ("bert.encoder.layer.3.intermediate.dense", "decoder/mlp"),
        ("bert.encoder.layer.3.output.dense", "decoder/mlp"),
        ("model.layers.3.mlp.gate", "decoder/moe/router"),
        ("model.layers.3.mlp.router", "decoder/moe/router"),
        ("model.layers.3.block_sparse_moe.router.layer", "decoder/moe/router"),
        ("model.layers.3.mlp.experts", "decoder/moe/experts"),
        ("model.layers.3.feed_forward.experts", "decoder/moe/experts"),
        ("model.layers.3.mlp.shared_experts.down_proj", "decoder/moe/shared"),
        ("model.layers.3.mlp.shared_expert_gate", "decoder/moe/shared"),
        ("model.layers.3.shared_mlp.input_linear", "decoder/moe/shared"),
        ("lm_head", "lm_head"),
        ("embed_out", "lm_head"),
        ("cls.predictions.decoder", "lm_head"),
        ("model.layers.3.mamba.in_proj", "decoder/recurrence/in"),
        ("model.layers.3.mamba.x_proj", "decoder/recurrence/select"),
        ("model.layers.3.mamba.dt_layernorm", "decoder/recurrence/norm"),
        ("model.layers.3.mamba", "decoder/recurrence/core"),
        ("model.layers.3.shared_transf.self_attn.q_proj", "decoder/attention/qkv"),
        ("model.layers.3.mlp.fc1_latent_proj", "decoder/moe/latent"),
        ("model.layers.3.linear", "decoder/linear"),
        ("model.layers.3.self_attn.indexer.wk", "decoder/attention/indexer"),
        ("", "unmapped/model"),
    ],
)
def test_modules_belong_to_components(module, component):
    assert component_of(module) == component
