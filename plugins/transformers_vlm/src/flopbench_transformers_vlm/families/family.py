"""What a family of models says of itself: tokens from a page, and closed forms of its tower."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from flopbench import Op, UsageError
from flopbench.dims import Dim
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.config import LmConfig
from flopbench_transformers_lm.sources import Given
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

    left_out: ClassVar[tuple[str, ...]] = ()
    """What else is left out of the closed forms, a sentence each."""

    model_type: ClassVar[str | None] = None
    """transformers' name for the kind of model, if the family goes by another."""

    defaults: ClassVar[Mapping[str, Any]] = {}
    """Fields of the config if no file is given, besides those of the class."""

    parts: ClassVar[Mapping[str, str]] = {}
    """Labels of parts of the model, by component, besides tower, decoder and LM head."""

    most_images: ClassVar[int | None] = None
    """The most images of one prompt."""

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

    @classmethod
    def processor_of(cls, values: Mapping[str, Any]) -> str:  # noqa: ARG003 - overridden
        """Return the name of the class of a config's image processor."""
        return cls.processor

    @classmethod
    def language(cls, given: Given) -> LmConfig:
        """Return the config of what writes the text."""
        return given.resolved()

    @classmethod
    def require_images(cls, name: str, count: int) -> None:
        """Refuse more images than one prompt has.

        Raises:
            UsageError: there are more.
        """
        if cls.most_images is not None and count > cls.most_images:
            raise UsageError(
                f"model {name!r} reads {cls.most_images} image per prompt, but workload.images has "
                f"{count}: set workload.batch_size for several"
            )

    def workload(self, cut: Cut, **sizes: Any) -> Workload:
        """Return the workload of a prompt with its images.

        Args:
            sizes: further fields of the workload.
        """
        return Workload(
            views=cut.views, image_tokens=cut.tokens, separators=cut.separators, **sizes
        )

    @property
    def text_config(self) -> LmConfig:
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
        return language.ops(stage, workload.text)

    def text_not_covered(self, language: HfModel) -> str | None:
        """Say why the text has no closed forms; None if it has some."""
        return language.no_closed_forms

    def text_sizes(self, workload: Workload) -> dict[str, Dim]:
        """Return the sizes of the text's work that can be left open, each with its value."""
        return {"B": workload.batch_size, "S": workload.context_tokens}

    def assumptions(self, scattered: str) -> tuple[str, ...]:
        """Return what is assumed of the stages, one sentence each.

        Args:
            scattered: what is assumed of features that take places in a prompt.
        """
        return (scattered, *self.left_out)

    def open_sizes(self, workload: Workload) -> Mapping[str, Dim]:
        """Return the sizes of the tower's work that can be left open, each with its value."""
        if len(workload.views) != 1:
            return {}
        view = workload.views[0]
        own = {"n": view.count, "h": view.rows, "w": view.cols}
        found = {name: own[name] for name in self.sizes}
        return found if {"h", "w"} & {*found} else {"B": workload.batch_size, **found}

    def open_views(self, views: Sequence[View], sizes: Mapping[str, Dim]) -> tuple[View, ...]:
        """Return views with other sizes, those that `open_sizes` names."""
        if len(views) != 1:
            return tuple(views)
        view = views[0]
        count, rows, cols = view.count, view.rows, view.cols
        opened = sizes.get("n", count), sizes.get("h", rows), sizes.get("w", cols)
        return (View(*opened, view.spare),)
