"""What engines that serve models estimate: vLLM and SGLang, for a prefill and for decoding."""

from __future__ import annotations

from fractions import Fraction

from flopbench import Formula
from flopbench.builtin.formulas.sizes import MATRICES, projections, require_gated
from flopbench.formulas import (
    ALL_PAIRS,
    CAUSAL_PAIRS,
    Amount,
    AttentionLayers,
    DoesNotApplyError,
    Facts,
    Origin,
    Sum,
    Term,
)

_VLLM = "00cee63e04bf5b7dbaa5f08d6e4360f28777fdc3"
_SGLANG = "00eef5422c62803f85fea2448dc3d96050a159b7"


class Vllm(Formula):
    """``vllm/v1/metrics/perf.py``: linear layers, tokens x context for attention, last logits.

    All MLPs have three matrices, and routers are not counted. A prefill is one step, with nothing
    cached before it; each sequence needs the logits of its last token.
    """

    name = "vllm"
    summary = "linear layers without routers, all pairs (or a window's), last logits"
    origin = Origin(
        "vLLM, vllm/v1/metrics/perf.py",
        _VLLM[:7],
        f"https://github.com/vllm-project/vllm/blob/{_VLLM}/vllm/v1/metrics/perf.py",
    )
    counts = "the linear layers, every key in the context (or the window) of each token, and logits"
    claims = "the TFLOP/s that vLLM logs with --enable-mfu-metrics, on one GPU"
    phases = ("prefill", "decode")

    def flops(self, facts: Facts) -> Amount:
        facts.require_known()
        elements = facts.layers * projections(facts)
        if dense := facts.dense:
            elements += MATRICES * facts.width * dense.inner * dense.layers
        if moe := facts.moe:
            require_gated(moe)
            inner = moe.per_token * moe.inner + moe.shared
            elements += MATRICES * facts.width * inner * moe.layers
        logits = facts.tokens if facts.decoding else facts.batch
        core = sum(
            2
            * group.layers
            * group.heads
            * (group.head_dim + group.value_dim)
            * _contexts(facts, group, capped=True)
            for group in facts.attention
        )
        head = 2 * logits * facts.width * facts.vocabulary
        return 2 * facts.tokens * elements + core + head

    def includes(self, facts: Facts) -> Sum:
        layers = Sum.of(Term.QKV, Term.OUT, Term.EXPERTS, Term.SHARED) + _mlp(facts)
        if facts.decoding:
            return layers + Term.USEFUL + Term.HEAD
        last = Fraction(1, facts.sequence) * Sum.of(Term.HEAD)
        return layers + ALL_PAIRS - Term.BEYOND + last


class Sglang(Formula):
    """``SchedulerMetricsMixin``: linear layers and attention, without an LM head.

    A prefill's pairs are those of one sequence of all its tokens. Windows are not known, and of
    experts it would read a field of the config that need not be in any layer.
    """

    name = "sglang"
    summary = "linear layers of a dense model without LM head; a batch's prefill as one sequence"
    origin = Origin(
        "SGLang, python/sglang/srt/observability/scheduler_metrics_mixin.py",
        _SGLANG[:7],
        f"https://github.com/sgl-project/sglang/blob/{_SGLANG}"
        "/python/sglang/srt/observability/scheduler_metrics_mixin.py",
    )
    counts = "the linear layers of a dense model, and the keys up to each token"
    claims = "sglang:estimated_flops_per_gpu_total, on one GPU"
    phases = ("prefill", "decode")

    def flops(self, facts: Facts) -> Amount:
        facts.require_known()
        facts.require_separate()
        if facts.moes:
            raise DoesNotApplyError("it reads one MLP's width, whatever the experts are")
        dense = facts.dense
        inner = dense.inner if dense else 0
        linear = 2 * (projections(facts) + MATRICES * facts.width * inner) * facts.layers
        if facts.decoding:
            contexts = _contexts(facts, facts.attention[0], capped=False)
        else:
            contexts = facts.tokens * (facts.tokens + 1) // 2
        return facts.tokens * linear + 4 * facts.heads * facts.head_dim * facts.layers * contexts

    def includes(self, facts: Facts) -> Sum:
        layers = Sum.of(Term.QKV, Term.OUT) + _mlp(facts)
        if facts.decoding:
            return layers + CAUSAL_PAIRS + Term.EVICTED
        return layers + CAUSAL_PAIRS + Term.BATCH


def _mlp(facts: Facts) -> Sum:
    """Return a dense MLP of three matrices."""
    dense = facts.dense
    gated = dense is None or dense.gated
    return Sum.of(Term.MLP) if gated else Sum.of(Term.MLP, Term.MLP_MATRIX)


def _contexts(facts: Facts, group: AttentionLayers, *, capped: bool) -> int:
    """Return tokens x context, over all sequences and steps; a context is capped to a window."""
    most = group.window if capped and group.window is not None else None
    if not facts.decoding:
        keys = facts.sequence if most is None else min(facts.sequence, most)
        return facts.tokens * keys
    first, steps = facts.sequence + 1, facts.steps
    growing = steps if most is None else min(steps, max(0, most - first + 1))
    below = growing * first + growing * (growing - 1) // 2
    return facts.batch * (below + (steps - growing) * (most or 0))
