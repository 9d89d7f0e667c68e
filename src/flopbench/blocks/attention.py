"""Self-attention of a decoder: projections, rotation, KV cache, core and output.

Sources: grouped-query attention, arXiv:2305.13245; rotary positions, arXiv:2104.09864; sliding
windows, arXiv:2310.06825; soft-capped scores, arXiv:2408.00118; sinks, arXiv:2309.17453.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

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
        out_width: width of the result, if not that of the input.
        qkv_bias: whether the query, key and value projections have a bias: one answer for all
            three, or one for each.
        fused: whether one product computes queries, keys and values.
        qk_norm: norm of queries and keys, if any.
        qk_norm_late: whether that norm follows the rotation.
        qk_norm_over: what one norm covers: a head, with weights that all heads share (``head``);
            a head, with its own weights (``each``); or all heads at once (``all``).
        value_dim: width of a value head; None for that of a query or key head.
        values_scaled: whether the values are multiplied by a constant.
        value_norm: norm of each value head, if any.
        keys_from: where keys and values come from: their own projections, one projection for both
            (``values_too``), or an earlier layer (``earlier``), whose cache it reads.
        gate: what gates the outputs of heads, if anything: the function of a projection of the
            layer's input.
        gate_heads: whether there is one gate for each head, not for each of its elements.
        out_norm: norm of the outputs of all heads, before the last projection.
        rope_dim: rotated elements of a head; 0 for none.
        rope_shared: whether all sequences are rotated by the same angles.
        window: the most keys that a query sees; None for all.
        chunked: whether those are the keys of the query's own chunk (`flopbench.ops.Attention`).
        evicts: whether the KV cache drops keys that left the window.
        queries_scaled: what the queries are multiplied by before the core, if anything: a
            constant, or a number for each position. The scores may be scaled as well.
        keys_scaled: whether the keys are multiplied by a constant before they are rotated.
        gated: whether the query projection makes as many elements again, whose sigmoid multiplies
            the output of the core.
        masked, bias, scaled, softcap, softmax_dtype, sinks: as in `flopbench.ops.Attention`.
    """

    width: Dim
    heads: Dim
    kv_heads: Dim
    head_dim: Dim
    out_width: Dim | None = None
    qkv_bias: bool | tuple[bool, ...] = False
    out_bias: bool = False
    fused: bool = False
    value_dim: Dim | None = None
    values_scaled: bool = False
    value_norm: NormSpec | None = None
    keys_from: Literal["own", "values_too", "earlier"] = "own"
    qk_norm: NormSpec | None = None
    qk_norm_late: bool = False
    qk_norm_over: Literal["head", "each", "all"] = "head"
    gate: Literal["sigmoid", "softplus"] | None = None
    gate_heads: bool = False
    out_norm: NormSpec | None = None
    rope_dim: Dim = 0
    rope_shared: bool = True
    window: Dim | None = None
    chunked: bool = False
    evicts: bool = True
    queries_scaled: Literal["constant", "positions"] | None = None
    keys_scaled: bool = False
    gated: bool = False
    masked: Literal["added", "filled"] = "added"
    bias: str | None = None
    scaled: Literal["scores", "queries"] | None = "scores"
    softcap: bool = False
    softmax_dtype: str | None = "float32"
    sinks: bool = False

    def ops(self, site: Site, run: Pass) -> Iterator[Op]:
        """Yield the operations under ``qkv``, ``core`` and ``out``."""
        qkv, core = site.at("qkv"), site.at("core")
        projections = self._projections()
        yield from projections.ops(qkv, run.tokens)
        # Values that come with the keys, or all from elsewhere, flow as those they come with.
        values = (*projections.values, *projections.values[-1:] * 2)[:3]
        if self.value_norm is not None and self.keys_from != "earlier":
            beside = run.tokens * self.heads * self.head_dim + self._keys(run)
            inside = qkv.with_alive(beside).between(values[2], values[2])
            yield self.value_norm.op(inside, run.tokens * self.kv_heads, self._value_dim)
        outputs = run.tokens * self.heads * self._value_dim
        waiting = core.with_alive(outputs if self.gated else 0)  # the gate
        if self.values_scaled:
            beside = run.tokens * (self.heads + self.kv_heads) * self.head_dim
            scaled = run.tokens * self.kv_heads * self._value_dim
            yield (
                waiting.with_alive(beside)
                .between(values[2], values[2])
                .op(Elementwise, function="multiply", outputs=scaled, reads=scaled)
            )
        norms = self._qk_norms(qkv, run, self.qk_norm, values) if self.qk_norm else ()
        if not self.qk_norm_late:
            yield from norms
        yield from self._rotated(waiting, run, values)
        if self.qk_norm_late:
            yield from norms
        yield from self._scaled(waiting, run, values)
        for part in run.parts:
            # The queries or the outputs of the other parts stay alive.
            beside = (run.tokens - part.tokens) * self.heads * self.head_dim
            yield self._core(waiting.with_alive(beside), part, values)
        if self.gated:
            opened = core.with_alive(outputs).between(values[0], "gate")
            yield opened.op(Elementwise, function="sigmoid", outputs=outputs)
            yield core.op(
                Elementwise,
                function="multiply",
                outputs=outputs,
                takes=("core", "gate"),
                gives="core",
            )
        yield from self._after_core(site, run)
        yield (
            site.at("out")
            .between("core", site.gives)
            .op(
                Linear,
                role="o",
                rows=run.tokens,
                in_features=self.heads * self._value_dim,
                out_features=self.width if self.out_width is None else self.out_width,
                bias=self.out_bias,
            )
        )

    def _projections(self) -> Projections:
        heads, kv_heads = self.heads, self.kv_heads
        queries = heads * (2 if self.gated else 1)
        sizes = (queries * self.head_dim, kv_heads * self.head_dim, kv_heads * self._value_dim)
        count = {"own": 3, "values_too": 2, "earlier": 1}[self.keys_from]
        roles = ("q", "k", "v")[:count]
        return Projections(self.width, sizes[:count], self.qkv_bias, self.fused, roles)

    def _after_core(self, site: Site, run: Pass) -> Iterator[Op]:
        """Yield the gate of the outputs, and their norm."""
        inner = self.heads * self._value_dim
        outputs, core = run.tokens * inner, site.between("core", "core")
        if self.gate is not None:
            gates = run.tokens * (self.heads if self.gate_heads else inner)
            beside = site.at("gate").with_alive(outputs)
            width = self.heads if self.gate_heads else inner
            yield beside.between(site.takes, "gate").op(
                Linear, role="gate", rows=run.tokens, in_features=self.width, out_features=width
            )
            gate = beside.between("gate", "gate")
            yield gate.op(Elementwise, function=self.gate, outputs=gates)
            yield core.at("gate").op(
                Elementwise,
                function="multiply",
                outputs=outputs,
                reads=outputs + gates,
                takes=("core", "gate"),
            )
        if self.out_norm is not None:
            yield self.out_norm.op(core.at("core"), run.tokens, inner)

    @property
    def _new_kv_heads(self) -> Dim:
        return 0 if self.keys_from == "earlier" else self.kv_heads

    @property
    def _value_dim(self) -> Dim:
        return self.head_dim if self.value_dim is None else self.value_dim

    def _qk_norms(
        self, site: Site, run: Pass, norm: NormSpec, values: tuple[str, ...]
    ) -> Iterator[Op]:
        keys, made = self._keys(run), self._values(run)
        queries = run.tokens * self.heads * self.head_dim
        # Keys and values are alive beside the queries; queries and values beside the keys.
        for heads, alive, value in (
            (self.heads, keys + made, values[0]),
            (self._new_kv_heads, queries + made, values[1]),
        ):
            if isinstance(heads, int) and not heads:
                continue
            beside = site.with_alive(alive).between(value, value)
            if self.qk_norm_over == "all":
                yield norm.op(beside, run.tokens, heads * self.head_dim)
            elif self.qk_norm_over == "head":
                yield norm.op(beside, run.tokens * heads, self.head_dim)
            else:
                yield norm.apart(beside, run.tokens, heads, self.head_dim)

    def _rotated(self, site: Site, run: Pass, values: tuple[str, ...]) -> Iterator[Op]:
        """Yield the scaling of keys, and the rotation of queries and keys."""
        if self.keys_scaled:
            keys = self._keys(run)
            queries_and_values = run.tokens * self.heads * self.head_dim + self._values(run)
            beside = site.with_alive(queries_and_values).between(values[1], values[1])
            yield beside.op(Elementwise, function="multiply", outputs=keys, reads=keys)
        if self.rope_dim:
            heads = self.heads + self._new_kv_heads
            # The values and the unrotated elements of queries and keys stay alive.
            apart = run.tokens * heads * (self.head_dim - self.rope_dim)
            positions = run.queries if self.rope_shared else run.tokens
            beside = site.with_alive(self._values(run) + apart)
            yield rotation(beside, run, heads, self.rope_dim, positions=positions, takes=values[:2])

    def _scaled(self, site: Site, run: Pass, values: tuple[str, ...]) -> Iterator[Op]:
        """Yield the scaling of queries."""
        queries = run.tokens * self.heads * self.head_dim
        if self.queries_scaled:
            positions = run.queries if self.queries_scaled == "positions" else 0
            yield (
                site.with_alive(self._keys(run) + self._values(run))
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
            value_dim=self._value_dim,
            queries=run.queries,
            keys=run.keys,
            causal=True,
            window=self.window,
            chunked=self.chunked,
            evicts=self.window is not None and self.evicts,
            masked=self.masked,
            bias=self.bias,
            scaled=self.scaled,
            softcap=self.softcap,
            softmax_dtype=self.softmax_dtype,
            sinks=self.sinks,
            cached=True,
            keeps_cache=self.keys_from != "earlier",
        )

    def _keys(self, run: Pass) -> Dim:
        """Return the number of elements in a pass's new keys."""
        return run.tokens * self._new_kv_heads * self.head_dim

    def _values(self, run: Pass) -> Dim:
        """Return the number of elements in a pass's new values."""
        return run.tokens * self._new_kv_heads * self._value_dim
