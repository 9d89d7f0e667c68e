"""`flopbench new`: what it writes installs and passes its suite; bad names are refused."""

import json
import os
import subprocess
import sys

import pytest

from support.cli import one_sentence, python_path

MODES = ("eager", "flash")

KINDS = ("model", "attention", "counter", "reporter", "formula")

SHOWN = {
    "model": "Models:",
    "attention": "Attention modes:",
    "counter": "Vendor counters:",
    "reporter": "Reporters:",
    "formula": "Formulas:",
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_installs_is_listed_and_passes_its_suite(kind, flopbench, tmp_path):
    done = flopbench("new", kind, "my_own", "--out", "here")
    assert done.returncode == 0, done.stderr
    folder, site = tmp_path / "here" / "flopbench-my-own", tmp_path / "site"
    assert done.stdout.startswith(f"{folder.relative_to(tmp_path)}: now pip install")
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    assert len((folder / "tests" / "test_my_own.py").read_text().splitlines()) == 5

    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation"]
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    subprocess.run([*install, "--target", site, folder], check=True, env=environment)
    listed = flopbench("list", PYTHONPATH=str(site)).stdout
    section = listed.partition(SHOWN[kind])[2].partition("\n\n")[0]
    assert "my_own" in section
    assert listed.endswith("Failed plugins: none\n")
    shown = flopbench("list", "my_own", PYTHONPATH=str(site)).stdout
    assert "[my_own, flopbench-my-own 0.1.0]" in shown.partition(SHOWN[kind])[2]

    if kind == "model":
        vary = ("--vary", "workload.decode_steps=16", "--analytic-only", "--out", "sweep")
        assert flopbench("sweep", "my_own", *vary, PYTHONPATH=str(site)).returncode == 0
        (point,) = json.loads((tmp_path / "sweep" / "sweep.json").read_text())["points"]
        # Keys and values of 2 layers, 64 wide, 128 + 16 tokens, in bfloat16.
        held = {mode: point["end2end"]["cost"][mode]["kv_cache_bytes"] for mode in MODES}
        assert held == dict.fromkeys(MODES, 2 * 2 * 64 * (128 + 16) * 2)

    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    tested = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": python_path(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert tested.returncode == 0, tested.stdout
    passed = int(tested.stdout.splitlines()[-1].split()[0])
    assert (
        passed >= {"model": 34, "attention": 13, "counter": 13, "reporter": 18, "formula": 13}[kind]
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("modle", "mine"), "unknown kind of plugin 'modle': did you mean 'model'?"),
        (("model", "my-model"), "'my-model' is not a valid plugin name: it must be"),
        (("model", "My"), "'My' is not a valid plugin name"),
        (("model", "2nd"), "'2nd' is not a valid plugin name"),
        (("model", "class"), "'class' is not a valid plugin name"),
        (("model", "trailing_"), "'trailing_' is not a valid plugin name"),
        (("model", "two__words"), "'two__words' is not a valid plugin name"),
        (("model", ""), "'' is not a valid plugin name"),
        (("model", "../up"), "'../up' is not a valid plugin name"),
        (("model", "naïve"), "'naïve' is not a valid plugin name"),
        (
            ("model", "deepseek_ocr"),
            "the model 'deepseek_ocr' already exists, in plugin 'deepseek_ocr'",
        ),
        (("attention", "flash_torch"), "the attention mode 'flash_torch' already exists"),
        (("counter", "torch"), "the vendor counter 'torch' already exists"),
        (("reporter", "json"), "the reporter 'json' already exists"),
        (("reporter", "flash"), "the name 'flash' is taken by plugin 'flash' (builtin)"),
        (("model", "mine", "--out", ""), "--out is empty: it needs a path"),
        (("model", "mine", "--out", "file"), "cannot write to --out file: "),
        (("model", "mine", "--out", "file/below"), "cannot write to --out file/below: "),
        (("model", "taken"), "flopbench-taken already exists: choose another name or another"),
        (("model", "taken_file"), "flopbench-taken-file already exists"),
    ],
)
def test_what_cannot_be_written_is_refused_in_one_sentence(arguments, message, flopbench, tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "flopbench-taken").mkdir()
    (tmp_path / "flopbench-taken-file").write_text("")
    before = sorted(tmp_path.rglob("*"))
    assert message in one_sentence(flopbench("new", *arguments))
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_that_takes_no_file_is_left_as_it_was(flopbench, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0o500)
    if os.access(closed, os.W_OK):
        pytest.skip("this user may write anywhere")
    assert "cannot write to --out closed" in one_sentence(
        flopbench("new", "model", "mine", "--out", "closed")
    )
    assert list(closed.iterdir()) == []
