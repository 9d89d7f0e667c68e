"""State spaces, alone and beside attention: closed forms against transformers' own models."""

import json

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from flopbench.analytic.price import Pricer, price
from flopbench.builtin.eager import Eager
from flopbench.builtin.recurrent import flopbench_attention_modes
from flopbench.conventions import Conventions
from flopbench.training.frozen import has_weights
from flopbench.training_step import LoraOptions, TrainOptions
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.config import LmConfig, LmOptions, read_config
from flopbench_transformers_lm.families import FAMILIES
from flopbench_transformers_lm.families.fields import NotCoveredError
from flopbench_transformers_lm.families.state_space import STATE_SPACE
from flopbench_transformers_lm.requests import RequestInputs, by_length
from flopbench_transformers_lm.vendor import HfVendor
from flopbench_transformers_lm.workload import Workload
from plugins.transformers_lm.lm_helpers import priced_angles, vendor_angles
from plugins.transformers_lm.tiny_configs import tiny
from support.stages import reconcile
from support.training import passes
from support.trainings import analytic

LAYERS = 3
ints, choice, flag = st.integers, lambda *values: st.sampled_from(values), st.booleans()
heads = {"num_attention_heads": st.just(4), "num_key_value_heads": choice(1, 2, 4)}
experts = {"num_experts_per_tok": ints(1, 2)}


def per_layer(attends, *others):
    """Draw kinds of layers; transformers runs no hybrid without attention anywhere."""
    kinds = st.lists(choice(attends, *others), min_size=LAYERS, max_size=LAYERS)
    return kinds.filter(lambda found: attends in found)


kinds = per_layer("full_attention", "linear_attention")
mamba = {
    "expand": choice(1, 2),
    "state_size": ints(1, 5),
    "time_step_rank": ints(1, 4),
    "conv_kernel": ints(1, 4),
    "use_bias": flag,
    "use_conv_bias": flag,
}
groups = choice(1, 2, 4)  # of 4 heads
bamba = {
    "hidden_size": st.just(16),
    "intermediate_size": ints(3, 9),
    "mamba_expand": st.just(1),
    "mamba_n_heads": st.just(4),
    "mamba_d_head": st.just(4),
    "mamba_n_groups": groups,
    "mamba_d_state": ints(1, 5),
    "mamba_d_conv": ints(1, 4),
    "mamba_chunk_size": ints(1, 6),
    "mamba_conv_bias": flag,
    "mamba_proj_bias": flag,
    "attention_bias": flag,
    **heads,
}
zamba = {
    "hidden_size": st.just(8),
    "intermediate_size": ints(3, 9),
    "mamba_expand": choice(1, 2),
    "mamba_d_state": ints(1, 5),
    "mamba_d_conv": ints(1, 4),
    "layers_block_type": per_layer("hybrid", "linear_attention"),
    "num_attention_heads": st.just(4),
    "num_key_value_heads": st.just(4),
}
VARIANTS = {
    "bamba": bamba | {
        "mlp_bias": flag, "attn_layer_indices": choice([1], [0, 2]),
    },
    "falcon_h1": bamba | {
        "mamba_d_ssm": choice(None, 16), "mamba_rms_norm": flag, "mamba_norm_before_gate": flag,
        "projectors_bias": flag, "mlp_bias": flag, "num_hidden_layers": ints(1, 2),
    },
    "falcon_mamba": mamba,
    "granitemoehybrid": bamba | experts | {
        "num_local_experts": choice(0, 3), "shared_intermediate_size": ints(3, 7),
        "position_embedding_type": choice(None, "nope", "rope"), "layer_types": kinds,
    },
    "jamba": heads | experts | {
        "hidden_size": st.just(16), "intermediate_size": ints(3, 9), "num_experts": choice(1, 3),
        "attn_layer_period": ints(2, 3), "attn_layer_offset": ints(0, 1),
        "expert_layer_period": ints(2, 3), "expert_layer_offset": ints(0, 1),
        "mamba_d_state": ints(1, 5), "mamba_d_conv": ints(1, 4), "mamba_expand": ints(1, 2),
        "mamba_dt_rank": ints(1, 4), "mamba_conv_bias": flag, "mamba_proj_bias": flag,
    },
    "mamba": mamba,
    "mamba2": {
        "hidden_size": st.just(8), "expand": st.just(2), "num_heads": st.just(4),
        "head_dim": st.just(4), "n_groups": groups, "state_size": ints(1, 5),
        "conv_kernel": ints(1, 4), "chunk_size": ints(1, 6), "use_bias": flag,
        "use_conv_bias": flag,
    },
    "nemotron_h": heads | experts | {
        "head_dim": choice(2, 6), "intermediate_size": ints(3, 9), "mlp_bias": flag,
        "layer_types": per_layer("full_attention", "linear_attention", "mlp", "moe"),
        "mamba_num_heads": st.just(4), "mamba_head_dim": ints(1, 5), "n_groups": groups,
        "ssm_state_size": ints(1, 5), "conv_kernel": ints(1, 4), "chunk_size": ints(1, 6),
        "use_bias": flag, "use_conv_bias": flag, "n_routed_experts": choice(4, 8),
        "n_group": ints(1, 2), "topk_group": st.just(1), "moe_intermediate_size": ints(3, 7),
        "moe_shared_expert_intermediate_size": ints(3, 7), "moe_latent_size": choice(None, 5),
    },
    "zamba": zamba | {
        "n_mamba_heads": choice(1, 2, 4), "mamba_dt_rank": ints(1, 4), "mamba_conv_bias": flag,
        "mamba_proj_bias": flag, "attention_hidden_size": st.just(16), "head_dim": choice(2, 6),
        "tie_word_embeddings": flag,
    },
    "zamba2": zamba | {
        "n_mamba_heads": st.just(4), "mamba_ngroups": groups, "chunk_size": ints(1, 6),
        "add_bias_linear": flag, "num_mem_blocks": ints(1, 2), "adapter_rank": ints(1, 3),
        "use_shared_attention_adapter": flag, "use_mem_rope": flag,
        "tie_word_embeddings": st.just(value=True),
    },
}  # fmt: skip
"""What the form of each family depends on, beside the usual dimensions."""


