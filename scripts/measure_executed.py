"""Measure what a GPU executes: attention shapes, and DeepSeek-OCR's stages, under Nsight Compute.

`python scripts/measure_executed.py FILE` on a machine with an NVIDIA GPU, ncu, torch for CUDA
and flopbench writes FILE, part by part; parts that FILE has already are not run again.
`measurements/h200.json` was made so.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from flopbench.builtin.gemm_tiles import short_name
from flopbench.builtin.ncu_profile import METRICS, NO_TENSOR_WORK, Kernel, profile
from flopbench.errors import FlopbenchError
from flopbench.vendor import VendorCall

Shape = dict[str, Any]

PREFILLS = (
    *(1, 2, 17, 63, 64, 65, 100, 127, 128, 129, 200, 255, 256, 257, 300, 384, 493, 511, 512, 513),
    *(640, 703, 777, 903, 913, 1000, 1024, 1025, 1193, 1280, 1500, 2000, 2048, 2049, 3000, 4000),
    *(4095, 4096, 5000, 6000, 8191, 8192),
)
DECODES = (
    *(1, 64, 65, 100, 127, 128, 129, 200, 256, 257, 384, 500, 512, 513, 914, 1013, 1024, 1025),
    *(2000, 2048, 4096, 8192, 10000, 16384),
)


def shape(batch: int, heads: int, head_dim: int, queries: int, keys: int, **more: Any) -> Shape:
    """Describe one attention; `more` may set kv_heads, causal and dtype."""
    sizes = {"batch": batch, "heads": heads, "kv_heads": heads, "head_dim": head_dim}
    rest = {"queries": queries, "keys": keys, "causal": False, "dtype": "bf16"}
    return sizes | rest | more


def prefill_shapes() -> Iterator[Shape]:
    """Yield prefills, many not multiples of a tile, on both sides of the split-KV choice."""
    for n in PREFILLS:
        yield shape(1, 10, 128, n, n, causal=True)
    for n, causal in product((*PREFILLS[::3], 101, 257, 913, 4096), (True, False)):
        yield shape(1, 16, 64, n, n, causal=causal)
        yield shape(1, 10, 128, n, n)
    few_rows = ((2, 10, 300), (4, 10, 300), (2, 10, 913), (3, 7, 500), (1, 4, 2000), (1, 1, 4096))
    near = ((1, 2, 8192), (2, 40, 777), (1, 32, 64), (8, 16, 129), (1, 13, 1000), (1, 14, 1000))
    for (batch, heads, n), causal, width in product((*few_rows, *near), (True, False), (64, 128)):
        yield shape(batch, heads, width, n, n, causal=causal)
    for n in (101, 257):
        yield shape(6, 16, 64, n, n)


def decode_shapes() -> Iterator[Shape]:
    """Yield single queries against many KV lengths, batches and grouped heads."""
    for n in DECODES:
        yield shape(1, 10, 128, 1, n)
        yield shape(1, 16, 64, 1, n)
    for n, batch in product(DECODES[3::3], (8, 21, 22)):
        yield shape(batch, 10, 128, 1, n)
    for n, batch in product(DECODES[3::3], (1, 32)):
        yield shape(batch, 32, 128, 1, n, kv_heads=8)
        yield shape(4, 32, 64, 1, n)


def other_shapes() -> Iterator[Shape]:
    """Yield grouped heads, fewer queries than keys, and other head widths."""
    for heads, kv_heads, n in ((32, 8, 300), (32, 8, 2000), (16, 1, 777)):
        yield shape(1, heads, 128, n, n, kv_heads=kv_heads, causal=True)
    chunks = ((64, 1000), (100, 1000), (5, 500), (200, 913), (300, 4096), (65, 129), (129, 8000))
    for (queries, keys), causal in product(chunks, (True, False)):
        yield shape(1, 10, 128, queries, keys, causal=causal)
        yield shape(1, 16, 64, queries, keys, causal=causal)
    for width in (8, 32, 40, 72, 80, 96, 104, 160, 192, 224, 256):
        for n in (300, 1000, 4096):
            yield shape(1, 10, width, n, n, causal=True)
        yield shape(1, 10, width, 1, 1000)


def held_out_shapes() -> Iterator[Shape]:
    """Yield random shapes of a fixed seed."""
    draw = random.Random(2026)  # noqa: S311 - sizes, no secrets
    for _ in range(40):
        n, heads = draw.randint(1, 5000), draw.choice((1, 2, 5, 10, 16, 32))
        batch, width = draw.choice((1, 1, 2, 4)), draw.choice((64, 128))
        yield shape(batch, heads, width, n, n, causal=draw.choice((True, False)))
    for _ in range(25):
        n, heads = draw.randint(2, 16384), draw.choice((1, 2, 5, 10, 16, 32))
        yield shape(draw.choice((1, 1, 2, 4, 9)), heads, draw.choice((64, 128)), 1, n)


def half_precision_shapes() -> Iterator[Shape]:
    """Yield some shapes in float16."""
    for n in (300, 913, 4096):
        yield shape(1, 10, 128, n, n, causal=True, dtype="fp16")
    yield shape(1, 10, 128, 1, 914, dtype="fp16")


def cudnn_shapes() -> Iterator[Shape]:
    """Yield shapes for cuDNN, which builds a program for each: some seconds."""
    for n in (2, 64, 65, 128, 129, 300, 913, 1024, 1500, 4095, 4096):
        yield shape(1, 10, 128, n, n, causal=True)
    for n in (2, 8, 16, 31, 32, 33, 63, 64, 65, 100, 128, 129, 300, 914, 2048, 16384):
        yield shape(1, 10, 128, 1, n)
    for n in (100, 257, 913, 2000):
        yield shape(1, 10, 128, n, n)
    for n, causal in product((101, 300, 1000, 4096), (True, False)):
        yield shape(1, 16, 64, n, n, causal=causal)
    for queries in (2, 4, 16, 17, 64, 65):
        yield shape(1, 10, 128, queries, 1000)
    for n in (16, 64, 914):
        yield shape(1, 16, 64, 1, n)
    yield shape(8, 10, 128, 1, 914)
    yield shape(16, 10, 128, 1, 914)
    yield shape(64, 10, 128, 1, 100)
    yield shape(32, 32, 128, 1, 2000)
    yield shape(6, 16, 64, 257, 257)
    yield shape(1, 32, 128, 1, 914, kv_heads=8)
    yield shape(1, 32, 128, 300, 300, kv_heads=8, causal=True)


def chosen_shapes() -> Iterator[Shape]:
    """Yield DeepSeek-OCR's shapes, for torch to choose the kernel."""
    yield shape(1, 10, 128, 913, 913, causal=True)
    yield shape(1, 10, 128, 1, 914)
    yield shape(1, 16, 64, 257, 257)
    yield shape(6, 16, 64, 101, 101)


