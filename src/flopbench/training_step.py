"""A training step: its passes, the stages that report them, and what a user may set of it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, Literal

import attrs
from attrs import frozen

TRAIN = "train"
"""The stage of a whole training step."""


class Phase(StrEnum):
    """A pass of a training step."""

    FORWARD = "forward"
    RECOMPUTE = "recompute"
    """Forward work that checkpointing repeats during the backward pass."""
    BACKWARD = "backward"


STAGE_OF: Mapping[Phase, str] = {phase: f"{TRAIN}_{phase}" for phase in Phase}
"""The stage of each pass: ``train_forward``, ``train_recompute``, ``train_backward``."""

PHASE_OF: Mapping[str, Phase] = {stage: phase for phase, stage in STAGE_OF.items()}
"""The pass of each of these stages."""

OPTIMIZER = "optimizer"
"""The stage of the optimizer's step, after the passes."""

PARTS = (*PHASE_OF, OPTIMIZER)
"""The stages that a training step is made of."""

TRAINING = (*PARTS, TRAIN)
"""Names of the stages that every model has, if it is asked for them."""


def covers(pattern: str, name: str) -> bool:
    """Return whether a pattern matches a name, or is the part of the model that the name is in.

    ``vision``, ``vision/*`` and ``vision/s*`` all cover ``vision/sam/mlp``.
    """
    return fnmatchcase(name, pattern) or name.startswith(f"{pattern}/")


Recompute = Literal["none", "full", "selective"]

Optimizer = Literal["adamw", "sgd", "muon"]

Dtype = Literal["float32", "bfloat16", "float16", "float8", "int8"]


@frozen(kw_only=True)
class LoraOptions:
    """Low-rank adapters beside linear layers (LoRA, arXiv:2106.09685); all else is frozen.

    Attributes:
        rank: inner width of each adapter; 0 for none, so that nothing is trained.
        targets: which linear layers get one: patterns of components (``decoder/attention/*``), or
            names of layers in them (``q``, or ``q_proj``).
    """

    rank: int = attrs.field(validator=attrs.validators.ge(0))
    targets: tuple[str, ...] = attrs.field(default=("q", "v"))

    @targets.validator
    def _some(self, _attribute: object, targets: tuple[str, ...]) -> None:
        if not targets:
            raise ValueError("'targets' must name at least one linear layer: []")


@frozen(kw_only=True)
class TrainOptions:
    """How a model is trained.

    Attributes:
        recompute: which forward work the backward pass repeats in place of keeping its results:
            ``none``, that of each layer (``full``), or that of the attention core (``selective``).
        frozen: patterns of components whose weights are not trained, such as ``decoder/embed``.
        lora: adapters that are trained in place of the weights; None to train the weights.
        optimizer: ``adamw`` (arXiv:1711.05101); ``sgd``; or ``muon`` for the weight matrices of
            layers, with AdamW for all else, as its author says
            (https://kellerjordan.github.io/posts/muon/).
        momentum: whether SGD keeps a momentum; None is yes. The others keep their own.
        master_weights: whether a float32 copy of the trained weights is kept and updated.
        gradient_dtype: of the gradients of weights; None for the dtype of the weights.
        state_dtype: of what the optimizer keeps for each weight. PyTorch's own optimizers keep it
            in the dtype of the weights.
    """

    recompute: Recompute = "none"
    frozen: tuple[str, ...] = ()
    lora: LoraOptions | None = None
    optimizer: Optimizer = "adamw"
    momentum: bool | None = attrs.field(default=None)
    master_weights: bool = False
    gradient_dtype: Dtype | None = None
    state_dtype: Dtype = "float32"

    @momentum.validator
    def _of_sgd(self, _attribute: object, momentum: bool | None) -> None:
        if momentum is not None and self.optimizer != "sgd":
            raise ValueError(
                f"'momentum' must be left to {self.optimizer}; it is for sgd: {momentum}"
            )

    @property
    def changes_passes(self) -> bool:
        """Whether the passes differ from those of a model that trains all of its weights."""
        return bool(self.recompute != "none" or self.frozen or self.lora)


def changed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return those settings of ``train`` that are not the defaults, for a line of text."""
    usual = attrs.asdict(TrainOptions())
    return {name: value for name, value in settings.items() if value != usual.get(name)}
