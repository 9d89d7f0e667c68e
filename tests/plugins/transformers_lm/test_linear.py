"""Families with linear attention: closed forms against transformers' own models."""

import json

import attrs
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from flopbench.analytic.price import Pricer
from flopbench.builtin.eager import Eager
from flopbench.conventions import Conventions
from flopbench.training_step import TrainOptions
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.config import LmConfig, LmOptions, read_config
from flopbench_transformers_lm.families.fields import NotCoveredError
from flopbench_transformers_lm.families.linear import LINEAR
from flopbench_transformers_lm.requests import RequestInputs, by_length
from flopbench_transformers_lm.vendor import HfVendor
from flopbench_transformers_lm.vendor_model import RealModel
from flopbench_transformers_lm.workload import Workload
from plugins.transformers_lm.test_moe import assert_exact
from plugins.transformers_lm.test_multimodal import small
from plugins.transformers_lm.tiny_configs import runnable, tiny
from support.stages import reconcile
from support.training import passes
from support.trainings import analytic

ints, choice, flag = st.integers, lambda *values: st.sampled_from(values), st.booleans()
LAYERS = 3


def kinds(*names):
    """Return lists of a kind for each layer, with each kind in some layer."""
    return st.permutations([*names, *names][:LAYERS]).map(list)


_ATTENTION = {"attention_bias": flag, "head_dim": choice(4, 8)}
_LFM2 = {
    "layer_types": kinds("conv", "full_attention"),
    "conv_L_cache": ints(1, 5),
    "conv_bias": flag,
}
_DELTA = {
    "layer_types": kinds("linear_attention", "full_attention"),
    "linear_num_key_heads": ints(1, 2),
    "linear_num_value_heads": choice(2, 4),
    "linear_key_head_dim": ints(1, 5),
    "linear_value_head_dim": ints(1, 5),
    "linear_conv_kernel_dim": ints(1, 5),
}
_MOE = {"num_experts": ints(2, 5), "num_experts_per_tok": ints(1, 2)}
_SHARED = {**_MOE, "shared_expert_intermediate_size": ints(3, 7)}
_ROPE = {"rope_theta": 1e4, "rope_type": "default", "partial_rotary_factor": 0.5}
VARIANTS = {
    "lfm2": {
        **_LFM2,
        "block_auto_adjust_ff_dim": flag,
        "block_ffn_dim_multiplier": choice(1.0, 1.3),
        "block_multiple_of": ints(1, 8),
    },
    "lfm2_moe": {
        **_LFM2,
        **_MOE,
        "num_dense_layers": ints(0, 3),
        "moe_intermediate_size": ints(3, 7),
        "use_expert_bias": flag,
        "norm_topk_prob": flag,
    },
    "qwen3_next": {
        **_DELTA,
        **_SHARED,
        **_ATTENTION,
        "rope_parameters": st.just(_ROPE),
        "moe_intermediate_size": ints(3, 7),
        "decoder_sparse_step": ints(1, 2),
        "mlp_only_layers": choice([], [0]),
        "norm_topk_prob": flag,
    },
    "qwen3_5_text": {**_DELTA, **_ATTENTION},
    "qwen3_5_moe_text": {
        **_DELTA,
        **_SHARED,
        **_ATTENTION,
        "moe_intermediate_size": ints(3, 7),
    },
    "olmo_hybrid": {
        **_DELTA,
        "attention_bias": flag,
        "linear_allow_neg_eigval": flag,
        "rope_parameters": choice(
            {"rope_theta": 1e4, "rope_type": "default"}, {"rope_theta": None, "rope_type": None}
        ),
    },
    "minimax": {
        "layer_types": kinds("linear_attention", "full_attention"),
        "block_size": ints(1, 9),
        "head_dim": choice(None, 4, 8),
        "sliding_window": choice(None, 1, 5),
        "num_local_experts": ints(2, 5),
        "num_experts_per_tok": ints(1, 2),
    },
    "kimi_linear": {
        "layer_types": kinds("linear_attention", "full_attention"),
        "mlp_layer_types": kinds("dense", "sparse"),
        "linear_num_heads": ints(1, 3),
        "linear_head_dim": ints(1, 5),
        "linear_conv_kernel_dim": ints(1, 5),
        "num_experts": choice(4, 8),
        "num_experts_per_token": ints(1, 2),
        "num_expert_group": ints(1, 2),
        "num_shared_experts": ints(1, 2),
        "moe_intermediate_size": ints(3, 7),
        "moe_renormalize": flag,
        "q_lora_rank": choice(None, 5),
        "kv_lora_rank": ints(1, 9),
        "qk_nope_head_dim": ints(1, 9),
        "qk_rope_head_dim": choice(2, 6),
        "v_head_dim": ints(1, 9),
        "attention_bias": flag,
    },
    "recurrent_gemma": {
        # A cache without any attention has no length in transformers.
        "block_types": choice(["recurrent", "attention"], ["attention"]),
        "attention_window_size": ints(2, 9),
        "conv1d_width": ints(2, 5),
        "attention_bias": flag,
    },
    "rwkv": {"rescale_every": ints(-1, 3)},
}
"""What the form of each family depends on, beside the usual dimensions."""

