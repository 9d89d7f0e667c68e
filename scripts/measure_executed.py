"""Measure what a GPU executes: attention shapes, and DeepSeek-OCR's stages, under Nsight Compute.

On a machine with an NVIDIA GPU, ncu, torch for CUDA and flopbench,
`python scripts/measure_executed.py FILE` writes FILE, part by part, and skips the parts that
FILE already has. `measurements/h200.json` was made this way.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from flopbench.errors import FlopbenchError, UsageError
from flopbench.kernels.gemm_tiles import base_name, short_name
from flopbench.kernels.ncu_profile import METRICS, Kernel, profile
from flopbench.kernels.sdpa_call import Core, measure_cores
from flopbench.ops import Attention

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
    """Yield random shapes, from a fixed seed."""
    draw = random.Random(2026)  # noqa: S311 - sizes, no secrets
    for _ in range(40):
        n, heads = draw.randint(1, 5000), draw.choice((1, 2, 5, 10, 16, 32))
        batch, width = draw.choice((1, 1, 2, 4)), draw.choice((64, 128))
        yield shape(batch, heads, width, n, n, causal=draw.choice((True, False)))
    for _ in range(25):
        n, heads = draw.randint(2, 16384), draw.choice((1, 2, 5, 10, 16, 32))
        yield shape(draw.choice((1, 1, 2, 4, 9)), heads, draw.choice((64, 128)), 1, n)


_MOST_ELEMENTS = 1 << 28
"""Limit on the elements of the keys, so that all shapes of a part fit on the GPU."""


def drawn_shapes(backend: str, count: int) -> list[Shape]:
    """Return random shapes, from a fixed seed and a wider range than `held_out_shapes` has.

    Their predictions were committed before they were measured
    (`measurements/h200_predicted.json`).
    """
    draw = random.Random(f"2026-11-25 {backend}")  # noqa: S311 - sizes, no secrets
    widths = (64, 128) if backend == "cudnn" else (32, 64, 64, 80, 96, 100, 128, 128, 192, 256)
    found: list[Shape] = []
    while len(found) < count:
        kv_heads, group = draw.choice((1, 2, 3, 5, 7, 8, 13, 33)), draw.choice((1, 1, 1, 2, 4, 7))
        batch, width = draw.choice((1, 1, 2, 3, 9, 17, 64)), draw.choice(widths)
        queries = draw.choice((1, 1, draw.randint(2, 300), draw.randint(300, 8192)))
        keys = queries + draw.choice(
            (0, 0, draw.randint(1, 3000), draw.randint(1, 32768 - queries))
        )
        square = queries == keys
        causal = draw.random() < 0.5 and (square or backend == "flash")
        dtype = draw.choice(("bf16", "bf16", "bf16", "fp16"))
        if keys > 1 and batch * kv_heads * group * keys * width <= _MOST_ELEMENTS:
            more = {"kv_heads": kv_heads, "causal": causal, "dtype": dtype}
            found.append(shape(batch, kv_heads * group, width, queries, keys, **more))
    return found


def half_precision_shapes() -> Iterator[Shape]:
    """Yield some shapes in float16."""
    for n in (300, 913, 4096):
        yield shape(1, 10, 128, n, n, causal=True, dtype="fp16")
    yield shape(1, 10, 128, 1, 914, dtype="fp16")


def cudnn_shapes() -> Iterator[Shape]:
    """Yield shapes for cuDNN, which takes some seconds to build a program for each."""
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


def cudnn_decode_shapes() -> Iterator[Shape]:
    """Yield single queries for cuDNN, where it changes its tile and where splits end unevenly."""
    for n, width in product((130, 160, 192, 193, 224, 255, 256, 257, 280), (64, 128)):
        yield shape(1, 16, width, 1, n)
        yield shape(1, 32, width, 1, n, kv_heads=8)
    for n in (1100, 1500, 3000, 5000, 10000, 32768):
        yield shape(1, 10, 128, 1, n)
        yield shape(1, 32, 64, 1, n, kv_heads=8)
    for n in (40, 100, 500):
        yield shape(4, 32, 128, 1, n, kv_heads=2)
    yield shape(64, 10, 128, 1, 1100)


def chosen_shapes() -> Iterator[Shape]:
    """Yield DeepSeek-OCR's shapes, for which torch chooses the kernel."""
    yield shape(1, 10, 128, 913, 913, causal=True)
    yield shape(1, 10, 128, 1, 914)
    yield shape(1, 16, 64, 257, 257)
    yield shape(6, 16, 64, 101, 101)


