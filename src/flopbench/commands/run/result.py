"""The report of a run as a value, shown by the reporters that ship with flopbench."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from flopbench.report import Report
from flopbench.text import json_data
from flopbench.values import Node, Value
from flopbench.values.value import Format


@frozen(kw_only=True, repr=False)
class RunReport(Report, Value):
    """What a run returns: the report, which shows and saves itself."""

    def __repr__(self) -> str:
        stages = ", ".join(stage.name for stage in self.stages)
        return f"RunReport({self.model!r}, {stages}: {self.verdict})"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, as in ``report.json``."""
        return dict(json_data(super().to_dict()))

    def rows(self) -> list[dict[str, Any]]:
        """Return a row per series and comparison, as in ``report.csv``."""
        from flopbench.builtin.reporters.data import Csv

        return list(Csv().rows(self))

    def text(self) -> str:
        """Return what ``flopbench run`` prints."""
        from flopbench.builtin.reporters.console import Console

        return Console().render(self)

    def to_markdown(self) -> str:
        """Return what ``report.md`` holds."""
        from flopbench.builtin.reporters.markdown import Markdown

        return Markdown().render(self)

    def formats(self) -> Mapping[str, Format]:
        """Return what `save` writes: ``.csv`` with a header even if there are no rows."""
        from flopbench.builtin.reporters.data import Csv
        from flopbench.builtin.reporters.html import Html

        own = {".csv": lambda: Csv().render(self), ".html": lambda: Html().render(self)}
        return {**super().formats(), **own}

    def tree(self) -> Node:
        """Return each stage with its series, and each series by component and op."""
        from flopbench.builtin.reporters.shared import by_stage, reconciliation, settings, verdict
        from flopbench.builtin.reporters.trees import series_tree

        stages = []
        for stage, series, comparisons in by_stage(self):
            compared = [c for c in comparisons if c.verdict != "no_vendor_match"]
            note = "\n".join(map(reconciliation, compared)) or None
            parts = tuple(series_tree(s, comparisons) for s in series)
            stages.append(Node(stage.title, None, parts, note))
        note = "\n".join(filter(None, (" ".join(settings(self)), verdict(self))))
        return Node(self.model, None, tuple(stages), note)
