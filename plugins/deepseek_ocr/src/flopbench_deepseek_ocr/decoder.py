"""The decoder: a DeepSeek-V2 style mixture of experts with plain multi-head attention.

Sources: DeepSeek-V2 (arXiv:2405.04434) for experts and router, DeepSeek-OCR
(arXiv:2510.18234) for the sizes, RoFormer (arXiv:2104.09864) for rotary positions.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs
from attrs import frozen

from flopbench import MatMul, Op, blocks
from flopbench.blocks import Pass, Site
from flopbench.dims import Dim
from flopbench_deepseek_ocr.architecture import Decoder


@frozen
class AnglesInEveryLayer:
    """Rotary angles as the original code computes them: by a product, in every layer.

    Attributes:
        dim: number of a head's elements that are rotated.
    """

    dim: Dim

    def held(self, run: Pass) -> Dim:
        """Return the number of elements that stay alive during the pass."""
        return 2 * self.dim * run.queries

    def ops(self, site: Site, run: Pass) -> Iterator[Op]:
        """Yield an outer product [frequencies, 1] x [1, positions] per sequence."""
        yield site.op(MatMul, batch=run.batch, m=self.dim // 2, k=1, n=run.queries)
        yield blocks.angle_op(site, run.tokens * self.dim)


def decoder_block(
    decoder: Decoder, *, rope_by_matmul: bool, window: Dim | None = None
) -> blocks.Decoder:
    """Return the decoder as blocks.

    Args:
        window: the maximum number of keys that a query attends to; None for no limit.
        rope_by_matmul: whether every layer computes the rotary angles by a product, as in the
            original code. If not, the model computes them once, elementwise.
    """
    angles = AnglesInEveryLayer if rope_by_matmul else blocks.RotaryAngles
    attention = blocks.SelfAttention(
        width=decoder.width,
        heads=decoder.heads,
        kv_heads=decoder.kv_heads,
        head_dim=decoder.head_dim,
        rope_dim=decoder.head_dim,
        window=window,
    )
    mlp = blocks.GatedMlp(width=decoder.width, inner=decoder.mlp_width)
    groups = (
        blocks.Layers(decoder.dense_layers, attention, mlp),
        blocks.Layers(decoder.moe_layers, attention, _moe(decoder, mlp)),
    )
    return blocks.Decoder(
        embeddings=blocks.Embeddings(vocabulary=decoder.vocabulary, width=decoder.width),
        angles=(angles(decoder.head_dim),),
        groups=tuple(group for group in groups if group.count),
        around=blocks.ResidualNorms(norm=blocks.NormSpec("rms_norm"), width=decoder.width, last=1),
        head=blocks.LmHead(vocabulary=decoder.vocabulary, width=decoder.width),
    )


def _moe(decoder: Decoder, mlp: blocks.GatedMlp) -> blocks.Moe:
    experts, per_token = decoder.experts, decoder.experts_per_token
    return blocks.Moe(
        router=blocks.Router(
            width=decoder.width, experts=experts, per_token=per_token, scaled=True
        ),
        experts=blocks.Experts(
            width=decoder.width, inner=decoder.expert_width, experts=experts, per_token=per_token
        ),
        shared=attrs.evolve(mlp, inner=decoder.shared_experts * decoder.expert_width),
    )
