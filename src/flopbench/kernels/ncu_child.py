"""The process that Nsight Compute profiles: makes one vendor call, its work named by NVTX ranges.

Run as ``python -m flopbench.kernels.ncu_child FILE``; the file holds a pickled function
that makes the call.
"""

from __future__ import annotations

import pickle
import sys
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
    """Run a call with the profiler on, in a range named by the module and op that is running."""
    import torch

    from flopbench.kernels.ncu_ranges import named_work

    runtime: Any = torch.cuda.cudart()  # type: ignore[no-untyped-call]
    with named_work(call.root, torch.cuda.nvtx), torch.no_grad():
        torch.cuda.synchronize()
        runtime.cudaProfilerStart()
        call.run()
        torch.cuda.synchronize()
        runtime.cudaProfilerStop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
