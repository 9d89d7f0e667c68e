"""nanoGPT, and the trainer of transformers."""

from __future__ import annotations

from flopbench import Formula
from flopbench.formulas import (
    ACTIVE,
    ALL_PAIRS,
    Amount,
    DoesNotApplyError,
    Facts,
    Origin,
    Sum,
    Term,
)


class NanoGpt(Formula):
    """``GPT.estimate_mfu``: PaLM's formula without position embeddings.

    In nanoGPT the token embedding is the LM head, so N has it once, whatever the model does. Heads
    share the width of the model.
    """

    name = "nanogpt"
    summary = "6 N + 12 L H Q T per token, N: parameters with one table of tokens, Q: width / H"
    origin = Origin(
        "nanoGPT, model.py, estimate_mfu",
        "3adf61e",
        "https://github.com/karpathy/nanoGPT/blob/3adf61e154c3fe3fca428ad6bc3818b27a3b8291/model.py",
    )
    counts = "products with every parameter but positions, and attention over all pairs"
    claims = "the MFU that nanoGPT logs, of an A100's 312 TFLOP/s"

    def flops(self, facts: Facts) -> Amount:
        if facts.width % facts.heads:
            raise DoesNotApplyError(
                f"its heads divide the width, and {facts.heads} do not divide {facts.width}"
            )
        found = facts.parameters
        once = found.all - found.tokens - found.positions
        attention = 12 * facts.layers * facts.heads * (facts.width // facts.heads) * facts.sequence
        return facts.tokens * (6 * once + attention)

    def includes(self, facts: Facts) -> Sum:
        parameters = ACTIVE + Term.INACTIVE - Term.POSITIONS
        return 3 * (parameters + ALL_PAIRS + Term.HEAD_WIDTH)


class TransformersTrainer(Formula):
    """``Trainer.floating_point_ops``: 6 FLOPs per token and parameter outside of embeddings.

    The weights of every ``nn.Embedding`` are left out, and with them a tied LM head.
    """

    name = "transformers"
    summary = "6 N per token, N: parameters outside of nn.Embedding"
    origin = Origin(
        "transformers, trainer.py, Trainer.floating_point_ops",
        "5.23.0",
        "https://github.com/huggingface/transformers/blob/main/src/transformers/trainer.py",
    )
    counts = "products with every parameter that is not in an embedding; no attention"
    claims = "total_flos in the trainer's state and logs"

    def flops(self, facts: Facts) -> Amount:
        found = facts.parameters
        embeddings = found.tokens + found.positions + (found.head if facts.tied else 0)
        return 6 * facts.tokens * (found.all - embeddings)

    def includes(self, facts: Facts) -> Sum:
        found = ACTIVE + Term.INACTIVE - Term.POSITIONS
        return 3 * (found - Term.HEAD if facts.tied else found)
