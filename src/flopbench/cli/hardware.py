"""The options of ``flopbench run`` that are about a GPU."""

from __future__ import annotations

from typing import Annotated

import typer

from flopbench.errors import UsageError
from flopbench.inputs.numbers import quoted

GpuOption = Annotated[
    str | None,
    typer.Option(
        "--gpu",
        metavar="NAME",
        help="A GPU, such as h200, or a YAML file: bounds the time on it, and says what fits.",
    ),
]
PeakOption = Annotated[
    float | None,
    typer.Option("--peak-tflops", metavar="N", help="Dense peak in TFLOP/s, instead of the GPU's."),
]
BandwidthOption = Annotated[
    float | None,
    typer.Option(
        "--bandwidth", metavar="N", help="Memory bandwidth in GB/s, instead of the GPU's."
    ),
]
PriceOption = Annotated[
    float | None,
    typer.Option(
        "--price-per-hour",
        metavar="N",
        help="What the GPU costs: gives the least that a million tokens cost.",
    ),
]
MeasuredOption = Annotated[
    str | None,
    typer.Option(
        "--measured-ms",
        metavar="STAGE=MS,...",
        help="Milliseconds that stages took: gives their MFU and MBU.",
    ),
]


def measured_times(text: str | None) -> dict[str, float] | None:
    """Return the milliseconds by stage that ``--measured-ms`` gives.

    Raises:
        UsageError: it is not ``STAGE=MS``, or several with commas.
    """
    if text is None:
        return None
    pairs = [_pair(part) for part in text.split(",")]
    found = {stage: ms for stage, ms in pairs if stage and ms is not None}
    if len(found) < len(pairs):
        raise UsageError(
            "--measured-ms must be STAGE=MS,..., such as prefill=35.2,decode=4100, each stage "
            f"once, got {quoted(text)}"
        )
    return found


def _pair(text: str) -> tuple[str, float | None]:
    """Return a stage and its milliseconds; None if they are no number."""
    stage, _, ms = text.partition("=")
    try:
        return stage.strip(), float(ms)
    except ValueError:
        return stage.strip(), None
