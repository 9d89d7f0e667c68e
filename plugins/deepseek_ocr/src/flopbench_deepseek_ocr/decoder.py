"""The decoder: a DeepSeek-V2 style mixture of experts with plain multi-head attention.

Sources: DeepSeek-V2 (arXiv:2405.04434) for experts and router, DeepSeek-OCR
(arXiv:2510.18234) for the sizes, RoFormer (arXiv:2104.09864) for rotary positions.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs
from attrs import frozen

from flopbench.dims import Dim
from flopbench.ops import (
    Attention,
    Elementwise,
    Embedding,
    ExpertLinear,
    Linear,
    MatMul,
    Norm,
    Op,
    Rope,
    Softmax,
)
from flopbench_deepseek_ocr.architecture import Decoder
from flopbench_deepseek_ocr.workload import Workload


@frozen(kw_only=True, eq=False)
class Pass:
    """Forward passes through the decoder: one prefill, or one per decode step.

    Attributes:
        batch: sequences.
        queries: new tokens per sequence and pass.
        keys: tokens that the first pass attends to; each further pass has ``queries`` more.
        steps: passes.
        head_rows: positions per sequence and pass that the LM head runs on.
    """

    batch: Dim
    queries: Dim
    keys: Dim
    head_rows: Dim
    steps: Dim = 1

    @property
    def tokens(self) -> Dim:
        """New tokens of one pass."""
        return self.batch * self.queries


def prefill_pass(workload: Workload) -> Pass:
    """Return the pass over the whole context."""
    context = workload.context_tokens
    return Pass(
        batch=workload.batch_size, queries=context, keys=context, head_rows=workload.head_rows
    )


def decode_passes(workload: Workload) -> Pass:
    """Return the decode steps: step k attends to context + k keys."""
    return Pass(
        batch=workload.batch_size,
        queries=1,
        keys=workload.context_tokens + 1,
        steps=workload.decode_steps,
        head_rows=1,
    )


def decoder_ops(decoder: Decoder, run: Pass, *, rope_by_matmul: bool) -> Iterator[Op]:
    """Yield the operations of the passes, embedding and LM head included.

    Args:
        rope_by_matmul: whether every layer computes the rotary angles as a product, as the
            original code does, or the model computes them once, element by element.
    """
    yield Embedding(
        component="decoder/embed",
        steps=run.steps,
        tokens=run.tokens,
        width=decoder.width,
        entries=decoder.vocabulary,
    )
    yield from _rope_angles(decoder, run, by_matmul=rope_by_matmul)
    yield from _attention(decoder, run)
    yield from _norms(decoder, run)
    if decoder.dense_layers:
        yield from _gated_mlp("decoder/mlp", decoder.dense_layers, decoder.mlp_width, decoder, run)
    if decoder.moe_layers:
        yield from _moe(decoder, run)
    yield Linear(
        component="lm_head",
        steps=run.steps,
        rows=run.batch * run.head_rows,
        in_features=decoder.width,
        out_features=decoder.vocabulary,
    )


def _rope_angles(decoder: Decoder, run: Pass, *, by_matmul: bool) -> Iterator[Op]:
    layers = decoder.layers if by_matmul else 1
    frequencies = decoder.head_dim // 2
    if by_matmul:
        # An outer product: [frequencies, 1] x [1, positions] per sequence.
        yield MatMul(
            component="decoder/rope",
            layers=layers,
            steps=run.steps,
            batch=run.batch,
            m=frequencies,
            k=1,
            n=run.queries,
        )
    else:
        # Positions by frequencies, and the scaling of cos and sin (1 here, but multiplied).
        yield Elementwise(
            component="decoder/rope",
            steps=run.steps,
            function="multiply",
            outputs=run.queries * (frequencies + 2 * decoder.head_dim),
        )
    positions = run.tokens if by_matmul else run.queries
    yield Elementwise(
        component="decoder/rope",
        layers=layers,
        steps=run.steps,
        function="rope_angle",
        outputs=positions * decoder.head_dim,
    )


def _attention(decoder: Decoder, run: Pass) -> Iterator[Op]:
    for heads in (decoder.heads, decoder.kv_heads, decoder.kv_heads):
        yield Linear(
            component="decoder/attention/qkv",
            layers=decoder.layers,
            steps=run.steps,
            rows=run.tokens,
            in_features=decoder.width,
            out_features=heads * decoder.head_dim,
        )
    yield Rope(
        component="decoder/attention/core",
        layers=decoder.layers,
        steps=run.steps,
        tokens=run.tokens,
        heads=decoder.heads + decoder.kv_heads,
        head_dim=decoder.head_dim,
    )
    yield Attention(
        component="decoder/attention/core",
        layers=decoder.layers,
        steps=run.steps,
        batch=run.batch,
        heads=decoder.heads,
        kv_heads=decoder.kv_heads,
        head_dim=decoder.head_dim,
        value_dim=decoder.head_dim,
        queries=run.queries,
        keys=run.keys,
        causal=True,
    )
    yield Linear(
        component="decoder/attention/out",
        layers=decoder.layers,
        steps=run.steps,
        rows=run.tokens,
        in_features=decoder.heads * decoder.head_dim,
        out_features=decoder.width,
    )


def _norms(decoder: Decoder, run: Pass) -> Iterator[Op]:
    """Yield two norms and two residuals per layer, and the final norm."""
    yield Norm(
        component="decoder/norm",
        layers=2 * decoder.layers + 1,
        steps=run.steps,
        function="rms_norm",
        rows=run.tokens,
        width=decoder.width,
    )
    yield Elementwise(
        component="decoder/norm",
        layers=2 * decoder.layers,
        steps=run.steps,
        function="add",
        outputs=run.tokens * decoder.width,
    )


def _gated_mlp(
    component: str, layers: int, mlp_width: int, decoder: Decoder, run: Pass
) -> Iterator[Op]:
    """Yield down(silu(gate(x)) * up(x)) of ``layers`` layers."""
    sizes = (
        (decoder.width, mlp_width),
        (decoder.width, mlp_width),
        (mlp_width, decoder.width),
    )
    for in_features, out_features in sizes:
        yield Linear(
            component=component,
            layers=layers,
            steps=run.steps,
            rows=run.tokens,
            in_features=in_features,
            out_features=out_features,
        )
    yield from _gate(component, layers, run.steps, run.tokens * mlp_width)


def _gate(component: str, layers: int, steps: Dim, outputs: Dim) -> Iterator[Op]:
    for function in ("silu", "multiply"):
        yield Elementwise(
            component=component, layers=layers, steps=steps, function=function, outputs=outputs
        )


def _moe(decoder: Decoder, run: Pass) -> Iterator[Op]:
    yield from _router(decoder, run)
    yield from _experts(decoder, run)
    shared_width = decoder.shared_experts * decoder.expert_width
    yield from _gated_mlp("decoder/moe/shared", decoder.moe_layers, shared_width, decoder, run)
    yield Elementwise(
        component="decoder/moe/shared",
        layers=decoder.moe_layers,
        steps=run.steps,
        function="add",
        outputs=run.tokens * decoder.width,
    )


def _router(decoder: Decoder, run: Pass) -> Iterator[Op]:
    scores = run.tokens * decoder.experts
    router = Linear(
        component="decoder/moe/router",
        layers=decoder.moe_layers,
        steps=run.steps,
        rows=run.tokens,
        in_features=decoder.width,
        out_features=decoder.experts,
    )
    yield router
    yield Softmax(component=router.component, layers=router.layers, steps=run.steps, scores=scores)
    choices = run.tokens * decoder.experts_per_token
    for function, outputs in (("top_k", scores), ("multiply", choices)):
        yield Elementwise(
            component=router.component,
            layers=router.layers,
            steps=run.steps,
            function=function,
            outputs=outputs,
        )


def _experts(decoder: Decoder, run: Pass) -> Iterator[Op]:
    """Yield each token's experts, and the sum of their outputs weighted by the router."""
    component, layers = "decoder/moe/experts", decoder.moe_layers
    rows = run.tokens * decoder.experts_per_token
    gate_and_up = ExpertLinear(
        component=component,
        layers=layers,
        steps=run.steps,
        rows=rows,
        in_features=decoder.width,
        out_features=2 * decoder.expert_width,
        experts=decoder.experts,
    )
    yield gate_and_up
    yield attrs.evolve(gate_and_up, in_features=decoder.expert_width, out_features=decoder.width)
    yield from _gate(component, layers, run.steps, rows * decoder.expert_width)
    summands = run.tokens * (decoder.experts_per_token - 1)
    for function, vectors in (("multiply", rows), ("add", summands)):
        yield Elementwise(
            component=component,
            layers=layers,
            steps=run.steps,
            function=function,
            outputs=vectors * decoder.width,
        )
