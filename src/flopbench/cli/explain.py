"""``flopbench explain``: the model as a tree of components with their closed forms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from flopbench.cli.common import LOG, collect_garbage, formats, joined, load, print_text
from flopbench.cli.options import (
    ConfigOption,
    ImageOption,
    ModelArgument,
    OverridesArgument,
    PluginOption,
    StagesOption,
    StrictOption,
)
from flopbench.errors import UsageError
from flopbench.inputs.options import path, settings


def explain_command(
    context: typer.Context,
    model: ModelArgument,
    overrides: OverridesArgument = None,
    image: ImageOption = None,
    config: ConfigOption = None,
    attention: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The attention mode; by default the first of run.attention."
        ),
    ] = None,
    stages: StagesOption = None,
    depth: Annotated[
        int | None, typer.Option(metavar="N", help="Levels of the tree; all by default.")
    ] = None,
    work: Annotated[
        str, typer.Option(metavar="KIND", help="tensor (matrix work), vector or all.")
    ] = "tensor",
    out: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="Write explain.json, .md, .html, .folded (for speedscope), .svg and .png there.",
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
    """Show where a model's FLOPs are, as a tree of closed forms.

    Each component has its form and its value at the workload.
    """
    from flopbench.commands.explain.request import check
    from flopbench.commands.explain.text import FORMATS
    from flopbench.commands.explain.tree import explain
    from flopbench.plan import make_plan
    from flopbench.values.files import check_writable, write_files

    if out is not None:
        check_writable(path("--out", out))
    shown = formats("--format", "format of an explanation", joined(format, "console"), FORMATS)
    check(depth, work, attention)
    catalog = load(context, plugin, strict_plugins)
    options = settings(image=image, attention=attention, stages=stages, analytic_only=True)
    plan = make_plan(catalog, model, file=config, overrides=overrides or [], options=options)
    collect_garbage()
    explanation = explain(plan, cast("Any", work))
    if depth is not None:
        explanation = explanation.cut(depth)
    if out is not None:
        write_files(Path(out), _files(explanation))
    for name in shown:
        print_text(FORMATS[name](explanation))


def _files(explanation: Any) -> dict[str, str | bytes]:
    from flopbench.commands.explain.plots import icicle
    from flopbench.commands.explain.text import FORMATS
    from flopbench.commands.explain.tree import folded

    texts = {"explain.json": FORMATS["json"], "explain.md": FORMATS["markdown"]}
    texts["explain.html"] = FORMATS["html"]
    files: dict[str, str | bytes] = {
        **{name: show(explanation) + "\n" for name, show in texts.items()},
        "explain.folded": "".join(f"{line}\n" for line in folded(explanation.root)),
    }
    try:
        files |= {f"explain.{ending}": data for ending, data in icicle(explanation).items()}
    except UsageError as error:  # the rest needs no matplotlib
        LOG.warning("%s; explain.svg and explain.png are not written", error)
    return files
