"""Multi-head latent attention (DeepSeek-V2, arXiv:2405.04434), with keys and values expanded.

The KV cache holds a latent vector and one rotated key per token. At every step the keys and
values of all heads are expanded from the whole cache, as transformers does, unless an attention
mode works on the latents as they are (`flopbench.AttentionMode.on_latents`).
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs
from attrs import frozen

from flopbench.blocks.indexer import Indexer
from flopbench.blocks.linear import NormSpec
from flopbench.blocks.passes import Pass
from flopbench.blocks.rotary import rotation
from flopbench.blocks.site import Site
from flopbench.dims import Dim
from flopbench.ops import Attention, LatentKeys, Linear, Norm, Op


@frozen(kw_only=True)
class LatentAttention:
    """Causal attention whose keys and values are expanded from a cached latent vector.

    Attributes:
        query_rank: width of the queries' latent vector; None if they have none.
        kv_rank: width of the latent vector of keys and values.
        nope_dim, rope_dim: unrotated and rotated elements of a query or key head.
        value_dim: width of a value head.
        rotated: whether the elements that may be rotated are.
        bias: whether the projections from and to the model's width have a bias. The query
            projection has none if queries have no latent vector.
        indexer: what chooses the keys that a query attends to, if something does.
        chosen: the most keys that are chosen, by its own indexer or by that of a layer before.
    """

    width: Dim
    heads: Dim
    query_rank: Dim | None
    kv_rank: Dim
    nope_dim: Dim
    rope_dim: Dim
    value_dim: Dim
    rotated: bool = True
    bias: bool = False
    norm: NormSpec = NormSpec("rms_norm")
    indexer: Indexer | None = None
    chosen: Dim | None = None

    @property
    def head_dim(self) -> Dim:
        """Width of a query or key head."""
        return self.nope_dim + self.rope_dim

    def ops(self, site: Site, run: Pass) -> Iterator[Op]:
        """Yield the operations under ``qkv``, ``core`` and ``out``."""
        qkv, core = site.at("qkv"), site.at("core")
        queries = run.tokens * self.heads * self.head_dim
        yield from self._queries(qkv, run.tokens)
        yield from self._latents(qkv.with_alive(queries), run.tokens)
        beside = core.with_alive(queries + run.tokens * self.kv_rank)
        if self.rotated:
            yield rotation(beside, run, self.heads + 1, self.rope_dim, takes=("q", "latent"))
        if self.indexer is not None:
            yield from self.indexer.ops(site.at("indexer").with_alive(queries), run)
        yield from self._cores(qkv.with_alive(queries), core, run)
        yield (
            site.at("out")
            .between("core", site.gives)
            .op(
                Linear,
                role="o",
                rows=run.tokens,
                in_features=self.heads * self.value_dim,
                out_features=self.width,
                bias=self.bias,
            )
        )

    def _queries(self, site: Site, tokens: Dim) -> Iterator[Op]:
        width, bias = self.heads * self.head_dim, self.bias
        if self.query_rank is None:
            yield _linear(site.between(site.takes, "q"), "q", tokens, self.width, width)
            return
        # The layer's input stays alive until the latents of keys and values are computed.
        site = site.with_alive(tokens * self.width)
        inside, first = site.between("q", "q"), site.between(site.takes, "q")
        yield _linear(first, "q_a", tokens, self.width, self.query_rank, bias=bias)
        yield self.norm.op(inside, tokens, self.query_rank)
        yield _linear(inside, "q_b", tokens, self.query_rank, width)

    def _latents(self, site: Site, tokens: Dim) -> Iterator[Op]:
        latents, first = self.kv_rank + self.rope_dim, site.between(site.takes, "latent")
        yield _linear(first, "kv_a", tokens, self.width, latents, bias=self.bias)
        inside = site.with_alive(tokens * latents).between("latent", "normed latent")
        norm: Norm = self.norm.op(inside, tokens, self.kv_rank)
        yield norm

    def _cores(self, qkv: Site, core: Site, run: Pass) -> Iterator[Attention]:
        """Yield the core of each part of a pass, while what the others need is alive."""
        for index, part in enumerate(run.parts):
            before, after = run.parts[:index], run.parts[index + 1 :]
            outputs = sum(each.tokens * self.value_dim for each in before)
            queries = sum(each.tokens * self.head_dim for each in after)
            keys = sum(_last_keys(each) for each in (*before, *after))
            alive = outputs + queries + keys * (self.head_dim + self.value_dim)
            expanded = self.heads * (self.nope_dim + self.value_dim)
            others = qkv.with_alive(keys * expanded)
            found = self._core(core.with_alive(self.heads * alive), part)
            expansion = self._expansion(others, found, first=not index)
            latent = LatentKeys(rank=self.kv_rank, rope_dim=self.rope_dim, expansion=expansion)
            yield attrs.evolve(found, latent=latent)

    def _expansion(self, site: Site, core: Attention, *, first: bool) -> Linear:
        """Return the expansion of the whole cache to all heads' keys and values, at every step.

        Its rows are the sum over all steps, because each step has a different number of keys. The
        parts of a packed pass are expanded by one product, which reads the weights once.
        """
        place = attrs.evolve(site, steps=1).between("normed latent", "kv")
        visits, expanded = (
            core.batch * core.key_visits,
            self.heads * (self.nope_dim + self.value_dim),
        )
        product = _linear(place, "kv_b", visits, self.kv_rank, expanded)
        last = core.batch * core.last_keys * expanded
        return attrs.evolve(
            product,
            passes=core.steps if first else 0,
            weights_shared=not first,
            reads=0,
            cache_reads=visits * self.kv_rank,
            peak_elements=last,
            last_result=last,
        )

    def _core(self, site: Site, run: Pass) -> Attention:
        return site.op(
            Attention,
            takes=("q", "kv", "kv"),
            gives="core",
            batch=run.batch,
            heads=self.heads,
            kv_heads=self.heads,
            head_dim=self.head_dim,
            value_dim=self.value_dim,
            queries=run.queries,
            keys=run.keys,
            causal=True,
            chosen=self.chosen,
            cached=True,
            keeps_cache=True,
        )


def _last_keys(run: Pass) -> Dim:
    """Return the tokens of all sequences of a part after its last pass."""
    return run.batch * run.last_keys


def _linear(
    site: Site, role: str, rows: Dim, in_features: Dim, out_features: Dim, *, bias: bool = False
) -> Linear:
    return site.op(
        Linear,
        role=role,
        rows=rows,
        in_features=in_features,
        out_features=out_features,
        bias=bias,
    )
