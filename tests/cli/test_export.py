"""``flopbench export``: the files that it writes, and what it refuses."""

import json
import subprocess
import sys

import pytest

import flopbench
from support.cli import one_sentence
from support.exported import needs_gxx, needs_node, run_cpp, run_node

OUT = ("--to", "json", "--out", "out")

BAD = {
    "target": (("deepseek_ocr", "--to", "pyton", "--out", "o"), "did you mean 'python'"),
    "no target": (("deepseek_ocr", "--to", ",", "--out", "o"), "--to must name at least one"),
    "model": (("deepsek", *OUT), "unknown model 'deepsek'"),
    "no model": (("workload.mode=base", *OUT), "give a model"),
    "symbol": (("deepseek_ocr", "--symbols", "Q", *OUT), "unknown symbol"),
    "stage": (("deepseek_ocr", "--stages", "prefil", *OUT), "did you mean 'prefill'"),
    "a GPU": (("deepseek_ocr", "hardware.gpu=h200", *OUT), "is for `flopbench run` alone"),
    "image": (("hf/llama", "hf/gpt2", "--image", "none.png", *OUT), "none of these models takes"),
    "folder": (("deepseek_ocr", "--to", "json", "--out", "/dev/null/x"), "cannot write"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_sentence(name, flopbench):
    args, message = BAD[name]
    assert message in one_sentence(flopbench("export", *args, "--analytic-only"))


def test_targets_may_be_given_several_times(flopbench):
    options = ("--analytic-only", "--stages", "prefill", "--out", "out")
    done = flopbench("export", "deepseek_ocr", "--to", "json,python", "--to", "cpp", *options)
    assert done.stdout.split() == [
        "out/deepseek_ocr.json",
        "out/deepseek_ocr.py",
        "out/test_deepseek_ocr.py",
        "out/deepseek_ocr.hpp",
        "out/deepseek_ocr_test.cpp",
    ]


ALL = "python,javascript,cpp,json,certificate"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, warm):
    made = tmp_path_factory.mktemp("export")
    command = [sys.executable, "-m", "flopbench.cli", "export", "deepseek_ocr"]
    stages = ("--stages", "prefill,decode")
    done = warm([*command, *stages, "--analytic-only", "--to", ALL, "--out", "."], cwd=made)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.split()) == sorted(file.name for file in made.iterdir())
    return made


def test_the_golden_vectors_pass_in_python(folder):
    subprocess.run([sys.executable, "-S", "-I", "-c", _ISOLATED, str(folder)], check=True)


_ISOLATED = (
    "import sys; sys.path.insert(0, sys.argv[1]); import test_deepseek_ocr as t; t.test_golden()"
)


def test_python_imports_nothing_but_its_own_and_fast(folder):
    program = (
        "import sys, time, operator; sys.path.insert(0, sys.argv[1]); before = set(sys.modules);"
        "t = time.perf_counter(); import deepseek_ocr; t = time.perf_counter() - t;"
        "print(t, sorted(set(sys.modules) - before))"
    )
    seconds = []
    for _ in range(5):
        command = [sys.executable, "-S", "-I", "-c", program, str(folder)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        took, _, modules = done.stdout.partition(" ")
        assert modules.strip() == "['deepseek_ocr']"
        seconds.append(float(took))
    assert min(seconds) < 0.05


@needs_node
def test_the_golden_vectors_pass_in_javascript(folder):
    run_node('import "./deepseek_ocr.test.mjs";', folder)


@needs_gxx
def test_the_golden_vectors_pass_in_cpp(folder):
    assert run_cpp("deepseek_ocr_test.cpp", folder) == ""


def test_the_function_gives_what_the_command_writes(folder):
    laws = flopbench.export("deepseek_ocr", stages="prefill,decode", analytic_only=True)
    assert json.loads((folder / "deepseek_ocr.json").read_text()) == laws.to_dict()
    saved = laws.save(folder / "saved.py")
    assert saved.read_text() == (folder / "deepseek_ocr.py").read_text()


def test_two_models_are_written_side_by_side(flopbench, tmp_path):
    models = ("deepseek_ocr", "deepseek_ocr:workload.mode=base")
    options = ("--stages", "prefill", "--analytic-only", *OUT)
    assert flopbench("export", *models, *options).returncode == 0
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        "deepseek_ocr.json",
        "deepseek_ocr_2.json",
    ]