def make_attention(backend: str, shapes: list[Shape]) -> VendorCall:
    """Prepare a call of every shape, each in a module named by its number."""
    import torch

    torch.manual_seed(0)

    class Core(torch.nn.Module):
        def __init__(self, sizes: Shape) -> None:
            super().__init__()
            self.sizes = sizes
            dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}[sizes["dtype"]]

            def random_heads(heads: int, tokens: int) -> torch.Tensor:
                extents = (sizes["batch"], heads, tokens, sizes["head_dim"])
                return torch.randn(extents, device="cuda", dtype=dtype)

            self.states = (
                random_heads(sizes["heads"], sizes["queries"]),
                random_heads(sizes["kv_heads"], sizes["keys"]),
                random_heads(sizes["kv_heads"], sizes["keys"]),
            )

        def forward(self) -> None:
            attend(backend, self.states, self.sizes)

    cores = torch.nn.ModuleList(map(Core, shapes))
    return VendorCall(cores, lambda: [core() for core in cores])


def attend(backend: str, states: tuple[Any, Any, Any], sizes: Shape) -> None:
    """Attend once by the named backend of SDPA; ``auto`` leaves the choice to torch."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel

    if backend == "flash" and sizes["causal"] and sizes["queries"] != sizes["keys"]:
        # SDPA takes no mask aligned with the last key; the kernel under it does.
        torch.ops.aten._scaled_dot_product_flash_attention(*states, 0.0, True)  # noqa: FBT003, SLF001
        return
    every = [SDPBackend.FLASH_ATTENTION, SDPBackend.CUDNN_ATTENTION]
    backends = {"flash": every[:1], "cudnn": every[1:]}.get(backend)
    attention = partial(
        torch.nn.functional.scaled_dot_product_attention,
        *states,
        is_causal=sizes["causal"],
        enable_gqa=sizes["kv_heads"] != sizes["heads"],
    )
    if backends is None:
        attention()
        return
    with sdpa_kernel(backends):
        attention()


def measure_attention(backend: str, shapes: list[Shape]) -> list[Any]:
    """Return each shape with what its kernels executed."""
    dtypes = {sizes["dtype"] for sizes in shapes}
    kernels = profile(partial(make_attention, backend, shapes), dtypes)
    return [
        {
            "backend": backend,
            **sizes,
            "executed_flops": sum(total(k) for k in kernels if k.module == str(number)),
            "kernels": [launch(k) for k in kernels if k.module == str(number)],
        }
        for number, sizes in enumerate(shapes)
    ]


def total(kernel: Kernel) -> int:
    """Return a kernel's tensor FLOPs."""
    return sum(kernel.flops.values())


def launch(kernel: Kernel) -> dict[str, Any]:
    """Describe one launch."""
    return {"name": short_name(kernel.name), "grid": kernel.grid, "executed_flops": total(kernel)}


