"""The options that commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flopbench.inputs.numbers import MOST, integer, quoted

PluginOption = Annotated[
    list[str] | None,
    typer.Option(
        "-p",
        "--plugin",
        metavar="NAME",
        help="Load a plugin module or .py file; no:NAME blocks a plugin. Repeatable.",
    ),
]
StrictOption = Annotated[
    bool, typer.Option("--strict-plugins", help="Fail if any plugin fails to load.")
]


def count(text: str) -> int:
    """Return the number of tokens, steps or requests that an option gives, such as 8k.

    Raises:
        typer.BadParameter: it is not a whole number of at least 1.
    """
    try:
        number = integer(str(text))  # typer also passes defaults, which are numbers
    except ValueError as error:
        raise typer.BadParameter(f"must be {error}") from error
    if not 1 <= number <= MOST:
        raise typer.BadParameter(f"must be an integer from 1 to {MOST:,}, got {quoted(number)}")
    return number


JobsOption = Annotated[
    int, typer.Option("--jobs", metavar="N", min=1, help="Processes that count the vendor model.")
]
ModelArgument = Annotated[
    str,
    typer.Argument(help="A model that `flopbench list` shows, a config.json, or its folder."),
]
OverridesArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[KEY=VALUE]...", help="Configuration, such as workload.batch_size=2."),
]
ImageOption = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="An image of a page; short for workload.image=FILE."),
]
ConfigOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="A YAML file of configuration.")
]
StagesOption = Annotated[
    str | None, typer.Option(metavar="NAMES", help="Stages, such as prefill,decode.")
]
AttentionOption = Annotated[
    str | None, typer.Option(metavar="NAMES", help="Attention modes, such as eager,flash.")
]
TtftOption = Annotated[
    float | None, typer.Option(metavar="S", help="Target: seconds to the first token.")
]
TpotOption = Annotated[
    float | None, typer.Option(metavar="S", help="Target: seconds per output token.")
]
SchedulerOption = Annotated[
    str,
    typer.Option(
        "--scheduler",
        metavar="ADDRESS",
        help="local (processes of this machine), or a Dask scheduler, such as tcp://host:8786.",
    ),
]
AnalyticOnlyOption = Annotated[
    bool,
    typer.Option(
        "--analytic-only",
        help="Price the closed forms alone; needs no torch, except for hf/ models.",
    ),
]
CountersOption = Annotated[
    str | None, typer.Option(metavar="NAMES", help="Vendor counters, such as torch.")
]
