"""Cross-attention of a decoder: its queries read the keys and values of another sequence.

Source: Vaswani et al., arXiv:1706.03762, section 3.2.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from attrs import frozen

from flopbench.blocks.linear import Projections
from flopbench.blocks.passes import Pass
from flopbench.blocks.site import Site
from flopbench.dims import Dim
from flopbench.ops import Attention, Elementwise, KvCacheUpdate, Linear, Op

MEMORY = "memory"
"""Name of the value that keys and values are made from: the states of an encoder."""


@frozen(kw_only=True)
class CrossAttention:
    """Attention of all queries to all ``memory`` tokens of a pass, without a mask.

    The first pass of a sequence makes keys and values of the memory, and keeps them; all others
    read those.

    Attributes:
        memory_width: width of the memory; None if that of the decoder.
        bias: whether queries, keys and values have a bias.
        queries_scaled: whether a product of its own scales the queries, before the core.
        position_bias, biases, scaled, softmax_dtype: as ``bias``, ``biases``, ``scaled`` and
            ``softmax_dtype`` of `flopbench.ops.Attention`.
    """

    component: ClassVar[str] = "cross_attention"

    width: Dim
    heads: Dim
    head_dim: Dim
    memory_width: Dim | None = None
    bias: bool = False
    out_bias: bool = False
    queries_scaled: bool = False
    position_bias: str | None = None
    biases: int = 1
    scaled: Literal["scores", "queries"] | None = "scores"
    softmax_dtype: str | None = "float32"

    def ops(self, site: Site, run: Pass) -> Iterator[Op]:
        """Yield the operations under ``qkv``, ``core`` and ``out``."""
        qkv, core = site.at("qkv"), site.at("core")
        inner = self.heads * self.head_dim
        queries, rows = run.tokens * inner, run.batch * run.memory
        yield from Projections(self.width, (inner,), self.bias, roles=("q",)).ops(qkv, run.tokens)
        if self.queries_scaled:
            scaled = core.between("q", "q")
            yield scaled.op(Elementwise, function="multiply", outputs=queries, reads=queries)
        if not run.resumed:
            width = self.width if self.memory_width is None else self.memory_width
            beside = qkv.with_alive(queries).between(MEMORY, "")
            yield from Projections(width, (inner, inner), self.bias, roles=("k", "v")).ops(
                beside, rows
            )
        yield core.with_alive(queries).op(
            KvCacheUpdate,
            gives="",
            new=0 if run.resumed else 2 * rows * inner,
            held=2 * rows * inner,
        )
        yield core.op(
            Attention,
            takes=("q", "k", "v"),
            gives="core",
            batch=run.batch,
            heads=self.heads,
            kv_heads=self.heads,
            head_dim=self.head_dim,
            value_dim=self.head_dim,
            queries=run.queries,
            keys=run.memory,
            fixed_keys=True,
            bias=self.position_bias,
            biases=self.biases,
            scaled=self.scaled,
            softmax_dtype=self.softmax_dtype,
            cached=True,
        )
        yield (
            site.at("out")
            .between("core", site.gives)
            .op(
                Linear,
                role="o",
                rows=run.tokens,
                in_features=inner,
                out_features=self.width,
                bias=self.out_bias,
            )
        )
