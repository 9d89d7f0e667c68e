"""Odd fields of configs: exact, or a sentence that says what has no closed forms."""

import re

import pytest

from flopbench import UsageError
from flopbench_transformers_vlm.reading import UnreadableError
from flopbench_transformers_vlm.workload import Inputs
from plugins.transformers_vlm.tiny_models import TINY
from plugins.transformers_vlm.vl_helpers import assert_exact, model_of, workload_of

SMALL = {
    "vision_config": {
        "num_hidden_layers": 1,
        "hidden_size": 16,
        "num_attention_heads": 2,
        "intermediate_size": 8,
    },
    "image_token_id": 5,
}


def small(kind, **vision):
    """Return a small model with other fields of its tower."""
    tower = {**SMALL["vision_config"], **vision}
    fields = {**TINY[kind].fields, "vision_config": tower}
    fields["text_config"] = {
        name: value
        for name, value in fields["text_config"].items()
        if not hasattr(value, "example")
    }
    return model_of(kind, fields)


@pytest.mark.parametrize(
    ("kind", "fields", "message"),
    [
        ("glm_ocr", {"vision_config": {"num_heads": 7}}, "num_heads=7, only divisors of the width"),
        ("qwen2_vl", {"vision_config": {"num_heads": 640}}, "a multiple of 4"),
        ("internvl", {"vision_config": {"num_attention_heads": 7}}, "multiples of the 7 query"),
        ("lighton_ocr", {"vision_config": {"num_attention_heads": 7}}, "multiples of the 7 query"),
        ("donut", {"encoder": {"num_heads": [3, 5, 12, 24]}}, "num_heads=.*, only divisors of 192"),
        ("florence2", {"vision_config": {"num_groups": [4, 8, 16, 7]}}, "num_groups=.*, only div"),
        ("florence2", {"text_config": {"encoder_attention_heads": 5}}, "multiples of the 5 heads"),
        ("cohere2_vision", {"alignment_intermediate_size": 9}, "only even numbers"),
        ("llava", {"vision_feature_layer": 25}, "only layers from -25 to 24"),
        ("donut", {"encoder": {"hidden_size": 7}}, "hidden_size=7, only 768, which embed_dim"),
        (
            "gemma3",
            {
                "text_config": {"use_bidirectional_attention": True},
                "vision_config": {"image_size": 896, "patch_size": 14},
            },
            "use_bidirectional_attention=True, only false with windows",
        ),
        ("donut", {"encoder": {"embed_dim": -1}}, "embed_dim=-1, only whole numbers"),
        ("florence2", {"vision_config": {"patch_stride": [4]}}, "cannot read its config: IndexErr"),
        (
            "donut",
            {"encoder": {"mlp_ratio": -1.0}},
            "cannot read its config.*may be wrong.*mlp_ratio",
        ),
    ],
)
def test_what_has_no_closed_forms_is_named(kind, fields, message):
    model = model_of(kind, fields)
    assert re.search(message, model.no_closed_forms or "")
    assert model.assumptions()


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("trocr", {"encoder": {"image_size": [32]}}),
        ("internvl", {"vision_config": {"patch_size": [14]}}),
    ],
)
def test_what_cannot_be_read_at_all_is_one_sentence(kind, fields):
    with pytest.raises(UnreadableError, match=r"cannot read its config: \w+Error: .*may be wrong"):
        model_of(kind, fields).workload(Inputs(image=(50, 50)))


def test_a_field_that_nobody_reads_changes_nothing():
    one, two = (small("paddleocr_vl", temporal_patch_size=frames) for frames in (1, 2))
    assert one.architecture.values["vision_config"] != two.architecture.values["vision_config"]
    for model in (one, two):
        assert_exact(model, workload_of(model, (60, 90), prompt_tokens=2, decode_steps=1))


def test_a_text_model_of_another_type_is_the_one_that_transformers_builds():
    fields = {**small("paddleocr_vl").architecture.values["text_config"], "model_type": "stablelm"}
    kind, vision = "paddleocr_vl", SMALL["vision_config"]
    model = model_of(kind, file={"vision_config": vision, "text_config": fields})
    assert model.architecture.language.model_type == "paddleocr_vl_text"
    assert_exact(model, workload_of(model, (60, 90), prompt_tokens=2, decode_steps=1))


def test_a_tower_of_another_type_is_named_before_its_pages():
    file = {"vision_config": {"model_type": "internvl_vision"}}
    with pytest.raises(UsageError, match="do not cover model_type='internvl_vision'"):
        model_of("gemma3", file=file).workload(Inputs(image=(50, 50)))
