"""A broken plugin of each kind, in each way: named in one sentence, while the rest works."""

import json
import os
import re
import subprocess
import sys
from functools import cache

import pytest

from support.cli import one_sentence, python_path, shown
from toy import write_toy

HOOKS = {
    "model": "flopbench_analytic_models",
    "vendor": "flopbench_vendor_models",
    "attention": "flopbench_attention_modes",
    "counter": "flopbench_vendor_counters",
    "reporter": "flopbench_reporters",
}
TAKEN = {
    "model": "toy",
    "vendor": "toy",
    "attention": "eager",
    "counter": "torch",
    "reporter": "console",
}
KIND = {
    "model": "model",
    "vendor": "vendor model",
    "attention": "attention mode",
    "counter": "vendor counter",
    "reporter": "reporter",
}

CLASSES = """
from attrs import frozen
from flopbench import (
    AnalyticModel, AttentionMode, Convention, Linear, Reporter, Stage, VendorCall, VendorCounter,
    VendorModel, VendorStage, hookimpl,
)

@frozen(kw_only=True)
class Empty:
    rows: int = 3

class model(AnalyticModel):
    stages = (Stage("prefill", "Prefill"),)
    options_type = inputs_type = Empty
    architecture = None
    @classmethod
    def from_options(cls, options): return cls()
    def workload(self, inputs): return inputs
    def workload_facts(self, workload): return {{"rows": workload.rows}}
    def ops(self, stage, workload): {use}

class right(model):
    name = NAME
    def ops(self, stage, workload):
        yield Linear(component="layer", rows=workload.rows, in_features=4, out_features=8)

class vendor(VendorModel):
    options_type = Empty
    @classmethod
    def from_options(cls, architecture, options): return cls()
    def stage(self, name, workload): {use}
    def component(self, module): return "layer"

class attention(AttentionMode):
    def lower(self, op): {use}

class counter(VendorCounter):
    convention = Convention("FLOP", frozenset({{"linear"}}))
    def count(self, call): {use}

class reporter(Reporter):
    def render(self, report): {use}
""".replace("NAME", "'broken_vendor'")

LOAD_FAULTS = {
    "import error": "import not_a_module",
    "wrong signature": "@hookimpl\ndef {hook}(catalog): return []",
    "raises in the hook": "@hookimpl\ndef {hook}(): raise RuntimeError('out of luck')",
    "wrong type": "@hookimpl\ndef {hook}(): return [int]",
    "no list": "@hookimpl\ndef {hook}(): return {kind}",
    "a taken name": "{kind}.name = '{taken}'\n@hookimpl\ndef {hook}(): return [{kind}]",
}
SENTENCES = {
    "import error": "failed to import: ModuleNotFoundError: No module named 'not_a_module'",
    "wrong signature": "breaks the hook contract: .*{hook}.*catalog",
    "raises in the hook": "failed in {hook}: RuntimeError: out of luck",
    "wrong type": "must return subclasses of .*, got <class 'int'>",
    "no list": "must return a list of classes from {hook}, got <class .*>",
    "a taken name": "defines the {what} '{taken}', which plugin .* already defines",
}

FILES = ("--no-plots", "--out", "swept")
BOTH = ("--format", "console,json")
COMMANDS = {
    "list": ("list",),
    "run": ("run", "toy", "--counters", "slow", *BOTH),
    "sweep": ("sweep", "toy", "--vary", "workload.rows=1,2", "--counters", "slow", *FILES),
}


def source(kind, fault, use="raise RuntimeError('out of luck')"):
    values = {"hook": HOOKS[kind], "kind": kind, "taken": TAKEN[kind]}
    return CLASSES.format(use=use) + LOAD_FAULTS[fault].format(**values)


