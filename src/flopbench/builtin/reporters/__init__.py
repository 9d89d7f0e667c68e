"""The reporters that flopbench ships: console, JSON, Markdown and CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from flopbench.analytic import Stage
from flopbench.analytic.price import Fallback
from flopbench.builtin.reporters.console import Console
from flopbench.builtin.reporters.data import Csv, Json
from flopbench.builtin.reporters.markdown import Markdown
from flopbench.builtin.reporters.shared import (
    _by_stage,
    _counters,
    _executed,
    _fallback,
    _no_match,
    _settings,
    _tells_unseen,
    _value,
    executed,
    reconciliation,
    unseen,
    verdict,
)
from flopbench.registry.hookspecs import hookimpl
from flopbench.report import FAILURES, Comparison, ExecutedComponent, Report, Reporter, Series
from flopbench.text import key_values, table, tera, wrapped
from flopbench.vendor.attribution import UncountedOp


@hookimpl
def flopbench_reporters() -> list[type[Reporter]]:
    """Contribute the reporters."""
    return [Console, Json, Markdown, Csv]
