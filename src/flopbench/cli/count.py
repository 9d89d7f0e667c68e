"""``flopbench count``: any module, from a Python file or from transformers."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import Annotated, Any

import typer

from flopbench.cli.common import print_text
from flopbench.errors import CountError, UsageError


def count_command(
    target: Annotated[
        str,
        typer.Argument(
            metavar="FILE.py:NAME",
            help="A module, a class or a function in a file, which is executed; or "
            "transformers:NAME, a class or a type of transformers.",
        ),
    ],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[model.KEY=VALUE]...",
            help="Fields of the config of transformers:NAME; model.config=FILE reads them.",
        ),
    ] = None,
    input: Annotated[  # noqa: A002 - the option's name
        list[str] | None,
        typer.Option(
            "--input",
            metavar="[NAME=]SHAPE[:DTYPE]",
            help="A tensor to call it with, such as 1,3,224,224 or mask=1,128:bool. Repeatable.",
        ),
    ] = None,
    dims: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Sizes to leave open: the law in them. B,S names the first sizes of the first "
            "input; with --input B,S,64, give examples: B=2,S=128.",
        ),
    ] = None,
    backward: Annotated[
        bool, typer.Option("--backward", help="Count the backward pass, too.")
    ] = False,
    depth: Annotated[
        int | None, typer.Option(metavar="N", help="Levels of modules to show; 2 by default.")
    ] = None,
    component: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN=NAME",
            help="Name a part: modules whose path matches, such as 'layers.*'=layers. Repeatable.",
        ),
    ] = None,
    dtype: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Take weights and inputs to be of this dtype."),
    ] = None,
    run: Annotated[
        bool,
        typer.Option("--run", help="Run the call really: its branches depend on values."),
    ] = False,
    format: Annotated[  # noqa: A002 - the option's name
        str, typer.Option(metavar="NAME", help="console or json.")
    ] = "console",
    out: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Also write the result: .json, .csv, .html, .md or .txt."
        ),
    ] = None,
    traceback: Annotated[
        bool, typer.Option("--traceback", help="Show where Python raised what failed.")
    ] = False,
) -> None:
    """Count the FLOPs of any module, or give its law in some sizes."""
    from flopbench.commands.count.request import Request, answer
    from flopbench.inputs.options import path
    from flopbench.values.files import check_ending
    from flopbench.values.value import ENDINGS

    request = Request(
        target=target,
        overrides=overrides or [],
        inputs=input or [],
        dims=dims,
        backward=backward,
        depth=depth,
        components=component or [],
        dtype=dtype,
        run=run,
    )
    if format not in {"console", "json"}:
        raise UsageError(f"--format must be console or json, got {format!r}")
    if out is not None:
        check_ending(path("--out", out), ENDINGS)
    try:
        # What the file prints is no part of the result.
        with redirect_stdout(sys.stderr):
            result: Any = answer(request)
    except CountError as error:
        if traceback:
            import traceback as tracebacks

            tracebacks.print_exc()
        raise CountError(str(error).replace("run=True", "--run")) from error
    if out is not None:
        result.save(out)
    print_text(result.to_json() if format == "json" else result.text())
    if not request.satisfied(result):
        raise typer.Exit(CountError.exit_code)
