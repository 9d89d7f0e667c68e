"""Closed forms of causal language models, by family."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from attrs import evolve

from flopbench import AnalyticModel, Op, Recurrence, Size, Stage, UsageError
from flopbench.blocks import AllExperts, Moe, Pass
from flopbench.dims import DEFAULT_DTYPE, Dim
from flopbench.inputs import config_path, read_config_json
from flopbench.storage import DTYPE_BITS, Storage, dtype_named, is_dtype
from flopbench_transformers_lm.batch import (
    beyond_positions,
    passes,
    prediction,
    require_positions,
)
from flopbench_transformers_lm.config import LmConfig, LmOptions, read_config
from flopbench_transformers_lm.fields_of_files import QUANTISED_BESIDE
from flopbench_transformers_lm.layer_names import layer_name
from flopbench_transformers_lm.model_types import ALIASES, PREFIX, alias_of
from flopbench_transformers_lm.prediction import (
    ALL_ACCEPTED,
    DRAFT,
    require_layers,
)
from flopbench_transformers_lm.requests import (
    PACKED,
    SEQUENCES_PACKED,
    STEP,
    RequestInputs,
    by_length,
    totals,
)
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
    "transformers does; an engine that absorbs the expansion into its products does not "
    "(--attention {mode})"
)

ALL_EXPERTS = (
    "each token runs through all experts, as in transformers, which multiplies what it gives to "
    "those that it did not choose by 0; an engine runs the chosen ones alone"
)

STATES = "the KV cache is that of attention and the states of recurrences, which do not grow"

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
    reads_beside = (QUANTISED_BESIDE,)
    options_type = LmOptions
    inputs_type = Inputs
    defaults = Path(__file__).with_name("default.yaml")
    stages = (
        Stage("prefill", "Prefill"),
        Stage("decode", "Decode"),
        Stage("end2end", "End to end", parts=("prefill", "decode")),
        Stage(STEP, "Step of the batch"),
        Stage(DRAFT, "Draft of the next tokens"),
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
        self._storage = Storage.of(dtype)
        self._stored: tuple[str, ...] = ()
        self._build()
        if config.quantisation:
            self._store(config.quantisation)

    def _build(self) -> None:
        """Build the decoder of the config's family, or say why there is none."""
        from flopbench_transformers_lm.families import family_of
        from flopbench_transformers_lm.families.fields import NotCoveredError

        family = family_of(self._config)
        if family is None:
            kind = self._config.decoder.model_type
            self._not_covered = f"flopbench-transformers-lm has no closed forms for {kind!r}"
            return
        try:
            self._decoder = family(self._config.decoder)
        except NotCoveredError as error:
            self._not_covered = str(error)

    def _store(self, said: Mapping[str, Any]) -> None:
        """Store the weights as the file says."""
        from flopbench_transformers_lm.quantised import read, stored, unpriced

        quantised = read(said, self.dtype)
        if self._decoder is None:
            self._stored = (unpriced(quantised),)
            return
        found = stored(self._decoder, self._config, quantised, self.dtype)
        self._decoder, self._storage, self._stored = found.decoder, found.storage, (found.note,)

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
        dtype, note = (options.dtype, None) if options.dtype else dtype_of(config)
        notes = config.notes if note is None else (*config.notes, note)
        return cls(evolve(config, notes=notes), dtype=dtype)

    @property
    def storage(self) -> Storage:
        return self._storage

    @property
    def architecture(self) -> LmConfig:
        return self._config

    @property
    def no_closed_forms(self) -> str | None:
        return self._not_covered

    @property
    def max_positions(self) -> int | None:
        found = self._config.decoder.get("max_position_embeddings")
        return found if isinstance(found, int) else None

    def workload(self, inputs: Inputs) -> Workload:
        if inputs.lengths is not None:
            logits = inputs.lm_head
            sequences = [RequestInputs(new=each, lm_head=logits) for each in inputs.lengths]
            self._require_positions(sequences, "lengths")
            return Workload(requests=by_length(sequences), packed=True, lm_head=logits)
        if inputs.requests is not None:
            self._require_positions(inputs.requests, "requests")
            if inputs.draft:
                require_layers(self.name, self._config)
            return Workload(requests=by_length(inputs.requests), draft=inputs.draft)
        return Workload(
            batch_size=inputs.batch_size,
            context_tokens=inputs.context_tokens,
            decode_steps=inputs.decode_steps,
            lm_head=inputs.lm_head,
        )

    def _require_positions(self, requests: Sequence[RequestInputs], key: str) -> None:
        if self._decoder is not None and self._decoder.embeddings.positions:
            require_positions(self.name, self._config, requests, key)

    def stages_of(self, workload: Workload) -> tuple[Stage, ...]:
        """Return the step of requests, with its draft if wanted, or one pass if they are packed."""
        of_requests = (STEP, DRAFT) if workload.draft else (STEP,)
        if workload.requests:
            wanted = ("prefill",) if workload.packed else of_requests
            return tuple(s for s in self.stages if s.name in wanted)
        return tuple(s for s in self.stages if s.name not in {STEP, DRAFT})

    def workload_facts(self, workload: Workload) -> Mapping[str, Any]:
        get = self._config.decoder.get
        shown = {f: value for f, field in SHOWN.items() if (value := get(field)) is not None}
        if workload.requests:
            return {**totals(workload.requests), **shown}
        return {
            "batch_size": workload.batch_size,
            "context_tokens": workload.context_tokens,
            "decode_steps": workload.decode_steps,
            "lm_head": workload.lm_head,
            **shown,
        }

    def notes_of(self, workload: Workload) -> tuple[str, ...]:
        if not workload.requests:
            return ()
        drafted = [ALL_ACCEPTED] if workload.draft else []
        packed = SEQUENCES_PACKED if workload.packed else PACKED
        return (packed, *drafted, *beyond_positions(self._config, workload.requests))

    def notes(self) -> tuple[str, ...]:
        get = self._config.decoder.get
        mode = "sparse" if get("index_topk") else "absorbed"
        latent = [EXPANDED.format(mode=mode)] if get("kv_lora_rank") else []
        states = [STATES] if self._recurs() else []
        experts = [ALL_EXPERTS] if self._runs_all_experts() else []
        return (*self._config.notes, *self._stored, *latent, *states, *experts)

    def _runs_all_experts(self) -> bool:
        """Return whether tokens run through the experts that they did not choose, too."""
        groups = self._decoder.groups if self._decoder else ()
        parts = [group.feed_forward for group in groups if isinstance(group.feed_forward, Moe)]
        return any(
            isinstance(part.experts, AllExperts) and part.router.per_token != part.experts.experts
            for part in parts
        )

    def _recurs(self) -> bool:
        """Return whether it has recurrences."""
        if self._decoder is None:
            return False
        one = Pass(batch=1, queries=1, keys=1, head_rows=1)
        return any(isinstance(op, Recurrence) for op in self._decoder.ops(one))

    def ops(self, stage: str, workload: Workload) -> Iterator[Op]:
        if self._decoder is None:
            raise UsageError(f"model {self.name!r}: {self.no_closed_forms}")
        run = passes(stage, workload)
        model = prediction(self.name, self._config) if stage == DRAFT else self._decoder
        yield from model.ops(run)

    def stage_sizes(self, stage: str, workload: Workload) -> Mapping[str, Dim]:
        if workload.requests:
            return {}
        sizes = {"B": workload.batch_size, "S": workload.context_tokens}
        return sizes | ({"K": workload.decode_steps} if stage == "decode" else {})

    def stage_workload(self, stage: str, workload: Workload, sizes: Mapping[str, Dim]) -> Workload:
        if workload.requests:
            return workload
        return Workload(
            batch_size=sizes["B"],
            context_tokens=sizes["S"],
            decode_steps=sizes.get("K", 1),
            lm_head=workload.lm_head,
        )

    def layer_names(self, component: str, role: str) -> tuple[str, ...]:
        return (layer_name(self._config.decoder.model_type, component, role),)

    def assumptions(self) -> tuple[str, ...]:
        return (
            DECODING,
            NOT_PRICED,
        )


def dtype_of(config: LmConfig) -> tuple[str, str | None]:
    """Return the config's dtype if its size is known, or the default and a note."""
    dtype = config.decoder.get("dtype") or DEFAULT_DTYPE
    if is_dtype(dtype):
        return dtype_named(dtype), None
    return DEFAULT_DTYPE, (
        f"the config's dtype {dtype!r} is none of {', '.join(DTYPE_BITS)}: bytes are those of "
        f"{DEFAULT_DTYPE}, unless model.dtype says otherwise"
    )
