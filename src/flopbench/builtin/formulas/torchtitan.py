"""torchtitan: its own models, transformers' models in it, and windows after its PR 4300."""

from __future__ import annotations

from fractions import Fraction

from flopbench import Formula
from flopbench.builtin.formulas.papers import every_parameter
from flopbench.formulas import ACTIVE, ALL_PAIRS, Amount, Facts, Origin, Sum, Term

_COMMIT = "b5bcd76c66d0acb1a08b176d9639425bc55e0b2a"
_FILES = f"https://github.com/pytorch/torchtitan/blob/{_COMMIT}/torchtitan"


def _matrices(facts: Facts) -> int:
    """Return the active parameters, without an embedding that is not the LM head as well."""
    found = facts.parameters
    return found.active - (0 if facts.tied else found.tokens + found.positions)


def _parameters(facts: Facts) -> Sum:
    return ACTIVE if facts.tied else ACTIVE - Term.POSITIONS


class TorchTitan(Formula):
    """``get_dense_model_nparams_and_flops`` and its twin for experts, of its own models."""

    name = "torchtitan"
    summary = "6 N + 6 L H (qk + v) T per token, N: active parameters without embeddings"
    origin = Origin("torchtitan, models/utils.py", _COMMIT[:7], f"{_FILES}/models/utils.py")
    counts = "products with active parameters, and attention over all pairs"
    claims = "the MFU and TFLOP/s that torchtitan logs"

    def flops(self, facts: Facts) -> Amount:
        heads = facts.heads * (facts.head_dim + facts.value_dim)
        attention = 6 * facts.layers * heads * facts.sequence
        return facts.tokens * (6 * _matrices(facts) + attention)

    def includes(self, facts: Facts) -> Sum:
        return 3 * (_parameters(facts) + ALL_PAIRS)


class TorchTitanTransformers(Formula):
    """The same function as transformers' models call it in torchtitan.

    It is given the width of a head where it takes that of keys and values together, it finds no
    embedding among the model's own children, and it knows no experts.
    """

    name = "torchtitan_hf"
    summary = "6 N + 6 L H Q T per token, N: all parameters (transformers' models in torchtitan)"
    origin = Origin(
        "torchtitan, experiments/transformers_modeling_backend/model.py",
        _COMMIT[:7],
        f"{_FILES}/experiments/transformers_modeling_backend/model.py",
    )
    counts = "products with every parameter, and one product of attention over all pairs"
    claims = "the MFU of transformers' models in torchtitan before its PR 4300"

    def flops(self, facts: Facts) -> Amount:
        attention = 6 * facts.layers * facts.heads * facts.head_dim * facts.sequence
        return facts.tokens * (6 * facts.parameters.all + attention)

    def includes(self, facts: Facts) -> Sum:
        half = Fraction(1, 2) * (ALL_PAIRS + Term.VALUE_WIDTH)
        return 3 * (every_parameter(facts) + half)


class TorchTitanWindows(Formula):
    """torchtitan's formula after its PR 4300: a query sees as many keys as its window has."""

    name = "torchtitan_windows"
    summary = "as torchtitan, with min(T, window) keys per query in layers with a window"
    origin = Origin(
        "torchtitan, PR 4300", "2026-08-25", "https://github.com/pytorch/torchtitan/pull/4300"
    )
    counts = (
        "products with active parameters, and attention over all pairs of a query and its window"
    )
    claims = "the MFU and TFLOP/s that torchtitan logs since its PR 4300"

    def flops(self, facts: Facts) -> Amount:
        attention = sum(
            group.layers
            * group.heads
            * (group.head_dim + group.value_dim)
            * min(facts.sequence, group.window or facts.sequence)
            for group in facts.attention
        )
        return 6 * facts.tokens * (_matrices(facts) + attention)

    def includes(self, facts: Facts) -> Sum:
        return 3 * (_parameters(facts) + ALL_PAIRS - Term.BEYOND)
