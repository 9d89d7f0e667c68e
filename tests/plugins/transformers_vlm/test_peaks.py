"""Activations alive at once in the layers of towers, op by op, against the real towers."""

from collections import defaultdict
from importlib import import_module

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from plugins.transformers_vlm.tiny_models import TINY
from plugins.transformers_vlm.vl_helpers import drawn, model_of, vendor_of, workload_of
from support import liveness
from support.peaks import KINDS, our_peaks

LAYERS = ("vision/attention/", "vision/channel_attention/", "vision/mlp", "vision/norm")
ROPE = "vision/attention/core", "rope"
"""What is rotated has beside it the angles of all heads, which are left out."""

SHARED = {
    ("vision/attention/qkv", "linear"),
    ("vision/attention/core", "matmul"),
    ("vision/attention/core", "softmax"),
    ("vision/attention/out", "linear"),
    ("vision/mlp", "linear"),
}
SIDES = {"florence2": 30, "got_ocr2": 64, "trocr": 40}
DEEP = {
    "internvl": {"num_hidden_layers": 2},
    "qwen2_5_vl": {"depth": 3, "fullatt_block_indexes": [1]},
}
"""Layers for which the first is not the largest: what it takes is looked up, not made."""


def real_peaks(vendor, workload):
    call = vendor.stage("vision", workload).prepare(1)
    codes = {type(module).__module__ for module in call.root.modules()}
    owners = [import_module(name) for name in codes if name.startswith("transformers.models")]
    names = ("apply_rotary_pos_emb", "apply_rotary_pos_emb_vision")
    functions = {(o, name): "rope" for o in owners for name in names if hasattr(o, name)}
    norms = {type(m).__name__ for m in call.root.modules() if "RMSNorm" in type(m).__name__}
    most = defaultdict(int)
    for run in liveness.record(
        call.root,
        call.run,
        joined=dict.fromkeys(norms, "rms_norm"),
        functions=functions,
        given_first=True,
    ):
        name = run.name.removeprefix("aten.")
        key = vendor.component_of(run.module, "bmm"), KINDS.get(name, name)
        most[key] = max(most[key], run.live)
    return most


@pytest.mark.parametrize(
    "kind", ["florence2", "glm_ocr", "got_ocr2", "hunyuan_vl", "internvl", "qwen2_5_vl", "trocr"]
)
@settings(max_examples=1, phases=(Phase.explicit, Phase.generate))
@given(data=st.data())
def test_ops_of_layers_hold_what_the_real_ones_hold(kind, data):
    tiny = TINY[kind]
    fields = drawn(data, tiny.fields)
    if kind in DEEP:
        fields["vision_config"] |= DEEP[kind]
    model = model_of(kind, fields, drawn(data, tiny.settings), tiny.file)
    side = SIDES.get(kind, 100)
    pages = [(side, side), (side, 2 * side)][: tiny.images]
    workload = workload_of(model, *pages, prompt_tokens=2, batch_size=2)
    real, ours = real_peaks(vendor_of(model), workload), our_peaks(model, "vision", workload)
    both = {key for key in real.keys() & ours.keys() if key[0].startswith(LAYERS)} - {ROPE}
    assert both >= SHARED
    assert {key: ours[key] for key in both} == {key: real[key] for key in both}
