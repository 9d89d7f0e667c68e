"""Public formulas of a model's FLOPs, and what judges them.

A `Formula` is how somebody counts the FLOPs of a step: a number from the `Facts` of a model, and a
declaration of what that number includes, in `Term` s that are priced from the model's operations.
The judge checks that the two are equal, and then names each difference.
"""

from flopbench.formulas.account import Account
from flopbench.formulas.facts import (
    AttentionLayers,
    DoesNotApplyError,
    ExpertLayers,
    Facts,
    Latent,
    MlpLayers,
    Parameters,
)
from flopbench.formulas.formula import PHASES, Formula, Origin, Phase
from flopbench.formulas.judge import PASSES, Judgement, Reference, judged, references
from flopbench.formulas.read import Reading, read
from flopbench.formulas.terms import (
    ACTIVE,
    ALL_PAIRS,
    CAUSAL_PAIRS,
    LAYERS,
    MATRICES,
    SMALL,
    Amount,
    Sum,
    Term,
)

__all__ = [
    "ACTIVE",
    "ALL_PAIRS",
    "CAUSAL_PAIRS",
    "LAYERS",
    "MATRICES",
    "PASSES",
    "PHASES",
    "SMALL",
    "Account",
    "Amount",
    "AttentionLayers",
    "DoesNotApplyError",
    "ExpertLayers",
    "Facts",
    "Formula",
    "Judgement",
    "Latent",
    "MlpLayers",
    "Origin",
    "Parameters",
    "Phase",
    "Reading",
    "Reference",
    "Sum",
    "Term",
    "judged",
    "read",
    "references",
]
