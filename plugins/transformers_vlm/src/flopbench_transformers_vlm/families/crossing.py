"""Families whose decoder reads the image by cross-attention."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import attrs

from flopbench import Op, UsageError
from flopbench.blocks import Decoder, Pass
from flopbench.dims import Dim
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.batch import passes
from flopbench_transformers_lm.config import LmConfig, all_values, built
from flopbench_transformers_lm.families.fields import NotCoveredError
from flopbench_transformers_lm.sources import Given
from flopbench_transformers_vlm.families.family import Family
from flopbench_transformers_vlm.families.readers import decoder_of
from flopbench_transformers_vlm.processors import fixed_size
from flopbench_transformers_vlm.workload import Cut, View, Workload

KEPT = (
    "keys and values of cross-attention are made in the prefill, and read by each decode step; the "
    "KV cache holds them once"
)


class CrossingFamily(Family):
    """Models with an encoder whose output the decoder reads by cross-attention.

    The prefill is everything between the tower and the first output token.
    """

    sizes = ()
    most_images = 1

    decoder_field: ClassVar[str] = "text_config"
    """Field of the config that holds the decoder's."""

    @classmethod
    def language(cls, given: Given) -> LmConfig:
        kind = given.model_type
        whole = built(kind, {**given.values, "model_type": kind}, given.source)
        decoder = getattr(whole, cls.decoder_field)
        return LmConfig(
            decoder.model_type,
            all_values(decoder),
            notes=given.notes,
            part=(cls.decoder_field,),
            quantisation=given.quantisation,
        )

    @property
    def reader(self) -> Decoder:
        """The decoder.

        Raises:
            NotCoveredError: its config has a value that no closed form covers.
        """
        return decoder_of(self.config.language)

    def text_not_covered(self, language: HfModel) -> str | None:
        try:
            _ = self.reader
        except NotCoveredError as error:
            return str(error)
        return None

    def workload(self, cut: Cut, **sizes: Any) -> Workload:
        """Return the workload of a decoder that the prompt begins.

        Raises:
            UsageError: the prompt is empty.
        """
        if not (context := sizes.get("prompt_tokens", 0)):
            raise UsageError(
                "workload.prompt_tokens=0: the decoder begins with one token at least, that of its "
                "task"
            )
        return super().workload(cut, context=context, memory=cut.tokens, **sizes)

    def assumptions(self, scattered: str) -> tuple[str, ...]:
        return (KEPT,)

    def text_sizes(self, workload: Workload) -> dict[str, Dim]:
        memory = 0 if workload.memory is None else workload.memory
        return {"B": workload.batch_size, "S": workload.context_tokens, "M": memory}

    def text(self, language: HfModel, stage: str, workload: Workload) -> Iterator[Op]:
        run = crossing_pass(stage, workload)
        if stage == "prefill":
            yield from self.encoded(run)
        yield from self.projected(run)
        yield from self.reader.ops(run)

    def encoded(self, run: Pass) -> Iterator[Op]:
        """Yield what the prefill does to the memory before the decoder reads it."""
        return iter(())

    def projected(self, run: Pass) -> Iterator[Op]:
        """Yield what each pass does to the memory, if anything."""
        return iter(())


class FixedFamily(CrossingFamily):
    """Models whose image processor makes images of one size."""

    def cut(self, width: int, height: int) -> Cut:
        """Return the one image of fixed size that any page becomes."""
        self.require_page(width, height)
        rows, cols = self.grid(*self.image_size)
        return Cut((View(1, rows, cols),), self.image_tokens(rows, cols))

    def require_page(self, width: int, height: int) -> None:
        """Refuse a page that the image processor refuses.

        Raises:
            UsageError: it does.
        """

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the image that any page becomes."""
        return fixed_size(self.config.processor, self.processor_of(self.config.values))

    @abstractmethod
    def grid(self, height: int, width: int) -> tuple[int, int]:
        """Return rows and columns of what an image of a size in pixels becomes, in the tower."""

    @abstractmethod
    def image_tokens(self, rows: int, cols: int) -> int:
        """Return the vectors that the tower makes of a grid."""

    def vision(self, views: Sequence[View]) -> Iterator[Op]:
        rows, cols = self.grid(*self.image_size)
        return self.images(sum(view.count for view in views), rows, cols)

    @abstractmethod
    def images(self, count: Dim, rows: int, cols: int) -> Iterator[Op]:
        """Yield the operations that turn images into features."""


def crossing_pass(stage: str, workload: Workload) -> Pass:
    """Return the passes of a stage of the decoder, on a memory."""
    return attrs.evolve(passes(stage, workload.text), memory=workload.memory)
