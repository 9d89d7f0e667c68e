"""The abstract value: four methods of a result, and all that follows from them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flopbench.text import json_text, visible
from flopbench.values.node import Node

if TYPE_CHECKING:
    from rich.text import Text

ENDINGS = (".json", ".csv", ".html", ".md", ".txt")
"""What every value can be saved as."""

Format = Callable[[], str | bytes]


class Value(ABC):
    """A result that shows itself in a terminal and in a notebook, and saves itself.

    Its integers are exact, however large. It may be the base of a frozen attrs class::

        from typing import Any

        from attrs import frozen

        from flopbench.values import Node, Value

        @frozen
        class Work(Value):
            flops: int

            def to_dict(self) -> dict[str, Any]:
                return {"flops": self.flops}

            def rows(self) -> list[dict[str, Any]]:
                return [self.to_dict()]

            def text(self) -> str:
                return f"{self.flops:,} FLOPs"

            def tree(self) -> Node:
                return Node("work", self.flops)
    """

    __slots__ = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        # IPython prefers the __repr__ of a class, which attrs writes, to what the class inherits.
        cls._repr_pretty_ = cls._repr_pretty_  # type: ignore[method-assign]

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form: mappings, lists, texts and numbers."""

    @abstractmethod
    def rows(self) -> list[dict[str, Any]]:
        """Return a flat table: the same columns in each row, or some of them."""

    @abstractmethod
    def text(self) -> str:
        """Return what a terminal shows, without a final newline."""

    @abstractmethod
    def tree(self) -> Node:
        """Return the tree that a notebook shows."""

    def to_json(self, indent: int | None = 2) -> str:
        """Return the JSON form as text; None as ``indent`` writes one line."""
        return json_text(self.to_dict(), indent)

    def to_csv(self) -> str:
        """Return `rows` as CSV, with a header."""
        from flopbench.values.tables import csv_text

        return csv_text(self.rows())

    def to_html(self) -> str:
        """Return `tree` as a part of an HTML page, without scripts."""
        from flopbench.values.html import html

        return html(self.tree())

    def to_markdown(self) -> str:
        """Return Markdown: by default the text, as it is."""
        from flopbench.values.tables import fenced

        return fenced(self.text())

    def to_pandas(self) -> Any:
        """Return `rows` as a pandas data frame; columns of integers stay integers.

        Raises:
            UsageError: pandas is not installed.
        """
        from flopbench.values.tables import data_frame

        return data_frame(self.rows())

    def formats(self) -> Mapping[str, Format]:
        """Return what `save` writes, by the ending of the file's name."""
        from flopbench.values.html import page

        return {
            ".json": self.to_json,
            ".csv": self.to_csv,
            ".html": lambda: page(self.tree()),
            ".md": self.to_markdown,
            ".txt": self.text,
        }

    def save(self, path: str | PathLike[str]) -> Path:
        """Write a file in the form that its name ends with: the whole file or nothing.

        Folders that are missing are made.

        Args:
            path: the file, such as ``report.json``.

        Returns:
            The path.

        Raises:
            UsageError: the ending names no form, or the file cannot be written.
        """
        from flopbench.values.files import save

        return save(Path(path), self.formats())

    def __str__(self) -> str:
        return visible(self.text())

    def __rich__(self) -> Text:
        """Return the text for rich's console, which takes no markup from it."""
        from rich.text import Text

        return Text(str(self))

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        return self.to_html()

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Show the text where IPython has no HTML."""
        printer.text(str(self))
