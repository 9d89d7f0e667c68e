"""Closed forms by family against transformers' own classes: FLOPs, parameters, refusals."""

import json
import re

import pytest
import sympy
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from flopbench.analytic.price import price
from flopbench.builtin.eager import Eager
from flopbench.commands.run.reconcile import compare
from flopbench.conventions import Conventions
from flopbench.dims.forms import symbol
from flopbench.errors import CountError, UsageError
from flopbench.vendor.attribution import attribute
from flopbench.vendor.counting import count_stage
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.config import LmOptions, read_config, to_transformers
from flopbench_transformers_lm.families import FAMILIES
from flopbench_transformers_lm.vendor import HfVendor
from flopbench_transformers_lm.workload import Workload
from plugins.transformers_lm.family_strategies import TYPES, configs
from plugins.transformers_lm.lm_helpers import (
    COUNTER,
    SMALL,
    priced_angles,
    small_config,
    vendor_angles,
)
from plugins.transformers_lm.tiny_configs import few

UNBUILT = {
    "hunyuan_v1_dense": {"head_dim": 128},
    "ministral": {"head_dim": 128},
    "nemotron": {"num_key_value_heads": 8},
}
"""Types whose config class leaves out by default what their code needs, and a value for it."""


def check(config, workload):
    """Hold both stages to the vendor, component by component, and weights to parameters."""
    model, vendor = HfModel(config), HfVendor.from_options(config, HfVendor.options_type())
    held = {}
    for stage in ("prefill", "decode"):
        counted = attribute(
            count_stage(COUNTER, vendor.stage(stage, workload)), vendor.component_of
        )
        priced = price(model.ops(stage, workload), Eager(), Eager(), Conventions(), "float32")
        found = compare(stage, Eager(), priced, COUNTER.name, COUNTER.convention, counted)
        assert found.verdict == "exact", (config.model_type, stage, found)
        held |= priced.footprint.weight_bytes
    assert priced_angles(model) == vendor_angles(vendor._real.module), config.model_type
    parameters = sum(p.numel() for p in vendor._real.module.parameters())
    assert sum(held.values()) == 4 * parameters, config.model_type


@pytest.mark.parametrize("model_type", few(TYPES, ("gemma2", "gpt2")))
def test_each_type_is_exact_at_its_configs_defaults_with_few_layers(model_type):
    import make_hf_laws as script

    layers = script.FEWER.get(model_type, {"num_hidden_layers": 4})
    options = LmOptions(overrides={**UNBUILT.get(model_type, {}), **layers})
    workload = Workload(batch_size=2, context_tokens=9, decode_steps=2)
    check(read_config(model_type, options), workload)


@pytest.mark.parametrize("model_type", sorted(UNBUILT))
def test_what_transformers_does_not_build_is_a_failed_count(model_type):
    vendor = HfVendor.from_options(read_config(model_type, LmOptions()), HfVendor.options_type())
    with pytest.raises(CountError, match="transformers cannot build"):
        count_stage(COUNTER, vendor.stage("prefill", Workload()))


@pytest.mark.parametrize("model_type", TYPES)
@settings(max_examples=3)
@given(data=st.data())
def test_each_type_is_exact_on_small_configs(model_type, data):
    config = data.draw(configs(model_type))
    workload = Workload(
        batch_size=data.draw(st.integers(1, 2)),
        context_tokens=data.draw(st.integers(1, 9)),
        decode_steps=data.draw(st.integers(1, 4)),
        lm_head=data.draw(st.sampled_from(["all", "last"])),
    )
    check(config, workload)


@pytest.mark.parametrize("window", [2, 3, 8, 12, 40])
def test_decoding_is_exact_across_a_window(window):
    config = small_config("gemma2", sliding_window=window)
    check(config, Workload(context_tokens=5, decode_steps=12))


