"""DeepSpeed: three times what its profiler counts in the forward pass."""

from __future__ import annotations

from flopbench import Formula
from flopbench.formulas import ALL_PAIRS, MATRICES, Amount, Facts, Origin, Sum, Term

_COMMIT = "edaa7221267243c7be7fb49c5d5f5c4fb97b4641"


class DeepSpeed(Formula):
    """The engine's rule: a step is three forward passes; here of the matrix work that it counts.

    The flops profiler counts the forward pass as it runs, so it sees experts, windows and heads as
    they are. It adds vector work by conventions of its own, which is left out here.
    """

    name = "deepspeed"
    summary = "three times the counted forward pass (matrix work)"
    origin = Origin(
        "DeepSpeed, deepspeed/runtime/engine.py",
        _COMMIT[:7],
        f"https://github.com/deepspeedai/DeepSpeed/blob/{_COMMIT}/deepspeed/runtime/engine.py",
    )
    counts = "every product of the forward pass, three times"
    claims = "the FLOPS per GPU that DeepSpeed's flops profiler reports for a training step"

    def flops(self, facts: Facts) -> Amount:
        found = facts.parameters
        layers = 2 * facts.tokens * (found.layers + found.active_experts)
        head = 2 * facts.logits * found.head
        core = sum(
            2
            * facts.tokens
            * facts.sequence
            * group.layers
            * group.heads
            * (group.head_dim + group.value_dim)
            for group in facts.attention
        )
        return 3 * (layers + head + core)

    def includes(self, facts: Facts) -> Sum:
        return 3 * (MATRICES + Term.HEAD_ROWS + ALL_PAIRS)