ALL_HEADS = {"kimi_linear"}
"""Types that have as many key heads as query heads."""


@st.composite
def configs(draw, kind):
    kv_heads = draw(ints(1, 2))
    heads = draw(ints(1, 2)) * kv_heads
    overrides = {
        "vocab_size": draw(ints(3, 9)),
        "hidden_size": heads * draw(choice(4, 8)),
        "intermediate_size": draw(ints(4, 9)),
        "num_hidden_layers": LAYERS,
        "num_attention_heads": heads,
        "num_key_value_heads": heads if kind in ALL_HEADS else kv_heads,
        "tie_word_embeddings": draw(flag),
        "pad_token_id": None,
        "bos_token_id": None,
        "eos_token_id": None,
    } | {field: draw(values) for field, values in VARIANTS[kind].items()}
    if kind == "rwkv":
        overrides["attention_hidden_size"] = overrides["hidden_size"]
    if kind == "recurrent_gemma":
        overrides["lru_width"] = heads * draw(ints(1, 5))
    known = read_config(kind, LmOptions()).values
    if kind.startswith("qwen3_5"):
        pairs = overrides["head_dim"] // 4
        overrides["rope_parameters"] = {**_ROPE, "mrope_section": [pairs, 0, 0]}
    return read_config(
        kind, LmOptions(overrides={name: v for name, v in overrides.items() if name in known})
    )


workloads = st.builds(
    Workload,
    batch_size=ints(1, 3),
    context_tokens=ints(1, 9) | choice(63, 64, 65, 129),
    decode_steps=ints(1, 3),
    lm_head=choice("all", "last"),
)
some = settings(max_examples=4, phases=[Phase.generate], deadline=None)


FEW = {"kimi_linear", "minimax", "qwen3_next", "recurrent_gemma"}
"""Types of each kind of rule, which run always; all others in `make test-all`."""


def types():
    """Return the types; those that are not among the few are slow."""
    return [pytest.param(kind, marks=() if kind in FEW else pytest.mark.slow) for kind in VARIANTS]


def test_each_type_has_a_strategy():
    assert set(VARIANTS) == set(LINEAR)


def runs(config, workload):
    """Return whether transformers runs it: it needs two tokens to know its width."""
    odd = config.model_type == "recurrent_gemma" and config.get("lru_width") != config.get(
        "hidden_size"
    )
    return not odd or workload.context_tokens > 1


@pytest.mark.parametrize("kind", types())
@some
@given(data=st.data())
def test_any_small_config_is_exact(kind, data):
    config, workload = data.draw(configs(kind)), data.draw(workloads)
    if runs(config, workload):
        assert_exact(config, workload)


