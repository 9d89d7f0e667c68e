"""What a family of models says of itself: tokens from a page, and closed forms of its tower."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from flopbench import Op
from flopbench.dims import Dim
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.config import LmConfig
from flopbench_transformers_lm.workload import Workload as LmWorkload
from flopbench_transformers_vlm.config import VlConfig
from flopbench_transformers_vlm.workload import Cut, View, Workload


class Family(ABC):
    """Models of one architecture, for one config.

    A new family is one such class, a row in `flopbench_transformers_vlm.pixels`, and, where its
    modules have names of their own, rules in `flopbench_transformers_vlm.components`.
    """

    source: ClassVar[str]
    """Name and source of the architecture."""

    processor: ClassVar[str]
    """Name of transformers' class of its image processor."""

    sizes: ClassVar[tuple[str, ...]] = ("n",)
    """Which sizes of the tower's work can be left open: ``n`` views of one size, or ``h`` and
    ``w``, the cells of one image."""

    def __init__(self, config: VlConfig) -> None:
        """Read the config.

        Raises:
            NotCoveredError: it has a value that no closed form covers.
        """
        self.config = config

    @classmethod
    def settings(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG003 - overridden
        """Return the image processor's settings where a model's own processor changes them.

        Args:
            values: the fields of the model's config.
        """
        return {}

    @property
    def language(self) -> LmConfig:
        """The language model's config, as its closed forms are asked for."""
        return self.config.language

    @abstractmethod
    def cut(self, width: int, height: int) -> Cut:
        """Return what an image of a size in pixels becomes, as the image processor has it.

        Raises:
            UsageError: the image processor refuses the size.
        """

    @abstractmethod
    def vision(self, views: Sequence[View]) -> Iterator[Op]:
        """Yield the operations that turn views into features of the language model's width."""

    def text(self, language: HfModel, stage: str, workload: Workload) -> Iterator[Op]:
        """Yield the operations of the language model, on a prompt that features are part of."""
        return language.ops(stage, text_workload(workload))

    def open_sizes(self, workload: Workload) -> Mapping[str, Dim]:
        """Return the sizes of the tower's work that can be left open, each with its value."""
        if len(workload.views) != 1:
            return {}
        view = workload.views[0]
        own = {"n": view.count, "h": view.rows, "w": view.cols}
        found = {name: own[name] for name in self.sizes}
        return {"B": workload.batch_size, **found} if "n" in found else found

    def open_views(self, views: Sequence[View], sizes: Mapping[str, Dim]) -> tuple[View, ...]:
        """Return views with other sizes, those that `open_sizes` names."""
        if len(views) != 1:
            return tuple(views)
        view = views[0]
        count, rows, cols = view.count, view.rows, view.cols
        return (View(sizes.get("n", count), sizes.get("h", rows), sizes.get("w", cols)),)


def text_workload(workload: Workload) -> LmWorkload:
    """Return the workload of a language model that reads a prompt and its images."""
    return LmWorkload(
        batch_size=workload.batch_size,
        context_tokens=workload.context_tokens,
        decode_steps=workload.decode_steps,
        lm_head=workload.lm_head,
    )
