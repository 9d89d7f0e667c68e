"""Run a vendor call under Nsight Compute, and read what each kernel executed.

The call runs in a separate process (`flopbench.kernels.ncu_child`), which names every module
and op by an NVTX range. One counter is read for every kernel, in one pass, with the clocks left
alone.
"""

from __future__ import annotations

import contextlib
import csv
import ctypes
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from attrs import frozen

from flopbench import CountError, UsageError, VendorCall

METRICS: dict[str, str] = {
    "bf16": "sm__ops_path_tensor_src_bf16_dst_fp32.sum",
    "fp16": "sm__ops_path_tensor_src_fp16.sum",
    "tf32": "sm__ops_path_tensor_src_tf32_dst_fp32.sum",
    "fp8": "sm__ops_path_tensor_src_fp8.sum",
    "int8": "sm__ops_path_tensor_src_int8.sum",
    "fp64": "sm__ops_path_tensor_src_fp64.sum",
}
"""Nsight Compute's metrics for operations executed on the tensor path, by operand type.

Listed by ``ncu --query-metrics --chips gh100``; a multiply-accumulate is 2 operations.
"""


_RANGES = "thread Domain:Push/Pop_Range:PL_Type:PL_Value:CLR_Type:Color:Msg_Type:Msg"
_RANGE = re.compile(r"<default domain>:flopbench\|([^|:]*)\|([^|:]*)\|([^|:]*):")
TIMEOUT_S = 1800


@frozen
class Kernel:
    """One launch of a kernel.

    Attributes:
        module: path of the module that launched it; "" outside of any.
        op: the torch op that launched it, such as ``aten.addmm``; "" outside of any.
        operands: the op's operands, as `ncu_ranges` writes them.
        flops: executed tensor FLOPs, by operand type.
    """

    module: str
    op: str
    operands: str
    name: str
    grid: str
    block: str
    flops: dict[str, int]


def profile(make: Callable[[], VendorCall], dtypes: Iterable[str] = ("bf16",)) -> list[Kernel]:
    """Make a call in another process under Nsight Compute, and return its kernels.

    Args:
        make: function that makes the call; it is pickled.
        dtypes: operand types to count, from `METRICS`; more than one takes more passes.

    Raises:
        UsageError: there is no GPU or no ncu, or reading the counters is not permitted.
        CountError: the call fails.
    """
    ncu = require_ncu()
    dtypes = tuple(dtypes)
    with tempfile.TemporaryDirectory() as folder:
        call, log = Path(folder, "call.pickle"), Path(folder, "kernels.csv")
        call.write_bytes(pickle.dumps(make))
        command = [
            ncu,
            *("--clock-control", "none", "--cache-control", "none"),
            *("--nvtx", "--profile-from-start", "off", "--target-processes", "application-only"),
            *("--metrics", ",".join(METRICS[dtype] for dtype in dtypes)),
            *("--csv", "--page", "raw", "--print-units", "base", "--log-file", str(log)),
            *(sys.executable, "-m", "flopbench.kernels.ncu_child", str(call)),
        ]
        code, output = _run(command)
        text = log.read_text(encoding="utf-8") if log.exists() else ""
    _raise_failure(code, f"{output}\n{text}")
    return list(read_kernels(text, dtypes))


def _run(command: list[str]) -> tuple[int, str]:
    """Run ncu; kill it and all that it started if it takes too long or we are interrupted.

    Raises:
        CountError: it does not finish in time.
    """
    with subprocess.Popen(  # noqa: S603 - the command is ours
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            raise CountError(f"ncu did not finish within {TIMEOUT_S} s") from error
        finally:
            # The profiled process is ncu's child: if only ncu ended, it would keep the GPU.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, output


def require_ncu() -> str:
    """Return the path of ncu.

    Raises:
        UsageError: it is not installed, or there is no GPU for it.
    """
    ncu = shutil.which("ncu")
    if ncu is None:
        raise UsageError(
            "the ncu counter needs NVIDIA's Nsight Compute (ncu) on the PATH; for a prediction "
            "without it use --attention flash_executed"
        )
    if not _gpus():
        raise UsageError(
            "the ncu counter needs an NVIDIA GPU, but the CUDA driver finds none; for a "
            "prediction without one use --attention flash_executed"
        )
    return ncu


def _gpus() -> int:
    """Return how many GPUs the CUDA driver finds; 0 without a driver."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int(0)
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)):
        return 0
    return count.value


def _raise_failure(code: int, output: str) -> None:
    """Raise the failure that ncu's output reports, if there is one."""
    if "ERR_NVGPUCTRPERM" in output:
        raise UsageError(
            "ncu is not allowed to read the GPU's performance counters (ERR_NVGPUCTRPERM): run it "
            "as administrator, or set the driver's NVreg_RestrictProfilingToAdminUsers=0"
        )
    failed = re.search(r"^flopbench: (\w+): (.*)$", output, re.MULTILINE)
    if failed:
        kind = UsageError if failed[1] == "UsageError" else CountError
        raise kind(f"the vendor call failed under ncu: {failed[2]}")
    errors = re.findall(r"==ERROR== (.*)", output)
    if code or errors:
        reason = errors[0] if errors else f"exit status {code}"
        raise CountError(f"ncu failed: {reason}")


def read_kernels(text: str, dtypes: Iterable[str] = ("bf16",)) -> Iterator[Kernel]:
    """Read the kernels from ncu's CSV (``--csv --page raw --print-units base``).

    Raises:
        CountError: a counter is missing: the GPU or the version of ncu does not have it.
    """
    rows = csv.DictReader(line for line in text.splitlines() if line.startswith('"'))
    for row in rows:
        if not row["ID"]:  # the row of units
            continue
        if _RANGES not in row:
            raise CountError(
                "ncu's table has no column of NVTX ranges: this version may name it differently"
            )
        ranges = _RANGE.findall(row[_RANGES] or "")
        module, op, operands = ranges[-1] if ranges else ("", "", "")
        yield Kernel(
            module=module,
            op=op,
            operands=operands,
            name=row["Kernel Name"],
            grid=row["Grid Size"],
            block=row["Block Size"],
            flops={dtype: _value(row, METRICS[dtype]) for dtype in dtypes},
        )


def _value(row: dict[str, str], metric: str) -> int:
    text = (row.get(metric) or "").replace(",", "")
    if not text.isdecimal():
        found = text or "nothing"
        raise CountError(f"ncu gave no {metric} for kernel {row['Kernel Name'][:60]}: {found}")
    return int(text)