@pytest.mark.parametrize("model_type", TYPES)
@settings(max_examples=2)
@given(data=st.data())
def test_a_part_of_a_head_is_rotated_as_the_vendor_does_or_refused(model_type, data):
    config = data.draw(configs(model_type))
    if config.get("rope_parameters") is None:
        return
    factor = data.draw(st.sampled_from([0.25, 0.5, 1.0]))
    rope = {**_flat(config.get("rope_parameters")), "partial_rotary_factor": factor}
    kinds = set(config.get("layer_types") or []) if _nested(config) else set()
    rope = dict.fromkeys(kinds, rope) or rope
    config = evolve(config, values={**config.values, "rope_parameters": rope})
    model = HfModel(config)
    if model.no_closed_forms is not None:
        assert "partial_rotary_factor" in model.no_closed_forms
        assert factor != 1
        assert model_type not in PARTLY_ROTATED
        return
    assert priced_angles(model) == vendor_angles(HfVendor(config)._real.module)


PARTLY_ROTATED = {"glm", "glm4", "gpt_neox", "nemotron", "persimmon", "phi", "phi3", "stablelm"}
"""Types whose default frequencies heed ``partial_rotary_factor`` in transformers' code."""


def _nested(config):
    return any(isinstance(each, dict) for each in config.get("rope_parameters").values())


def _flat(parameters):
    nested = [each for each in parameters.values() if isinstance(each, dict)]
    return nested[0] if nested else parameters


@pytest.mark.parametrize("model_type", ["cohere2", "exaone4", "smollm3"])
def test_angles_are_made_even_if_no_layer_rotates_by_them(model_type):
    overrides = {"num_hidden_layers": 2, "layer_types": ["full_attention"] * 2}
    if model_type == "smollm3":
        overrides["no_rope_layers"] = [0, 0]
    workload = Workload(batch_size=2, context_tokens=9, decode_steps=2)
    check(read_config(model_type, LmOptions(overrides=overrides)), workload)


REFUSED = [
    ("llama", {"num_hidden_layers": 0}, "num_hidden_layers=0, only whole numbers of at least 1"),
    ("gpt_neo", {"window_size": 0}, "window_size=0, only whole numbers of at least 1"),
    ("llama", {"hidden_act": "tanh"}, "hidden_act='tanh'"),
    ("opt", {"word_embed_proj_dim": 32}, "word_embed_proj_dim=32"),
    ("gpt2", {"reorder_and_upcast_attn": True}, "reorder_and_upcast_attn=True"),
    ("gpt2", {"add_cross_attention": True}, "add_cross_attention=True"),
    ("gemma3_text", {"use_bidirectional_attention": True}, "use_bidirectional_attention=True"),
    ("mistral", {"sliding_window": 1}, "sliding_window=1, only whole numbers of at least 2"),
    ("gpt2", {"n_head": 5}, "hidden_size=768, only multiples of the 5 query heads"),
    ("bloom", {"n_head": 0}, "num_attention_heads=0, only whole numbers of at least 1"),
    ("codegen", {"n_head": 2}, "num_attention_heads=2, only multiples of 4"),
    ("gptj", {"rotary_dim": 5}, "rotary_dim=5, only even numbers up to 256"),
    ("gptj", {"rotary_dim": 258}, "rotary_dim=258, only even numbers up to 256"),
    (
        "ministral3",
        {"rope_parameters": {"rope_theta": 1e4, "rope_type": "default"}},
        (
            "rope_parameters={'rope_theta': 10000.0, 'rope_type': 'default'}, only numbers for "
            "llama_4_scaling_beta and original_max_position_embeddings"
        ),
    ),
    ("youtu", {"head_dim": 8}, "head_dim=8, only 64"),
    ("hunyuan_v1_dense", {}, "head_dim=None, only whole numbers of at least 1"),
    ("ministral", {}, "head_dim=None, only whole numbers of at least 1"),
    ("nemotron", {}, "num_key_value_heads=None, only whole numbers of at least 1"),
    ("falcon", {"multi_query": False, "num_kv_heads": 1}, "num_kv_heads=1"),
    (
        "falcon",
        {"new_decoder_architecture": True, "num_kv_heads": 3},
        "num_kv_heads=3, only divisors of the 71 query heads",
    ),
]


@pytest.mark.parametrize(("model_type", "overrides", "said"), REFUSED)
def test_a_value_that_is_not_understood_is_refused(model_type, overrides, said):
    model = HfModel(read_config(model_type, LmOptions(overrides=overrides)))
    assert model.no_closed_forms == (f"the closed forms of {model_type!r} do not cover {said}")
    with pytest.raises(UsageError, match="do not cover"):
        list(model.ops("prefill", Workload()))


