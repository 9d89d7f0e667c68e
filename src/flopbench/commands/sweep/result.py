"""The report of a sweep as a value: ``sweep.json``, with its tables and its tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen

from flopbench.text import json_data, plural
from flopbench.values import Node, Value
from flopbench.values.value import Format


@frozen(repr=False)
class SweepReport(Value):
    """What a sweep found.

    Attributes:
        data: the JSON form, documented in docs/sweep-schema.md; its points are `points`.
    """

    data: Mapping[str, Any]

    @property
    def model(self) -> str:
        """The model's name."""
        return str(self.data["model"])

    @property
    def points(self) -> Sequence[Mapping[str, Any]]:
        """The points, each with what its stages cost: made as they are asked for, not held."""
        points: Sequence[Mapping[str, Any]] = self.data["points"]
        return points

    @property
    def failed(self) -> list[str]:
        """The points and stages that could not be counted, or differ; empty if none does."""
        from flopbench.commands.sweep.verdict import Verdict

        return [*Verdict.of(self.data).problems]

    @property
    def _are_columns(self) -> bool:
        """Whether points are made from columns; another process gets them as a list."""
        from flopbench.commands.sweep.table import Table

        return isinstance(self.points, Table)

    def __repr__(self) -> str:
        return f"SweepReport({self.model!r}, {plural(len(self.points), 'point')})"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, all points included."""
        return dict(json_data({**self.data, "points": list(self.points)}))

    def rows(self) -> list[dict[str, Any]]:
        """Return a row per point, stage and attention mode, as in ``sweep.csv``."""
        from flopbench.commands.sweep.rows import rows

        return list(rows(self.data))

    def to_json(self, indent: int | None = 2) -> str:
        """Return the JSON form as text; None as ``indent`` writes one line."""
        from flopbench.commands.sweep.as_json import json_pieces

        if indent is None or not self._are_columns:
            return super().to_json(indent)
        return "".join(json_pieces(self.data, indent)).removesuffix("\n")

    def to_csv(self) -> str:
        """Return `rows` as CSV, with a header."""
        if not self._are_columns:
            return super().to_csv()
        from flopbench.commands.sweep.as_csv import csv_pieces

        return "".join(csv_pieces(self.data))

    def to_pandas(self) -> Any:
        """Return `rows` as a pandas data frame, made of columns.

        Raises:
            UsageError: pandas is not installed.
        """
        if not self._are_columns:
            return super().to_pandas()
        from flopbench.commands.sweep.rows import all_columns
        from flopbench.values.tables import frame

        return frame(all_columns(self.data))

    def text(self) -> str:
        """Return what ``flopbench sweep`` prints."""
        return self.to_markdown().rstrip()

    def to_markdown(self) -> str:
        """Return what ``sweep.md`` holds."""
        from flopbench.commands.sweep.text import to_markdown

        return to_markdown(self.data)

    def tree(self) -> Node:
        """Return each point with its stages, and each stage with its modes."""
        from flopbench.commands.sweep.verdict import Verdict

        points = tuple(_point(self.data, point) for point in self.points)
        title = f"{self.model}: {self.data['description']}"
        return Node(title, None, points, Verdict.of(self.data).text(self.data))

    def formats(self) -> Mapping[str, Format]:
        """Return what `save` writes."""
        from flopbench.commands.sweep.page import to_html

        return {**super().formats(), ".html": lambda: to_html(self.data)}


def _point(report: Mapping[str, Any], point: Mapping[str, Any]) -> Node:
    stages = (
        Node(stage["title"], None, tuple(_series(report, point[stage["name"]])))
        for stage in report["stages"]
    )
    return Node(point["label"], None, tuple(stages))


def _series(report: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[Node]:
    """Yield the vendor's count if there is one, and the costs in each mode."""
    if report["vendor_counter"]:
        label = f"vendor ({report['vendor_attention']}, {report['vendor_counter']})"
        differs = ", ".join(found["components_differ"] or ())
        note = found["vendor_error"] or (f"differs in {differs}" if differs else None)
        yield Node(label, found["vendor_flops"], (), note)
    for mode, cost in found["cost"].items():
        parts = tuple(Node(name, cost[f"{name}_flops"]) for name in ("tensor", "vector"))
        yield Node(report["modes"][mode], cost["flops"], parts)
