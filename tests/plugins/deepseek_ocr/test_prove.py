"""DeepSeek-OCR's laws: proved for the published model, for small ones, and not for wrong ones."""

import json
from functools import cache

import attrs
import numpy as np
import pytest
import sympy
from doc_output import ROOT, updated
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from flopbench.builtin.torch_counter import TorchCounter
from flopbench.dims.forms import symbol
from flopbench.laws.law import Subject
from flopbench.laws.vendor_law import vendor_law
from flopbench.ops import Attention, Linear, MatMul
from flopbench.tally import sums
from flopbench.vendor.counting import count_stage
from flopbench_deepseek_ocr.analytic import DeepseekOcr
from flopbench_deepseek_ocr.architecture import Architecture, Clip, Decoder, Sam
from flopbench_deepseek_ocr.vendor import DeepseekOcrVendor, VendorOptions
from flopbench_deepseek_ocr.workload import Inputs, Workload
from support.deepseek_strategies import architectures, workloads
from support.proofs import equations, proof_of

PAGE = (1240, 1754)

NO_SHRINKING = (Phase.explicit, Phase.generate)
"""Each example is traced some twenty times: to shrink a failure would take minutes."""


def vendor_of(architecture):
    return DeepseekOcrVendor.from_options(architecture, VendorOptions())


def law_of(model, vendor, stage, workload):
    subject = Subject(
        vendor=vendor,
        counter=TorchCounter(),
        model=model,
        stage=stage,
        workload=workload,
        open_sizes=model.sizes,
    )
    return vendor_law(subject)


PREFILL = "61440*B*S**2 + 1148190720*B*S"
DECODE = "30720*B*K**2 + 61440*B*K*S + 1148221440*B*K"
VISION = "388149837824*B*n + 1139967033344*B"


@pytest.mark.slow
def test_the_published_model_is_proved_for_every_batch_context_step_and_tile(tmp_path, warm):
    """As docs/proofs.md shows it."""
    page = ROOT / "docs" / "proofs.md"
    shown = updated(page, tmp_path, run=warm)
    assert shown == page.read_text(encoding="utf-8")
    out = tmp_path / "proof"
    names = ["proof.html", "proof.json", "proof.md", "proof.tex"]
    assert sorted(path.name for path in out.iterdir()) == names
    proof = json.loads((out / "proof.json").read_text())
    assert all(s["difference"] == "0" and s["verdict"] == "proved" for s in proof["stages"])
    laws = {s["stage"]: s["vendor"] for s in proof["stages"] if s["component"] is None}
    assert (laws["vision"], laws["prefill"], laws["decode"]) == (VISION, PREFILL, DECODE)
    names = {name: symbol(name) for name in proof["symbols"]}
    assert set(names) == {"B", "S", "K", "n"}
    whole = sum(sympy.sympify(laws[name], locals=names) for name in ("vision", "prefill", "decode"))
    assert sympy.expand(sympy.sympify(laws["end2end"], locals=names) - whole) == 0
    components = [s["component"] for s in proof["stages"] if s["component"]]
    assert len(components) == len({*components}) + 8 == 12 + 8 + 8
    # No relation between sizes is assumed: two sentences about the calls are all, but for those
    # about equal layers.
    notes = {note for s in proof["stages"] for note in s["assumptions"]}
    notes = {note for note in notes if " stands for " not in note}
    assert {note.split()[0] for note in notes} == {"vision", "each"}
    assert "verdict: proved: vendor = analytic for all B, S, K, n" in shown
    assert (
        r"F_{\text{prefill}} &= 61440 B S^{2} + 1148190720 B S" in (out / "proof.tex").read_text()
    )


@pytest.mark.parametrize(
    ("mode", "law"),
    [
        ("tiny", "268307824640*B"),
        pytest.param("small", "388149837824*B", marks=pytest.mark.slow),
        pytest.param("base", "1139967033344*B", marks=pytest.mark.slow),
        ("large", "1943216685056*B"),
    ],
)
@pytest.mark.slow
def test_vision_is_proved_for_every_view_size(mode, law, model, vendor):
    workload = model.workload(Inputs(mode=mode, image=PAGE))
    proof = proof_of(model, vendor, workload, stages=["vision"])
    assert proof.verdict == "proved"
    assert str(equations(proof)["vision", None].vendor) == law