@pytest.mark.parametrize("model_type", TYPES)
@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("num_key_value_heads", 3, "only divisors of the 4 query heads"),
        ("num_attention_heads", 0, "only whole numbers of at least 1"),
        ("rope_parameters", {"rope_type": "proportional"}, "only rope_type default, linear"),
    ],
)
def test_what_no_type_covers_is_refused_by_all_that_read_it(model_type, field, value, said):
    config = read_config(model_type, LmOptions())
    if config.get(field) is None or (model_type, field) == ("gpt_bigcode", "num_key_value_heads"):
        return  # GPT-BigCode's model does not read it
    heads = {"num_attention_heads": 4} if field == "num_key_value_heads" else {}
    values = {**config.values, **UNBUILT.get(model_type, {}), **heads, field: value}
    refusal = HfModel(evolve(config, values=values)).no_closed_forms
    assert refusal is not None
    assert said in refusal
    assert f"{field}={value!r}" in refusal


def test_a_long_list_in_a_value_that_is_refused_is_told_by_its_length():
    config = read_config("llama", LmOptions())
    rope = {
        "rope_type": "widerope",
        "short_factor": [1.0] * 48,
        "long_factor": [n / 9 for n in range(47)],
    }
    refusal = HfModel(evolve(config, values={**config.values, "rope_parameters": rope}))
    said = refusal.no_closed_forms
    assert "{'rope_type': 'widerope', 'short_factor': [48 items: 1.0], 'long_factor': [47 i" in said
    assert len(said) < 300


def test_kinds_of_layers_that_are_not_understood_are_refused():
    config = read_config("qwen2", LmOptions())
    kinds = ["linear_attention"] * config.get("num_hidden_layers")
    values = {**config.values, "layer_types": kinds}
    assert "'linear_attention'" in HfModel(evolve(config, values=values)).no_closed_forms


def test_a_refused_config_is_counted_by_the_vendor_alone(flopbench, tmp_path):
    overrides = "model.overrides={hidden_act: tanh, num_hidden_layers: 1}"
    sizes = ("workload.context_tokens=8", "workload.decode_steps=2")
    done = flopbench("run", "hf/llama", overrides, *sizes, "--format", "json")
    assert done.returncode == 0
    report = json.loads(done.stdout)
    assert report["verdict"] == "not_checked"
    assert report["no_closed_forms"].endswith("hidden_act='tanh'")
    assert (report["workload"]["layers"], report["workload"]["vocabulary"]) == (1, 32000)


def test_why_there_are_no_closed_forms_is_said_if_the_vendor_fails_too(flopbench):
    done = flopbench("run", "hf/llama", "model.overrides.hidden_act=mystery", "--format", "json")
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert report["verdict"] == "not_verified"
    assert report["no_closed_forms"].endswith("do not cover hidden_act='mystery'")


def test_at_least_sixteen_types_are_covered_and_listed(flopbench):
    assert len(FAMILIES) > 16
    listed = flopbench("list").stdout
    assert all(f"hf/{kind}" in listed for kind in FAMILIES)
    full = flopbench("list", "models").stdout
    assert "Llama (arXiv:2302.13971, arXiv:2407.21783): closed forms and vendor" in full
    assert listed.count("any other causal language model") == 1


def test_a_window_caps_the_keys_of_decoding_and_flash_computes_the_band_of_the_prefill():
    from flopbench.builtin.flash import Flash

    config = small_config("gemma2", sliding_window=4, attn_logit_softcapping=None)
    model = HfModel(config)

    def pairs(stage, mode, **workload):
        priced = price(model.ops(stage, Workload(**workload)), mode, Eager(), Conventions())
        core = [x for x in priced.lines if x.component == "decoder/attention/core"]
        return sum(x.cost.tensor_flops for x in core) // (2 * 2 * 4 * 24)

    # One sliding layer, one full one; 4 heads of 24, two products.
    assert pairs("prefill", Eager(), context_tokens=10) == 2 * 10 * 10
    assert pairs("prefill", Flash(), context_tokens=10) == (1 + 2 + 3 + 7 * 4) + 55
    assert pairs("decode", Eager(), context_tokens=10, decode_steps=2) == 2 * 4 + 11 + 12


