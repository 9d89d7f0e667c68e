"""Blocks for analytic models: frozen values that emit the operations of a part of a model.

A block holds the sizes of its part. Given where it runs (`Site`) and how much goes through it
(rows, or a `Pass`), it yields its operations with all their costs.
"""

from flopbench.blocks.all_experts import AllExperts
from flopbench.blocks.altup import AltUpEmbeddings, AltUpLayers, AltUpNorms
from flopbench.blocks.attention import SelfAttention
from flopbench.blocks.beside_mlp import ExpertsBesideMlp
from flopbench.blocks.cross import CrossAttention
from flopbench.blocks.decoder import AnglesBlock, AttentionBlock, Decoder, Layers
from flopbench.blocks.delta import GatedDeltaNet
from flopbench.blocks.encoder import Encoder, EncoderAttention, EncoderLayers, Segments
from flopbench.blocks.ends import Embeddings, LmHead
from flopbench.blocks.gated_convolution import GatedConvolution
from flopbench.blocks.griffin import RecurrentBranch
from flopbench.blocks.hybrid import Branch, SideBySide
from flopbench.blocks.indexer import Indexer
from flopbench.blocks.latent import LatentAttention
from flopbench.blocks.lightning import LightningAttention, WeightedNorms
from flopbench.blocks.linear import NormSpec, Projections, ResidualNorms
from flopbench.blocks.mlp import GatedMlp, Mlp
from flopbench.blocks.moe import Experts, LatentInput, Moe, Router
from flopbench.blocks.passes import PackedPass, Pass, decode_passes, prefill_pass, stage_passes
from flopbench.blocks.per_layer import PerLayerEmbeddings, PerLayerLayers, PerLayerPart
from flopbench.blocks.prediction import MultiTokenPrediction
from flopbench.blocks.recurrent import Mamba2, ShortConvolution
from flopbench.blocks.relative import RelativePositions
from flopbench.blocks.rotary import RotaryAngles, angle_op
from flopbench.blocks.rwkv import ChannelMix, RwkvLayers, TimeMix
from flopbench.blocks.sam import WindowedEncoder, halved_twice
from flopbench.blocks.selective import Mamba
from flopbench.blocks.shared import AfterShared, SharedTransformer
from flopbench.blocks.site import Site
from flopbench.blocks.vision import PatchStem, Positions

__all__ = [
    "AfterShared",
    "AllExperts",
    "AltUpEmbeddings",
    "AltUpLayers",
    "AltUpNorms",
    "AnglesBlock",
    "AttentionBlock",
    "Branch",
    "ChannelMix",
    "CrossAttention",
    "Decoder",
    "Embeddings",
    "Encoder",
    "EncoderAttention",
    "EncoderLayers",
    "Experts",
    "ExpertsBesideMlp",
    "GatedConvolution",
    "GatedDeltaNet",
    "GatedMlp",
    "Indexer",
    "LatentAttention",
    "LatentInput",
    "Layers",
    "LightningAttention",
    "LmHead",
    "Mamba",
    "Mamba2",
    "Mlp",
    "Moe",
    "MultiTokenPrediction",
    "NormSpec",
    "PackedPass",
    "Pass",
    "PatchStem",
    "PerLayerEmbeddings",
    "PerLayerLayers",
    "PerLayerPart",
    "Positions",
    "Projections",
    "RecurrentBranch",
    "RelativePositions",
    "ResidualNorms",
    "RotaryAngles",
    "Router",
    "RwkvLayers",
    "Segments",
    "SelfAttention",
    "SharedTransformer",
    "ShortConvolution",
    "SideBySide",
    "Site",
    "TimeMix",
    "WeightedNorms",
    "WindowedEncoder",
    "angle_op",
    "decode_passes",
    "halved_twice",
    "prefill_pass",
    "stage_passes",
]
