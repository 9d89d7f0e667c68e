"""Training of real language models: what each pass costs, what is trained, and what is repeated."""

import pytest
from transformers.models.llama.modeling_llama import LlamaAttention

from flopbench.errors import CountError, UsageError
from flopbench.training_step import LoraOptions, Phase, TrainOptions
from flopbench.vendor.attribution import attribute
from flopbench.vendor.counting import count_stage
from flopbench_transformers_lm.config import LmOptions, read_config
from flopbench_transformers_lm.requests import Requests
from flopbench_transformers_lm.vendor import HfVendor
from flopbench_transformers_lm.workload import Workload
from plugins.transformers_lm.tiny_configs import tiny
from support.training import COUNTER, pass_of, passes

BATCH, TOKENS = 2, 9
WORKLOAD = Workload(batch_size=BATCH, context_tokens=TOKENS)
ALL = TrainOptions()
FEW = ("llama", "gpt2", "mixtral", "deepseek_v3")
OWN_CORE = {"bloom", "codegen", "falcon", "gpt_neo", "gptj", "mpt"}
"""Types that compute the core of attention in the code of their layers."""


def vendor_of(config):
    return HfVendor.from_options(config, HfVendor.options_type())


def trained(kind, options=ALL, workload=WORKLOAD):
    return passes(vendor_of(tiny(kind)), {"prefill": workload}, options)


def lora(*targets, rank=3):
    return LoraOptions(rank=rank, targets=targets)


def without_rope(flops):
    return {component: n for component, n in flops.items() if component != "decoder/rope"}


@pytest.mark.parametrize("kind", FEW)
def test_a_backward_is_twice_the_forward_in_every_component_but_rotary_angles(kind):
    vendor = vendor_of(tiny(kind))
    forward, repeated, backward = passes(vendor, {"prefill": WORKLOAD}, ALL)
    inferred = count_stage(COUNTER, vendor.stage("prefill", WORKLOAD))
    assert forward == {
        component: n
        for entry in [attribute(inferred, vendor.component_of)]
        for component in {e.component for e in entry.entries}
        if (n := sum(e.flops for e in entry.entries if e.component == component))
    }
    assert not repeated
    assert backward == {c: 2 * n for c, n in without_rope(forward).items()}


