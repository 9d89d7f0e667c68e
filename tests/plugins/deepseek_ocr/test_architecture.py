"""Reading the published checkpoint's config.json."""

import copy
import json

import attrs
import pytest
from hypothesis import given

from flopbench.errors import UsageError
from flopbench_deepseek_ocr.analytic import DeepseekOcr, Options
from flopbench_deepseek_ocr.architecture import Architecture, Decoder, Sam, read_architecture
from support.deepseek_strategies import architectures

# The published file's form and values (deepseek-ai/DeepSeek-OCR), without what is not read.
PUBLISHED = {
    "language_config": {
        "first_k_dense_replace": 1,
        "hidden_size": 1280,
        "intermediate_size": 6848,
        "moe_intermediate_size": 896,
        "n_routed_experts": 64,
        "n_shared_experts": 2,
        "num_attention_heads": 10,
        "num_experts_per_tok": 6,
        "num_hidden_layers": 12,
        "num_key_value_heads": 10,
        "use_mla": False,
        "vocab_size": 129280,
    },
    "projector_config": {"input_dim": 2048, "n_embed": 1280, "projector_type": "linear"},
    "vision_config": {
        "width": {
            "clip-l-14-224": {"heads": 16, "layers": 24, "width": 1024},
            "sam_vit_b": {
                "downsample_channels": [512, 1024],
                "global_attn_indexes": [2, 5, 8, 11],
                "heads": 12,
                "layers": 12,
                "width": 768,
            },
        }
    },
}


def write(folder, config):
    path = folder / "config.json"
    path.write_text(json.dumps(config))
    return path


def to_config(architecture):
    """Say an architecture in the words of the published file."""
    config = copy.deepcopy(PUBLISHED)
    sam, clip, decoder = architecture.sam, architecture.clip, architecture.decoder
    config["vision_config"]["width"]["sam_vit_b"] = {
        "downsample_channels": list(sam.downsample_channels),
        "global_attn_indexes": list(sam.global_layers),
        "heads": sam.heads,
        "layers": sam.layers,
        "width": sam.width,
    }
    config["vision_config"]["width"]["clip-l-14-224"] = {
        "heads": clip.heads,
        "layers": clip.layers,
        "width": clip.width,
    }
    config["language_config"] |= {
        "first_k_dense_replace": decoder.dense_layers,
        "hidden_size": decoder.width,
        "intermediate_size": decoder.mlp_width,
        "moe_intermediate_size": decoder.expert_width,
        "n_routed_experts": decoder.experts,
        "n_shared_experts": decoder.shared_experts,
        "num_attention_heads": decoder.heads,
        "num_experts_per_tok": decoder.experts_per_token,
        "num_hidden_layers": decoder.layers,
        "num_key_value_heads": decoder.kv_heads,
        "vocab_size": decoder.vocabulary,
    }
    config["projector_config"] |= {
        "input_dim": architecture.projector_width,
        "n_embed": decoder.width,
    }
    return config


def test_the_published_file_is_the_default(tmp_path):
    assert read_architecture(write(tmp_path, PUBLISHED)) == Architecture()


@given(architectures())
def test_what_a_file_says_is_what_is_read(tmp_path, architecture):
    read = read_architecture(write(tmp_path, to_config(architecture)))
    fixed = Sam()
    expected = attrs.evolve(
        architecture,
        sam=attrs.evolve(
            architecture.sam,
            mlp_width=4 * architecture.sam.width,
            window=fixed.window,
            patch_size=fixed.patch_size,
            neck_channels=fixed.neck_channels,
            pretrained_size=fixed.pretrained_size,
        ),
        clip=attrs.evolve(
            architecture.clip, mlp_width=4 * architecture.clip.width, pretrained_size=224
        ),
    )
    assert read == expected


def fields(config, prefix=()):
    for key, value in config.items():
        if isinstance(value, dict):
            yield from fields(value, (*prefix, key))
        yield (*prefix, key)