def measure_attention(backend: str, shapes: list[Shape]) -> list[Any]:
    """Return each shape with what its kernels executed."""
    cores = [Core(attention(sizes), sizes["dtype"]) for sizes in shapes]
    return [
        {
            "backend": backend,
            **sizes,
            "executed_flops": sum(map(total, kernels)),
            "kernels": [launch(k) for k in kernels],
        }
        for sizes, kernels in zip(shapes, measure_cores(cores, backend), strict=True)
    ]


def attention(sizes: Shape) -> Attention:
    """Return the op of a shape."""
    ints = {name: value for name, value in sizes.items() if name != "dtype"}
    return Attention(component="core", value_dim=sizes["head_dim"], **ints)


def total(kernel: Kernel) -> int:
    """Return a kernel's tensor FLOPs."""
    return sum(kernel.flops.values())


def launch(kernel: Kernel) -> dict[str, Any]:
    """Describe one launch."""
    return {"name": short_name(kernel.name), "grid": kernel.grid, "executed_flops": total(kernel)}


def measure_stage(attention: Any, stage: str, step: int, grid: tuple[int, int]) -> list[Any]:
    """Return what one call of a DeepSeek-OCR stage executed, per component, kernel and op."""
    from flopbench_deepseek_ocr.architecture import Architecture
    from flopbench_deepseek_ocr.vendor import DeepseekOcrVendor
    from flopbench_deepseek_ocr.vendor_executed import Executed, make_call
    from flopbench_deepseek_ocr.workload import Workload

    workload = Workload(tile_rows=grid[0], tile_cols=grid[1])
    kernels = profile(partial(make_call, Architecture(), attention, stage, workload, step))
    vendor = DeepseekOcrVendor(Executed(Architecture(), attention))
    components: dict[str, dict[str, dict[str, Any]]] = {}
    for kernel in kernels:
        if total(kernel):
            key = launch(kernel) | {"op": kernel.op, "operands": kernel.operands}
            part = components.setdefault(vendor.component_of(kernel.module, kernel.op), {})
            entry = part.setdefault(json.dumps(key), key | {"launches": 0})
            entry["launches"] += 1
    idle = Counter(base_name(k.name) for k in kernels if not total(k))
    return [
        {
            "stage": stage,
            "step": step,
            "attention": attention,
            "tile_grid": list(grid),
            "components": {name: list(part.values()) for name, part in components.items()},
            "kernels_without_tensor_work": dict(sorted(idle.items())),
        }
    ]


def distinct(shapes: list[Shape]) -> list[Shape]:
    """Return the shapes without repetitions."""
    return [dict(items) for items in dict.fromkeys(tuple(sizes.items()) for sizes in shapes)]


PAGE, VIEW = (3, 2), (0, 0)
"""Grids of tiles: the sample page's, and none, for the view of 1024 pixels alone."""


def parts() -> dict[str, tuple[str, Callable[[], list[Any]]]]:
    """Return the parts of the file: the key that each belongs to, and what measures it."""
    cudnn, cudnn_decode = list(cudnn_shapes()), list(cudnn_decode_shapes())
    attention = {
        "prefill": ("flash", list(prefill_shapes())),
        "decode": ("flash", list(decode_shapes())),
        "other": ("flash", list(other_shapes())),
        "held out": ("flash", list(held_out_shapes())),
        "fp16": ("flash", list(half_precision_shapes())),
        "chosen": ("auto", list(chosen_shapes())),
        "cudnn": ("cudnn", cudnn),
        "cudnn decode": ("cudnn", cudnn_decode),
    }
    for backend, shapes, at_once in (
        ("flash", drawn_shapes("flash", 36), 12),
        ("cudnn", drawn_shapes("cudnn", 16), 4),
    ):
        for n in range(0, len(shapes), at_once):
            attention[f"drawn {backend} {n}"] = (backend, shapes[n : n + at_once])
    calls = (("prefill", 1), ("decode", 1), ("decode", 100), ("vision", 1))
    whole = [(stage, step, kind, PAGE) for (stage, step), kind in product(calls, KINDS)]
    whole += [("vision", 1, kind, VIEW) for kind in KINDS]
    stages = {
        f"{stage} {step} {kind}{'' if grid == PAGE else ' view'}": (
            "stages",
            partial(measure_stage, kind, stage, step, grid),
        )
        for stage, step, kind, grid in whole
    }
    cores = {
        name: ("attention", partial(measure_attention, backend, distinct(shapes)))
        for name, (backend, shapes) in attention.items()
    }
    return cores | stages