@pytest.mark.parametrize("kind", FEW)
def test_recomputing_layers_repeats_all_but_the_lm_head_and_what_nothing_needs(kind):
    forward, repeated, backward = trained(kind, TrainOptions(recompute="full"))
    assert backward == {c: 2 * n for c, n in without_rope(forward).items()}
    assert "lm_head" not in repeated
    whole = {c for c in repeated if repeated[c] == forward[c]}
    assert {c for c in forward if c.startswith(("decoder/attention", "decoder/moe/e"))} <= whole
    for component in set(repeated) - whole:
        # All but the last product of a layer: one of three with a gate, one of two without.
        assert repeated[component] in {forward[component] * 2 // 3, forward[component] // 2}


@pytest.mark.parametrize("kind", [*FEW, "falcon"])
def test_recomputing_the_core_of_attention_repeats_its_scores_or_is_refused(kind):
    if kind in OWN_CORE:
        with pytest.raises(CountError, match=rf"core of attention of {kind} in the code of its"):
            trained(kind, TrainOptions(recompute="selective"))
        return
    forward, repeated, backward = trained(kind, TrainOptions(recompute="selective"))
    assert [*repeated] == ["decoder/attention/core"]
    # The scores are needed again; their product with the values is not.
    widths = (tiny(kind).get("v_head_dim") or 1, tiny(kind).get("qk_nope_head_dim") or 1)
    if widths == (1, 1):
        assert 2 * repeated.total() == forward["decoder/attention/core"]
    assert backward == {c: 2 * n for c, n in without_rope(forward).items()}


@pytest.mark.parametrize("kind", FEW[:2])
def test_an_adapter_adds_two_products_to_each_layer_and_none_of_rank_zero_are_frozen(kind):
    vendor = vendor_of(tiny(kind))
    before, *_ = trained(kind)
    after, *_ = trained(kind, TrainOptions(lora=lora("*")))
    module = vendor._real.module
    wide = {}
    for name, weight in module.named_parameters(remove_duplicate=False):
        layer = module.get_submodule(name.rpartition(".")[0])
        if name.endswith(".weight") and type(layer).__name__ in {
            "Linear",
            "FalconLinear",
            "Conv1D",
        }:
            component = vendor.component(name.removesuffix(".weight"))
            wide[component] = wide.get(component, 0) + sum(weight.shape)
    added = {component: 2 * BATCH * TOKENS * 3 * n for component, n in wide.items()}
    assert after == {c: n + added.get(c, 0) for c, n in before.items()}
    frozen = trained(kind, TrainOptions(frozen=("*",)))
    assert frozen == trained(kind, TrainOptions(lora=lora("*", rank=0))) == (before, {}, {})


LLAMA_3_8B = {
    "num_hidden_layers": 32,
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
}
FIGURES = {
    "all": (ALL, 19_304_284_160, 0, 38_608_568_320),
    "full": (TrainOptions(recompute="full"), 19_304_284_160, 14_495_514_624, 38_608_568_320),
    "selective": (
        TrainOptions(recompute="selective"),
        19_304_284_160,
        2_147_483_648,
        38_608_568_320,
    ),
    "adapters": (TrainOptions(lora=lora("q", "v", rank=16)), 19_317_915_648, 0, 23_508_811_776),
    "adapters, full": (
        TrainOptions(lora=lora("q", "v", rank=16), recompute="full"),
        19_317_915_648,
        14_509_146_112,
        23_626_514_432,
    ),
}
"""FLOPs per token of each pass at 8,192 tokens; the first row is 3 x forward, the others 3.7509,
3.1112, 2.2169 and 2.9741. Counted with torch 2.13.0 and transformers 5.23.0."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name == "adapters, full" else pytest.mark.slow)
        for name in FIGURES
    ],
)
def test_llama_3_8b_has_the_published_figures(name):
    options, *expected = FIGURES[name]
    vendor = vendor_of(read_config("llama", LmOptions(overrides=LLAMA_3_8B)))
    workload = Workload(batch_size=1, context_tokens=8192)
    found = passes(vendor, {"prefill": workload}, options)
    assert [flops.total() for flops in found] == [8192 * n for n in expected]


def by_layer(kind, options):
    """Return how often each module's work of the forward is in the backward, in the first layer."""
    made = vendor_of(tiny(kind)).training({"prefill": WORKLOAD}, options)
    counts = []
    for phase in (Phase.FORWARD, Phase.BACKWARD):
        flops = {}
        for entry in COUNTER.count(pass_of(made, phase).prepare(1)).counted:
            flops[entry.module] = flops.get(entry.module, 0) + entry.flops
        counts.append(flops)
    forward, backward = counts
    first = {m: backward.get(m, 0) / n for m, n in forward.items() if ".0." in m}
    return {module.split(".0.")[1]: times for module, times in first.items()}


def test_what_lies_before_the_first_weights_that_are_trained_gets_no_gradient():
    adapters = by_layer("llama", TrainOptions(lora=lora("q", "v")))
    assert adapters == {
        "self_attn.q_proj": 0,
        "self_attn.q_proj.lora_A": 1,  # its input has no gradient
        "self_attn.q_proj.lora_B": 2,
        "self_attn.k_proj": 0,
        "self_attn.v_proj": 0,
        "self_attn.v_proj.lora_A": 1,
        "self_attn.v_proj.lora_B": 2,
        "self_attn": 1.5,  # keys have no gradient
        "self_attn.o_proj": 1,
        "mlp.gate_proj": 1,
        "mlp.up_proj": 1,
        "mlp.down_proj": 1,
    }
    recomputed = by_layer("llama", TrainOptions(lora=lora("q", "v"), recompute="full"))
    assert recomputed["self_attn.k_proj"] == 1  # transformers asks for the embeddings' gradient
    norms = by_layer("llama", TrainOptions(frozen=("decoder/embed",)))
    assert set(norms.values()) == {2}  # the first norm is trained, so all that follows gets one


def test_a_tied_weight_is_frozen_with_either_of_its_components():
    for pattern in ("decoder/embed", "lm_head"):
        forward, _, backward = trained("gpt2", TrainOptions(frozen=(pattern,)))
        assert backward["lm_head"] == forward["lm_head"]
    forward, _, backward = trained("llama", TrainOptions(frozen=("decoder/embed",)))
    assert backward["lm_head"] == 2 * forward["lm_head"]


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (
            "llama",
            TrainOptions(frozen=("decoder/embd",)),
            (
                "train.frozen: unknown component with weights 'decoder/embd': did you mean "
                "'decoder/embed'?"
            ),
        ),
        (
            "llama",
            TrainOptions(lora=lora("q", "q_prj")),
            "train.lora.targets: unknown linear layer or component 'q_prj': did you mean 'q_proj'?",
        ),
        (
            "gpt2",
            TrainOptions(lora=lora("q")),
            (
                "train.lora.targets: unknown linear layer or component 'q': did you mean "
                "'decoder/attention/qkv' or 'q_k_v'?"
            ),
        ),
        (
            "mixtral",
            TrainOptions(lora=lora("decoder/moe/*")),
            "train.lora.targets: 'decoder/moe/*' has no linear layers, only other weights",
        ),
    ],
)
def test_a_pattern_that_matches_nothing_is_told_in_one_sentence(kind, options, message):
    with pytest.raises(UsageError) as caught:
        vendor_of(tiny(kind)).training({"prefill": WORKLOAD}, options)
    assert str(caught.value) == message


