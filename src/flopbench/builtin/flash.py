"""FlashAttention: fused kernels that never materialise scores, and what torch sees of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from flopbench import Attention, AttentionMode, FusedAttention, PricedOp, hookimpl
from flopbench.dims import Dim, all_or_none, is_array, is_symbolic, maximum
from flopbench.ops.tensors import Tensor

MAX_HEAD_DIM = 256
"""The widest head that FlashAttention-2 and 3 take (Dao, arXiv:2307.08691; flash-attn's README)."""

_LATER = "; FlashAttention-3 does (--attention flash3)"


class FlashAttention(AttentionMode):
    """FlashAttention: one kernel that never stores its scores, over unmasked query-key pairs.

    What its modes share: which attention every version supports, and the one fused operation.
    """

    version: ClassVar[str]
    """Which FlashAttention it is, for the reasons of what it does not support."""

    def unsupported(self, op: Attention) -> str | None:
        if op.bias:
            return f"{self.version} takes no attention bias ({op.bias})"
        if not (isinstance(op.prefix, int) and op.prefix == 0):
            return f"{self.version} takes no prefix that all queries see"
        if op.chosen is not None and _hides(op.chosen, op):
            return f"{self.version} takes no choice of keys: it attends to all that a mask leaves"
        for width in (op.head_dim, op.value_dim):
            # A symbolic width stays free: the form then holds up to the bound.
            if not is_symbolic(width) and _any(width > MAX_HEAD_DIM):
                return f"{self.version} takes heads of up to {MAX_HEAD_DIM}, not {width}"
        return None

    def lower(self, op: Attention) -> Iterable[PricedOp]:
        yield self.fused(op)

    def pairs(self, op: Attention) -> Dim:
        """Return the query-key pairs of a head that the kernel multiplies, over all steps."""
        return op.unmasked_pairs

    def keys_read(self, op: Attention) -> Dim:
        """Return the keys of a sequence that the kernel reads, over all steps."""
        return op.band_key_visits

    def fused(self, op: Attention) -> FusedAttention:
        """Return the one operation over the pairs that the mask leaves."""
        width = op.batch * op.kv_heads * (op.head_dim + op.value_dim)
        outputs = op.batch * op.heads * op.queries * op.value_dim
        queries, read = op.query_elements, width * self.keys_read(op)
        return FusedAttention(
            component=op.component,
            layers=op.layers,
            heads=op.batch * op.heads,
            head_dim=op.head_dim,
            value_dim=op.value_dim,
            pairs=self.pairs(op),
            inputs=op.steps * queries + (0 if op.cached else read),
            outputs=op.outputs,
            softcap=op.softcap,
            sinks=op.steps * op.batch * op.heads * op.queries if op.sinks else 0,
            lookup_weights=op.heads if op.sinks else 0,
            lookup_reads=op.steps * op.heads if op.sinks else 0,
            cache_reads=read if op.cached else 0,
            peak_elements=queries + outputs + (0 if op.cached else width * op.last_keys),
            last_result=outputs,
            makes=(Tensor("attention outputs", (op.batch, op.heads, op.queries, op.value_dim)),),
        )


class FlashAttention2(FlashAttention):
    """FlashAttention-2 (Dao, arXiv:2307.08691): values as wide as the heads, and no sinks."""

    version = "FlashAttention-2"

    def unsupported(self, op: Attention) -> str | None:
        if reason := super().unsupported(op):
            return reason
        if op.sinks:
            return f"{self.version} takes no attention sinks{_LATER}"
        if op.chunked and _hides(op.window, op):
            return f"{self.version} takes no chunks of keys{_LATER}"
        if not is_symbolic(op.head_dim - op.value_dim) and _any(op.head_dim != op.value_dim):
            return (
                f"{self.version} takes values as wide as the heads "
                f"({op.head_dim}), not {op.value_dim}{_LATER}"
            )
        return None


def _hides(most: Any, op: Attention) -> bool:
    """Return whether a limit of keys may leave out some; an open size may be any.

    Raises:
        ValueError: it does for some sizes of an array, and not for others.
    """
    beyond = maximum(op.keys + op.queries * (op.steps - 1) - most, 0)
    return is_symbolic(beyond) or all_or_none(beyond, "keys that are left out")


def _any(condition: Any) -> bool:
    """Return whether a comparison of ints or arrays holds anywhere."""
    return bool(condition.any()) if is_array(condition) else bool(condition)


class Flash(FlashAttention2):
    """All the work of FlashAttention-2."""

    name = "flash"
    summary = "FlashAttention-2 semantics: not what the vendor runs, so never compared with it"


class FlashTorch(FlashAttention2):
    """What FlopCounterMode would see if the model ran with FlashAttention-2."""

    name = "flash_torch"
    summary = "what FlopCounterMode would see under FlashAttention-2: all but the fused core"
    label = "analytic flash (torch-visible)"
    torch_visible_only = True


class Flash3(FlashAttention):
    """FlashAttention-3 (Shah et al., arXiv:2407.08608) as serving engines build it.

    Values may have a width of their own (hopper/flash_api.cpp of Dao-AILab/flash-attention), and
    heads a learned sink (``s_aux`` in vLLM's fork); keys may be those of a query's own chunk
    (``attention_chunk`` in the same file). So it carries out multi-head latent attention
    with expanded keys, and gpt-oss.
    """

    name = "flash3"
    version = "FlashAttention-3"
    summary = "FlashAttention-3 semantics: as flash, also with sinks and values of another width"


@hookimpl
def flopbench_attention_modes() -> list[type[AttentionMode]]:
    """Contribute the FlashAttention modes."""
    return [Flash, FlashTorch, Flash3]
