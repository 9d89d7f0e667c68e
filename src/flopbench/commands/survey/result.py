"""A survey as a value: a row for each config, and what it was made with.

`to_dict` gives the JSON form, documented in docs/large-sweeps.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, get_args

from attrs import Factory, evolve, frozen

from flopbench.commands.survey.checks import FAILURES, Verdict
from flopbench.text import json_data, plural
from flopbench.values import Node, Value
from flopbench.values.value import Format

SURVEY_SCHEMA_VERSION = "1.0"

SECONDS = "seconds"
"""What of a row depends on when and where it is made."""


@frozen(kw_only=True, repr=False)
class Survey(Value):
    """What `flopbench survey` found.

    Attributes:
        configs: a row for each, as in ``survey.json``.
        check: how closed forms were checked: ``prove``, ``run``, or None if they were not.
        settings: those of all models, as texts.
        image: width and height of the page, if one was given.
        gpu: the GPU whose bounds are shown.
        skipped: JSON files of the folders that are no configs.
        notes: folders that could not be read.
    """

    schema_version: str = SURVEY_SCHEMA_VERSION
    configs: tuple[Mapping[str, Any], ...]
    check: str | None
    settings: tuple[str, ...] = ()
    image: tuple[int, int] | None = None
    gpu: str | None = None
    skipped: int = 0
    notes: tuple[str, ...] = ()
    versions: Mapping[str, str] = Factory(dict)

    def __repr__(self) -> str:
        found = ", ".join(f"{number} {name}" for name, number in self.verdicts.items())
        return f"Survey({found})"

    @property
    def verdicts(self) -> dict[str, int]:
        """How many configs have each verdict, from the best to the worst."""
        found = Counter(row["verdict"] for row in self.configs)
        return {name: found[name] for name in get_args(Verdict) if found[name]}

    @property
    def failed(self) -> list[str]:
        """The configs that differ, are incomplete or failed; empty if none does."""
        return [row["file"] for row in self.configs if row["verdict"] in FAILURES]

    def without_seconds(self) -> Survey:
        """Return the same without the time that each row took: equal wherever it was made."""
        rows = ({k: v for k, v in row.items() if k != SECONDS} for row in self.configs)
        return evolve(self, configs=tuple(rows))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        found = {
            "schema_version": self.schema_version,
            "check": self.check,
            "settings": list(self.settings),
            "image": self.image,
            "gpu": self.gpu,
            "verdicts": self.verdicts,
            "skipped": self.skipped,
            "notes": list(self.notes),
            "versions": dict(self.versions),
            "configs": list(self.configs),
        }
        return dict(json_data(found))

    def rows(self) -> list[dict[str, Any]]:
        """Return a row per config, with the same columns in each; a stage's begin with its name."""
        from flopbench.commands.survey.columns import rows

        return list(rows(self))

    def text(self) -> str:
        """Return what ``flopbench survey`` prints."""
        from flopbench.commands.survey.text import console

        return console(self)

    def to_markdown(self) -> str:
        """Return what ``survey.md`` holds."""
        from flopbench.commands.survey.text import markdown

        return markdown(self)

    def formats(self) -> Mapping[str, Format]:
        """Return what `save` writes, ``.parquet`` among it."""
        from flopbench.commands.survey.columns import parquet

        return {**super().formats(), ".parquet": lambda: parquet(self)}

    def tree(self) -> Node:
        """Return each config with its stages: FLOPs, and laws as notes."""
        configs = tuple(
            Node(
                row["file"],
                None,
                tuple(Node(s["stage"], s["flops"], (), s["law"]) for s in row["stages"]),
                ": ".join(filter(None, (row["verdict"].replace("_", " "), row["reason"]))),
            )
            for row in self.configs
        )
        return Node(plural(len(configs), "config"), None, configs)