OPTIONAL = {("language_config", "use_mla"), ("projector_config", "projector_type")}
REQUIRED = sorted(set(fields(PUBLISHED)) - OPTIONAL)


@pytest.mark.parametrize("field", REQUIRED, ids=".".join)
def test_a_missing_field_is_named(tmp_path, field):
    config = copy.deepcopy(PUBLISHED)
    parent = config
    for key in field[:-1]:
        parent = parent[key]
    del parent[field[-1]]
    with pytest.raises(UsageError) as error:
        read_architecture(write(tmp_path, config))
    assert str(error.value) == f"{tmp_path}/config.json lacks the field {'.'.join(field)}"


@pytest.mark.parametrize(
    ("section", "key", "value", "message"),
    [
        ("language_config", "hidden_size", "1280", 'must be an integer of at least 0, got "1280"'),
        ("language_config", "hidden_size", 1281, "hidden size must be a multiple of the heads"),
        ("language_config", "num_hidden_layers", 0, "must be >= 1: 0"),
        ("language_config", "use_mla", True, "use_mla must be false, as in DeepSeek-OCR, got true"),
        ("projector_config", "projector_type", "mlp", 'projector_type must be "linear"'),
        ("projector_config", "input_dim", 1024, "input_dim must be 2048"),
        ("vision_config", "width", [], r"vision_config.width must be an object, got \[\]"),
        ("language_config", "moe_layer_freq", 2, "moe_layer_freq must be 1"),
        ("language_config", "topk_method", "noaux", 'topk_method must be "greedy"'),
        ("language_config", "attention_bias", True, "attention_bias must be false"),
        ("language_config", "n_group", 8, "n_group must be 1"),
    ],
)
def test_a_wrong_field_is_named(tmp_path, section, key, value, message):
    config = copy.deepcopy(PUBLISHED)
    config[section][key] = value
    with pytest.raises(UsageError, match=message) as error:
        read_architecture(write(tmp_path, config))
    assert "\n" not in str(error.value)


def test_an_unreadable_file_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"cannot read model.config=.*No such file"):
        DeepseekOcr.from_options(Options(config=str(tmp_path / "missing.json")))
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(UsageError, match="is not a JSON file"):
        DeepseekOcr.from_options(Options(config=str(tmp_path / "bad.json")))


@pytest.mark.parametrize(
    "build",
    [
        lambda: Sam(width=770),
        lambda: Sam(global_layers=(12,)),
        lambda: Decoder(experts=4, experts_per_token=5),
        lambda: Decoder(heads=10, kv_heads=4),
        lambda: Decoder(dense_layers=13),
        lambda: Architecture(sam=Sam(downsample_channels=(512, 512))),
    ],
)
def test_an_impossible_architecture_is_refused(build):
    with pytest.raises(ValueError, match=r"must|cannot"):
        build()


@pytest.mark.parametrize("value", [None, [], "abc", 3])
@pytest.mark.parametrize("section", ["language_config", "projector_config", "vision_config"])
def test_a_section_that_is_no_object_is_named(tmp_path, section, value):
    with pytest.raises(UsageError, match=f"{section} must be an object"):
        read_architecture(write(tmp_path, PUBLISHED | {section: value}))


def test_a_global_layer_given_twice_is_refused(tmp_path):
    config = copy.deepcopy(PUBLISHED)
    config["vision_config"]["width"]["sam_vit_b"]["global_attn_indexes"] = [2, 2, 5]
    with pytest.raises(UsageError, match="must be distinct"):
        read_architecture(write(tmp_path, config))


def test_a_file_nested_too_deeply_is_no_json(tmp_path):
    path = tmp_path / "config.json"
    path.write_text("[" * 100_000)
    with pytest.raises(UsageError, match="is not a JSON file"):
        read_architecture(path)


def test_other_patches_would_give_other_tokens():
    with pytest.raises(ValueError, match="16 pixels wide"):
        DeepseekOcr(Architecture(sam=Sam(patch_size=8)))