def measure_stage(attention: Any, stage: str, step: int) -> list[Any]:
    """Return what one call of a DeepSeek-OCR stage executed, per component and kernel."""
    from flopbench_deepseek_ocr.architecture import Architecture
    from flopbench_deepseek_ocr.vendor import DeepseekOcrVendor
    from flopbench_deepseek_ocr.vendor_executed import Executed, make_call
    from flopbench_deepseek_ocr.workload import Workload

    workload = Workload(tile_rows=3, tile_cols=2)
    kernels = profile(partial(make_call, Architecture(), attention, stage, workload, step))
    vendor = DeepseekOcrVendor(Executed(Architecture(), attention))
    components: dict[str, dict[str, dict[str, int]]] = {}
    for kernel in kernels:
        if total(kernel):
            name = launch(kernel)["name"]
            part = components.setdefault(vendor.component(kernel.module), {})
            entry = part.setdefault(name, {"launches": 0, "executed_flops": 0})
            entry["launches"] += 1
            entry["executed_flops"] += total(kernel)
    idle = sorted({launch(k)["name"] for k in kernels if not total(k)})
    call = {"stage": stage, "step": step, "attention": attention, "tile_grid": [3, 2]}
    return [call | {"components": components, "kernels_without_tensor_work": idle}]


def distinct(shapes: list[Shape]) -> list[Shape]:
    """Return the shapes without repetitions."""
    return [dict(items) for items in dict.fromkeys(tuple(sizes.items()) for sizes in shapes)]


def parts() -> dict[str, tuple[str, Callable[[], list[Any]]]]:
    """Return the parts of the file: a key of it, and what measures the part."""
    cudnn = list(cudnn_shapes())
    attention = {
        "prefill": ("flash", list(prefill_shapes())),
        "decode": ("flash", list(decode_shapes())),
        "other": ("flash", list(other_shapes())),
        "held out": ("flash", list(held_out_shapes())),
        "fp16": ("flash", list(half_precision_shapes())),
        "chosen": ("auto", list(chosen_shapes())),
    }
    attention |= {f"cudnn {n}": ("cudnn", cudnn[n : n + 12]) for n in range(0, len(cudnn), 12)}
    calls = (("prefill", 1), ("decode", 1), ("decode", 100), ("vision", 1))
    stages = {
        f"{stage} {step} {kind}": ("stages", partial(measure_stage, kind, stage, step))
        for (stage, step), kind in product(calls, ("eager", "sdpa", "flash"))
    }
    cores = {
        name: ("attention", partial(measure_attention, backend, distinct(shapes)))
        for name, (backend, shapes) in attention.items()
    }
    return cores | stages


def provenance() -> dict[str, Any]:
    """Say what was measured with."""
    import torch
    import transformers

    def output(*command: str) -> str:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout.strip().splitlines()[-1]

    return {
        "gpu": torch.cuda.get_device_name(),
        "multiprocessors": torch.cuda.get_device_properties(0).multi_processor_count,
        "driver": output("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"),
        "ncu": output("ncu", "--version"),
        "torch": torch.__version__,
        "cudnn": torch.backends.cudnn.version(),
        "transformers": transformers.__version__,
        "python": platform.python_version(),
        "metrics": {dtype: METRICS[dtype] for dtype in ("bf16", "fp16")},
        "not_profiled": NO_TENSOR_WORK,
        "date": datetime.now(UTC).date().isoformat(),
        "script": "scripts/measure_executed.py",
    }


def text(data: dict[str, Any]) -> str:
    """Write the file with one entry a line."""
    lines = []
    for key, value in data.items():
        if key in {"attention", "stages"}:
            rows = ",\n  ".join(json.dumps(entry) for entry in value)
            lines.append(f"{json.dumps(key)}: [\n  {rows}\n ]")
        else:
            lines.append(f"{json.dumps(key)}: {json.dumps(value)}")
    return "{\n " + ",\n ".join(lines) + "\n}\n"


def main() -> None:
    """Run the parts that the file does not have, and write it after each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--parts", help="names, comma-separated; all by default")
    parser.add_argument("--seconds", type=float, default=1e9, help="start no part after so long")
    options = parser.parse_args()
    known = parts()
    wanted = options.parts.split(",") if options.parts else list(known)
    data = json.loads(options.file.read_text()) if options.file.exists() else {}
    data = {"provenance": provenance(), "parts": [], "attention": [], "stages": []} | data
    # The process under ncu imports this file by name.
    folders = (str(Path(__file__).parent), os.environ.get("PYTHONPATH", ""))
    os.environ["PYTHONPATH"] = os.pathsep.join(folder for folder in folders if folder)
    begin = time.monotonic()
    for name in wanted:
        if name in data["parts"] or time.monotonic() - begin > options.seconds:
            continue
        key, measure = known[name]
        try:
            data[key] += measure()
        except FlopbenchError as error:
            print(f"{name}: {error}", file=sys.stderr)
            continue
        data["parts"].append(name)
        options.file.write_text(text(data), encoding="utf-8")
        print(f"{name}: done after {time.monotonic() - begin:.0f} s", flush=True)


if __name__ == "__main__":
    # Under its own name, so that the process under ncu finds what it is given.
    from measure_executed import main as run

    run()