def install(folder, module, distribution):
    """Install a module as a plugin, as pip would: with metadata on the path."""
    metadata = folder / f"{distribution}_{module}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Name: {distribution}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[flopbench]\n{module} = {module}\n")


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Run a command with the broken plugins of all kinds, by -p or installed; each only once."""

    @cache
    def run(fault, command, origin):
        folder = tmp_path_factory.mktemp("broken")
        plugins = []
        write_toy(folder, name="a_toy")
        install(folder, "a_toy", "toys")  # in alphabetical order
        for kind in HOOKS:
            (folder / f"broken_{kind}.py").write_text(source(kind, fault))
            if origin == "-p":
                plugins += ["-p", f"broken_{kind}.py"]
            else:
                install(folder, f"broken_{kind}", origin)
        done = subprocess.run(
            [sys.executable, "-m", "flopbench.cli", *plugins, *COMMANDS[command]],
            cwd=folder,
            env={
                **os.environ,
                "TOY_LOG": "log",
                "COLUMNS": "200",
                "PYTHONPATH": python_path(folder),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        return done, folder

    return run


def check_that_it_worked(command, done, folder):
    """Check that a command did what it does with the toy."""
    if command == "list":
        assert "Vendor counters:" in done.stdout
    elif command == "run":
        _, report = shown(done)
        (eager,) = (c for c in report["comparisons"] if c["attention"] == "eager")
        assert (eager["counter"], eager["verdict"], len(eager["components"])) == (
            "slow",
            "exact",
            1,
        )
    else:
        point, _ = json.loads((folder / "swept" / "sweep.json").read_text())["points"]
        found, cost = point["prefill"], point["prefill"]["cost"]["eager"]
        assert (point["label"], point["rows"]) == ("rows=1", 1)
        assert [cost[f"{kind}flops"] for kind in ("", "tensor_", "vector_")] == [64, 64, 0]
        assert (found["vendor_flops"], found["difference"]) == (64, 0)


ORIGINS = {"-p": ("error", 2), "odds": ("warning", 0)}
"""How a plugin is told that the user asked for by name, and one that is merely installed."""


@pytest.mark.parametrize("kind", HOOKS)
@pytest.mark.parametrize(
    ("origin", "command"), [("odds", "run"), *(("-p", command) for command in COMMANDS)]
)
@pytest.mark.parametrize("fault", LOAD_FAULTS)
def test_what_cannot_be_loaded_is_named_and_the_rest_works(fault, origin, command, kind, ran):
    done, folder = ran(fault, command, origin)
    level, status = ORIGINS[origin]
    assert done.returncode == status, done.stderr
    warnings = [line for line in done.stderr.splitlines() if f"'broken_{kind}'" in line]
    assert len(warnings) == 1, done.stderr
    values = {"hook": HOOKS[kind], "what": KIND[kind], "taken": TAKEN[kind]}
    pattern = rf"flopbench: {level}: plugin 'broken_{kind}' \({origin}\) "
    assert re.match(pattern + SENTENCES[fault].format(**values), warnings[0]), warnings[0]
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == len(HOOKS)
    check_that_it_worked(command, done, folder)


USES = {"raises": "raise RuntimeError('out of luck')", "returns a wrong type": "return 3"}
DEEPSEEK = ("deepseek_ocr", "--analytic-only", "--stages", "decode", "--attention", "eager,broken")
USED = {
    ("model", "run"): ("broken", "--analytic-only"),
    ("model", "sweep"): ("broken", "--analytic-only", "--vary", "workload.rows=1,2"),
    ("vendor", "run"): ("broken_vendor", "--counters", "torch", *BOTH),
    ("vendor", "sweep"): ("broken_vendor", "--vary", "workload.rows=1,2"),
    ("attention", "run"): DEEPSEEK,
    ("attention", "sweep"): (*DEEPSEEK, "--vary", "workload.decode_steps=1,2"),
    ("counter", "run"): ("toy", "--counters", "slow,broken", *BOTH),
    ("counter", "sweep"): ("toy", "--counters", "broken", "--vary", "workload.rows=1,2"),
    ("reporter", "run"): ("toy", "--counters", "slow", "--format", "broken"),
}
NAMED = {
    "model": "pricing stage 'prefill' of model 'broken'",
    "vendor": "vendor model ",
    "attention": "with attention mode 'broken' failed: ",
    "counter": "counter 'broken' ",
    "reporter": "reporter 'broken' failed: ",
}
WHY = {
    "raises": dict.fromkeys(HOOKS, "RuntimeError: out of luck"),
    "returns a wrong type": {
        "model": "TypeError: ops must return an iterable of operations, got 3",
        "vendor": "vendor model 'broken_vendor': stage must return a VendorStage, got 3",
        "attention": "TypeError: lower must return an iterable of operations, got 3",
        "counter": "must return a Count, got 3",
        "reporter": "render must return text, got 3",
    },
}


@pytest.fixture
def broken(flopbench, tmp_path):
    """Run a command with a toy and a plugin that breaks when it is used."""

    def run(kind, use, *command):
        name = "broken_vendor" if kind == "vendor" else "broken"
        hooks = f"{kind}.name = {name!r}\n@hookimpl\ndef {HOOKS[kind]}(): return [{kind}]\n"
        if kind == "vendor":
            hooks += "@hookimpl\ndef flopbench_analytic_models(): return [right]\n"
        write_toy(tmp_path)
        (tmp_path / "broken.py").write_text(f"{CLASSES.format(use=USES[use])}\n{hooks}")
        return flopbench("-p", "toy.py", "-p", "broken.py", *command, TOY_LOG="log")

    return run


@pytest.mark.parametrize(("kind", "command"), USED)
@pytest.mark.parametrize("use", USES)
def test_what_breaks_when_it_is_used_is_named(use, kind, command, broken):
    done = broken(kind, use, command, *USED[kind, command])
    assert "Traceback" not in done.stderr
    place = r" \(broken\.py, line \d+\)" if use == "raises" else ""
    if kind in {"vendor", "counter"}:  # the closed forms are there, and other counters' counts
        assert done.returncode == 1
        why = re.escape(WHY[use][kind]) + place
        text, report = shown(done) if command == "run" else (done.stdout, {"comparisons": []})
        lines = [" ".join(text.split())] if command == "run" else text.splitlines()
        told = [line for line in lines if re.search(why, line)]
        assert len(told) == (1 if command == "run" else 4)
        assert all(NAMED[kind] in line for line in told)
        assert len(re.findall(why, told[0])) == 1
        exact = [c["counter"] for c in report["comparisons"] if c["verdict"] == "exact"]
        assert exact == (["slow"] if (kind, command) == ("counter", "run") else [])
    else:
        sentence = one_sentence(done)
        assert NAMED[kind] in sentence
        assert re.search(re.escape(WHY[use][kind]) + place + "$", sentence)


@pytest.mark.parametrize("kind", HOOKS)
@pytest.mark.parametrize("command", COMMANDS)
def test_what_would_break_disturbs_nothing_that_does_not_use_it(kind, command, broken, tmp_path):
    done = broken(kind, "raises", *COMMANDS[command])
    assert (done.returncode, done.stderr) == (0, "")
    check_that_it_worked(command, done, tmp_path)


def test_a_reporter_that_nobody_asked_for_costs_its_own_file_alone(flopbench, tmp_path):
    write_toy(tmp_path)
    named = "reporter.name, reporter.filename = 'broken', 'broken.txt'\n"
    hook = "@hookimpl\ndef flopbench_reporters(): return [reporter]\n"
    (tmp_path / "broken.py").write_text(f"{CLASSES.format(use=USES['raises'])}\n{named}{hook}")
    plugins = ("-p", "toy.py", "-p", "broken.py")
    done = flopbench(*plugins, *COMMANDS["run"], "--out", "out", TOY_LOG="log")
    assert done.returncode == 2
    error, wrote = done.stderr.splitlines()
    assert "plugin 'broken' (-p): reporter 'broken' failed: RuntimeError: out of luck" in error
    assert wrote.startswith("flopbench: wrote report.json")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "report.json",
        "report.md",
        "report.csv",
        "report.html",
    }


def test_an_unknown_hook_is_told_with_the_nearest(flopbench, tmp_path):
    text = "from flopbench import hookimpl\n@hookimpl\ndef flopbench_reporter(): return []\n"
    (tmp_path / "typo.py").write_text(text)
    warning = flopbench("list", "-p", "typo.py").stderr
    assert "unknown hook 'flopbench_reporter': did you mean 'flopbench_reporters'?" in warning
    warning = flopbench("list", "-p", ".").stderr
    assert "'.' is neither the name of a module nor a .py file" in warning


EVERY_COMMAND = {
    "run": ("deepseek_ocr", "--analytic-only", "--stages", "decode"),
    "sweep": ("deepseek_ocr", "--analytic-only", "--vary", "workload.decode_steps=1,2"),
    "prove": ("toy", "--counters", "slow"),
    "explain": ("deepseek_ocr", "--stages", "decode", "--depth", "0"),
    "compare": ("deepseek_ocr:workload.mode=base", "deepseek_ocr", "--analytic-only"),
    "list": (),
    "attention": ("--q", "9", "--kv", "9", "--heads", "2", "--head-dim", "8"),
    "new": ("reporter", "mine"),
}


@pytest.mark.parametrize("command", EVERY_COMMAND)
def test_every_command_ends_with_2_if_a_plugin_that_was_asked_for_is_not_there(command, flopbench):
    done = flopbench("-p", "nofile.py", command, *EVERY_COMMAND[command])
    assert done.returncode == 2
    first, *more = done.stderr.splitlines()
    assert first == (
        "flopbench: error: plugin 'nofile' (-p) failed to import: FileNotFoundError: no such "
        "file: nofile.py"
    )
    assert bool(done.stdout) == (command != "prove") == (not more)


def test_2_is_said_before_1(flopbench, tmp_path):
    write_toy(tmp_path)
    wrong = ("run", "toy", "-p", "toy.py", "--counters", "slow")
    assert flopbench(*wrong, TOY_LOG="log", TOY_WRONG="1").returncode == 1
    assert flopbench(*wrong, "-p", "not_there", TOY_LOG="log", TOY_WRONG="1").returncode == 2


LAYERS = """
import functools
import torch
from flopbench import Linear, VendorCall, VendorStage, hookimpl
from toy import Toy, ToyVendor