@st.composite
def configs(draw, kind):
    overrides = {
        "vocab_size": draw(ints(3, 9)),
        "hidden_size": draw(ints(2, 9)),
        "num_hidden_layers": LAYERS,
        "tie_word_embeddings": draw(flag),
        "pad_token_id": None,
        "bos_token_id": None,
        "eos_token_id": None,
    } | {field: draw(values) for field, values in VARIANTS[kind].items()}
    if kind == "nemotron_h":
        del overrides["num_hidden_layers"]  # it has as many as kinds of layers
    return read_config(kind, LmOptions(overrides=overrides))


workloads = st.builds(
    Workload,
    batch_size=ints(1, 3),
    context_tokens=ints(1, 13),
    decode_steps=ints(1, 3),
    lm_head=choice("all", "last"),
)


def assert_exact(config, workload, *stages):
    model, vendor = HfModel(config), HfVendor(config, every_step=True)
    assert model.no_closed_forms is None
    assert priced_angles(model) == vendor_angles(vendor._real.module)
    for stage in stages:
        found = reconcile(model, vendor, stage, workload)
        assert (found.verdict, found.reason, found.difference) == ("exact", None, 0), stage
    return model, vendor


def weights(model):
    ops = model.ops("prefill", Workload())
    footprint = price(ops, Eager(), Eager(), Conventions(), "float32").footprint
    return footprint.total_weight_bytes // 4


def parameters(vendor):
    """Count the parameters of the real model; routers' corrections are learned buffers."""
    module = vendor._real.module
    buffers = dict(module.named_buffers())
    learned = [b for name, b in buffers.items() if name.endswith("correction_bias")]
    return sum(p.numel() for p in [*module.parameters(), *learned])


FAST = {"mamba", "nemotron_h", "zamba2"}
"""A type of each kind of layer, which run always; all others in `make test-all`."""


def types(names):
    return [k if k in FAST else pytest.param(k, marks=pytest.mark.slow) for k in sorted(names)]


def test_every_family_here_has_its_variants():
    assert VARIANTS.keys() == STATE_SPACE.keys()


@pytest.mark.parametrize("kind", types(VARIANTS))
@settings(max_examples=4, phases=[Phase.generate])
@given(st.data())
def test_small_configs_are_exact_and_hold_what_the_model_holds(kind, data):
    config, workload = data.draw(configs(kind)), data.draw(workloads)
    model, vendor = assert_exact(config, workload, "prefill", "decode")
    assert weights(model) == parameters(vendor)


NANO = "MEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEMEM*EMEMEMEME"
"""The layers of Nemotron 3 Nano."""

