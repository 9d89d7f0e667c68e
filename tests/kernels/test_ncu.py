"""The ncu counter without a GPU: a stand-in for ncu prints what the real one printed."""

import csv
import io
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from flopbench.errors import CountError, UsageError
from flopbench.kernels import ncu_profile
from flopbench.kernels.ncu_counter import NcuCounter, NcuEveryType
from flopbench.kernels.ncu_profile import METRICS, Kernel, read_kernels
from flopbench.vendor import Counted, VendorCall

RANGES = ncu_profile._RANGES
BF16, FP16 = METRICS["bf16"], METRICS["fp16"]
NVJET = "nvjet_sm90_tst_128x72_64x8_2x1_v_bz_TNT"


def row(number, ranges, name, **flops):
    texts = [f'"<default domain>:{text}:none:none:none:none:none:none"' for text in ranges]
    return {
        "ID": number,
        RANGES: f"542  {'  '.join(texts)} ",
        "Kernel Name": name,
        "Grid Size": "(2, 65, 1)",
        "Block Size": "(384, 1, 1)",
        **{METRICS[dtype]: f"{value:,}" for dtype, value in flops.items()},
    }


def table(*rows):
    """Write rows as ncu does: log lines, a header, a line of units, the values."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerow(dict.fromkeys(rows[0], ""))
    writer.writerows(rows)
    return "==PROF== Connected to process 542 (/usr/bin/python3)\n" + text.getvalue()


def test_kernels_are_read_with_the_innermost_range():
    text = table(
        row(
            "0", ["outer", "flopbench|model.layers.0|aten.mm|2x3 3x4"], f"{NVJET}(int)", bf16=1_024
        ),
        row("1", ["theirs"], "other", bf16=0),
    )
    first, second = read_kernels(text)
    assert first == Kernel(
        module="model.layers.0",
        op="aten.mm",
        operands="2x3 3x4",
        name=f"{NVJET}(int)",
        grid="(2, 65, 1)",
        block="(384, 1, 1)",
        flops={"bf16": 1024},
    )
    assert (second.module, second.flops) == ("", {"bf16": 0})


@pytest.mark.parametrize("value", ["", "n/a", "1.5"])
def test_a_missing_value_is_no_zero(value):
    text = table(row("0", [], "k", bf16=1) | {BF16: value})
    with pytest.raises(CountError, match=r"no sm__ops\S+ for kernel k"):
        list(read_kernels(text))


@pytest.fixture
def fake_ncu(tmp_path, monkeypatch):
    """Put a program called ncu on the PATH, which runs the given Python code."""

    def install(code):
        program = tmp_path / "bin" / "ncu"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!{sys.executable}\n{code}", encoding="utf-8")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")

    monkeypatch.setattr(ncu_profile, "_gpus", lambda: 1)
    return install


def writes(text):
    """Code of a fake ncu that notes its command line and writes its log."""
    return (
        "import sys\n"
        "arguments = sys.argv[1:]\n"
        f"open(arguments[arguments.index('--log-file') + 1], 'w').write({text!r})\n"
        "open(__file__ + '.args', 'w').write('\\n'.join(arguments))\n"
    )


def nothing():
    """Stand for a function that makes a call; only its pickle is used here."""
    raise AssertionError


CALL = VendorCall(None, nothing, make=partial(nothing))


def test_what_a_call_executed_is_counted_per_module_and_kernel(fake_ncu, tmp_path):
    rows = [
        row(str(i), ["flopbench|lm_head|aten.mm|1x2"], f"{NVJET}(T1)", bf16=10**15 + i)
        for i in (0, 1)
    ]
    rows.append(row("2", ["flopbench|norm||"], "idle", bf16=0))
    fake_ncu(writes(table(*rows)))
    count = NcuCounter().count(CALL)
    assert count.counted == (Counted("lm_head", NVJET, 2 * 10**15 + 1),)
    assert count.uncounted == ()
    command = (tmp_path / "bin" / "ncu.args").read_text().splitlines()
    assert command[command.index("--clock-control") + 1] == "none"
    assert command[command.index("--metrics") + 1] == BF16
    assert "--kernel-name" not in command  # no kernel is left out by its name


@pytest.mark.parametrize("rows", [[], [row("0", ["flopbench|||"], "half", bf16=0)]], ids=len)
def test_a_profile_without_tensor_work_is_no_count_of_0(fake_ncu, rows):
    fake_ncu(writes(table(*rows) if rows else "==WARNING== No kernels were profiled.\n"))
    with pytest.raises(CountError, match=f"saw no tensor work in {len(rows)} kernels"):
        NcuCounter().count(CALL)


def test_a_table_without_ranges_is_not_taken_for_work_outside_of_modules():
    named = row("0", ["flopbench|||"], "k", bf16=1)
    text = table({key: value for key, value in named.items() if key != RANGES})
    with pytest.raises(CountError, match="no column of NVTX ranges"):
        list(read_kernels(text))


def test_other_types_are_added_when_asked_for(fake_ncu):
    every = dict.fromkeys(METRICS, 0) | {"bf16": 5, "fp16": 7}
    fake_ncu(writes(table(row("0", [], "k", **every))))
    assert NcuEveryType().count(CALL).flops == 12


@pytest.mark.parametrize(
    ("code", "error", "message"),
    [
        (
            writes("==ERROR== ERR_NVGPUCTRPERM - The user does not have permission\n"),
            UsageError,
            "not allowed to read the GPU's performance counters",
        ),
        (
            "import sys; sys.exit('flopbench: CountError: tokens are missing')",
            CountError,
            "failed under ncu: tokens are missing",
        ),
        (
            "import sys; sys.exit('flopbench: UsageError: torch sees no CUDA GPU')",
            UsageError,
            "failed under ncu: torch sees no CUDA GPU",
        ),
        (writes('==ERROR== Failed to profile "k"\n'), CountError, "ncu failed: Failed to profile"),
        ("import sys; sys.exit(9)", CountError, "ncu failed: exit status 9"),
    ],
)
def test_a_failure_is_one_sentence(fake_ncu, code, error, message):
    fake_ncu(code)
    with pytest.raises(error, match=message) as raised:
        NcuCounter().count(CALL)
    assert "\n" not in str(raised.value)


def test_a_call_that_no_other_process_can_make_is_not_counted(fake_ncu):
    fake_ncu("")
    with pytest.raises(CountError, match="in another process"):
        NcuCounter().count(VendorCall(None, nothing))


def test_without_ncu_or_gpu_the_counter_is_not_to_be_had(monkeypatch, tmp_path, fake_ncu):
    fake_ncu("")
    monkeypatch.setattr(ncu_profile, "_gpus", lambda: 0)
    with pytest.raises(UsageError, match=r"needs an NVIDIA GPU.*--attention flash_executed"):
        NcuCounter()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match=r"needs NVIDIA's Nsight Compute \(ncu\) on the PATH"):
        NcuCounter()


def test_the_command_line_says_so_before_any_work(flopbench, tmp_path):
    result = flopbench("run", "deepseek_ocr", "--counters", "ncu", PATH=str(tmp_path))
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("flopbench: error: the ncu counter needs")
    assert len(result.stderr.splitlines()) == 1


class Nvtx:
    """Takes down the ranges that are open."""

    def __init__(self):
        self.open = []

    def range_push(self, name):
        self.open.append(name)

    def range_pop(self):
        self.open.pop()


def test_one_range_is_open_and_names_module_op_and_operands():
    torch = pytest.importorskip("torch")
    from flopbench.kernels.ncu_ranges import named_work

    class Noted(Nvtx):
        def range_push(self, name):
            super().range_push(name)
            seen.append(list(self.open))

    class Leaf(torch.nn.Module):
        def forward(self, x):
            return x @ x.T

    class Root(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = Leaf(), Leaf()

        def forward(self, x):
            return self.second(self.first(x))

    seen, nvtx, root = [], Noted(), Root()
    with named_work(root, nvtx):
        root(torch.ones(2, 3))
    assert all(len(ranges) == 1 for ranges in seen)
    products = [ranges[0] for ranges in seen if "aten.mm" in ranges[0]]
    assert products == ["flopbench|first|aten.mm|2x3 3x2", "flopbench|second|aten.mm|2x2 2x2"]
    assert seen[0] == seen[-1] == ["flopbench|||"]
    assert nvtx.open == []


def test_operands_tell_strides_and_where_groups_end():
    torch = pytest.importorskip("torch")
    from flopbench.kernels.ncu_ranges import _text

    assert _text("aten.convolution", [2, 2]) == "[2,2]"
    assert _text("aten._grouped_mm", torch.tensor([1, 3], dtype=torch.int32)) == "[1,3]"
    assert _text("aten.mm", torch.ones(2, 3)) == "2x3"
    assert _text("aten.mm", 2.5) == _text("aten.mm", True) == ""  # noqa: FBT003


def test_a_profile_that_takes_too_long_leaves_nothing_running(fake_ncu, tmp_path, monkeypatch):
    monkeypatch.setattr(ncu_profile, "TIMEOUT_S", 2)
    note = tmp_path / "child"
    fake_ncu(
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(note)!r}, 'w').write(str(child.pid))\n"
        "time.sleep(60)\n"
    )
    with pytest.raises(CountError, match="ncu did not finish within 2 s"):
        NcuCounter().count(CALL)
    child = int(note.read_text())
    for _ in range(50):
        if not running(child):
            break
        time.sleep(0.1)
    assert not running(child)


def running(process):
    """Whether a process is there and no zombie."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return False


def test_the_watched_process_reports_a_failure_in_one_line(tmp_path):
    path = tmp_path / "call.pickle"
    path.write_bytes(b"no pickle")
    command = [sys.executable, "-m", "flopbench.kernels.ncu_child", path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("flopbench: UnpicklingError: ")
    assert len(done.stderr.splitlines()) == 1