class Layer(torch.nn.Module):
    def forward(self, x):
        return torch.nn.functional.linear(x, x.new_empty(5, 5))  # x is 4 wide

class Model(Toy):
    name = "layers"

    def ops(self, stage, workload):
        yield Linear(component="layer", rows=workload.rows, in_features=4, out_features=5)

class Vendor(ToyVendor):
    name = "layers"

    def component(self, module): return "layer"
    def stage(self, name, workload):
        layer, x = Layer(), torch.empty(workload.rows, 4, device="meta")
        return VendorStage(lambda step: VendorCall(layer, functools.partial(layer, x)))

@hookimpl
def flopbench_analytic_models(): return [Model]

@hookimpl
def flopbench_vendor_models(): return [Vendor]
"""


@pytest.mark.parametrize("counter", ["torch", "thop"])
def test_what_a_module_raises_is_told_with_its_line_and_not_with_those_of_libraries(
    counter, flopbench, tmp_path
):
    write_toy(tmp_path)
    (tmp_path / "layers.py").write_text(LAYERS)
    line = LAYERS[: LAYERS.index("return torch.nn")].count("\n") + 1
    done = flopbench("run", "layers", "-p", "layers.py", "--counters", counter)
    assert done.returncode == 1
    assert f"(layers.py, line {line})" in done.stdout
    assert "site-packages" not in done.stdout


@pytest.mark.slow
def test_what_one_counter_replaces_in_torch_does_not_reach_the_next(flopbench, tmp_path):
    write_toy(tmp_path)
    (tmp_path / "layers.py").write_text(LAYERS)
    json_ = ("--format", "json")
    done = flopbench("run", "layers", "-p", "layers.py", "--counters", "thop,torch", *json_)
    report = json.loads(done.stdout)
    vendor = [(s["counter"], s["flops"]) for s in report["series"] if s["kind"] == "vendor"]
    assert vendor == [("thop", None), ("torch", None)]
    assert report["verdict"] == "not_verified"
    (tmp_path / "seen.py").write_text(
        LAYERS.replace("out_features=5", "out_features=4, bias=True")
        .replace("x.new_empty(5, 5)", "x.new_empty(4, 4)")
        .replace('"layers"', '"seen"')
    )
    done = flopbench("run", "seen", "-p", "seen.py", "--counters", "ptflops,torch", *json_)
    compared = json.loads(done.stdout)["comparisons"]
    found = {c["counter"]: c for c in compared if c["attention"] == "eager"}
    # Torch's own late imports must not reach it, either.
    assert found["torch"]["verdict"] == "exact"
    assert found["torch"]["unseen"]
    assert found["ptflops"]["unseen"] == {}  # it counts biases
