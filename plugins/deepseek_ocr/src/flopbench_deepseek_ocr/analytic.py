"""DeepSeek-OCR's closed forms, stage by stage."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar, Literal, Self

import attrs
from attrs import frozen

from flopbench import Named, Op
from flopbench.dims import DEFAULT_DTYPE
from flopbench.inputs import config_path, read_config_json
from flopbench_deepseek_ocr.architecture import Architecture, read_architecture, read_dtype
from flopbench_deepseek_ocr.page_model import PageModel
from flopbench_deepseek_ocr.sweeps import grid_sweeps
from flopbench_deepseek_ocr.vision import vision_ops
from flopbench_deepseek_ocr.workload import Inputs, Tiling, Workload


@frozen(kw_only=True)
class Options:
    """What a user may set under ``model.``.

    Attributes:
        config: a ``config.json`` in the published checkpoint's format, or the folder that holds
            it, to replace its values.
        rope: how the rotary angles are computed: ``elementwise`` once per pass, as in
            transformers, or by ``matmul`` in every layer, as in the original code.
        dtype: dtype of weights, activations and KV cache; None means the config's, or bfloat16.
    """

    config: str | None = None
    rope: Literal["elementwise", "matmul"] = "elementwise"
    dtype: Literal["bfloat16", "float16", "float32"] | None = None


class SamClipModel(PageModel):
    """SAM, CLIP and projector, then a mixture-of-experts decoder with LM head.

    This is the base of DeepSeek-OCR and of the models that share its towers.
    """

    windowed: ClassVar[bool] = False
    """Whether the decoder of its config files has a reference window."""

    options_type = Options
    inputs_type = Inputs
    sweeps = grid_sweeps(Workload)
    parts: ClassVar[Mapping[str, str]] = {
        "vision/sam": "SAM",
        "vision/clip": "CLIP",
        "vision/projector": "projector",
        "decoder": "decoder",
        "lm_head": "LM head",
    }

    def __init__(
        self,
        architecture: Architecture | None = None,
        *,
        rope_by_matmul: bool = False,
        dtype: str = DEFAULT_DTYPE,
    ) -> None:
        super().__init__(architecture or self.published(), dtype=dtype)
        self._rope_by_matmul = rope_by_matmul

    @classmethod
    def from_options(cls, options: Options) -> Self:
        path = config_path(options.config) if options.config else None
        architecture = cls.read(path) if path else None
        dtype = options.dtype or (read_dtype(path) if path else None)
        return cls(
            architecture, rope_by_matmul=options.rope == "matmul", dtype=dtype or DEFAULT_DTYPE
        )

    @classmethod
    def for_file(cls, path: Path) -> str | None:
        values = read_config_json(config_path(str(path)))
        vision, parts = values.get("vision_config"), ("language_config", "projector_config")
        towers = vision.get("width") if isinstance(vision, Mapping) else None
        is_alike = isinstance(towers, Mapping) and all(part in values for part in parts)
        has_window = values.get("sliding_window") is not None
        return cls.name if is_alike and has_window == cls.windowed else None

    @classmethod
    @abstractmethod
    def published(cls) -> Architecture:
        """Return the published model's architecture."""

    @classmethod
    @abstractmethod
    def read(cls, config: Path) -> Architecture:
        """Read the architecture from a ``config.json`` in the published checkpoint's format.

        Raises:
            UsageError: the file cannot be read, or has a different format.
        """

    def view_size(self, inputs: Inputs) -> int:
        return inputs.base_size or super().view_size(inputs)

    def tiling_of(self, inputs: Inputs) -> Tiling:
        return attrs.evolve(self.tiling, size=inputs.tile_size or self.tiling.size)

    def vision_ops(self, workload: Workload) -> Iterator[Op]:
        return vision_ops(self._architecture, workload)

    def named(self) -> Named:
        from flopbench_deepseek_ocr.symbols import Symbols, named_architecture

        names = Symbols()
        architecture = named_architecture(self._architecture, names)
        model = type(self)(architecture, rope_by_matmul=self._rope_by_matmul, dtype=self.dtype)
        return Named(model, names.values, names.meanings)


class DeepseekOcr(SamClipModel):
    """DeepSeek-OCR, as published."""

    name = "deepseek_ocr"
    summary = "DeepSeek-OCR: SAM + CLIP vision tower, 3B mixture-of-experts decoder"
    defaults = Path(__file__).with_name("default.yaml")

    @classmethod
    def published(cls) -> Architecture:
        return Architecture()

    @classmethod
    def read(cls, config: Path) -> Architecture:
        return read_architecture(config)
