"""``flopbench prove``: what it refuses, and how a proof that fails ends."""

import json

import pytest

from support.cli import one_sentence

BAD = {
    "symbol": (("prove", "deepseek_ocr", "--symbols", "Q"), "unknown symbol of deepseek_ocr"),
    "no symbol": (("prove", "deepseek_ocr", "--symbols", ","), "--symbols must name at least one"),
    "symbol of another stage": (
        ("prove", "deepseek_ocr", "--stages", "vision", "--symbols", "S"),
        "expected one of B, n",
    ),
    "proof format": (("prove", "deepseek_ocr", "--format", "markdwn"), "did you mean 'markdown'?"),
    "analytic only": (
        ("prove", "deepseek_ocr", "run.analytic_only=true"),
        "a proof needs the vendor side",
    ),
    "a GPU": (("prove", "deepseek_ocr", "hardware.gpu=h200"), "is for `flopbench run` alone"),
    "stage": (("prove", "deepseek_ocr", "--stages", "prefil"), "did you mean 'prefill'?"),
    "model": (("prove", "deepseek"), "unknown model 'deepseek'"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_sentence(name, flopbench):
    args, message = BAD[name]
    assert message in one_sentence(flopbench(*args))


def test_a_proof_that_fails_exits_with_1_and_names_where(flopbench, tmp_path):
    (tmp_path / "mine.py").write_text(
        """
import attrs
from flopbench import hookimpl
from flopbench_deepseek_ocr.analytic import DeepseekOcr
from flopbench_deepseek_ocr.vendor import DeepseekOcrVendor

class Wrong(DeepseekOcr):
    name = "wrong"
    def ops(self, stage, workload):
        for op in super().ops(stage, workload):
            router = op.component == "decoder/moe/router" and hasattr(op, "out_features")
            yield attrs.evolve(op, out_features=63) if router else op

class WrongVendor(DeepseekOcrVendor):
    name = "wrong"

@hookimpl
def flopbench_analytic_models():
    return [Wrong]

@hookimpl
def flopbench_vendor_models():
    return [WrongVendor]
"""
    )
    args = ("-p", "mine.py", "--stages", "prefill", "--symbols", "S", "--out", "out")
    result = flopbench("prove", "wrong", *args)
    assert result.returncode == 1
    assert "decoder/moe/router: differs" in result.stdout
    proof = json.loads((tmp_path / "out" / "proof.json").read_text())
    assert proof["verdict"] == "differs"
    whole, router = (s for s in proof["stages"] if s["verdict"] == "differs")
    assert (whole["component"], router["component"]) == (None, "decoder/moe/router")
    # 2 * 1280 FLOPs per token and expert, in 11 layers.
    (term,) = router["terms"]
    assert term == {"term": "S", "vendor": "1802240", "analytic": "1774080", "difference": "-28160"}