KINDS = ("eager", "sdpa", "flash")
"""Values of ``vendor.executed_attention``."""


def machine() -> dict[str, Any]:
    """Describe the machine that measures, and every version on it."""
    import torch
    import transformers

    def output(*command: str) -> str:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout.strip().splitlines()[-1]

    return {
        "gpu": torch.cuda.get_device_name(),
        # The start of the UUID distinguishes a GPU from others of its kind.
        "gpu_id": output("nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader")[4:12],
        "multiprocessors": torch.cuda.get_device_properties(0).multi_processor_count,
        "driver": output("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"),
        "ncu": output("ncu", "--version"),
        "torch": torch.__version__,
        "cudnn": torch.backends.cudnn.version(),
        "transformers": transformers.__version__,
        "python": platform.python_version(),
        "metrics": {dtype: METRICS[dtype] for dtype in ("bf16", "fp16")},
        "script": "scripts/measure_executed.py",
    }


def machine_number(machines: list[Any], here: dict[str, Any], *, mix: bool) -> int:
    """Return this machine's index among those of the file; a new machine is appended.

    Raises:
        UsageError: the file was measured on another machine, or with other versions.
    """
    if here in machines:
        return machines.index(here)
    if machines and not mix:
        last = machines[-1]
        changed = [f"{k} {last.get(k)!r} -> {here[k]!r}" for k in here if last.get(k) != here[k]]
        raise UsageError(
            f"the file was measured elsewhere ({', '.join(changed)}): write to another file, or "
            "pass --mix to add this machine to it"
        )
    machines.append(here)
    return len(machines) - 1


def text(data: dict[str, Any]) -> str:
    """Return the text of the file, with one entry per line."""
    lines = []
    for key, value in data.items():
        if isinstance(value, dict):
            rows = ",\n  ".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in value.items())
            lines.append(f"{json.dumps(key)}: {{\n  {rows}\n }}")
        else:
            rows = ",\n  ".join(json.dumps(entry) for entry in value)
            lines.append(f"{json.dumps(key)}: [\n  {rows}\n ]")
    return "{\n " + ",\n ".join(lines) + "\n}\n"


def measure(file: Path, wanted: list[str], seconds: float, *, mix: bool) -> None:
    """Measure the parts that the file does not have, and write it after each.

    Raises:
        UsageError: the file was measured on another machine.
    """
    data = json.loads(file.read_text()) if file.exists() else {}
    data = {"machines": [], "parts": {}, "attention": [], "stages": []} | data
    number = machine_number(data["machines"], machine(), mix=mix)
    begin = time.monotonic()
    for name in wanted:
        if name in data["parts"] or time.monotonic() - begin > seconds:
            continue
        key, run_part = parts()[name]
        try:
            found = run_part()
        except FlopbenchError as error:
            print(f"{name}: {error}", file=sys.stderr, flush=True)
            continue
        data[key] += [{"part": name} | entry for entry in found]
        data["parts"][name] = {"machine": number, "date": datetime.now(UTC).date().isoformat()}
        file.write_text(text(data), encoding="utf-8")
        print(f"{name}: done after {time.monotonic() - begin:.0f} s", flush=True)


def main() -> None:
    """Parse the command line, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--parts", help="names, comma-separated; all by default")
    parser.add_argument(
        "--seconds", type=float, default=1e9, help="start no part after this many seconds"
    )
    parser.add_argument(
        "--mix", action="store_true", help="add to a file measured on another machine"
    )
    options = parser.parse_args()
    wanted = options.parts.split(",") if options.parts else list(parts())
    unknown_parts = [name for name in wanted if name not in parts()]
    if unknown_parts:
        parser.error(f"unknown part {unknown_parts[0]!r}: known are {', '.join(parts())}")
    try:
        measure(options.file, wanted, options.seconds, mix=options.mix)
    except UsageError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