@pytest.mark.parametrize("kind", ["qwen3_next", "kimi_linear"])
def test_a_state_that_passes_between_chunks_is_exact(kind):
    """Of 64 tokens: two whole chunks and one token, of one sequence."""
    assert_exact(tiny(kind), Workload(batch_size=1, context_tokens=129, decode_steps=2))


@pytest.mark.parametrize("lm_head", ["all", "last"])
def test_rwkv_mixes_one_token_with_the_last_ones_of_all_sequences(lm_head):
    """In a prefill of one token, too: 3 sequences have 3 tokens each, and one logit each."""
    workload = Workload(batch_size=3, context_tokens=1, decode_steps=2, lm_head=lm_head)
    assert_exact(tiny("rwkv"), workload)


@pytest.mark.parametrize("kind", ["qwen3_5", "qwen3_5_moe"])
def test_the_language_model_of_a_multimodal_one_is_exact(kind):
    config = small(kind, layer_types=["linear_attention", "full_attention"])
    assert config.decoder.model_type == f"{kind}_text"
    assert_exact(config, Workload(batch_size=3, context_tokens=70, decode_steps=2))


PUBLISHED = {
    # LiquidAI/LFM2-1.2B, config.json
    "lfm2": {
        "hidden_size": 2048,
        "num_hidden_layers": 2,
        "intermediate_size": 12288,
        "layer_types": ["conv", "full_attention"],
    },
    # LiquidAI/LFM2-8B-A1B, config.json
    "lfm2_moe": {
        "num_hidden_layers": 3,
        "num_dense_layers": 2,
        "layer_types": ["conv", "conv", "full_attention"],
    },
    # Qwen/Qwen3-Next-80B-A3B-Instruct, config.json
    "qwen3_next": {"num_hidden_layers": 4, "rope_theta": 10_000_000, "partial_rotary_factor": 0.25},
    # Qwen/Qwen3.5-35B-A3B, config.json
    "qwen3_5_moe_text": {"num_hidden_layers": 4},
    "qwen3_5_text": {"num_hidden_layers": 4},
    # allenai/Olmo-Hybrid-7B, config.json: nothing is rotated
    "olmo_hybrid": {
        "num_hidden_layers": 4,
        "rope_parameters": {"rope_theta": None, "rope_type": "default"},
    },
    # MiniMaxAI/MiniMax-Text-01-hf, config.json
    "minimax": {
        "vocab_size": 200064,
        "hidden_size": 6144,
        "intermediate_size": 9216,
        "num_hidden_layers": 8,
        "num_attention_heads": 64,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "num_local_experts": 32,
        "layer_types": ["linear_attention"] * 7 + ["full_attention"],
    },
    # moonshotai/Kimi-Linear-48B-A3B-Instruct, config.json
    "kimi_linear": {
        "num_hidden_layers": 4,
        "linear_attn_config": {
            "full_attn_layers": [4],
            "kda_layers": [1, 2, 3],
            "head_dim": 128,
            "num_heads": 32,
            "short_conv_kernel_size": 4,
        },
        "first_k_dense_replace": 1,
    },
    # google/recurrentgemma-2b, config.json
    "recurrent_gemma": {
        "num_hidden_layers": 3,
        "num_key_value_heads": 1,
        "intermediate_size": 15360,
    },
    # RWKV/rwkv-4-169m-pile, config.json
    "rwkv": {"hidden_size": 768, "num_hidden_layers": 1, "vocab_size": 50277},
}
"""Sizes of a published config of each type; layers are cut to each kind."""


@pytest.mark.slow
@pytest.mark.parametrize("kind", PUBLISHED)
def test_a_published_config_is_exact(kind, tmp_path):
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"model_type": kind, **PUBLISHED[kind]}))
    config = read_config(kind, LmOptions(config=str(file)))
    assert_exact(config, Workload(batch_size=1, context_tokens=130, decode_steps=2))


REQUESTS = Workload(
    requests=by_length(
        RequestInputs(new=new, cached=cached) for new, cached in ((1, 7), (5, 7), (70, 0), (66, 3))
    )
)