def test_targets_are_components_roles_or_names_of_layers():
    names = ("q_proj", "q", "decoder/attention/qkv.q")
    counts = [trained("llama", TrainOptions(lora=lora(name))) for name in names]
    assert counts[0] == counts[1] == counts[2]
    fused = trained("gpt2", TrainOptions(lora=lora("c_attn")))
    assert fused == trained("gpt2", TrainOptions(lora=lora("decoder/attention/qkv")))
    some = vendor_of(tiny("mixtral")).training(
        {"prefill": WORKLOAD}, TrainOptions(lora=lora("decoder/*"))
    )
    assert any("decoder/moe/experts" in note for note in some.assumptions)


def test_training_leaves_other_stages_as_they_are():
    vendor = vendor_of(tiny("llama"))
    before = COUNTER.count(vendor.stage("prefill", WORKLOAD).prepare(1))
    for options in (TrainOptions(recompute="selective"), TrainOptions(lora=lora("q", "v"))):
        passes(vendor, {"prefill": WORKLOAD}, options)
    passes(vendor, {"prefill": WORKLOAD}, TrainOptions(recompute="full", frozen=("*",)))
    assert COUNTER.count(vendor.stage("prefill", WORKLOAD).prepare(1)) == before
    modules = [*vendor._real.module.modules()]
    assert not any(module.training for module in modules)
    assert all(weight.requires_grad for weight in vendor._real.module.parameters())
    assert any(isinstance(module, LlamaAttention) for module in modules)


def test_only_the_prefill_is_trained():
    with pytest.raises(CountError, match="trains the prefill, not prefill and decode"):
        vendor_of(tiny("llama")).training({"prefill": WORKLOAD, "decode": WORKLOAD}, ALL)


@pytest.mark.parametrize("options", [TrainOptions(recompute="full")], ids=["full"])
def test_packed_sequences_cost_what_each_costs_alone(options):
    packed = Workload(
        requests=(Requests(new=5, logits=5), Requests(new=7, logits=7, count=2)), packed=True
    )
    together = trained("mixtral", options, packed)
    five, seven = (
        trained("mixtral", options, Workload(batch_size=1, context_tokens=n)) for n in (5, 7)
    )
    for all_of_them, one, other in zip(together, five, seven, strict=True):
        assert all_of_them == {c: one[c] + 2 * other[c] for c in one}
