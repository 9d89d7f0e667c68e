"""The reporters that flopbench ships: console, JSON, Markdown, CSV and HTML."""

from __future__ import annotations

from flopbench import Reporter, hookimpl
from flopbench.builtin.reporters.console import Console
from flopbench.builtin.reporters.data import Csv, Json
from flopbench.builtin.reporters.html import Html
from flopbench.builtin.reporters.markdown import Markdown


@hookimpl
def flopbench_reporters() -> list[type[Reporter]]:
    """Contribute the reporters."""
    return [Console, Json, Markdown, Csv, Html]
