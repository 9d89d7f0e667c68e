"""``vendor.remote_code``: the checkpoint folder's own code, on a small stand-in."""

import json
import shutil
from importlib import metadata
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
    vision, decode = (next(c for c in eager if c["stage"] == s) for s in ("vision", "decode"))
    core = next(c for c in vision["components"] if c["component"] == "vision/clip/attention/core")
    # layers, products, MAC, width, and the tokens of two tiles and of the whole page
    assert core["vendor_flops"] == 2 * 2 * 2 * 24 * (2 * 101**2 + 257**2)
    rope = next(c for c in decode["components"] if c["component"] == "decoder/rope")
    assert rope["vendor_flops"] == 3 * 2 * 4 * 5  # layers, MAC, frequencies, steps


def test_its_rope_products_are_a_named_difference(remote):
    result = remote(*arguments(CHECKPOINT, "--stages", "decode", "--format", "json"))
    assert result.returncode == 1
    reasons = [c["reason"] for c in json.loads(result.stdout)["comparisons"]]
    assert "components differ: decoder/rope" in reasons


def changed(folder, line, written_with=None):
    """Copy the checkpoint, with another first line of its code, and another version."""
    shutil.copytree(CHECKPOINT, folder)
    source, config = folder / "modeling_small.py", folder / "config.json"
    source.write_text(f"{line}\n" + source.read_text())
    if written_with:
        fields = json.loads(config.read_text()) | {"transformers_version": written_with}
        config.write_text(json.dumps(fields))
    return folder


INSTALLED = metadata.version("transformers")
OLD_NAME = "from transformers.models.llama.modeling_llama import LlamaFlashAttention2"


@pytest.mark.parametrize(
    ("line", "written_with", "sentence"),
    [
        (
            OLD_NAME,
            "4.46.3",
            f"with transformers {INSTALLED} (its config.json was written with 4.46.3): ImportError",
        ),
        (OLD_NAME, INSTALLED, f"does not run with transformers {INSTALLED}: ImportError: cannot"),
        (OLD_NAME, None, f"does not run with transformers {INSTALLED}: ImportError: cannot"),
        ("raise SystemExit(3)", None, f"run with transformers {INSTALLED}: SystemExit: 3"),
        (
            "import not_here, nor_here",
            "4.46.3",
            "packages that are not installed: nor_here, not_here (pip install nor_here not_here)",
        ),
    ],
)
def test_code_that_does_not_run_is_one_sentence(remote, tmp_path, line, written_with, sentence):
    result = remote(*arguments(changed(tmp_path / "old", line, written_with)))
    assert result.returncode == 2
    assert result.stdout == ""
    (error,) = [text for text in result.stderr.splitlines() if "flopbench: error" in text]
    assert sentence in error
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
