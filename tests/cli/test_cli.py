"""The command line: what it prints, writes and exits with."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flopbench.cli.app import COMMANDS
from flopbench.inputs.files import remove_folders
from support.cli import ANALYTIC, REPORTS, one_sentence
from toy import write_toy

BAD = {
    "model": (("run", "deepseek_orc"), "unknown model 'deepseek_orc': did you mean"),
    "mode": ((*ANALYTIC, "--attention", "flahs"), "did you mean 'flash'?"),
    "no mode": ((*ANALYTIC, "--attention", ","), "run.attention must name at least one"),
    "stage": ((*ANALYTIC, "--stages", "prefil"), "did you mean 'prefill'?"),
    "counter": (("run", "deepseek_ocr", "--counters", "torhc"), "did you mean 'torch'?"),
    "reporter": ((*ANALYTIC, "--format", "jsn"), "did you mean 'json'?"),
    "key": ((*ANALYTIC, "workload.batchsize=2"), "did you mean 'batch_size'?"),
    "type": ((*ANALYTIC, "workload.batch_size=two"), "must be an integer, got 'two'"),
    "zero": ((*ANALYTIC, "workload.batch_size=0"), "workload.batch_size must be >= 1, got 0"),
    "negative": ((*ANALYTIC, "workload.prompt_tokens=-1"), "must be >= 0, got -1"),
    "size": ((*ANALYTIC, "workload.image=[0,10]"), "both at least 1 pixel"),
    "no image": ((*ANALYTIC, "--image", "none.png"), "none.png: No such file"),
    "no config": ((*ANALYTIC, "--config", "none.yaml"), "none.yaml: No such file"),
    "no model config": ((*ANALYTIC, "model.config=none.json"), "none.json: No such file"),
    "vendor attention": (
        ("run", "deepseek_ocr", "vendor.attention=sdpa"),
        "vendor.attention must be 'eager' (FlopCounterMode cannot see",
    ),
    "method": (
        ("run", "deepseek_ocr", "run.method=symbolc"),
        "run.method: unknown value 'symbolc': did you mean 'symbolic'?",
    ),
    "blocked": (("-p", "no:deepseek_ocr", *ANALYTIC), "unknown model 'deepseek_ocr'"),
    "empty image": ((*ANALYTIC, "--image", ""), "--image is empty"),
    "empty out": ((*ANALYTIC, "--out", ""), "--out is empty"),
    "empty format": ((*ANALYTIC, "--format", ""), "--format must name at least one"),
    "empty plugin": ((*ANALYTIC, "-p", ""), "-p needs the name"),
    "long out": ((*ANALYTIC, "--out", "x" * 300), "File name too long"),
    "no plugin": (("-p", "no:such", "list"), "unknown plugin to block 'such'"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_sentence(name, flopbench):
    args, message = BAD[name]
    assert message in one_sentence(flopbench(*args))


@pytest.mark.parametrize("args", [(), ("run",), ("run", "deepseek_ocr", "--nonsense"), ("sing",)])
def test_usage_errors_exit_with_2(args, flopbench):
    result = flopbench(*args)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr


def test_an_unwritable_out_fails_before_any_work(flopbench, tmp_path):
    (tmp_path / "file").write_text("")
    for out in ("file", "file/below"):
        message = one_sentence(flopbench(*ANALYTIC, "--out", out))
        assert message.startswith(f"cannot write to --out {out}: ")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_failed_run_leaves_no_folder(flopbench, tmp_path):
    one_sentence(flopbench(*ANALYTIC, "--out", "new/folder", "workload.mode=bse"))
    assert list(tmp_path.iterdir()) == []


def test_files_are_written_all_or_not_at_all(flopbench, tmp_path):
    (tmp_path / "report.md").mkdir()
    message = one_sentence(flopbench(*ANALYTIC, "--out", "."))
    assert message == "cannot write to --out .: report.md is a directory"
    assert [path.name for path in tmp_path.iterdir()] == ["report.md"]


def test_a_name_that_is_no_utf8_does_not_stop_the_report(tmp_path):
    from PIL import Image

    Image.new("L", (9, 9)).save(tmp_path / "page.png")
    odd = os.fsencode(tmp_path) + b"/odd\xff.png"
    (tmp_path / "page.png").rename(os.fsdecode(odd))
    command = [sys.executable, "-m", "flopbench.cli", *ANALYTIC, "--image", odd, "--out", "out"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert (
        done.stderr == "flopbench: wrote report.json, report.md, report.csv, report.html in out\n"
    )
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == REPORTS


@pytest.mark.parametrize("after", ["| head -1", ">&-"])
def test_a_reader_that_left_is_no_error(after):
    command = f"{sys.executable} -m flopbench.cli {' '.join(ANALYTIC)} {after}"
    done = subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_full_disk_is_one_sentence():
    command = [sys.executable, "-m", "flopbench.cli", *ANALYTIC]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert "cannot write the output" in done.stderr
    assert "Traceback" not in done.stderr


def test_list_and_version(flopbench):
    listed = flopbench("list").stdout
    for text in (
        "deepseek_ocr",
        "flash_torch",
        "torch",
        "console",
        "vision_prefill = vision + prefill",
    ):
        assert text in listed
    assert flopbench("--version").stdout.startswith("flopbench 0.")


@pytest.mark.parametrize(
    "code",
    [
        "import flopbench",
        "import flopbench.cli",
        """
