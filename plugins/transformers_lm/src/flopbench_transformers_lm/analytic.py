"""Closed forms of causal language models, by family."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from attrs import evolve

from flopbench import AnalyticModel, Op, Size, Stage, UsageError
from flopbench.dims import DEFAULT_DTYPE, DTYPE_BYTES, Dim
from flopbench.inputs import config_path, read_config_json
from flopbench_transformers_lm.config import LmConfig, LmOptions, read_config
from flopbench_transformers_lm.model_types import ALIASES, PREFIX, alias_of
from flopbench_transformers_lm.workload import Inputs, Workload

if TYPE_CHECKING:
    from flopbench.blocks import Decoder

DECODING = (
    "decode step k attends to context + k keys, or to those that a window keeps, and runs the LM "
    "head on one position"
)
NOT_PRICED = (
    "not priced: building masks, copies, clamps, negations, the epsilon and reciprocal root of "
    "norms, and rotary frequencies that depend on the context"
)

EXPANDED = (
    "each decode step expands the latents of all earlier tokens to keys and values again, as "
    "transformers does; an engine that absorbs the expansion into its products does not"
)

SHOWN: Mapping[str, str] = {
    "hidden_size": "hidden_size",
    "layers": "num_hidden_layers",
    "heads": "num_attention_heads",
    "vocabulary": "vocab_size",
}
"""Fields of the config that a report shows as facts, by their names in the report."""


class HfModel(AnalyticModel):
    """A causal language model of transformers, defined by its config."""

    name = PREFIX + "*"
    summary = "any other causal language model of transformers: vendor only"
    options_type = LmOptions
    inputs_type = Inputs
    defaults = Path(__file__).with_name("default.yaml")
    stages = (
        Stage("prefill", "Prefill"),
        Stage("decode", "Decode"),
        Stage("end2end", "End to end", parts=("prefill", "decode")),
    )
    first_token = ("prefill",)
    per_token = "decode"  # noqa: S105 - a stage, no password
    parts: ClassVar[Mapping[str, str]] = {"decoder": "decoder", "lm_head": "LM head"}
    sizes = (
        Size("B", "sequences at once (batch size)", batch=True),
        Size("S", "context tokens of the prefill"),
        Size("K", "decode steps", steps=True),
    )

    def __init__(self, config: LmConfig, *, dtype: str = DEFAULT_DTYPE) -> None:
        self._config = config
        self.dtype = dtype
        self._decoder: Decoder | None = None
        self._not_covered: str | None = None
        from flopbench_transformers_lm.families import family_of
        from flopbench_transformers_lm.families.fields import NotCoveredError

        family = family_of(config)
        if family is None:
            kind = config.decoder.model_type
            self._not_covered = f"flopbench-transformers-lm has no closed forms for {kind!r}"
            return
        try:
            self._decoder = family(config.decoder)
        except NotCoveredError as error:
            self._not_covered = str(error)

    @classmethod
    def known_names(cls) -> list[str]:
        from flopbench_transformers_lm.families import FAMILIES

        return [PREFIX + kind for kind in sorted({*FAMILIES, *ALIASES})]

    @classmethod
    def for_name(cls, name: str) -> type[Self]:
        from flopbench_transformers_lm.families import FAMILIES, source_of

        made = super().for_name(name)
        kind = name.removeprefix(PREFIX)
        family = FAMILIES.get(alias_of(kind))
        if family is not None:
            same = f", as {alias_of(kind)}" if kind in ALIASES else ""
            made.summary = f"{source_of(family)}{same}: closed forms and vendor"
        return made

    @classmethod
    def for_file(cls, path: Path) -> str | None:
        kind = read_config_json(config_path(str(path))).get("model_type")
        return f"{PREFIX}{kind}" if isinstance(kind, str) else None

    @classmethod
    def from_options(cls, options: LmOptions) -> HfModel:
        config = read_config(cls.name.removeprefix(PREFIX), options)
        dtype, note = (options.dtype, None) if options.dtype else _dtype(config)
        notes = config.notes if note is None else (*config.notes, note)
        return cls(evolve(config, notes=notes), dtype=dtype)

    @property
    def architecture(self) -> LmConfig:
        return self._config

    @property
    def no_closed_forms(self) -> str | None:
        return self._not_covered

    def workload(self, inputs: Inputs) -> Workload:
        return Workload(
            batch_size=inputs.batch_size,
            context_tokens=inputs.context_tokens,
            decode_steps=inputs.decode_steps,
            lm_head=inputs.lm_head,
        )

    def workload_facts(self, workload: Workload) -> Mapping[str, Any]:
        get = self._config.decoder.get
        return {
            "batch_size": workload.batch_size,
            "context_tokens": workload.context_tokens,
            "decode_steps": workload.decode_steps,
            "lm_head": workload.lm_head,
            **{f: value for f, field in SHOWN.items() if (value := get(field)) is not None},
        }

    def notes(self) -> tuple[str, ...]:
        latent = self._config.decoder.get("kv_lora_rank")
        return (*self._config.notes, *([EXPANDED] if latent else []))

    def ops(self, stage: str, workload: Workload) -> Iterator[Op]:
        if self._decoder is None:
            raise UsageError(f"model {self.name!r}: {self.no_closed_forms}")
        from flopbench.blocks import stage_passes

        yield from self._decoder.ops(
            stage_passes(
                stage,
                batch=workload.batch_size,
                context=workload.context_tokens,
                steps=workload.decode_steps,
                head_rows=workload.head_rows,
            )
        )

    def stage_sizes(self, stage: str, workload: Workload) -> Mapping[str, Dim]:
        sizes = {"B": workload.batch_size, "S": workload.context_tokens}
        return sizes | ({"K": workload.decode_steps} if stage == "decode" else {})

    def stage_workload(self, stage: str, workload: Workload, sizes: Mapping[str, Dim]) -> Workload:
        return Workload(
            batch_size=sizes["B"],
            context_tokens=sizes["S"],
            decode_steps=sizes.get("K", 1),
            lm_head=workload.lm_head,
        )

    def assumptions(self) -> tuple[str, ...]:
        return (
            DECODING,
            NOT_PRICED,
        )


def _dtype(config: LmConfig) -> tuple[str, str | None]:
    """Return the config's dtype if its size is known, or the default and a note."""
    dtype = config.decoder.get("dtype") or DEFAULT_DTYPE
    if dtype in DTYPE_BYTES:
        return str(dtype), None
    return DEFAULT_DTYPE, (
        f"the config's dtype {dtype!r} is none of {', '.join(DTYPE_BYTES)}: bytes are those of "
        f"{DEFAULT_DTYPE}, unless model.dtype says otherwise"
    )