PUBLISHED = {
    # ibm-ai-platform/Bamba-9B-v1
    "bamba": {
        "attn_layer_indices": [9, 18, 27], "hidden_size": 4096, "intermediate_size": 14336,
        "mamba_chunk_size": 256, "mamba_conv_bias": True, "mamba_d_conv": 4, "mamba_d_head": 64,
        "mamba_d_state": 128, "mamba_expand": 2, "mamba_n_groups": 1, "mamba_n_heads": 128,
        "mamba_proj_bias": False, "num_attention_heads": 32, "num_hidden_layers": 32,
        "num_key_value_heads": 8, "rope_theta": 10000.0, "vocab_size": 128256,
    },
    # tiiuae/Falcon-H1-0.5B-Base
    "falcon_h1": {
        "head_dim": 64, "hidden_size": 1024, "intermediate_size": 2048, "mamba_chunk_size": 128,
        "mamba_d_conv": 4, "mamba_d_head": 64, "mamba_d_ssm": 1536, "mamba_d_state": 128,
        "mamba_expand": 2, "mamba_n_groups": 1, "mamba_n_heads": 24, "mamba_rms_norm": False,
        "num_attention_heads": 8, "num_hidden_layers": 36, "num_key_value_heads": 2,
        "rope_theta": 100000000000.0, "tie_word_embeddings": False, "vocab_size": 32784,
    },
    # tiiuae/falcon-mamba-7b, whose expand is not what its channels are
    "falcon_mamba": {
        "conv_kernel": 4, "expand": 16, "hidden_size": 4096, "intermediate_size": 8192,
        "num_hidden_layers": 64, "state_size": 16, "tie_word_embeddings": False,
        "time_step_rank": 256, "use_bias": False, "use_conv_bias": True, "vocab_size": 65024,
    },
    # ibm-granite/granite-4.0-h-small
    "granitemoehybrid": {
        "hidden_size": 4096, "intermediate_size": 768, "mamba_chunk_size": 256,
        "layer_types": (["mamba"] * 5 + ["attention"] + ["mamba"] * 4) * 4, "mamba_d_conv": 4,
        "mamba_d_head": 64, "mamba_d_state": 128, "mamba_expand": 2, "mamba_n_groups": 1,
        "mamba_n_heads": 128, "num_attention_heads": 32, "num_experts_per_tok": 10,
        "num_hidden_layers": 40, "num_key_value_heads": 8, "num_local_experts": 72,
        "position_embedding_type": "nope", "shared_intermediate_size": 1536,
        "tie_word_embeddings": True, "vocab_size": 100352,
    },
    # ai21labs/AI21-Jamba-1.5-Mini
    "jamba": {
        "attn_layer_offset": 4, "attn_layer_period": 8, "expert_layer_offset": 1,
        "expert_layer_period": 2, "hidden_size": 4096, "intermediate_size": 14336,
        "mamba_conv_bias": True, "mamba_d_conv": 4, "mamba_d_state": 16, "mamba_dt_rank": 256,
        "mamba_expand": 2, "num_attention_heads": 32, "num_experts": 16, "num_experts_per_tok": 2,
        "num_hidden_layers": 32, "num_key_value_heads": 8, "sliding_window": None,
        "tie_word_embeddings": False, "vocab_size": 65536,
    },
    # state-spaces/mamba-2.8b-hf
    "mamba": {
        "conv_kernel": 4, "expand": 2, "hidden_size": 2560, "intermediate_size": 5120,
        "num_hidden_layers": 64, "state_size": 16, "time_step_rank": 160, "use_bias": False,
        "use_conv_bias": True, "vocab_size": 50280,
    },
    # mistralai/Mamba-Codestral-7B-v0.1
    "mamba2": {
        "chunk_size": 256, "conv_kernel": 4, "expand": 2, "head_dim": 64, "hidden_size": 4096,
        "n_groups": 8, "num_heads": 128, "num_hidden_layers": 64, "state_size": 128,
        "tie_word_embeddings": False, "use_bias": False, "use_conv_bias": True,
        "vocab_size": 32768,
    },
    # nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16
    "nemotron_h": {
        "chunk_size": 128, "conv_kernel": 4, "expand": 2, "head_dim": 128, "hidden_size": 2688,
        "hybrid_override_pattern": NANO, "intermediate_size": 1856, "mamba_head_dim": 64,
        "mamba_num_heads": 64, "moe_intermediate_size": 1856, "n_group": 1, "n_groups": 8,
        "moe_shared_expert_intermediate_size": 3712, "n_routed_experts": 128,
        "num_attention_heads": 32, "num_experts_per_tok": 6, "num_key_value_heads": 2,
        "ssm_state_size": 128, "topk_group": 1, "vocab_size": 131072,
    },
    # Zyphra/Zamba-7B-v1
    "zamba": {
        "attention_head_dim": 464, "attention_hidden_size": 7424, "attn_layer_offset": 4,
        "attn_layer_period": 6, "hidden_size": 3712, "intermediate_size": 14848,
        "mamba_d_conv": 4, "mamba_d_state": 16, "mamba_dt_rank": 232, "mamba_expand": 2,
        "n_mamba_heads": 2, "num_attention_heads": 16, "num_hidden_layers": 76,
        "num_key_value_heads": 16, "vocab_size": 32000,
    },
    # Zyphra/Zamba2-2.7B
    "zamba2": {
        "adapter_rank": 128, "add_bias_linear": False, "chunk_size": 256, "hidden_size": 2560,
        "intermediate_size": 10240, "mamba_d_conv": 4, "mamba_d_state": 64, "mamba_expand": 2,
        "mamba_ngroups": 1, "n_mamba_heads": 80, "num_attention_heads": 32,
        "num_hidden_layers": 54, "num_key_value_heads": 32, "num_mem_blocks": 2,
        "use_mem_rope": False, "use_shared_attention_adapter": False, "vocab_size": 32000,
    },
}  # fmt: skip
"""Sizes from published config.json files, whose repository is named."""

