"""Kosmos-2.5: Pix2Struct's tower, learned queries that read what it gives, and a decoder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flopbench import Attention, Elementwise, Embedding, Linear, Op
from flopbench.blocks import (
    Decoder,
    Embeddings,
    Encoder,
    EncoderAttention,
    EncoderLayers,
    GatedMlp,
    Layers,
    LmHead,
    Mlp,
    NormSpec,
    Projections,
    ResidualNorms,
    Segments,
    SelfAttention,
    Site,
)
from flopbench.dims import Dim
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.batch import passes
from flopbench_transformers_lm.families.fields import Fields, NotCoveredError
from flopbench_transformers_lm.families.parts import LAYER_NORM, RMS
from flopbench_transformers_vlm.families.family import Family
from flopbench_transformers_vlm.families.pix2struct import embedded, filled
from flopbench_transformers_vlm.workload import Cut, View, Workload

UNIT_NORM = NormSpec("rms_norm", parameters=0)
"""Vectors are divided by their length, which costs as much as by their root mean square."""


class Kosmos25(Family):
    """Kosmos-2.5: as many tokens as learned queries, whatever the page."""

    source = "Kosmos-2.5 (arXiv:2309.11419)"
    processor = "Kosmos2_5ImageProcessor"
    sizes = ()
    most_images = 1

    def cut(self, width: int, height: int) -> Cut:
        view = filled(self.config, width, height)
        return Cut((view,), self.config.whole.size("latent_query_num"), separators=2)

    def vision(self, views: Sequence[View]) -> Iterator[Op]:
        return self._images(sum(view.count for view in views))

    def _images(self, count: Dim) -> Iterator[Op]:
        fields, site = self.config.vision, Site("vision")
        patches = self.config.settings.size("max_patches")
        width, rows = fields.width, count * patches
        most = fields.size("max_num_patches")
        yield from embedded(site.at("patch_embed"), fields, rows, most)
        attention = EncoderAttention(
            width=width,
            heads=fields.heads,
            head_dim=fields.size("head_dim"),
            bias=False,
            position_bias="a mask of what fills up",
        )
        mlp = GatedMlp(
            width=width,
            inner=fields.size("intermediate_size"),
            activation=fields.activation("dense_act_fn"),
        )
        layers = Encoder(
            layers=fields.layers, attention=attention, rest=EncoderLayers(mlp=mlp, norm=RMS)
        )
        yield from layers.ops(site, [Segments(count, patches)])
        yield RMS.op(site.at("norm"), rows, width)
        yield from self._read(site.at("projector"), count, patches)

    def _read(self, site: Site, count: Dim, patches: int) -> Iterator[Op]:
        """Yield attention of learned queries to what the tower gives, and to themselves."""
        text, queries = self._text, self.config.whole.size("latent_query_num")
        width, heads = text.size("embed_dim"), text.size("attention_heads")
        before, keys = self.config.vision.width, patches + queries
        yield UNIT_NORM.op(site, count * patches, before)
        yield site.op(
            Linear,
            role="dense",
            rows=count * patches,
            in_features=before,
            out_features=width,
            bias=True,
        )
        yield site.between("learned", "queries").op(
            Embedding, tokens=queries, width=width, entries=queries
        )
        reads = Projections(width, (width, width), biases=True, roles=("k", "v"))
        yield from reads.ops(site, count * keys)
        asks = Projections(width, (width,), biases=True, roles=("q",))
        yield from asks.ops(site.between("queries", "q"), count * queries)
        made = count * queries * width
        scaled = site.between("q", "q")
        yield scaled.op(Elementwise, function="multiply", outputs=made, reads=made)
        yield site.op(
            Attention,
            takes=("q", "k", "v"),
            gives="core",
            batch=count,
            heads=heads,
            kv_heads=heads,
            head_dim=width // heads,
            value_dim=width // heads,
            queries=queries,
            keys=keys,
            fixed_keys=True,
        )
        yield site.between("core", "features").op(
            Linear, role="o", rows=count * queries, in_features=width, out_features=width, bias=True
        )

    @property
    def _text(self) -> Fields:
        return Fields(self.config.language)

    @property
    def _decoder(self) -> Decoder:
        """The decoder: scaled queries, sinusoids, and a norm within the MLP."""
        fields = self._text
        width, heads = fields.size("embed_dim"), fields.size("attention_heads")
        attention = SelfAttention(
            width=width,
            heads=heads,
            kv_heads=heads,
            head_dim=width // heads,
            qkv_bias=True,
            out_bias=True,
            queries_scaled="constant",
        )
        mlp = Mlp(
            width=width,
            inner=fields.size("ffn_dim"),
            activation=fields.activation("activation_function"),
            bias=True,
            norm=LAYER_NORM,
        )
        vocabulary = fields.vocabulary
        tied = self.config.whole.flag("tie_word_embeddings")
        return Decoder(
            embeddings=Embeddings(vocabulary=vocabulary, width=width, scaled=True, sinusoids=True),
            groups=(Layers(fields.size("layers"), attention, mlp),),
            around=ResidualNorms(norm=LAYER_NORM, width=width, last=1),
            head=LmHead(vocabulary=vocabulary, width=width, tied=tied),
        )

    def text(self, language: HfModel, stage: str, workload: Workload) -> Iterator[Op]:
        run = passes(stage, workload.text)
        # A vector tells the positions of an image from those of text.
        width = self._text.size("embed_dim")
        segments = Site("decoder/embed", steps=run.steps, takes="segments", gives="segments")
        yield segments.op(Embedding, role="segments", tokens=run.tokens, width=width, entries=2)
        yield from self._decoder.ops(run)

    def text_not_covered(self, language: HfModel) -> str | None:
        try:
            _ = self._decoder
        except NotCoveredError as error:
            return str(error)
        return None


FAMILIES = {"kosmos-2.5": Kosmos25}
