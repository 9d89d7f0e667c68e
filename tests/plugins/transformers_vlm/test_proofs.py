"""Laws of towers in the number of cells or tiles: on both sides the same, for every size."""

import pytest
from hypothesis import find

from plugins.transformers_vlm.tiny_models import TINY
from plugins.transformers_vlm.vl_helpers import model_of, vendor_of, workload_of
from support.proofs import equations, proof_of

INTERPOLATED = {"minicpm_ocr", "minicpmv4_6"}
"""Types whose code asks for sizes as numbers, which ends a trace."""

WINDOWS = {"qwen2_5_vl"}
"""Types whose windows follow from the page: their laws have other terms for each remainder."""


def plain(values):
    """Return values with the simplest draw in the place of each strategy."""
    if isinstance(values, dict):
        return {name: plain(value) for name, value in values.items()}
    return find(values, lambda _: True) if hasattr(values, "example") else values


DECODERS = ("florence2", "gemma3", "got_ocr2", "paddleocr_vl", "pix2struct", "qwen3_vl", "trocr")
"""A type of each kind of language model that reads images; all others have one of these, or one
whose law is among those of `hf/` types."""


def law_of(kind, stage):
    """Return the equation of a stage of a small model, the sizes that are open, and the model."""
    tiny = TINY[kind]
    model = model_of(kind, plain(tiny.fields), plain(tiny.settings), file=plain(tiny.file))
    side = max(tiny.least, min(150, tiny.most))
    workload = workload_of(model, (side, side), prompt_tokens=3)
    proof = proof_of(model, vendor_of(model), workload, stages=[stage])
    sizes = {size.name for size in proof.sizes}
    return equations(proof)[stage, None], sizes, model


def verdict_of(kind):
    return "interpolated" if kind in INTERPOLATED else "proved"


def require_law(kind):
    law, sizes, model = law_of(kind, "vision")
    assert (law.verdict, law.difference) == (verdict_of(kind), 0), law.reason
    assert set(model._family.sizes) <= sizes
    assert {symbol.name for symbol in law.analytic.free_symbols} == sizes


@pytest.mark.parametrize("kind", ["glm_ocr", "internvl"])
def test_the_law_of_a_tower_is_proved(kind):
    require_law(kind)


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted({*TINY} - WINDOWS - {"glm_ocr", "internvl"}))
def test_the_law_of_each_tower_is_proved(kind):
    require_law(kind)


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["prefill", "decode"])
@pytest.mark.parametrize("kind", DECODERS)
def test_the_law_of_a_decoder_is_proved(kind, stage):
    law, sizes, _ = law_of(kind, stage)
    assert (law.verdict, law.difference) == ("proved", 0), law.reason
    assert {symbol.name for symbol in law.analytic.free_symbols} == sizes
    assert {"B", "S", *(["K"] if stage == "decode" else [])} <= sizes
