"""The choice of the keys that each query attends to: an indexer with keys of its own.

Source: DeepSeek-V3.2, section 2.1 (arXiv:2512.02556): a score for each query and key is the sum
over a few heads of w ReLU(q k), and each query attends to the keys with the best scores.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
from attrs import frozen

from flopbench.blocks.linear import NormSpec
from flopbench.blocks.passes import Pass
from flopbench.blocks.rotary import rotation
from flopbench.blocks.site import Site
from flopbench.dims import Dim
from flopbench.ops import Attention, Elementwise, KvCacheUpdate, Linear, MatMul, Op

_DATA = "input of the indexer"
"""A name that nothing gave: the choice is no function with a gradient."""


@frozen(kw_only=True)
class Indexer:
    """Scores all keys for each query by heads that share one key, and chooses the best of them.

    Scores are computed for every key that the cache holds, masked or not, as transformers does.

    Attributes:
        width: of the model, from which keys and the weights of heads are projected.
        query_rank: width of the latent vector that queries are projected from.
        rope_dim: rotated elements of a query or key.
        chosen: the most keys that a query attends to.
    """

    width: Dim
    query_rank: Dim
    heads: Dim
    head_dim: Dim
    rope_dim: Dim
    chosen: Dim
    norm: NormSpec = NormSpec("layer_norm")

    def ops(self, site: Site, run: Pass) -> Iterator[Op]:
        """Yield the projections, the rotation, and for each part of a pass the scores."""
        queries, weights = (site.between(_DATA, name) for name in ("index q", "index weights"))
        keys = site.between(_DATA, "index k")
        yield _projection(queries, "wq_b", run.tokens, self.query_rank, self.heads * self.head_dim)
        yield _projection(keys, "wk", run.tokens, self.width, self.head_dim)
        norm = self.norm.op(keys, run.tokens, self.head_dim)
        yield attrs.evolve(norm, trainable=False)
        turned = rotation(site, run, self.heads + 1, self.rope_dim, takes=(_DATA, _DATA))
        yield turned
        for part in run.parts:
            yield from self._cache(site, part)
            yield from self._scores(site, part)
        yield _projection(weights, "weights_proj", run.tokens, self.width, self.heads)
        scaled = run.tokens * self.heads
        yield weights.op(Elementwise, function="multiply", outputs=scaled, reads=scaled)
        for part in run.parts:
            yield from self._choice(site, part)

    def _cache(self, site: Site, run: Pass) -> Iterator[Op]:
        yield site.op(
            KvCacheUpdate,
            takes=(_DATA,),
            gives="",
            new=run.tokens * self.head_dim,
            held=run.batch * run.last_keys * self.head_dim,
        )

    def _scores(self, site: Site, run: Pass) -> Iterator[Op]:
        """Yield q k for each head, its scale and its ReLU."""
        pairs = _pairs(site, run)
        scores = self.heads * run.batch * pairs.pairs
        last = self.heads * run.tokens * pairs.last_keys
        scored = attrs.evolve(site, steps=1).between(_DATA, "index scores")
        queries = run.tokens * self.heads * self.head_dim
        yield scored.op(
            MatMul,
            batch=run.tokens,
            m=self.heads,
            k=self.head_dim,
            n=pairs.key_visits,
            reads=run.steps * queries,
            writes=scores,
            cache_reads=run.batch * pairs.key_visits * self.head_dim,
            peak_elements=queries + last,
            last_result=last,
        )
        for function, reads in (("multiply", scores), ("relu", None)):
            yield scored.op(
                Elementwise,
                function=function,
                outputs=scores,
                reads=reads,
                peak_elements=2 * last,
                last_result=last,
            )

    def _choice(self, site: Site, run: Pass) -> Iterator[Op]:
        """Yield the sum over heads, the mask and the choice."""
        pairs = _pairs(site, run)
        sums, last = run.batch * pairs.pairs, run.tokens * pairs.last_keys
        scored = attrs.evolve(site, steps=1).between(_DATA, "index scores")
        yield scored.op(
            MatMul,
            batch=run.tokens,
            m=1,
            k=self.heads,
            n=pairs.key_visits,
            reads=self.heads * (run.steps * run.tokens + sums),
            writes=sums,
            peak_elements=self.heads * (run.tokens + last) + last,
            last_result=last,
        )
        sizes: dict[str, Any] = {"outputs": sums, "last_result": last}
        yield scored.op(Elementwise, function="add", peak_elements=3 * last, **sizes)
        chosen = pairs.largest_choices(self.chosen)
        yield scored.op(
            Elementwise,
            function="top_k",
            writes=run.batch * chosen,
            peak_elements=2 * last,
            **sizes,
        )


def _pairs(site: Site, run: Pass) -> Attention:
    """Return an attention of one head, which knows how many keys there are."""
    return site.op(
        Attention,
        batch=run.batch,
        heads=1,
        kv_heads=1,
        head_dim=1,
        value_dim=1,
        queries=run.queries,
        keys=run.keys,
        causal=True,
    )


def _projection(site: Site, role: str, rows: Dim, in_features: Dim, out_features: Dim) -> Linear:
    return site.op(
        Linear,
        role=role,
        rows=rows,
        in_features=in_features,
        out_features=out_features,
        trainable=False,
    )
