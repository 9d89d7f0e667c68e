"""Attention over chosen keys as one kernel, which reads and multiplies no others."""

from __future__ import annotations

from flopbench import Attention, AttentionMode, hookimpl
from flopbench.builtin.absorbed import Absorbed
from flopbench.dims import Dim, is_one


class Sparse(Absorbed):
    """One kernel over the keys that an indexer chose; what chooses no keys is as in ``absorbed``.

    The query at position p = 1, 2, … attends to min(p, chosen) keys (DeepSeek-V3.2,
    arXiv:2512.02556, section 2.1). Where the cache holds latents, each is key and value of all
    heads at once, in a prefill, too, as in FlashMLA's sparse kernels
    (github.com/deepseek-ai/FlashMLA). The indexer itself runs as it does in transformers.

    With one query in a step, the keys that it chose are read. With several, every key that the
    step has: how many of them no query chose depends on the data.
    """

    name = "sparse"
    summary = "one kernel over the keys that an indexer chose, on latents; otherwise as absorbed"
    no_backward = "the backward of its kernels is not modelled"

    def on_latents(self, op: Attention) -> bool:
        return op.chosen is not None or super().on_latents(op)

    def unsupported(self, op: Attention) -> str | None:
        if op.chosen is None:
            return super().unsupported(op)
        return "the sparse kernel takes no attention bias" if op.bias else None

    def pairs(self, op: Attention) -> Dim:
        return op.chosen_pairs

    def keys_read(self, op: Attention) -> Dim:
        if op.chosen is None:
            return super().keys_read(op)
        return op.chosen_pairs if is_one(op.queries) else op.key_visits


@hookimpl
def flopbench_attention_modes() -> list[type[AttentionMode]]:
    """Contribute the mode."""
    return [Sparse]
