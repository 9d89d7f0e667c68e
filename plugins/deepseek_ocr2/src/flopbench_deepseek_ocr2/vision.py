"""The vision tower: DeepSeek-OCR's SAM, then a language model as encoder, and the projector.

The encoder reads a view's features from SAM, then an equal number of learned queries. Features
attend to each other in both directions; a query attends to the features and the queries before
it (DeepSeek-OCR 2, arXiv:2601.20552). The outputs for the queries become the image tokens.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from flopbench import Attention, Embedding, Linear, Op, Rope
from flopbench.blocks import (
    GatedMlp,
    NormSpec,
    Pass,
    Projections,
    ResidualNorms,
    RotaryAngles,
    Site,
)
from flopbench.dims import Dim, where
from flopbench.ops import Unit
from flopbench_deepseek_ocr.vision import page_ops, projector_op, sam_ops
from flopbench_deepseek_ocr.workload import View, Workload
from flopbench_deepseek_ocr2.architecture import QUERIES, Architecture, Encoder


def vision_ops(architecture: Architecture, workload: Workload) -> Iterator[Op]:
    """Yield the operations that turn all views of the pages into image tokens."""
    for size, queries in QUERIES.items():
        yield Embedding(
            component="vision/encoder/queries",
            tokens=sum(
                where(view.size == size, view.count * queries, 0) for view in workload.views
            ),
            width=architecture.encoder.width,
            entries=queries,
        )
    yield from page_ops(
        workload,
        architecture.decoder.width,
        lambda view: _view_ops(architecture, view),
        entries=1,
    )


def _view_ops(architecture: Architecture, view: View) -> Iterator[Op]:
    encoder = architecture.encoder
    yield from sam_ops(architecture.sam, view)
    yield from _encoder_ops(encoder, view.count, view.tokens)
    yield projector_op(view, encoder.width, architecture.decoder.width)


def _encoder_ops(encoder: Encoder, images: Dim, patches: Dim) -> Iterator[Op]:
    """Encode ``patches`` features of each image, and as many queries."""
    tokens = 2 * patches
    rows = images * tokens
    site = Site("vision/encoder")
    angles = RotaryAngles(encoder.head_dim)
    # The angles are computed for one sequence, and all images share them. Features and queries
    # stay alive meanwhile.
    one = Pass(batch=1, queries=tokens, keys=tokens, head_rows=0)
    yield from angles.ops(site.with_alive(rows * encoder.width).at("rope"), one)
    around = ResidualNorms(norm=NormSpec("rms_norm"), width=encoder.width, last=1)
    mlp = GatedMlp(width=encoder.width, inner=encoder.mlp_width)
    unit = Unit.of_all("encoder", encoder.layers)
    site = site.with_alive(angles.held(one))
    every = attrs.evolve(site, layers=encoder.layers, unit=unit)
    within = every.with_alive(rows * encoder.width)
    place = within.at("attention"), within.at("mlp")
    yield from around.layer(
        every.at("norm"),
        rows,
        lambda takes, gives: _attention(
            encoder, place[0].between(takes, gives), images, tokens, patches
        ),
        lambda takes, gives: mlp.ops(place[1].between(takes, gives), rows),
    )
    yield from around.end(site.at("norm"), rows)


def _attention(
    encoder: Encoder, site: Site, images: Dim, tokens: Dim, patches: Dim
) -> Iterator[Op]:
    rows, head_dim = images * tokens, encoder.head_dim
    heads, kv_heads = encoder.heads, encoder.kv_heads
    widths = (heads * head_dim, kv_heads * head_dim, kv_heads * head_dim)
    roles = ("q", "k", "v")
    yield from Projections(encoder.width, widths, biases=True, roles=roles).ops(
        site.at("qkv"), rows
    )
    # The values stay alive besides the residual; the angles do not count, being operands.
    values = rows * kv_heads * head_dim - 2 * head_dim * tokens
    yield (
        site.at("core")
        .with_alive(values)
        .op(
            Rope,
            tokens=rows,
            heads=heads + kv_heads,
            head_dim=head_dim,
            positions=tokens,
            takes=roles[:2],
            gives="",
        )
    )
    yield site.at("core").op(
        Attention,
        takes=roles,
        gives="core",
        batch=images,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        value_dim=head_dim,
        queries=tokens,
        keys=tokens,
        causal=True,
        prefix=patches,
    )
    yield site.at("out").op(
        Linear,
        role="o",
        takes=("core",),
        rows=rows,
        in_features=heads * head_dim,
        out_features=encoder.width,
    )
