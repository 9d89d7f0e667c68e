"""Both sides against counts of DeepSeek-OCR that others made (provenance in reference.json).

The original code and the published series compute RoPE's angles as a product in every decoder
layer, 12 layers * 2 * 64 = 1,536 FLOPs per token. transformers computes them element by
element, so its counts are lower by exactly that; ``model.rope=matmul`` prices the original.
"""

import json
from pathlib import Path

import pytest
import sympy

from flopbench.builtin.torch_counter import TorchCounter
from flopbench.dims import consecutive_sum
from flopbench.vendor.counting import count_stage
from flopbench_deepseek_ocr.analytic import DeepseekOcr
from flopbench_deepseek_ocr.workload import Inputs, Workload
from support.stages import price_stage

REFERENCE = json.loads(Path(__file__).with_name("reference.json").read_text())
ORIGINAL = REFERENCE["original_code"]
PUBLISHED = REFERENCE["published_vendor_tflops"]["points"]
MODES = REFERENCE["published_code"]["modes"]
PAGE = Path(__file__).parents[3] / "docs" / "deepseek-ocr.md"
ROPE_PER_TOKEN = 12 * 2 * 64


@pytest.fixture(scope="session")
def original_model():
    return DeepseekOcr(rope_by_matmul=True)


def one_view(size, count):
    """A workload with ``count`` images of one size and nothing else to see."""
    return Workload(view_size=size, batch_size=count)


def by_part(lines, flops):
    """Sum FLOPs by the part of the vision tower: sam, clip, projector."""
    parts = {}
    for line in lines:
        part = line.component.split("/")[1]
        parts[part] = parts.get(part, 0) + flops(line)
    return parts


@pytest.mark.parametrize("case", ORIGINAL["vision"], ids=lambda c: f"{c['tiles']}x{c['size']}")
def test_the_vision_tower_equals_the_original_code_part_by_part(case, model, vendor):
    workload = one_view(case["size"], case["tiles"])
    expected = {part: case[part] for part in ("sam", "clip", "projector")}
    priced = price_stage(model, "vision", workload)
    assert by_part(priced.lines, lambda line: line.torch_visible_flops) == expected

    counted = TorchCounter().count(vendor.stage("vision", workload).prepare(1))
    components = [(vendor.component(entry.module), entry.flops) for entry in counted.counted]
    for part, flops in expected.items():
        found = sum(n for c, n in components if c.startswith(f"vision/{part}"))
        assert found == flops


def test_prefill_equals_the_original_code_with_its_rope(original_model, model, vendor):
    case = ORIGINAL["decoder"][0]
    workload = Workload(tile_rows=3, tile_cols=2)
    assert workload.context_tokens == case["context"]
    total = case["decoder"] + case["lm_head_all_positions"]
    ours = price_stage(original_model, "prefill", workload).torch_visible_flops
    assert ours == total
    counted = TorchCounter().count(vendor.stage("prefill", workload).prepare(1)).flops
    assert counted == total - ROPE_PER_TOKEN * case["context"]
    assert price_stage(model, "prefill", workload).torch_visible_flops == counted


@pytest.mark.parametrize("case", ORIGINAL["decoder"][1:], ids=lambda c: f"keys={c['keys']}")
def test_a_decode_step_equals_the_original_code_with_its_rope(case, original_model, vendor):
    context = case["keys"] - 1
    workload = Workload(prompt_tokens=context - 273, decode_steps=1)
    assert workload.context_tokens == context
    total = case["decoder"] + case["lm_head"]
    ours = price_stage(original_model, "decode", workload).torch_visible_flops
    assert ours == total
    counted = TorchCounter().count(vendor.stage("decode", workload).prepare(1)).flops
    assert counted == total - ROPE_PER_TOKEN


@pytest.mark.parametrize("point", PUBLISHED, ids=lambda p: p["grid"])
def test_the_published_series_is_met_to_the_last_flop(point, original_model, model, vendor):
    rows, cols = map(int, point["grid"].split("x"))
    workload = Workload(tile_rows=rows, tile_cols=cols)
    assert workload.image_tokens == point["image_tokens"]
    assert workload.context_tokens == point["context"]
    published = {key: round(point[key] * 10**12) for key in point if "_" in key or key == "vision"}

    def ours(model, stage):
        return price_stage(model, stage, workload).torch_visible_flops

    assert ours(model, "vision") == published["vision"]
    both = ours(original_model, "vision") + ours(original_model, "prefill")
    assert both == published["prefill_with_vision"]
    assert ours(original_model, "decode") == published["decode_100"]

    counter, stages = TorchCounter(), ("vision", "prefill", "decode")
    counted = {s: count_stage(counter, vendor.stage(s, workload)).count.flops for s in stages}
    assert counted["vision"] == published["vision"]
    assert counted["vision"] + counted["prefill"] == (
        published["prefill_with_vision"] - ROPE_PER_TOKEN * point["context"]
    )
    assert counted["decode"] == published["decode_100"] - ROPE_PER_TOKEN * 100


@pytest.mark.parametrize("mode", MODES)
def test_the_published_code_is_met_in_every_mode(mode, original_model):
    counted = MODES[mode]
    workload = original_model.workload(Inputs(mode=mode))
    assert workload.context_tokens == counted["context"]
    ours = {s: price_stage(original_model, s, workload) for s in ("vision", "prefill", "decode")}
    flops = [ours[stage].torch_visible_flops for stage in ours]
    assert flops == [counted[key] for key in ("vision", "prefill", "decode_100")]
    row = " | ".join(f"{n:,}" for n in (*flops, sum(flops)))
    assert f"| `{mode}` | {row} |" in PAGE.read_text(encoding="utf-8")


def test_the_closed_forms_are_those_measured_with_symbolic_shapes(model):
    forms = REFERENCE["transformers_closed_form"]
    context, steps, tiles = sympy.symbols("S K n", positive=True, integer=True)
    lm_head = 2 * 1280 * 129280
    workload = Workload(prompt_tokens=context - 273, decode_steps=steps)
    prefill = price_stage(model, "prefill", workload).torch_visible_flops
    published = sympy.sympify(forms["prefill_decoder"], locals={"S": context})
    assert sympy.expand(prefill - lm_head * context - published) == 0

    # A step after a prefill of S tokens sees S + 1 keys, the next one S + 2, ...
    per_step = sympy.Poly(
        sympy.sympify(forms["decode_step_decoder_after_prefill_of_S"], locals={"S": context}),
        context,
    )
    slope, constant = per_step.all_coeffs()
    decode = price_stage(model, "decode", workload).torch_visible_flops
    published = slope * consecutive_sum(context, steps) + (constant + lm_head) * steps
    assert sympy.expand(decode - published) == 0

    workload = Workload(view_size=640, batch_size=tiles)
    lines = price_stage(model, "vision", workload).lines
    clip = by_part(lines, lambda line: line.torch_visible_flops)["clip"]
    assert sympy.expand(clip - sympy.sympify(forms["clip_per_640_tile"], locals={"n": tiles})) == 0
