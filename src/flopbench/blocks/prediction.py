"""Multi-token prediction: layers that draft the tokens after the next one.

Source: DeepSeek-V3 (arXiv:2412.19437), section 2.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
from attrs import frozen

from flopbench.blocks.decoder import Decoder
from flopbench.blocks.passes import Pass
from flopbench.blocks.site import Site
from flopbench.dims import Dim
from flopbench.ops import Attention, Linear, Op

MODELS_OWN = frozenset({"decoder/embed", "decoder/rope", "lm_head"})
"""Components that the modules share with the model."""


@frozen(kw_only=True)
class MultiTokenPrediction:
    """Modules that follow the last layer of a model, one after the other.

    Each norms the hidden states of the one before and the embeddings of the tokens that follow,
    projects both from twice the width to the width, runs a decoder layer and a last norm, and
    drafts a token with the model's own LM head. Embeddings and LM head are the model's.

    Attributes:
        decoder: the modules as a decoder: their layers, a norm, and the model's two ends.
    """

    decoder: Decoder

    @property
    def modules(self) -> Dim:
        """Number of modules, each with one layer."""
        return self.decoder.layers

    def ops(self, run: Pass) -> Iterator[Op]:
        """Yield the operations of all modules, each of them on all tokens of a pass.

        Those with weights of their own, and their cores, are under ``mtp``. What runs once a module
        with what the model has once (embeddings, angles, LM head) keeps the name that it has there.
        """
        around = attrs.evolve(self.decoder.around, last=self.modules)
        elements = run.tokens * self.decoder.embeddings.width
        yield from self._joined(run, elements)
        for op in attrs.evolve(self.decoder, around=around).ops(run):
            path = op.component
            if path not in MODELS_OWN:
                yield _of_prediction(op)
                continue
            # The hidden states of the module before wait for the embeddings, and for the angles.
            waiting = 0 if path == "lm_head" else elements
            alive = op.alive_meanwhile + waiting
            yield attrs.evolve(op, steps=self.modules * op.steps, alive_meanwhile=alive)

    def _joined(self, run: Pass, elements: Dim) -> Iterator[Op]:
        """Yield both norms, and the projection of what they give, while the angles are alive."""
        width = self.decoder.embeddings.width
        site = Site("mtp", layers=self.modules, steps=run.steps, alive_meanwhile=self._held(run))
        for _ in ("embeddings", "hidden states"):
            yield self.decoder.around.norm.op(
                site.at("norm").with_alive(elements), run.tokens, width
            )
        yield site.at("projection").op(
            Linear, rows=run.tokens, in_features=2 * width, out_features=width
        )

    def _held(self, run: Pass) -> Dim:
        return sum(angles.held(run) for angles in self.decoder.angles)


def _of_prediction(op: Any) -> Any:
    """Return an operation of a layer under ``mtp``."""
    moved = attrs.evolve(op, component=f"mtp/{op.component.removeprefix('decoder/')}")
    if isinstance(op, Attention) and op.latent:
        expansion = attrs.evolve(op.latent, expansion=_of_prediction(op.latent.expansion))
        return attrs.evolve(moved, latent=expansion)
    return moved
