"""What a GPU can do at best: peaks, bounds on time, and what limits a stage.

Nothing here predicts a time. A bound says what a GPU's peak rates allow: `bound_ms` op by op and
unfused, `floor_ms` for the whole stage. The package itself loads what settings need, no more.
"""

from flopbench.hardware.gpus import DTYPES, Gpu, gpu_named, known_gpus
from flopbench.hardware.machine import Machine
from flopbench.hardware.options import HardwareOptions

__all__ = [
    "DTYPES",
    "Gpu",
    "HardwareOptions",
    "Machine",
    "gpu_named",
    "known_gpus",
]