HOW = r"(interpolated(, with the number of chunks of \d+,)? )?for all"
CELL = re.compile(
    rf"{HOW} B, S, K"
    rf"|prefill {HOW} B, S( with S >=? \d+( not divisible by \d+)?)?; "
    rf"decode {HOW} B, S, K( with K \+ S < (\d+) or S >= \d+)?"
    r"|not proved: (?!.*(Error|torch|aten|None))[\w ,;:=().+-]{10,120}"
)
"""All that a row of the page may say of a proof."""


def rows():
    import make_hf_laws as script

    return dict(script.ROW.findall(script.PAGE.read_text(encoding="utf-8")))


def test_the_page_lists_each_type_with_its_law():
    import make_hf_laws as script

    text, proofs = script.PAGE.read_text(encoding="utf-8"), rows()
    assert set(proofs) == set(FAMILIES)
    assert [cell for cell in proofs.values() if not CELL.fullmatch(cell)] == []
    assert script.page_with(text, script.tables(proofs)) == text
    assert f"\n{len(FAMILIES)} types have closed forms" in text


CHUNK_OF_DELTA_RULES = 64
"""transformers' code has it, no config does."""


def test_the_numbers_of_a_proof_are_those_of_the_types_config():
    for kind, cell in rows().items():
        said = {int(number) for number in re.findall(r"(?<![\w.])\d+", cell)}
        if cell.startswith("not proved") or not said:
            continue
        values = to_transformers(read_config(kind, LmOptions())).to_dict().values()
        own = {CHUNK_OF_DELTA_RULES, *(value for value in values if isinstance(value, int))}
        assert all({n - 1, n, n + 1} & own for n in said), (kind, cell)


def test_what_proofs_assume_together_is_said_briefly():
    import make_hf_laws as script

    batch, tokens = symbol("B"), symbol("S")
    padded = sympy.And(tokens > 256, sympy.Ne(sympy.Mod(tokens, 256), 0))
    assert script._text(padded) == "S > 256 not divisible by 256"
    assert script._text(sympy.Or(tokens < 256, padded)) == "S < 256 or S > 256 not divisible by 256"
    assert script._text(sympy.And(batch > 2, padded)) == "B > 2 and S > 256 not divisible by 256"
    relation = script.RELATION
    assert relation.fullmatch("Ne(Mod(S, 256), 0)")
    assert relation.fullmatch("K + S < 4095")
    assert not relation.fullmatch(
        "S was interpolated (the program binds S): degree 1 from S = 8, 9"
    )
    assert not relation.fullmatch("each decode step is called on the state that a prefill leaves")


ONE_LAYER = {"vocab_size": 37, "hidden_size": 32, "num_hidden_layers": 1}
TINY = {
    "bloom": {"vocab_size": 40, "hidden_size": 16, "n_layer": 1, "n_head": 2},
    "deepseek_v32": ONE_LAYER
    | {"num_attention_heads": 4, "num_key_value_heads": 4, "q_lora_rank": 10, "kv_lora_rank": 12}
    | {"qk_nope_head_dim": 6, "qk_rope_head_dim": 4, "v_head_dim": 10, "intermediate_size": 22}
    | {"index_head_dim": 6, "index_n_heads": 3, "mlp_layer_types": ["dense"]}
    | {"layer_types": ["indexed_attention"]},
    "gpt_oss": {**SMALL["gpt_oss"], "sliding_window": 128},
    "llama": {**SMALL["llama"], "num_hidden_layers": 1},
}
"""Configs that are proved in seconds.

gpt-oss has its default window, in one of two layers, and DeepSeek-V3.2 chooses as many keys as by
default.
"""


@pytest.mark.slow
@pytest.mark.parametrize("model_type", TINY)
def test_a_tiny_config_is_proved_as_the_page_says(model_type):
    import make_hf_laws as script

    assert script.proved(model_type, TINY[model_type]) == rows()[model_type]
