"""DeepSeek-OCR's dimensions, and how to read them from the published checkpoint's config.json.

Sources of the values: ``config.json`` of the checkpoint deepseek-ai/DeepSeek-OCR on the
Hugging Face hub (``language_config``, ``vision_config.width``, ``projector_config``); and,
for what that file leaves to the code beside it (``deepencoder.py``), SAM ViT-B
(Kirillov et al., arXiv:2304.02643) and CLIP ViT-L (Radford et al., arXiv:2103.00020).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from flopbench import UsageError
from flopbench.dims import DTYPE_BYTES, is_symbolic
from flopbench.inputs import read_config_json


def at_least(low: int) -> Any:
    """Validate an int of at least ``low``, or a symbol in its place."""
    number = attrs.validators.and_(attrs.validators.instance_of(int), attrs.validators.ge(low))

    def validate(instance: object, attribute: Any, value: Any) -> None:
        if not is_symbolic(value):
            number(instance, attribute, value)

    return validate


def size(default: int) -> Any:
    """Declare a dimension of at least 1, or a symbol in its place."""
    return attrs.field(default=default, validator=at_least(1))


def require(holds: Any, problem: str) -> None:
    """Reject dimensions that do not fit; a condition that symbols leave undecided passes.

    Raises:
        ValueError: ``holds`` is false.
    """
    undecided = bool(getattr(holds, "free_symbols", ()))  # a relation of symbols
    if not undecided and not holds:
        raise ValueError(problem)


@frozen(kw_only=True)
class Sam:
    """The SAM ViT-B image encoder with its neck and two stride-2 convolutions."""

    layers: int = size(12)
    width: int = size(768)
    heads: int = size(12)
    mlp_width: int = size(3072)
    in_channels: int = size(3)
    patch_size: int = size(16)
    window: int = size(14)
    global_layers: tuple[int, ...] = (2, 5, 8, 11)
    neck_channels: int = size(256)
    downsample_channels: tuple[int, int] = (512, 1024)
    pretrained_size: int = size(1024)

    def __attrs_post_init__(self) -> None:
        require(self.width % self.heads == 0, "SAM's width must be a multiple of its heads")
        for layer in self.global_layers:
            require(
                layer >= 0 and self.layers > layer,
                f"SAM's global attention layers must lie in 0..{self.layers - 1}",
            )
        require(
            len(set(self.global_layers)) == len(self.global_layers),
            f"SAM's global attention layers must be distinct, got {list(self.global_layers)}",
        )

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.width // self.heads


@frozen(kw_only=True)
class Clip:
    """The CLIP ViT-L encoder, which takes SAM's features for its patch embeddings."""

    layers: int = size(24)
    width: int = size(1024)
    heads: int = size(16)
    mlp_width: int = size(4096)
    pretrained_size: int = size(224)
    patch_size: int = size(14)

    def __attrs_post_init__(self) -> None:
        require(self.width % self.heads == 0, "CLIP's width must be a multiple of its heads")

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.width // self.heads


@frozen(kw_only=True)
class Decoder:
    """The DeepSeek-V2 style mixture-of-experts decoder with plain multi-head attention.

    Attributes:
        reference_window: generated tokens, itself included, that a generated token attends to
            besides the whole prefill; None for all. DeepSeek-OCR has none, Unlimited-OCR has one.
    """

    layers: int = size(12)
    dense_layers: int = attrs.field(default=1, validator=at_least(0))
    width: int = size(1280)
    heads: int = size(10)
    kv_heads: int = size(10)
    mlp_width: int = size(6848)
    experts: int = size(64)
    experts_per_token: int = size(6)
    shared_experts: int = size(2)
    expert_width: int = size(896)
    vocabulary: int = size(129280)
    reference_window: int | None = attrs.field(
        default=None, validator=attrs.validators.optional(at_least(1))
    )

    def __attrs_post_init__(self) -> None:
        require(self.width % self.heads == 0, "the hidden size must be a multiple of the heads")
        require(self.heads % self.kv_heads == 0, "the heads must be a multiple of the KV heads")
        require(
            self.experts_per_token <= self.experts,
            "a token cannot be routed to more experts than there are",
        )
        require(self.dense_layers <= self.layers, "there cannot be more dense layers than layers")

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.width // self.heads

    @property
    def cache_shapes(self) -> list[tuple[int, int, int]]:
        """Each layer's heads, and widths of a key and of a value, in the KV cache."""
        return [(self.kv_heads, self.head_dim, self.head_dim)] * self.layers

    @property
    def moe_layers(self) -> int:
        """Layers with routed experts."""
        return self.layers - self.dense_layers


@frozen(kw_only=True)
class Architecture:
    """All of DeepSeek-OCR; the defaults are the published model."""

    sam: Sam = Sam()
    clip: Clip = Clip()
    decoder: Decoder = Decoder()

    def __attrs_post_init__(self) -> None:
        require(
            self.sam.downsample_channels[1] == self.clip.width,
            "SAM's last channel count must be CLIP's width",
        )

    @property
    def projector_width(self) -> int:
        """Width of the projector's input: CLIP's features and SAM's, side by side."""
        return self.clip.width + self.sam.downsample_channels[1]


