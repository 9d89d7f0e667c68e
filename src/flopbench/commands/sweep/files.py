"""The files of a finished sweep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flopbench.commands.sweep.page import to_html
from flopbench.commands.sweep.text import to_csv, to_markdown
from flopbench.text import json_text


def texts(report: Mapping[str, Any]) -> dict[str, str | bytes]:
    """Return the files of a sweep that are text, by name."""
    return {
        "sweep.json": json_text(report, 1) + "\n",
        "sweep.csv": to_csv(report),
        "sweep.md": to_markdown(report),
        "sweep.html": to_html(report) + "\n",
    }