@pytest.mark.slow
def test_the_lm_head_on_the_last_position_is_proved_too(model, vendor):
    workload = model.workload(Inputs(mode="base", image=PAGE, lm_head="last"))
    proof = proof_of(model, vendor, workload, stages=["prefill"])
    assert proof.verdict == "proved"
    assert str(equations(proof)["prefill", "lm_head"].vendor) == "330956800*B"


def counted_at(vendor, stage, workload):
    count = count_stage(TorchCounter(), vendor.stage(stage, workload)).count
    return sums(((vendor.component(e.module), e.op), e.flops) for e in count.counted)


@pytest.mark.slow
@settings(max_examples=4, phases=NO_SHRINKING)
@given(architectures(), workloads(), st.integers(1, 4), st.integers(1, 300), st.integers(1, 12))
def test_a_law_is_what_is_counted_at_its_workload_and_elsewhere(
    architecture, workload, batch, context, steps
):
    model, vendor = DeepseekOcr(architecture), vendor_of(architecture)
    elsewhere = {"B": batch, "S": context, "K": steps, "n": steps}
    for stage in ("vision", "prefill", "decode"):
        law = law_of(model, vendor, stage, workload)
        assert law.method == "symbolic"
        assert not law.slices
        own = model.stage_sizes(stage, workload)
        assert law.at(own) == counted_at(vendor, stage, workload)
        for sizes in ({name: elsewhere[name] for name in own}, dict.fromkeys(own, 1)):
            there = model.stage_workload(stage, workload, sizes)
            assert law.at(sizes) == counted_at(vendor, stage, there)


@pytest.mark.slow
@settings(max_examples=3, phases=NO_SHRINKING)
@given(architectures())
def test_small_architectures_are_proved(architecture):
    workload = Workload(view_size=128, tile_size=64, tile_rows=2, tile_cols=2)
    proof = proof_of(DeepseekOcr(architecture), vendor_of(architecture), workload)
    assert proof.verdict == "proved", [e for e in proof.equations if e.verdict != "proved"]


SMALL = Architecture(
    sam=Sam(
        layers=3,
        heads=2,
        width=24,
        mlp_width=16,
        window=3,
        global_layers=(1,),
        neck_channels=6,
        downsample_channels=(5, 12),
        pretrained_size=64,
    ),
    clip=Clip(layers=2, width=12, heads=2, mlp_width=20, pretrained_size=28),
    decoder=Decoder(
        layers=4,
        dense_layers=1,
        heads=2,
        kv_heads=2,
        width=8,
        mlp_width=12,
        experts=5,
        experts_per_token=2,
        shared_experts=1,
        expert_width=6,
        vocabulary=30,
    ),
)
POINT = Workload(view_size=128, tile_size=64, tile_rows=2, tile_cols=3, prompt_tokens=5)


@cache
def small_vendor():
    return vendor_of(SMALL)


class Planted(DeepseekOcr):
    """DeepSeek-OCR's closed forms with an error in some of its ops."""

    def __init__(self, alter):
        super().__init__(SMALL)
        self.alter = alter

    def ops(self, stage, workload):
        for op in super().ops(stage, workload):
            yield self.alter(stage, workload, op)


def decode_off_by_one_key(stage, workload, op):
    wrong = stage == "decode" and isinstance(op, Attention)
    return attrs.evolve(op, keys=op.keys - 1) if wrong else op


def projector_on_all_tiles(stage, workload, op):
    if op.component == "vision/projector":
        return attrs.evolve(op, rows=op.rows * workload.tiles)
    return op


def only_moe_layers(stage, workload, op):
    if op.component.startswith("decoder/moe"):
        return attrs.evolve(op, layers=SMALL.decoder.layers)
    return op


def relative_positions_of_width_8(stage, workload, op):
    wrong = op.component == "vision/sam/attention/core" and isinstance(op, MatMul)
    return attrs.evolve(op, k=8) if wrong else op