class _Config:
    """A config.json whose missing or wrong fields become one-sentence errors."""

    def __init__(self, path: Path, values: Any, prefix: str = "") -> None:
        self.path, self.values, self.prefix = path, values, prefix

    def _get(self, key: str) -> Any:
        if not isinstance(self.values, Mapping) or key not in self.values:
            raise UsageError(f"{self.path} lacks the field {self.prefix}{key}")
        return self.values[key]

    def section(self, key: str) -> _Config:
        value = self._get(key)
        if not isinstance(value, Mapping):
            raise self.wrong(key, value, "an object")
        return _Config(self.path, value, f"{self.prefix}{key}.")

    def size(self, key: str) -> int:
        value = self._get(key)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self.wrong(key, value, "an integer of at least 0")
        return value

    def sizes(self, key: str, length: int | None = None) -> tuple[int, ...]:
        value = self._get(key)
        integers = isinstance(value, list) and all(type(v) is int and v >= 0 for v in value)
        if not integers or (length is not None and len(value) != length):
            raise self.wrong(
                key, value, "a list of " + (f"{length} " if length else "") + "integers"
            )
        return tuple(value)

    def expect(self, **wanted: Any) -> None:
        """Reject a field that is present and describes another kind of model."""
        for key, right in wanted.items():
            value = self.values.get(key, right)
            if value != right:
                raise self.wrong(key, value, f"{json.dumps(right)}, as in DeepSeek-OCR")

    def wrong(self, key: str, value: Any, right: str) -> UsageError:
        return UsageError(
            f"{self.path}: {self.prefix}{key} must be {right}, got {json.dumps(value)}"
        )


def read_architecture(path: Path, *, windowed: bool = False) -> Architecture:
    """Read the architecture from a ``config.json`` in the published checkpoint's format.

    Args:
        windowed: whether the decoder has a reference window (the field ``sliding_window``).

    Raises:
        UsageError: the file cannot be read, lacks a field, or describes another kind of model.
    """
    config = _Config(path, read_config_json(path))
    try:
        return _windowed(config) if windowed else _without_window(config)
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from error


def _windowed(config: _Config) -> Architecture:
    architecture = _architecture(config)
    window = config.size("sliding_window")
    decoder = attrs.evolve(architecture.decoder, reference_window=window)
    return attrs.evolve(architecture, decoder=decoder)


def _without_window(config: _Config) -> Architecture:
    config.expect(sliding_window=None)
    return _architecture(config)


def read_dtype(path: Path) -> str | None:
    """Return the ``torch_dtype`` (or ``dtype``) of a config.json, if it has one.

    The file must have been read successfully before.

    Raises:
        UsageError: the dtype is not one whose size is known.
    """
    config = _Config(path, read_config_json(path))
    for key in ("torch_dtype", "dtype"):
        dtype = config.values.get(key)
        if dtype is not None and (not isinstance(dtype, str) or dtype not in DTYPE_BYTES):
            raise config.wrong(key, dtype, "one of " + ", ".join(DTYPE_BYTES))
        if dtype is not None:
            return str(dtype)
    return None


def _architecture(config: _Config) -> Architecture:
    encoders = config.section("vision_config").section("width")
    architecture = Architecture(
        sam=_sam(encoders.section("sam_vit_b")),
        clip=_clip(encoders.section("clip-l-14-224")),
        decoder=_decoder(config.section("language_config")),
    )
    projector = config.section("projector_config")
    projector.expect(projector_type="linear")
    for key, wanted in (
        ("input_dim", architecture.projector_width),
        ("n_embed", architecture.decoder.width),
    ):
        if projector.size(key) != wanted:
            raise projector.wrong(key, projector.size(key), f"{wanted}, to match its neighbour")
    return architecture


def _sam(config: _Config) -> Sam:
    config.expect(patch_size=16, window_size=14)
    width = config.size("width")
    first, last = config.sizes("downsample_channels", length=2)
    return Sam(
        layers=config.size("layers"),
        width=width,
        heads=config.size("heads"),
        mlp_width=4 * width,
        global_layers=config.sizes("global_attn_indexes"),
        downsample_channels=(first, last),
    )


def _clip(config: _Config) -> Clip:
    config.expect(image_size=224, patch_size=14)
    width = config.size("width")
    return Clip(
        layers=config.size("layers"),
        width=width,
        heads=config.size("heads"),
        mlp_width=4 * width,
    )


def _decoder(config: _Config) -> Decoder:
    config.expect(
        use_mla=False,
        q_lora_rank=None,
        kv_lora_rank=None,
        attention_bias=False,
        mlp_bias=False,
        hidden_act="silu",
        moe_layer_freq=1,
        topk_method="greedy",
        n_group=1,
        topk_group=1,
    )
    return Decoder(
        layers=config.size("num_hidden_layers"),
        dense_layers=config.size("first_k_dense_replace"),
        width=config.size("hidden_size"),
        heads=config.size("num_attention_heads"),
        kv_heads=config.size("num_key_value_heads"),
        mlp_width=config.size("intermediate_size"),
        experts=config.size("n_routed_experts"),
        experts_per_token=config.size("num_experts_per_tok"),
        shared_experts=config.size("n_shared_experts"),
        expert_width=config.size("moe_intermediate_size"),
        vocabulary=config.size("vocab_size"),
    )