BILLIONS = {
    "bamba": 9.78, "falcon_h1": 0.52, "falcon_mamba": 7.27, "granitemoehybrid": 32.2, "jamba": 51.6,
    "mamba": 2.77, "mamba2": 7.285, "nemotron_h": 31.6, "zamba": 7.2, "zamba2": 2.7,
}  # fmt: skip
"""Billions of parameters, as the models' cards say."""

CUT = {
    "bamba": {"num_hidden_layers": 2, "attn_layer_indices": [1]},
    "granitemoehybrid": {"num_hidden_layers": 2, "layer_types": ["mamba", "attention"]},
    "jamba": {"num_hidden_layers": 4, "attn_layer_period": 4, "attn_layer_offset": 2},
    "nemotron_h": {"hybrid_override_pattern": "M*E"},
    "zamba": {"num_hidden_layers": 3, "layers_block_type": ["mamba", "hybrid", "hybrid"]},
    "zamba2": {"num_hidden_layers": 3, "layers_block_type": ["mamba", "hybrid", "hybrid"]},
}
"""What leaves layers of each kind, if not two layers."""


def published(kind, folder, **changes):
    values = {"model_type": kind, **PUBLISHED[kind], **changes}
    (folder / "config.json").write_text(json.dumps(values))
    return read_config(kind, LmOptions(config=str(folder)))


@pytest.mark.parametrize("kind", PUBLISHED)
def test_published_configs_have_the_parameters_that_their_cards_say(kind, tmp_path):
    found = weights(HfModel(published(kind, tmp_path))) / 1e9
    digits = len(str(BILLIONS[kind]).partition(".")[2])
    assert round(found, digits) == BILLIONS[kind]


@pytest.mark.parametrize("kind", types(PUBLISHED))
def test_published_configs_are_exact(kind, tmp_path):
    """More tokens than a chunk has, where the count takes no loop over tokens."""
    config = published(kind, tmp_path, **CUT.get(kind, {"num_hidden_layers": 2}))
    loops = kind in {"falcon_mamba", "jamba", "mamba", "zamba"}
    workload = Workload(batch_size=2, context_tokens=30 if loops else 300, decode_steps=1)
    model, vendor = assert_exact(config, workload, "prefill", "decode")
    assert weights(model) == parameters(vendor)


@pytest.mark.parametrize("kind", types(VARIANTS))
@settings(max_examples=2, phases=[Phase.generate])
@given(st.data())
def test_requests_go_on_from_the_states_that_others_left(kind, data):
    one = st.tuples(ints(0, 6), ints(1, 6))
    made = data.draw(st.lists(one, min_size=1, max_size=3))
    inputs = [RequestInputs(cached=cached, new=new) for cached, new in made]
    workload = Workload(requests=by_length(inputs))
    assert_exact(tiny(kind), workload, "step")