def lm_head_on_one_position(stage, workload, op):
    wrong = stage == "prefill" and op.component == "lm_head" and isinstance(op, Linear)
    return attrs.evolve(op, rows=workload.batch_size) if wrong else op


# Per error: where it shows, and the terms that differ, worked out by hand.
# Decoder core per key: 4 * layers * heads * head_dim = 4 * 4 * 2 * 4 = 128 FLOPs.
# MoE, one layer more: router 2*8*5, experts 2*3*2*8*6, shared 2*3*8*6 FLOPs per token.
# LM head: 2 * 8 * 30 = 480 FLOPs per position.
# Projector: 2 * 24 * 8 = 384 FLOPs per token; 4 in the view of 128, 1 in a tile of 64.
ERRORS = {
    "decode off by one key": (
        decode_off_by_one_key,
        "decode",
        {"decoder/attention/core": {"B*K": -128}},
    ),
    "projector on all tiles": (
        projector_on_all_tiles,
        "vision",
        {"vision/projector": {"B": -1536, "B*n": 1536 - 384, "B*n**2": 384}},
    ),
    "no dense layer": (
        only_moe_layers,
        "prefill",
        {
            "decoder/moe/router": {"B*S": 80},
            "decoder/moe/experts": {"B*S": 576},
            "decoder/moe/shared": {"B*S": 288},
        },
    ),
    "relative positions of width 8": (
        relative_positions_of_width_8,
        "vision",
        # Per axis 2 * side * (heads * windows * side) * (8 - 12) * side FLOPs. The view has a grid
        # of 8 in 3 x 3 windows, the tile one of 4 in 2 x 2; 2 windowed layers, 1 global.
        {
            "vision/sam/attention/core": {
                "B": 2 * 2 * 2 * -4 * (2 * 9 * 27 + 8**3),
                "B*n": 2 * 2 * 2 * -4 * (2 * 4 * 27 + 4**3),
            }
        },
    ),
    "LM head on one position": (
        lm_head_on_one_position,
        "prefill",
        {"lm_head": {"B": 480, "B*S": -480}},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ERRORS)
def test_a_planted_error_is_found_with_its_component_and_coefficients(name):
    alter, stage, expected = ERRORS[name]
    proof = proof_of(Planted(alter), small_vendor(), POINT, stages=[stage])
    assert proof.verdict == "differs"
    wrong = {
        e.component: {str(t.term): int(t.difference) for t in e.terms}
        for e in proof.equations
        if e.component and e.verdict != "proved"
    }
    assert wrong == expected


def test_a_law_is_evaluated_on_arrays_as_on_ints():
    model = DeepseekOcr(SMALL)
    law = law_of(model, small_vendor(), "decode", POINT)
    contexts, steps = np.arange(1, 100_001), np.arange(100_000, 0, -1)
    at_once = law.at({"B": 3, "S": contexts, "K": steps})
    for i in (0, 1, 50_000, 99_999):
        one = law.at({"B": 3, "S": int(contexts[i]), "K": int(steps[i])})
        assert {key: int(value[i]) for key, value in at_once.items()} == one


@pytest.mark.parametrize("stage", ["vision", "prefill", "decode"])
def test_the_named_forms_become_the_numbers(stage, model):
    from flopbench.builtin.flash import Flash
    from support.stages import price_stage

    named = model.named()
    workload = model.workload(Inputs(image=PAGE))
    sizes = {name: symbol(name) for name in model.stage_sizes(stage, workload)}
    open_workload = model.stage_workload(stage, workload, sizes)
    for mode in (None, Flash()):
        ours = price_stage(model, stage, open_workload, mode).lines
        theirs = price_stage(named.model, stage, open_workload, mode).lines
        for numbers, names in zip(ours, theirs, strict=True):
            for work in ("tensor_flops", "vector_flops"):
                form = sympy.sympify(getattr(names.cost, work)).subs(named.values)
                assert sympy.expand(form - getattr(numbers.cost, work)) == 0
