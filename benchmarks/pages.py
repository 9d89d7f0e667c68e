"""Measure a comparison of ten models on the sample page, each checked against its real model.

Bounds on two cores: 60 s, and 2 GB of peak memory. Exit status 1 if a bound is broken.
Run: python benchmarks/pages.py
"""

import sys

from measure import FLOPBENCH, measure, python, within

RUNS = 1
SECONDS, BYTES = 60.0, 2_000_000_000
NAMES = (
    *("glm-ocr", "paddleocr-vl-0.9b", "lightonocr-1b", "hunyuanocr-1.5-1b", "got-ocr2"),
    *("granite-docling-258m", "qianfan-ocr-4b", "qwen2.5-vl-7b", "donut-base"),
)
MODELS = (*(f"vl/{name}" for name in NAMES), "deepseek_ocr")
IMPORTS = "import torch, transformers.models.qwen2_5_vl.modeling_qwen2_5_vl"


def main() -> int:
    """Print time, peak and ratio; return 1 if a bound is broken."""
    job = measure([FLOPBENCH, "compare", *MODELS], RUNS)
    kept = within("flopbench compare, ten models", job, seconds=SECONDS, peak_bytes=BYTES)
    part = measure(python(IMPORTS), RUNS)
    print(f"  {job.wall_s / part.wall_s:.1f} times importing torch and transformers alone")
    return int(not kept)


if __name__ == "__main__":
    sys.exit(main())
