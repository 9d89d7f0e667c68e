"""Fields that are nearly those of a config: what is refused, and what never is."""

import contextlib
import json

import pytest

from flopbench.errors import UsageError
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.config import LmOptions, all_values, read_config
from flopbench_transformers_lm.misspelt import _words


def read_file(tmp_path, kind, *, overrides=None, unknown_fields=None, **values):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"model_type": kind, **values}))
    options = LmOptions(config=str(path), overrides=overrides or {}, unknown_fields=unknown_fields)
    return read_config(kind, options)


def test_a_misspelt_field_of_a_config_json_names_the_nearest(tmp_path):
    with pytest.raises(UsageError, match="unknown field of llama 'hidden_sizee': did you mean 'h"):
        read_file(tmp_path, "llama", hidden_sizee=128)
    assert read_file(tmp_path, "llama", hidden_sizee=128, unknown_fields="ignore")


def test_so_does_one_of_the_language_model_in_a_model(tmp_path):
    part = {"model_type": "gemma3_text", "num_hidden_layer": 2}
    with pytest.raises(UsageError, match=r"\(text_config\): unknown field of gemma3_text 'num_hid"):
        read_file(tmp_path, "gemma3", text_config=part)


def test_what_a_config_json_holds_besides_is_let_pass(tmp_path):
    others = {"torch_dtype": "float16", "_name_or_path": "x", "quantization_config": {"bits": 4}}
    assert read_file(tmp_path, "llama", **others).get("hidden_size") == 4096
    # An older name that transformers knows; and a field whose neighbour is given, too.
    assert read_file(tmp_path, "bloom", n_embed=128).get("hidden_size") == 128
    said = {"hidden_sizee": 128, "overrides": {"hidden_size": 64}}
    assert read_file(tmp_path, "llama", **said).get("hidden_size") == 64


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("gemma3_text", {"sliding_window_pattern": 6}),
        ("gemma3", {"eoi_token_index": 256000, "eos_token_id": [1, 106]}),
        ("gemma3", {"boi_token_index": 255999, "bos_token_id": 2}),
        ("llama", {"hidden_sizes": [64], "eoi_token_id": 3, "rope_local_base_freq": 1e4}),
    ],
)
def test_a_field_that_some_config_class_reads_is_never_a_misspelling(tmp_path, kind, fields):
    """The first three: google/gemma-3-1b-it and -4b-it, config.json."""
    config = read_file(tmp_path, kind, **fields)
    assert config == read_file(tmp_path, kind, **fields, unknown_fields="ignore")


def test_a_word_that_is_near_no_number_is_let_pass(tmp_path):
    plain = read_file(tmp_path, "bart", classifier_dropout=0.1).notes
    # facebook/bart-large-cnn
    assert read_file(tmp_path, "bart", classif_dropout=0.1).notes == plain


def test_a_near_miss_that_another_type_reads_is_told(tmp_path):
    sizes = {"num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 9, "hidden_sizes": 64}
    notes = read_file(tmp_path, "llama", **sizes).notes
    assert notes[-1] == "llama does not read the file's 'hidden_sizes' (it has 'hidden_size')"


@pytest.mark.parametrize(
    ("kind", "fields", "defaults"),
    [
        ("qwen3", {"hidden_size": 64, "num_layers": 2}, "num_hidden_layers=32"),
        ("llama", {"n_embd": 2048, "block_count": 16}, "hidden_size=4096, num_hidden_layers=32"),
        ("llama", {"dim": 4096, "n_layers": 32, "n_heads": 32}, "num_attention_heads=32"),
    ],
)
def test_sizes_that_nobody_reads_are_told_with_the_defaults_in_their_place(
    tmp_path, kind, fields, defaults
):
    (note,) = read_file(tmp_path, kind, **fields).notes
    assert note.startswith(f"{kind} does not read the file's ")
    assert defaults in note


ATTENTION = {"full_attn_layers": [2], "kda_layers": [1, 3], "head_dim": 16, "num_heads": 3}
THREE = {"num_hidden_layers": 3}


@pytest.mark.parametrize(
    ("kind", "fields", "others", "kept"),
    [
        ("kimi_linear", {"linear_attn_config": ATTENTION}, THREE, "linear_head_dim"),
        ("kimi_linear", {"linear_attn_config": ATTENTION}, THREE, "layer_types"),
        ("kimi_linear", {"first_k_dense_replace": 2}, {}, "mlp_layer_types"),
        ("mimo_v2_flash", {"sliding_window_size": 64}, {}, "sliding_window"),
        ("nemotron_h", {"hybrid_override_pattern": "M*E"}, {}, "layers_block_type"),
        ("qwen3_next", {"partial_rotary_factor": 0.5}, {}, "rope_parameters"),
        ("llama", {"rope_theta": 5e5}, {}, "rope_parameters"),
    ],
)
def test_an_override_may_be_a_field_that_only_files_have(tmp_path, kind, fields, others, kept):
    """It does what it does in a file."""
    config = read_config(kind, LmOptions(overrides=fields | others))
    file = read_file(tmp_path, kind, **fields, **others)
    default = read_config(kind, LmOptions(overrides=others))
    assert config.get(kept) == file.get(kept) != default.get(kept)
    assert HfModel(config).no_closed_forms is None


def test_such_an_override_may_give_what_the_default_is():
    default = read_config("kimi_linear", LmOptions())
    again = read_config("kimi_linear", LmOptions(overrides={"first_k_dense_replace": 1}))
    assert again.get("mlp_layer_types") == default.get("mlp_layer_types")


def test_such_an_override_is_refused_where_other_fields_rule(tmp_path):
    kinds = ["dense", "sparse", "sparse"]
    with pytest.raises(UsageError, match="first_k_dense_replace changes nothing: other fields of"):
        read_file(
            tmp_path,
            "kimi_linear",
            overrides={"first_k_dense_replace": 2},
            num_hidden_layers=3,
            mlp_layer_types=kinds,
        )


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("gpt2", "rope_theta"),  # rotates nothing
        ("llama", "attn_implementation"),
        ("llama", "first_k_dense_replace"),
        ("llama", "self"),
        # In XiaomiMiMo/MiMo-V2-Flash's file; transformers' class goes by layer_types alone.
        ("mimo_v2_flash", "hybrid_layer_pattern"),
    ],
)
def test_an_override_that_the_class_does_not_read_is_refused(kind, field):
    with pytest.raises(UsageError, match=f"unknown field of {kind} '{field}'"):
        read_config(kind, LmOptions(overrides={field: 3}))


@pytest.mark.slow
def test_every_field_of_every_config_class_is_known():
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING, CONFIG_MAPPING_NAMES

    fields, built = set(), 0
    for kind in CONFIG_MAPPING_NAMES:
        # A few classes need arguments or a package.
        with contextlib.suppress(Exception):
            config = CONFIG_MAPPING[kind]()
            fields |= {*all_values(config), *config.attribute_map}
            built += 1
    assert built > 700
    assert len(fields) > 2000
    # What a config keeps of the file's own: names that no source has as a word.
    assert {field for field in fields if field not in _words("*")} <= {"transformers_version"}
