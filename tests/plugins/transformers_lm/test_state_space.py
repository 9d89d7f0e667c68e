"""State spaces, alone and beside attention: closed forms against transformers' own models."""

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from flopbench.analytic.price import price
from flopbench.builtin.eager import Eager
from flopbench.conventions import Conventions
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.config import LmOptions, read_config
from flopbench_transformers_lm.families.state_space import STATE_SPACE
from flopbench_transformers_lm.vendor import HfVendor
from flopbench_transformers_lm.workload import Workload
from plugins.transformers_lm.lm_helpers import priced_angles, vendor_angles
from support.stages import reconcile

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


def test_every_family_here_has_its_variants():
    assert VARIANTS.keys() == STATE_SPACE.keys()


@pytest.mark.parametrize("kind", VARIANTS)
@settings(max_examples=4, phases=[Phase.generate])
@given(st.data())
def test_small_configs_are_exact_and_hold_what_the_model_holds(kind, data):
    config, workload = data.draw(configs(kind)), data.draw(workloads)
    model, vendor = assert_exact(config, workload, "prefill", "decode")
    assert weights(model) == parameters(vendor)
