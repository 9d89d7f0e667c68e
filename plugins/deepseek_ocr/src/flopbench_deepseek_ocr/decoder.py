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
    KvCacheUpdate,
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

    @property
    def cached_tokens(self) -> Dim:
        """Tokens in the KV cache after the last pass, over the whole batch."""
        return self.batch * (self.keys + self.queries * (self.steps - 1))

    def angles(self, decoder: Decoder) -> Dim:
        """Return the elements of the pass's cosines and sines; sequences share them."""
        return 2 * decoder.head_dim * self.queries

    def alive(self, decoder: Decoder) -> Dim:
        """Return the elements that are alive beside any work in a layer: residual and angles."""
        return decoder.width * self.tokens + self.angles(decoder)


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
        yield from _gated_mlp(
            "decoder/mlp", decoder.dense_layers, decoder.mlp_width, decoder, run, beside=0
        )
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
            # Positions, frequencies, and what is scaled.
            reads=run.queries * (1 + 2 * decoder.head_dim) + frequencies,
        )
    positions = run.tokens if by_matmul else run.queries
    yield Elementwise(
        component="decoder/rope",
        layers=layers,
        steps=run.steps,
        function="rope_angle",
        outputs=positions * decoder.head_dim,
        # The angles are read for the cosines and again for the sines.
        reads=2 * positions * decoder.head_dim,
        writes=2 * positions * decoder.head_dim,
    )


def _attention(decoder: Decoder, run: Pass) -> Iterator[Op]:
    alive = run.alive(decoder)
    queries = run.tokens * decoder.heads * decoder.head_dim
    keys = run.tokens * decoder.kv_heads * decoder.head_dim
    made: Dim = 0
    for heads in (decoder.heads, decoder.kv_heads, decoder.kv_heads):
        yield Linear(
            component="decoder/attention/qkv",
            layers=decoder.layers,
            steps=run.steps,
            rows=run.tokens,
            in_features=decoder.width,
            out_features=heads * decoder.head_dim,
            beside=alive + made,
        )
        made = made + run.tokens * heads * decoder.head_dim
    yield Rope(
        component="decoder/attention/core",
        layers=decoder.layers,
        steps=run.steps,
        tokens=run.tokens,
        heads=decoder.heads + decoder.kv_heads,
        head_dim=decoder.head_dim,
        positions=run.queries,
        # Beside the residual, the values; the angles are among the operands.
        beside=alive - run.angles(decoder) + keys,
    )
    yield KvCacheUpdate(
        component="decoder/attention/core",
        layers=decoder.layers,
        steps=run.steps,
        new=2 * keys,
        held=2 * decoder.kv_heads * decoder.head_dim * run.cached_tokens,
        beside=alive + queries,
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
        cached=True,
        beside=alive,
    )
    yield Linear(
        component="decoder/attention/out",
        layers=decoder.layers,
        steps=run.steps,
        rows=run.tokens,
        in_features=decoder.heads * decoder.head_dim,
        out_features=decoder.width,
        beside=alive,
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
        beside=run.angles(decoder),
    )
    yield Elementwise(
        component="decoder/norm",
        layers=2 * decoder.layers,
        steps=run.steps,
        function="add",
        outputs=run.tokens * decoder.width,
        beside=run.angles(decoder),
    )


def _gated_mlp(
    component: str, layers: int, mlp_width: int, decoder: Decoder, run: Pass, *, beside: Dim
) -> Iterator[Op]:
    """Yield down(silu(gate(x)) * up(x)) of ``layers`` layers.

    Args:
        beside: elements alive meanwhile, residual and angles apart.
    """
    alive = run.alive(decoder) + beside
    inner = run.tokens * mlp_width
    # Gate first; then up, while the activated gate waits; then down.
    sizes: tuple[tuple[int, int, Dim], ...] = (
        (decoder.width, mlp_width, alive),
        (decoder.width, mlp_width, alive + inner),
        (mlp_width, decoder.width, alive),
    )
    for in_features, out_features, waiting in sizes:
        yield Linear(
            component=component,
            layers=layers,
            steps=run.steps,
            rows=run.tokens,
            in_features=in_features,
            out_features=out_features,
            beside=waiting,
        )
    # The activation runs while the input waits for up.
    yield from _gate(
        component, layers, run.steps, inner, (alive + run.tokens * decoder.width, alive)
    )


def _gate(
    component: str, layers: int, steps: Dim, outputs: Dim, beside: tuple[Dim, Dim]
) -> Iterator[Op]:
    """Yield the activation of the gate and its product with the other half.

    Args:
        beside: elements alive during the one and the other.
    """
    for function, alive in zip(("silu", "multiply"), beside, strict=True):
        yield Elementwise(
            component=component,
            layers=layers,
            steps=steps,
            function=function,
            outputs=outputs,
            beside=alive,
        )


def _moe(decoder: Decoder, run: Pass) -> Iterator[Op]:
    yield from _router(decoder, run)
    yield from _experts(decoder, run)
    shared_width = decoder.shared_experts * decoder.expert_width
    routed = run.tokens * decoder.width
    yield from _gated_mlp(
        "decoder/moe/shared", decoder.moe_layers, shared_width, decoder, run, beside=routed
    )
    yield Elementwise(
        component="decoder/moe/shared",
        layers=decoder.moe_layers,
        steps=run.steps,
        function="add",
        outputs=routed,
        beside=run.alive(decoder),
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
        beside=run.alive(decoder),
    )
    yield router
    alive = run.alive(decoder) + decoder.width * run.tokens
    yield Softmax(
        component=router.component,
        layers=router.layers,
        steps=run.steps,
        scores=scores,
        beside=alive,
    )
    choices = run.tokens * decoder.experts_per_token
    # All scores are compared, the best are kept, and then scaled by a constant.
    for function, outputs, reads in (("top_k", scores, scores), ("multiply", choices, choices)):
        yield Elementwise(
            component=router.component,
            layers=router.layers,
            steps=run.steps,
            function=function,
            outputs=outputs,
            reads=reads,
            writes=choices,
            beside=alive,
        )


def _experts(decoder: Decoder, run: Pass) -> Iterator[Op]:
    """Yield each token's experts, and the sum of their outputs weighted by the router."""
    component, layers, width = "decoder/moe/experts", decoder.moe_layers, decoder.width
    rows = run.tokens * decoder.experts_per_token
    inner = rows * decoder.expert_width
    # The input waits for the shared experts, the routing weights for the outputs.
    alive = run.alive(decoder) + width * run.tokens + rows
    gate_and_up = ExpertLinear(
        component=component,
        layers=layers,
        steps=run.steps,
        rows=rows,
        in_features=width,
        out_features=2 * decoder.expert_width,
        experts=decoder.experts,
        top_k=decoder.experts_per_token,
        beside=alive,
    )
    yield gate_and_up
    yield attrs.evolve(gate_and_up, in_features=decoder.expert_width, out_features=width)
    yield from _gate(component, layers, run.steps, inner, (alive + inner, alive))
    summands = run.tokens * (decoder.experts_per_token - 1)
    outputs, added = rows * width, summands * width
    for function, elements, reads, writes in (
        ("multiply", outputs, outputs + rows, outputs),
        ("add", added, outputs, run.tokens * width),
    ):
        yield Elementwise(
            component=component,
            layers=layers,
            steps=run.steps,
            function=function,
            outputs=elements,
            reads=reads,
            writes=writes,
            beside=alive - rows,
        )
