"""The priced vector work of towers, element by element, against the ops that they run."""

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from flopbench.ops import Attention, Elementwise
from plugins.transformers_vlm.tiny_models import TINY
from plugins.transformers_vlm.vl_helpers import drawn, model_of, vendor_of, workload_of
from support.dispatched import Elements, run
from support.vector_work import RUNS, priced, ran

RESIZED = {"got_ocr2", "paddleocr_vl", "qwen3_5", "qwen3_5_moe", "qwen3_vl", "qwen3_vl_moe"}
"""Types that resize a table of positions by sums and products, which are not priced."""

PLACED = {"idefics3", "minicpm_ocr", "minicpmv4_6", "smolvlm"}
"""Types that compute which entry of a table is whose by sums and products, which are not priced."""

OTHERS = {
    "glm46v": "positions are sampled from a table by coordinates that are computed",
    "glm4v": "the same",
    "glm4v_moe": "the same",
    "kosmos-2.5": "features are made of length one by a norm that is not dispatched as its parts",
    "lighton_ocr": "a mask hides images from each other",
    "mistral3": "the same",
    "pix2struct": "a page that fills all patches, as one without values does, needs no mask",
}
"""Types that are not held, and why."""

MOVES = {"as_strided_", "roll", "upsample_bicubic2d", "upsample_bilinear2d"}
"""What else copies, and a table that is resized by one op."""

MEANS = ("donut", "florence2", "nougat", "gemma3")
"""Types that average vectors: the dispatcher sees a mean, not its sums."""

KNOWN = {"trocr": "tanh", "vision-encoder-decoder": "tanh"}
"""The activation of a pooler, which is said not to be priced."""

HELD = sorted({*TINY} - RESIZED - PLACED - {*OTHERS})


@pytest.mark.parametrize("kind", HELD)
@settings(max_examples=2, phases=(Phase.explicit, Phase.generate))
@given(data=st.data())
def test_what_is_priced_is_what_the_tower_works_on(kind, data):
    tiny = TINY[kind]
    model = model_of(kind, drawn(data, tiny.fields), drawn(data, tiny.settings), tiny.file)
    side = min(tiny.most, 120)
    workload = workload_of(model, (side, side), prompt_tokens=2, batch_size=2)
    elements = Elements()
    run(vendor_of(model).stage("vision", workload).prepare(1), elements)
    found = ran(elements.total())
    found.subtract(priced(model, "vision", RUNS, workload))
    for op in MOVES | {KNOWN.get(kind)}:
        del found[op]
    if kind in MEANS:
        del found["avg_pool2d"]
        found["add"] += averaged(model, workload) - units(model, kind) - built(model, workload)
    assert not any(found.values()), found


def averaged(model, workload):
    """Return the elements that are summed to means: the ops that write fewer than they make."""
    ops = [op for op in model.ops("vision", workload) if isinstance(op, Elementwise)]
    return sum(int(op.outputs) for op in ops if op.writes is not None and op.function == "add")


def units(model, kind):
    """Return the weights of norms to which Gemma adds 1."""
    return model._family.tower.width if kind == "gemma3" else 0


def built(model, workload):
    """Return the elements of the masks of shifted windows, each a difference of two numbers."""
    (view,) = workload.all_views
    ops = [op for op in model.ops("vision", workload) if isinstance(op, Attention)]
    return sum(int(op.layers * op.batch * op.keys**2) // view.count for op in ops if op.biases > 1)