@pytest.mark.parametrize("kind", types(VARIANTS))
@settings(max_examples=3, phases=[Phase.generate])
@given(st.data())
def test_any_training_is_exact(kind, data):
    config = tiny(kind)
    model, vendor = HfModel(config), HfVendor(config)
    ops = [*model.ops("prefill", Workload())]
    components = sorted({op.component for op in ops if has_weights(op)})
    attends = any(component.startswith("decoder/attention") for component in components)
    options = TrainOptions(
        recompute=data.draw(choice("none", "full", *["selective"] * attends)),
        frozen=tuple(data.draw(st.lists(choice(*components), unique=True, max_size=4))),
        lora=data.draw(choice(None, LoraOptions(rank=3, targets=("in", "out")))),
    )
    workload = Workload(batch_size=data.draw(ints(1, 2)), context_tokens=data.draw(ints(1, 9)))
    assert analytic(model, workload, options) == passes(vendor, {"prefill": workload}, options)


def bytes_read(kind, context, batch):
    """Return the bytes that a step reads of states and of keys and values, by kind of part."""
    workload = Workload(batch_size=batch, context_tokens=context, decode_steps=1)
    pricer = Pricer(Eager(), Conventions(), "bfloat16")
    lines = pricer.stage(HfModel(tiny(kind)), "decode", workload, Eager()).lines
    found = {"recurrence": 0, "attention": 0}
    for line in lines:
        part = line.component.split("/")[1] if "/" in line.component else ""
        if part in found:
            found[part] += line.cost.kv_cache_bytes_read
    return found


HYBRIDS = sorted(STATE_SPACE.keys() - {"falcon_mamba", "mamba", "mamba2"})


@pytest.mark.parametrize("kind", types(HYBRIDS))
@settings(max_examples=6)
@given(contexts=st.tuples(ints(1, 500), ints(1, 500)), batch=ints(1, 3))
def test_a_step_reads_states_of_one_size_and_keys_in_proportion(kind, contexts, batch):
    first, second = (bytes_read(kind, context, batch) for context in contexts)
    config = tiny(kind)
    attends = {"falcon_h1": 2, "zamba": 2, "zamba2": 2}.get(kind, 1)
    token = attends * 2 * batch * config.get("num_key_value_heads") * width_of_head(config) * 2
    assert first["recurrence"] == second["recurrence"] > 0
    assert [each["attention"] for each in (first, second)] == [token * (c + 1) for c in contexts]


def width_of_head(config):
    width = config.get("attention_head_dim") or config.get("head_dim")
    return width or config.get("hidden_size") // config.get("num_attention_heads")


@pytest.mark.parametrize("mode", ["sequential", "fused"])
@pytest.mark.parametrize("kind", ["mamba", "bamba"])
def test_other_modes_price_every_family(kind, mode):
    (chosen,) = (each for each in flopbench_attention_modes() if each.name == mode)
    workload = Workload(batch_size=2, context_tokens=9, decode_steps=2)
    for stage in ("prefill", "decode"):
        ops = [*HfModel(tiny(kind)).ops(stage, workload)]
        eager = price(ops, Eager(), Eager(), Conventions()).cost
        found = price(ops, chosen(), Eager(), Conventions()).cost
        assert 0 < found.tensor_flops <= eager.tensor_flops
        if mode == "fused":
            assert found.activation_bytes_written < eager.activation_bytes_written


@pytest.mark.parametrize(
    ("kind", "change", "problem"),
    [
        ("mamba2", {"num_heads": 7}, "num_heads=7, only heads that make up a width of 64"),
        ("mamba2", {"n_groups": 3}, "n_groups=3, only divisors of the 8 heads"),
        ("mamba", {"state_size": 0}, "state_size=0, only whole numbers of at least 1"),
        ("mamba", {"hidden_act": "tanh"}, "hidden_act='tanh'"),
        ("granitemoehybrid", {"layer_types": ["mlp"] * 2}, "2 values, each linear_attention or"),
        ("granitemoehybrid", {"num_local_experts": -1}, "num_local_experts=-1"),
        ("jamba", {"num_experts_per_tok": 9}, "whole numbers from 1 to 5"),
        ("nemotron_h", {"layer_types": ["conv"]}, "1 values, each linear_attention or"),
        ("zamba", {"attention_hidden_size": 32}, "attention_hidden_size=32"),
        ("zamba", {"n_mamba_heads": 3}, "n_mamba_heads=3, only divisors of the 64 channels"),
        ("zamba2", {"num_key_value_heads": 2}, "num_key_value_heads=2"),
        ("zamba2", {"tie_word_embeddings": False}, "tie_word_embeddings=False"),
    ],
)
def test_what_is_not_covered_is_said_in_one_sentence(kind, change, problem):
    config = LmConfig(kind, {**tiny(kind).values, **change})
    with pytest.raises(NotCoveredError, match=f"^the closed forms of '{kind}' do not") as told:
        FAMILIES[kind](config)
    assert problem in str(told.value)
