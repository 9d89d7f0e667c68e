"""``vendor.remote_code``: the checkpoint folder's own code, on a small stand-in."""

import json
import shutil
from pathlib import Path

import pytest

from support.cli import GRID

pytestmark = pytest.mark.slow

CHECKPOINT = Path(__file__).with_name("checkpoint")


def arguments(folder, *more):
    return (
        "run",
        "deepseek_ocr",
        f"model.config={folder / 'config.json'}",
        "vendor.remote_code=true",
        f"vendor.model_root={folder}",
        *GRID,
        *more,
    )


@pytest.fixture
def remote(flopbench, tmp_path):
    """Run with the modules that transformers copies kept apart."""

    def run(*args):
        return flopbench(*args, HF_HOME=str(tmp_path / "hf"), HF_HUB_OFFLINE="1")

    return run


def test_the_folders_own_code_is_met_to_the_last_flop(remote):
    result = remote(*arguments(CHECKPOINT, "model.rope=matmul", "--format", "json"))
    assert result.returncode == 0, result.stderr
    assert "executes the Python code in" in result.stderr
    report = json.loads(result.stdout)
    eager = [c for c in report["comparisons"] if c["attention"] == "eager"]
    assert {c["verdict"] for c in eager} == {"exact"}
    assert {c["difference"] for c in eager} == {0}
    decode = next(c for c in eager if c["stage"] == "decode")
    rope = next(c for c in decode["components"] if c["component"] == "decoder/rope")
    assert rope["vendor_flops"] == 3 * 2 * 4 * 5  # layers, MAC, frequencies, steps


def test_its_rope_products_are_a_named_difference(remote):
    result = remote(*arguments(CHECKPOINT, "--stages", "decode", "--format", "json"))
    assert result.returncode == 1
    reasons = [c["reason"] for c in json.loads(result.stdout)["comparisons"]]
    assert "components differ: decoder/rope" in reasons


def test_code_for_another_transformers_is_refused_in_one_sentence(remote, tmp_path):
    folder = tmp_path / "old"
    shutil.copytree(CHECKPOINT, folder)
    source = folder / "modeling_small.py"
    old_import = "from transformers.models.llama.modeling_llama import LlamaFlashAttention2\n"
    source.write_text(source.read_text() + old_import)
    result = remote(*arguments(folder))
    assert result.returncode == 2
    assert "does not run with transformers 5" in result.stderr
    assert "LlamaFlashAttention2" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("vendor.remote_code=true",), "needs vendor.model_root=PATH"),
        (("vendor.model_root=x",), "only with vendor.remote_code=true"),
        (("vendor.remote_code=true", "vendor.model_root=nowhere"), "is not a folder"),
        (("vendor.remote_code=true", f"vendor.model_root={CHECKPOINT}"), "differs from the closed"),
    ],
)
def test_a_wrong_request_is_one_sentence(remote, args, message):
    result = remote("run", "deepseek_ocr", *args)
    assert result.returncode == 2
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_the_lm_head_runs_on_all_positions_only(remote):
    result = remote(*arguments(CHECKPOINT, "workload.lm_head=last"))
    assert result.returncode == 2
    assert "LM head on all positions" in result.stderr


def test_code_that_branches_on_values_is_interpolated_and_not_called_proved(remote):
    args = ("prove", *arguments(CHECKPOINT, "model.rope=matmul")[1:])
    result = remote(*args, "--stages", "prefill", "--symbols", "S", "--format", "json")
    assert result.returncode == 0, result.stderr
    proof = json.loads(result.stdout)
    whole = proof["stages"][0]
    assert whole["verdict"] == proof["verdict"] == "interpolated"
    assert whole["vendor"] == whole["analytic"] == "288*S**2 + 40824*S"
    (note,) = (note for note in whole["assumptions"] if "interpolated" in note)
    assert note.startswith("S was interpolated (not traced: ")
    assert note.endswith("degree 2 from S = 1, 2, 3, 4, confirmed at 5, 493, 987")
