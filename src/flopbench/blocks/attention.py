"""Self-attention of a decoder: projections, rotation, KV cache, core and output.

Sources: grouped-query attention, arXiv:2305.13245; rotary positions, arXiv:2104.09864; sliding
windows, arXiv:2310.06825; soft-capped scores, arXiv:2408.00118; sinks, arXiv:2309.17453.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from attrs import frozen

from flopbench.blocks.linear import NormSpec, Projections
from flopbench.blocks.passes import Pass
from flopbench.blocks.rotary import rotation
from flopbench.blocks.site import Site
from flopbench.dims import Dim
from flopbench.ops import Attention, Elementwise, Linear, Op


@frozen(kw_only=True)
class SelfAttention:
    """Causal attention of ``heads`` query heads on ``kv_heads`` key and value heads.

    Attributes:
        qkv_bias: whether the query, key and value projections have a bias: one answer for all
            three, or one for each.
        fused: whether one product computes queries, keys and values.
        qk_norm: norm of queries and keys, if any.
        qk_norm_over: what one norm covers: a head, with weights that all heads share (``head``);
            a head, with its own weights (``each``); or all heads at once (``all``).
        rope_dim: rotated elements of a head; 0 for none.
        rope_shared: whether all sequences are rotated by the same angles.
        window: the most keys that a query sees; None for all.
        evicts: whether the KV cache drops keys that left the window.
        queries_scaled: what the queries are multiplied by before the core, if anything: a
            constant, or a number for each position. The scores may be scaled as well.
        gated: whether the query projection makes as many elements again, whose sigmoid multiplies
            the output of the core.
        masked, bias, scaled, softcap, sinks: as in `flopbench.ops.Attention`.
    """

    width: Dim
    heads: Dim
    kv_heads: Dim
    head_dim: Dim
    qkv_bias: bool | tuple[bool, ...] = False
    out_bias: bool = False
    fused: bool = False
    qk_norm: NormSpec | None = None
    qk_norm_over: Literal["head", "each", "all"] = "head"
    rope_dim: Dim = 0
    rope_shared: bool = True
    window: Dim | None = None
    evicts: bool = True
    queries_scaled: Literal["constant", "positions"] | None = None
    gated: bool = False
    masked: Literal["added", "filled"] = "added"
    bias: str | None = None
    scaled: Literal["scores", "queries"] | None = "scores"
    softcap: bool = False
    sinks: bool = False

    def ops(self, site: Site, run: Pass) -> Iterator[Op]:
        """Yield the operations under ``qkv``, ``core`` and ``out``."""
        qkv, core = site.at("qkv"), site.at("core")
        queries = self.heads * (2 if self.gated else 1)
        widths = tuple(n * self.head_dim for n in (queries, self.kv_heads, self.kv_heads))
        roles = ("q", "k", "v")
        projections = Projections(self.width, widths, self.qkv_bias, self.fused, roles)
        yield from projections.ops(qkv, run.tokens)
        values = projections.values
        if self.qk_norm:
            yield from self._qk_norms(qkv, run, self.qk_norm, values)
        outputs = run.tokens * self.heads * self.head_dim
        waiting = core.with_alive(outputs if self.gated else 0)  # the gate
        yield from self._placed(waiting, run, values)
        for part in run.parts:
            # The queries or the outputs of the other parts stay alive.
            beside = (run.tokens - part.tokens) * self.heads * self.head_dim
            yield self._core(waiting.with_alive(beside), part, values)
        if self.gated:
            opened = core.with_alive(outputs).between(values[0], "gate")
            yield opened.op(Elementwise, function="sigmoid", outputs=outputs)
            both: dict[str, Any] = {"takes": ("core", "gate"), "gives": "core"}
            yield core.op(Elementwise, function="multiply", outputs=outputs, **both)
        yield (
            site.at("out")
            .between("core", site.gives)
            .op(
                Linear,
                role="o",
                rows=run.tokens,
                in_features=self.heads * self.head_dim,
                out_features=self.width,
                bias=self.out_bias,
            )
        )

    def _qk_norms(
        self, site: Site, run: Pass, norm: NormSpec, values: tuple[str, ...]
    ) -> Iterator[Op]:
        keys = self._keys(run)
        queries = run.tokens * self.heads * self.head_dim
        # Keys and values are alive beside the queries; queries and values beside the keys.
        for heads, alive, value in (
            (self.heads, 2 * keys, values[0]),
            (self.kv_heads, queries + keys, values[1]),
        ):
            beside = site.with_alive(alive).between(value, value)
            if self.qk_norm_over == "all":
                yield norm.op(beside, run.tokens, heads * self.head_dim)
            elif self.qk_norm_over == "head":
                yield norm.op(beside, run.tokens * heads, self.head_dim)
            else:
                yield norm.apart(beside, run.tokens, heads, self.head_dim)

    def _placed(self, site: Site, run: Pass, values: tuple[str, ...]) -> Iterator[Op]:
        """Yield the rotation of queries and keys, and the scaling of queries."""
        keys = self._keys(run)
        if self.rope_dim:
            heads = self.heads + self.kv_heads
            # The values and the unrotated elements of queries and keys stay alive.
            apart = run.tokens * heads * (self.head_dim - self.rope_dim)
            positions = run.queries if self.rope_shared else run.tokens
            beside = site.with_alive(keys + apart)
            yield rotation(beside, run, heads, self.rope_dim, positions=positions, takes=values[:2])
        queries = run.tokens * self.heads * self.head_dim
        if self.queries_scaled:
            positions = run.queries if self.queries_scaled == "positions" else 0
            yield (
                site.with_alive(2 * keys)
                .between(values[0], values[0])
                .op(Elementwise, function="multiply", outputs=queries, reads=queries + positions)
            )

    def _core(self, site: Site, run: Pass, values: tuple[str, ...]) -> Attention:
        return site.op(
            Attention,
            takes=values,
            gives="core",
            batch=run.batch,
            heads=self.heads,
            kv_heads=self.kv_heads,
            head_dim=self.head_dim,
            value_dim=self.head_dim,
            queries=run.queries,
            keys=run.keys,
            causal=True,
            window=self.window,
            evicts=self.window is not None and self.evicts,
            masked=self.masked,
            bias=self.bias,
            scaled=self.scaled,
            softcap=self.softcap,
            sinks=self.sinks,
            cached=True,
        )

    def _keys(self, run: Pass) -> Dim:
        """Return the number of elements in a pass's new keys."""
        return run.tokens * self.kv_heads * self.head_dim
