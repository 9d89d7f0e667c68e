"""Language models that run within a multimodal model: exact, and their positions on three axes.

Source of the expected elements: each of the three positions of a token has its own angles, one per
pair of rotated elements, and each sequence its own positions (M-RoPE, arXiv:2409.12191).
"""

import re
from collections import Counter

import pytest

from flopbench.analytic.price import price
from flopbench.builtin.eager import Eager
from flopbench.conventions import Conventions
from flopbench.vendor.counting import count_stage
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.config import LmOptions, read_config
from flopbench_transformers_lm.families import PARTS
from flopbench_transformers_lm.model_types import multimodal_types
from flopbench_transformers_lm.vendor import HfVendor
from flopbench_transformers_lm.workload import Workload
from plugins.transformers_lm.lm_helpers import COUNTER
from plugins.transformers_lm.test_moe import assert_exact
from plugins.transformers_lm.tiny_configs import FIELDS
from support.dispatched import Elements, run
from support.vector_work import RUNS, priced, ran

WHOLE = {
    "glm4v": "glm4v_text",
    "glm4v_moe": "glm4v_moe_text",
    "glm_ocr": "glm_ocr_text",
    "granite_docling": "granite_docling_text",
    "hunyuan_vl": "hunyuan_vl_text",
    "paddleocr_vl": "paddleocr_vl_text",
    "qwen2_5_omni_thinker": "qwen2_5_omni_text",
    "qwen2_5_vl": "qwen2_5_vl_text",
    "qwen2_vl": "qwen2_vl_text",
    "qwen3_omni_moe_thinker": "qwen3_omni_moe_text",
    "qwen3_vl": "qwen3_vl_text",
    "qwen3_vl_moe": "qwen3_vl_moe_text",
}
"""Types, and the type of the language model in each."""

EPSILON = {"glm4v_moe"}
"""Types that add an epsilon to the sum of the weights of chosen experts, which is not priced."""

LEARNED = "e_score_correction_bias"
"""A buffer that is learned as weights are."""


ROPE = {"rope_type": "default", "rope_theta": 1e4}

NO_WINDOWS = {"layer_types": None, "sliding_window": None, "use_sliding_window": False}


def small(kind, **others):
    """Return a small config, whose sections of rotated pairs add up to a head's."""
    usual = read_config(kind, LmOptions()).decoder
    fields = {**FIELDS, **NO_WINDOWS, "hidden_size": 64, "head_dim": 16, **others}
    if "n_routed_experts" in usual.values:
        del fields["num_local_experts"]  # its other name
    text = {name: value for name, value in fields.items() if name in usual.values}
    rope = {k: v for k, v in (usual.get("rope_parameters") or ROPE).items() if k != "mrope_section"}
    head = text.get("head_dim", text["hidden_size"] // text["num_attention_heads"])
    pairs = int(head * rope.get("partial_rotary_factor", 1)) // 2
    sections = [pairs - 2 * (pairs // 3), pairs // 3, pairs // 3]
    text["rope_parameters"] = {**rope, "mrope_section": sections}
    fields = {"text_config": text}
    if kind == "granite_docling":
        fields["vision_config"] = {"out_hidden_size": text["hidden_size"]}
    return read_config(kind, LmOptions(overrides=fields))


def test_each_text_config_with_closed_forms_is_of_a_multimodal_type():
    assert set(WHOLE.values()) == set(PARTS)
    assert set(WHOLE) <= set(multimodal_types())


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("sizes", [{}, {"hidden_size": 96, "num_attention_heads": 6}])
def test_the_language_model_in_each_is_exact(kind, sizes):
    config = small(kind, **sizes)
    assert config.decoder.model_type == WHOLE[kind]
    workload = Workload(batch_size=3, context_tokens=7, decode_steps=3)
    assert_exact(config, workload)
    ops = HfModel(config).ops("prefill", workload)
    found = price(ops, Eager(), Eager(), Conventions(), "float32").footprint
    model = HfVendor(config)._real.module
    named = [*model.named_parameters(), *(b for b in model.named_buffers() if LEARNED in b[0])]
    sizes = [p.numel() for name, p in named if not re.search("visual|vision|audio|projector", name)]
    assert found.total_weight_bytes == 4 * sum(sizes)


@pytest.mark.parametrize("batch", [pytest.param(1, marks=pytest.mark.slow), 3])
@pytest.mark.parametrize("kind", WHOLE)
def test_every_priced_element_is_one_that_it_works_on(kind, batch):
    config = small(kind)
    workload = Workload(batch_size=batch, context_tokens=7, decode_steps=1)
    for stage, tokens in (("prefill", 7 * batch), ("decode", batch)):
        elements = Elements()
        run(HfVendor(config).stage(stage, workload).prepare(1), elements)
        theirs = ran(elements.total())
        theirs.subtract(priced(HfModel(config), stage, RUNS, workload))
        beyond = {op: count for op, count in theirs.items() if count}
        assert beyond == ({"add": tokens} if kind in EPSILON else {}), stage


@pytest.mark.parametrize("kind", ["qwen2_vl", "qwen3_vl_moe"])
def test_images_and_sound_are_no_part_of_the_count(kind):
    vendor = HfVendor(small(kind))
    stage = vendor.stage("prefill", Workload(batch_size=2, context_tokens=5))
    parts = Counter(vendor.component(e.module) for e in count_stage(COUNTER, stage).count.counted)
    assert not [name for name in parts if not name.startswith(("decoder/", "lm_head"))]