@pytest.mark.slow
@pytest.mark.parametrize("kind", types())
def test_requests_on_states_are_exact(kind):
    config = runnable(kind)
    assert reconcile(HfModel(config), HfVendor(config), "step", REQUESTS).verdict == "exact"


HELD = {"minimax": "linear_cache", "rwkv": "state", "recurrent_gemma": "module"}


def states(real, left, kind):
    """Return the tensors that a type keeps for later passes."""
    if kind == "rwkv":
        return left["state"]
    cache = left["past_key_values"]
    pairs = [getattr(layer, name, None) for layer in cache.layers for name in ("keys", "values")]
    if kind == "minimax":
        return [*pairs, *(each for each in cache.linear_cache if len(each))]
    held = ("conv1d_state", "recurrent_states")
    return [*pairs, *(getattr(m, name, None) for m in real.module.modules() for name in held)]


@pytest.mark.parametrize("kind", HELD)
def test_what_is_kept_has_the_bytes_of_the_real_state(kind):
    config = tiny(kind)
    real = RealModel(attrs.evolve(config, values={**config.values, "dtype": "bfloat16"}))
    left = real.left_by_prefill(3, 9)
    kept = sum(s.numel() * s.itemsize for s in states(real, left, kind) if s is not None)
    workload = Workload(batch_size=3, context_tokens=9, decode_steps=1)
    pricer = Pricer(Eager(), Conventions(), "bfloat16")
    held = pricer.stage(HfModel(config), "prefill", workload, Eager()).footprint
    assert held.kv_cache_bytes == kept


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["kimi_linear", "minimax", "qwen3_next"])
def test_a_training_step_in_chunks_is_exact(kind):
    """In several chunks, with all layers recomputed."""
    config, options = tiny(kind), TrainOptions(recompute="full")
    workload = Workload(batch_size=2, context_tokens=70)
    vendor = HfVendor.from_options(config, HfVendor.options_type())
    priced = analytic(HfModel(config), workload, options)
    assert priced == passes(vendor, {"prefill": workload}, options)


REFUSED = [
    ("lfm2", {"layer_types": ["conv", "other"]}, "layer_types"),
    ("qwen3_next", {"linear_num_key_heads": 3}, "only divisors of the 32 value heads"),
    ("minimax", {"block_size": 0}, "block_size=0"),
    ("kimi_linear", {"num_key_value_heads": 8}, "num_key_value_heads=8, only 32"),
    ("recurrent_gemma", {"lru_width": 33}, "only multiples of the 10 heads"),
    ("recurrent_gemma", {"block_types": ["other"]}, "block_types"),
    ("rwkv", {"attention_hidden_size": 5}, "attention_hidden_size=5, only 4096"),
    ("rwkv", {"rescale_every": None}, "rescale_every=None, only whole numbers"),
]


@pytest.mark.parametrize(("kind", "fields", "said"), REFUSED)
def test_what_is_not_covered_is_refused_by_name(kind, fields, said):
    values = {**read_config(kind, LmOptions()).values, **fields}
    if "layer_types" in fields:
        values["num_hidden_layers"] = len(fields["layer_types"])
    with pytest.raises(NotCoveredError, match=said):
        LINEAR[kind](LmConfig(kind, values))


@pytest.mark.parametrize("kind", ["qwen3_next", "kimi_linear", "minimax"])
def test_chunks_are_the_sum_of_their_products(kind):
    """Twice as many whole chunks cost twice as much beside what a first state saves nothing of."""
    model = HfModel(tiny(kind))
    pricer = Pricer(Eager(), Conventions(), "bfloat16")

    def core(tokens):
        price = pricer.stage(model, "prefill", Workload(context_tokens=tokens), Eager())
        lines = [x for x in price.lines if x.component == "decoder/recurrence/core"]
        return sum(x.cost.tensor_flops for x in lines)

    one = core(64)
    assert one > 0
    assert [core(64 * n) for n in (2, 3, 5)] == [2 * one, 3 * one, 5 * one]
