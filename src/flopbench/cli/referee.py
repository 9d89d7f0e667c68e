"""``flopbench referee``: everybody's formula of FLOPs beside what the model does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from flopbench.cli.common import LOG, collect_garbage, formats, joined, load, print_text
from flopbench.cli.options import (
    ConfigOption,
    ModelArgument,
    OverridesArgument,
    PluginOption,
    StrictOption,
)
from flopbench.errors import UsageError
from flopbench.inputs.options import path, settings


def referee_command(
    context: typer.Context,
    model: ModelArgument,
    overrides: OverridesArgument = None,
    config: ConfigOption = None,
    formulas: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Formulas, such as palm,megatron_lm; all by default."),
    ] = None,
    phases: Annotated[
        str, typer.Option(metavar="NAMES", help="train, prefill or decode, or several.")
    ] = "train",
    against: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Name the differences to what is counted, useful (unmasked pairs) or executed.",
        ),
    ] = "counted",
    tokens_per_second: Annotated[
        float | None,
        typer.Option(metavar="N", help="A measured rate, over all GPUs: gives MFU, with --gpu."),
    ] = None,
    gpu: Annotated[
        str | None, typer.Option(metavar="NAME", help="A GPU, such as h100, or a YAML file.")
    ] = None,
    gpus: Annotated[int | None, typer.Option(metavar="N", help="How many GPUs; 1.")] = None,
    waterfall: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The formula to draw; the one that differs most by default."
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            metavar="DIR", help="Write referee.json, .md, .html and waterfall.svg, .png there."
        ),
    ] = None,
    format: Annotated[  # noqa: A002 - the option's name
        list[str] | None,
        typer.Option(
            metavar="NAMES", help="console, markdown, json or html.", show_default="console"
        ),
    ] = None,
    plugin: PluginOption = None,
    strict_plugins: StrictOption = False,
) -> None:
    """Name what public formulas of FLOPs leave out, or add.

    Exit status: 0, 1 a formula fails or is not what it declares, 2 usage.
    """
    from flopbench.commands.referee.plots import drawn
    from flopbench.commands.referee.request import chosen, refuse_settings, requested
    from flopbench.commands.referee.runner import referee
    from flopbench.commands.referee.text import FORMATS
    from flopbench.plan import make_plan
    from flopbench.values.files import check_writable, write_files

    if out is not None:
        check_writable(path("--out", out))
    shown = formats("--format", "format of findings", joined(format, "console"), FORMATS)
    request = requested(
        phases=phases,
        formulas=formulas,
        against=against,
        waterfall=waterfall,
        tokens_per_second=tokens_per_second,
        gpu=gpu,
        gpus=gpus,
    )
    refuse_settings(overrides or [], config)
    catalog = load(context, plugin, strict_plugins)
    judged = chosen(catalog, request)
    if waterfall is not None and out is None:
        raise UsageError(f"--waterfall {waterfall} is a picture: add --out DIR to write it there")
    options = settings(analytic_only=True, hardware={"gpu": gpu})
    plan = make_plan(catalog, model, file=config, overrides=overrides or [], options=options)
    collect_garbage()
    found = referee(plan, judged, request)
    if waterfall is not None:
        drawn(found, waterfall)
    if out is not None:
        write_files(Path(out), _files(found, waterfall))
    for name in shown:
        print_text(FORMATS[name](found))
    if found.unexplained or found.failed:
        raise typer.Exit(1)


def _files(found: Any, name: str | None) -> dict[str, str | bytes]:
    from flopbench.commands.referee.plots import waterfall
    from flopbench.commands.referee.text import FORMATS

    files: dict[str, str | bytes] = {
        "referee.json": found.to_json() + "\n",
        "referee.md": found.to_markdown() + "\n",
        "referee.html": FORMATS["html"](found) + "\n",
    }
    try:
        files |= waterfall(found, name)
    except UsageError as error:  # the rest needs no matplotlib
        LOG.warning("%s; no waterfall is drawn", error)
    return files