import sys
from flopbench.cli import main
sys.argv = ['flopbench', 'run', 'deepseek_ocr', '--analytic-only']
try:
    main()
except SystemExit as end:
    assert end.code == 0
        """.strip(),
    ],
    ids=["import", "cli", "analytic only"],
)
def test_no_heavy_library_is_loaded_without_need(code):
    heavy = ("torch", "transformers", "matplotlib", "sympy")
    check = f"{code}\nimport sys; print([m for m in {heavy!r} if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip().endswith("[]")


def test_eager_attention_needs_no_other_mode(flopbench):
    small = ("workload.mode=tiny", "--stages", "prefill")
    done = flopbench("run", "deepseek_ocr", "-p", "no:flash", "--attention", "eager", *small)
    assert done.returncode == 0, done.stderr
    assert "verdict: verified" in done.stdout


@pytest.mark.parametrize("args", [("--help",), ("-p", "new", "--help")])
def test_help_shows_every_command_whatever_else_is_named(flopbench, args):
    shown = flopbench(*args).stdout
    assert all(f"\n  {name} " in shown for name in COMMANDS)


def test_a_misspelt_command_suggests_the_nearest_of_all(flopbench):
    done = flopbench("-p", "run", "swep", "x")
    assert done.returncode == 2
    assert "Did you mean 'sweep'?" in done.stderr


def test_a_very_deep_out_is_made(flopbench, tmp_path):
    deep = tmp_path / ("d/" * 1000)
    done = flopbench(*ANALYTIC, "--stages", "prefill", "--out", str(deep.relative_to(tmp_path)))
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in deep.iterdir()) == REPORTS
    for path in deep.iterdir():
        path.unlink()
    remove_folders([deep, *deep.parents][:1000])  # too deep for pytest, which recurses


def test_settings_that_json_has_not_are_text_in_the_report(flopbench, tmp_path):
    def refuse(name):
        raise AssertionError(name)

    limits = ("rows: int = 1", "rows: int = 1\n    limits: tuple[float, ...] = ()")
    given = (
        *("-p", write_toy(tmp_path, limits)),
        *("run", "toy", "--analytic-only", "workload.limits=[0, .inf, .nan]"),
    )
    done = flopbench(*given, "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout, parse_constant=refuse)
    assert report["workload"]["limits"] == [0.0, "Infinity", "NaN"]


def test_no_summary_of_a_command_is_cut(flopbench):
    shown = flopbench("--help", COLUMNS="80").stdout
    commands = shown.partition("Commands:\n")[2].splitlines()
    assert len(commands) >= 8
    assert [line for line in commands if not line.endswith(".") or line.endswith("...")] == []


def test_a_run_names_the_files_that_it_wrote_and_stdout_stays_clean(flopbench, tmp_path):
    done = flopbench(*ANALYTIC, "--stages", "prefill", "--out", "o", "--format", "json")
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    names, _, folder = line.removeprefix("flopbench: wrote ").partition(" in ")
    assert folder == "o"
    assert set(names.split(", ")) == {path.name for path in (tmp_path / "o").iterdir()}
    assert json.loads(done.stdout)["model"] == "deepseek_ocr"


def test_formats_may_be_given_several_times(flopbench):
    once, twice = (
        flopbench(*ANALYTIC, "--stages", "prefill", *formats)
        for formats in (("--format", "csv,json"), ("--format", "csv", "--format", "json"))
    )
    assert once.returncode == 0
    assert twice.stdout == once.stdout
    assert once.stdout.index("stage") < once.stdout.index("schema_version")
