"""The two ends of a decoder: token and position embeddings, and the LM head."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from flopbench.blocks.linear import NormSpec
from flopbench.blocks.passes import Pass
from flopbench.blocks.site import Site
from flopbench.dims import Dim, at_most_one
from flopbench.ops import STREAM, Elementwise, Embedding, Linear, Op

_TABLE = "tokens"
"""Role of the table of tokens, whose weights a tied head shares; those of positions are its own."""


@frozen(kw_only=True)
class Embeddings:
    """A vector per token, and one per position if positions are learned.

    Attributes:
        width: width of the model.
        positions: entries of the position table; 0 if there is none.
        sinusoids: whether a vector per position is added that is computed, not learned.
        norm: norm of the vectors, if any.
        scaled: whether the vectors are multiplied by a constant.
    """

    vocabulary: Dim
    width: Dim
    positions: Dim = 0
    sinusoids: bool = False
    norm: NormSpec | None = None
    scaled: bool = False

    def ops(self, site: Site, run: Pass) -> Iterator[Op]:
        """Yield the look-ups, and the operations on the vectors."""
        elements = run.tokens * self.width
        yield site.op(
            Embedding,
            role=_TABLE,
            tokens=run.tokens,
            width=self.width,
            entries=self.vocabulary,
        )
        if self.scaled:
            yield site.op(Elementwise, function="multiply", outputs=elements, reads=elements)
        if self.positions:
            vectors = run.queries * self.width  # sequences share them
            yield (
                site.with_alive(elements)
                .between("tokens", "learned positions")
                .op(
                    Embedding,
                    role="positions",
                    tokens=run.queries,
                    width=self.width,
                    entries=self.positions,
                    uses=run.tokens,
                )
            )
            yield site.op(
                Elementwise,
                function="add",
                outputs=elements,
                reads=elements + vectors,
                takes=(STREAM, "learned positions"),
            )
        if self.sinusoids:
            reads = elements + run.queries * self.width
            yield site.op(Elementwise, function="add", outputs=elements, reads=reads)
        if self.norm:
            yield self.norm.op(site, run.tokens, self.width)


@frozen(kw_only=True)
class LmHead:
    """The projection to the vocabulary.

    Attributes:
        tied: whether it shares the weights of the token embeddings.
        scaled: whether the logits are multiplied by a constant.
        scaled_input: whether what all positions give to it is multiplied by a constant.
        softcap: whether the logits are soft-capped.
    """

    vocabulary: Dim
    width: Dim
    tied: bool = False
    bias: bool = False
    scaled: bool = False
    scaled_input: bool = False
    softcap: bool = False

    def ops(self, site: Site, run: Pass) -> Iterator[Op]:
        """Yield the logits of the pass's ``head_rows`` positions per sequence."""
        if self.scaled_input:
            inputs = run.tokens * self.width
            yield site.op(Elementwise, function="multiply", outputs=inputs, reads=inputs)
        rows = run.batch * run.head_rows
        yield site.op(
            Linear,
            role="head",
            rows=rows,
            in_features=self.width,
            out_features=self.vocabulary,
            bias=self.bias and not self.tied,
            weights_shared=self.tied,
            weights_of=f"decoder/embed/{_TABLE}" if self.tied else None,
        )
        logits = rows * self.vocabulary
        if self.bias and self.tied:
            # Tying shares the weights alone; the product adds the head's own bias as it goes.
            yield site.op(
                Elementwise,
                function="bias",
                outputs=logits,
                reads=0,
                writes=0,
                lookup_weights=self.vocabulary,
                lookup_reads=at_most_one(rows) * self.vocabulary,
            )
        if self.scaled:
            yield site.op(Elementwise, function="multiply", outputs=logits, reads=logits)
        if self.softcap:
            yield site.op(Elementwise, function="softcap", outputs=logits)
