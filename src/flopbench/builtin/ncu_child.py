"""The process that Nsight Compute watches: make one vendor call, its modules named for NVTX.

Run as ``python -m flopbench.builtin.ncu_child FILE``; the file holds a pickled function
that makes the call.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flopbench.errors import describe


def main(path: str) -> int:
    """Make the call and return the exit status; a failure is one line on stderr."""
    try:
        make = pickle.loads(Path(path).read_bytes())  # noqa: S301 - our parent wrote it
        run(make())
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent reports it
        print(f"flopbench: {type(error).__name__}: {describe(error)}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def run(call: Any) -> None:
    """Run a call with the profiler on, under a range for the innermost module in work."""
    import torch

    runtime: Any = torch.cuda.cudart()  # type: ignore[no-untyped-call]
    with _named_modules(call.root, torch.cuda.nvtx), torch.no_grad():
        torch.cuda.synchronize()
        runtime.cudaProfilerStart()
        call.run()
        torch.cuda.synchronize()
        runtime.cudaProfilerStop()


@contextmanager
def _named_modules(root: Any, nvtx: Any) -> Iterator[None]:
    """Keep exactly one NVTX range open, named by the innermost module of ``root`` in work."""
    from torch.nn.modules import module as hooks

    names = {module: name for name, module in root.named_modules()} if root else {}
    path = [""]

    def show() -> None:
        nvtx.range_pop()
        nvtx.range_push(f"flopbench|{path[-1]}")

    def enter(module: Any, _args: Any) -> None:
        path.append(names.get(module, path[-1]))
        show()

    def leave(_module: Any, _args: Any, _output: Any) -> None:
        path.pop()
        show()

    before = hooks.register_module_forward_pre_hook(enter)
    after = hooks.register_module_forward_hook(leave, always_call=True)
    nvtx.range_push("flopbench|")
    try:
        yield
    finally:
        nvtx.range_pop()
        before.remove()
        after.remove()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
