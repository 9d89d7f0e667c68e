"""DeepSeek-OCR as transformers implements it, built on the meta device without weights.

transformers ships DeepSeek-OCR's modules as ``UnlimitedOcr*``: the same SAM, CLIP,
projector and mixture-of-experts decoder, which becomes DeepSeek-OCR's with full attention
in every layer. Experts run as ``batched_mm``: the ``grouped_mm`` default has no formula in
torch's registry, and ``eager`` experts loop over data that meta tensors do not have.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import cached_property
from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any, ClassVar

from flopbench import CountError, UsageError, VendorCall, VendorStage
from flopbench.dims import is_traced
from flopbench.training_step import TrainOptions
from flopbench.vendor.transformers import ATTENTION, EXPERTS, fill_cache, require_eager
from flopbench_deepseek_ocr.architecture import Clip, Decoder, Sam
from flopbench_deepseek_ocr.workload import Workload

if TYPE_CHECKING:
    from flopbench_deepseek_ocr.vendor_training import TrainedPages

VIEW_BY_VIEW = (
    "vision is traced view by view; the assembly of a page's tokens, which loops over pages and "
    "multiplies no matrices, is left out"
)

_SAM = r"model\.vision_tower\.sam_encoder"
_CLIP = r"model\.vision_tower\.vision_encoder"
_LAYER = r"model\.language_model\.layers\.\d+"


class PagesInTransformers(ABC):
    """transformers' implementation of a page model, on meta tensors.

    DeepSeek-OCR and its neighbours share it; they differ in what follows SAM.
    """

    package: ClassVar[str] = "unlimited_ocr"
    prefix: ClassVar[str] = "UnlimitedOcr"
    """Package in ``transformers.models``, and prefix of the class names, of the implementation."""

    components: tuple[tuple[str, str], ...] = (
        (r"model$", "vision/projector/separators"),
        (_SAM + r"(\.patch_embed|$)", "vision/sam/patch_embed"),
        (_SAM + r"\.layers\.\d+\.attn\.qkv", "vision/sam/attention/qkv"),
        (_SAM + r"\.layers\.\d+\.attn\.proj", "vision/sam/attention/out"),
        (_SAM + r"\.layers\.\d+\.attn", "vision/sam/attention/core"),
        (_SAM + r"\.layers\.\d+\.mlp", "vision/sam/mlp"),
        (_SAM + r"\.neck", "vision/sam/neck"),
        (_SAM + r"\.proj", "vision/sam/downsample"),
        (_CLIP + r"\.encoder\.layers\.\d+\.self_attn\.[qkv]_proj", "vision/clip/attention/qkv"),
        (_CLIP + r"\.encoder\.layers\.\d+\.self_attn\.out_proj", "vision/clip/attention/out"),
        (_CLIP + r"\.encoder\.layers\.\d+\.self_attn", "vision/clip/attention/core"),
        (_CLIP + r"\.encoder\.layers\.\d+\.mlp", "vision/clip/mlp"),
        (_SAM + r"\.layers\.\d+\.layer_norm[12]", "vision/sam/norm"),
        (_CLIP + r"\.encoder\.layers\.\d+\.layer_norm[12]", "vision/clip/norm"),
        (_CLIP + r"\.(embeddings|pre_layrnorm)", "vision/clip/embed"),
        (_LAYER + r"\.(input|post_attention)_layernorm", "decoder/norm"),
        (r"model\.language_model\.norm", "decoder/norm"),
        (r"model\.language_model\.embed_tokens", "decoder/embed"),
        (r"model\.multi_modal_projector", "vision/projector"),
        (_LAYER + r"\.self_attn\.[qkv]_proj", "decoder/attention/qkv"),
        (_LAYER + r"\.self_attn\.o_proj", "decoder/attention/out"),
        (_LAYER + r"\.self_attn", "decoder/attention/core"),
        (_LAYER + r"\.mlp\.gate", "decoder/moe/router"),
        (_LAYER + r"\.mlp\.experts", "decoder/moe/experts"),
        (_LAYER + r"\.mlp\.shared_experts", "decoder/moe/shared"),
        (_LAYER + r"\.mlp", "decoder/mlp"),
        (r"model\.language_model\.rotary_emb", "decoder/rope"),
        (r"lm_head", "lm_head"),
    )

    def __init__(self, architecture: Any) -> None:
        """Take the architecture, which has a ``sam`` and a ``decoder``; nothing is built yet.

        Raises:
            UsageError: transformers' implementation does not support this architecture.
        """
        heads, kv_heads = architecture.decoder.heads, architecture.decoder.kv_heads
        if kv_heads != heads:
            raise UsageError(
                f"transformers' DeepSeek-OCR needs as many KV heads as heads ({heads}), "
                f"got {kv_heads}: use --analytic-only"
            )
        if architecture.decoder.reference_window == 1:
            # Its cache keeps the last window - 1 tokens by a slice; a slice of the last 0 is all.
            raise UsageError(
                "transformers' cache needs a reference window of at least 2, got 1: "
                "use --analytic-only"
            )
        self._architecture = architecture
        self._trained: dict[TrainOptions, TrainedPages] = {}

    @cached_property
    def model(self) -> Any:
        """The ``torch.nn.Module``, on the meta device.

        Raises:
            UsageError: torch or a suitable transformers is not installed.
            CountError: transformers did not use the requested attention.
        """
        torch = import_torch()
        with torch.device("meta"):
            model = self.build(attn_implementation=ATTENTION, experts_implementation=EXPERTS)
        require_eager(model)
        return model.eval()

    def build(self, **settings: Any) -> Any:
        """Build the module on the current device, with settings of transformers' from_config."""
        configuration, modeling = import_modeling(self.package, self.prefix)
        # transformers' from_config for a class that no AutoModel maps to.
        return modeling._from_config(configuration(**self.config()), **settings)  # noqa: SLF001

    def config(self) -> dict[str, Any]:
        """Return the architecture as fields of transformers' config."""
        sam = sam_config(self._architecture.sam)
        return {
            "vision_config": {"sam_config": sam, "encoder_config": self.encoder_config()},
            "text_config": decoder_config(self._architecture.decoder),
        }

    @abstractmethod
    def encoder_config(self) -> dict[str, Any]:
        """Return the dimensions of what follows SAM as fields of transformers' config."""

    def stage(self, name: str, workload: Workload) -> VendorStage:
        """Build the calls of a stage; step k of decode finds context + k - 1 cached keys.

        Raises:
            UsageError: torch or a suitable transformers is not installed.
        """
        import_torch()
        import_modeling(self.package, self.prefix)
        if name == "vision":
            if any(is_traced(view.count) for view in workload.views):
                return VendorStage(
                    lambda _step: VendorCall(self.model, self.views_encoder(workload)),
                    assumptions=(VIEW_BY_VIEW,),
                )
            return VendorStage(lambda _step: VendorCall(self.model, self.pages_encoder(workload)))
        if name == "prefill":
            return VendorStage(lambda _step: self._prefill(workload))
        return VendorStage(
            lambda step: self._decode(workload, step),
            steps=workload.decode_steps,
            assumptions=("each decode step is called on a cache built to its length",),
        )

    def training(
        self,
        workloads: Mapping[str, Workload],
        options: TrainOptions,
        component_of: Callable[[str], str],
    ) -> VendorStage:
        """Build the call of a training step, on a module of its own.

        Raises:
            UsageError: a pattern of the options matches nothing.
            CountError: a stage is not one that is trained, or transformers cannot recompute it.
        """
        from flopbench_deepseek_ocr.vendor_training import TrainedPages

        if options not in self._trained:
            pages = type(self)(self._architecture)
            self._trained[options] = TrainedPages(pages, options, component_of)
        return self._trained[options].stage(workloads)

    def provenance(self) -> Mapping[str, str]:
        """Return the implementation and its settings."""
        return {
            "implementation": f"{self.prefix}ForConditionalGeneration",
            "transformers": metadata.version("transformers"),
            "attention": ATTENTION,
            "experts": EXPERTS,
            "device": "meta",
        }

    def pages_encoder(self, workload: Workload) -> Callable[[], list[Any]]:
        """Return what encodes the pages, into the tokens of each.

        It raises CountError if they are not as many as the workload's image tokens.
        """
        pages, tiles = workload.batch_size, workload.tiles
        arguments: dict[str, Any] = {"pixel_values": self._pixels(pages, workload.view_size)}
        if tiles:
            arguments["pixel_values_local"] = self._pixels(pages * tiles, workload.tile_size)
            arguments["num_local_patches"] = [tiles] * pages
            arguments |= self._grids(workload)
        return lambda: self._image_features(workload, arguments)

    def _grids(self, workload: Workload) -> dict[str, Any]:
        """Return the arguments that give the model the layout of a page's tiles."""
        grid = [workload.tile_cols, workload.tile_rows]
        return {"patches_grid": [grid] * workload.batch_size}

    def views_encoder(self, workload: Workload) -> Callable[[], list[Any]]:
        """Return what encodes the views, into the features of each stack of them."""
        stacks = [self._pixels(view.count, view.size) for view in workload.views]
        model = self.model.model

        def run() -> list[Any]:
            encoded = (model.vision_tower(pixels).last_hidden_state for pixels in stacks)
            return [model.multi_modal_projector(features) for features in encoded]

        return run

    def _pixels(self, count: Any, size: Any) -> Any:
        return self._tensor(count, self._architecture.sam.in_channels, size, size)

    def _image_features(self, workload: Workload, arguments: dict[str, Any]) -> list[Any]:
        """Encode the pages, and check that they yield the workload's number of image tokens.

        Raises:
            CountError: they do not, so the context would have a different length.
        """
        found: list[Any] = self.model.get_image_features(**arguments).pooler_output
        for features in found:
            if len(features) != workload.image_tokens:
                raise CountError(
                    f"the vendor makes {len(features)} tokens per page, not {workload.image_tokens}"
                )
        return found

    def _prefill(self, workload: Workload) -> VendorCall:
        logits = 0 if workload.lm_head == "all" else 1
        tokens, cache = workload.context_tokens, self._cache(workload.batch_size, 0)
        return self._decoder_call(workload, cache, tokens=tokens, logits_to_keep=logits)

    def _decode(self, workload: Workload, step: Any) -> VendorCall:
        cache = self._decode_cache(workload, step)
        return self._decoder_call(workload, cache, tokens=1, logits_to_keep=1)

    def _decode_cache(self, workload: Workload, step: Any) -> Any:
        """Return the cache as step ``step`` finds it.

        A cache with a reference window treats its first update as the prefill.
        """
        batch, context, generated = workload.batch_size, workload.context_tokens, step - 1
        if self._architecture.decoder.reference_window is None:
            return self._cache(batch, context + generated)
        return self._fill(self._cache(batch, context), batch, generated)

    def _decoder_call(
        self, workload: Workload, cache: Any, *, tokens: Any, logits_to_keep: int
    ) -> VendorCall:
        embeddings = self._tensor(workload.batch_size, tokens, self._architecture.decoder.width)
        return VendorCall(
            self.model,
            lambda: self.model(
                inputs_embeds=embeddings,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=logits_to_keep,
            ),
        )

    def _tensor(self, *shape: Any) -> Any:
        import torch

        return torch.empty(*shape, device="meta")

    def _cache(self, batch: Any, tokens: Any) -> Any:
        return self._fill(self._new_cache(), batch, tokens)

    def _fill(self, cache: Any, batch: Any, tokens: Any) -> Any:
        shapes = self._architecture.decoder.cache_shapes
        return fill_cache(cache, shapes, batch, tokens, device="meta")

    def _new_cache(self) -> Any:
        from transformers.cache_utils import DynamicCache

        return DynamicCache(config=self.model.config.text_config)


class Native(PagesInTransformers):
    """DeepSeek-OCR, the witness: always eager, on meta tensors."""

    def encoder_config(self) -> dict[str, Any]:
        return clip_config(self._architecture.clip)


def import_torch() -> Any:
    """Import torch.

    Raises:
        UsageError: torch is not installed, or cannot be imported.
    """
    try:
        import torch
    except ImportError as error:
        raise _needs(error) from error
    return torch


def import_modeling(package: str, prefix: str) -> tuple[Any, Any]:
    """Import the classes of an architecture in ``transformers.models``: config and model.

    Raises:
        UsageError: transformers is not installed, or has no such architecture.
    """
    where = f"transformers.models.{package}"
    try:
        configuration = import_module(f"{where}.configuration_{package}")
        modeling = import_module(f"{where}.modeling_{package}")
    except ImportError as error:
        raise _needs(error) from error
    model = getattr(modeling, f"{prefix}ForConditionalGeneration")
    return getattr(configuration, f"{prefix}Config"), model


def _needs(error: ImportError) -> UsageError:
    return UsageError(
        "the vendor side needs torch and transformers >= 5.20 (pip install "
        "'flopbench[ocr]'), or use --analytic-only; the import failed with: "
        + str(error).splitlines()[0]
    )


def sam_config(sam: Sam) -> dict[str, Any]:
    """Return SAM's dimensions as fields of transformers' config."""
    return {
        "hidden_size": sam.width,
        "output_channels": sam.neck_channels,
        "num_hidden_layers": sam.layers,
        "num_attention_heads": sam.heads,
        "num_channels": sam.in_channels,
        "image_size": sam.pretrained_size,
        "patch_size": sam.patch_size,
        "window_size": sam.window,
        "global_attn_indexes": list(sam.global_layers),
        "mlp_dim": sam.mlp_width,
        "downsample_channels": list(sam.downsample_channels),
    }


def clip_config(clip: Clip) -> dict[str, Any]:
    """Return CLIP's dimensions as fields of transformers' config."""
    return {
        "hidden_size": clip.width,
        "intermediate_size": clip.mlp_width,
        "num_hidden_layers": clip.layers,
        "num_attention_heads": clip.heads,
        "image_size": clip.pretrained_size,
        "patch_size": clip.patch_size,
    }


def decoder_config(decoder: Decoder) -> dict[str, Any]:
    """Return the decoder's dimensions as fields of transformers' config."""
    return {
        "vocab_size": decoder.vocabulary,
        "hidden_size": decoder.width,
        "intermediate_size": decoder.mlp_width,
        "num_hidden_layers": decoder.layers,
        "num_attention_heads": decoder.heads,
        "num_key_value_heads": decoder.kv_heads,
        "n_routed_experts": decoder.experts,
        "n_shared_experts": decoder.shared_experts,
        "num_experts_per_tok": decoder.experts_per_token,
        "moe_intermediate_size": decoder.expert_width,
        "mlp_layer_types": ["dense"] * decoder.dense_layers + ["sparse"] * decoder.moe_layers,
        **_attention(decoder),
        "pad_token_id": None,
    }


def _attention(decoder: Decoder) -> dict[str, Any]:
    window = decoder.reference_window
    if window is None:
        return {"layer_types": ["full_attention"] * decoder.layers}
    kinds = ["reference_sliding_attention"] * decoder.layers
    return {"layer_types": kinds, "sliding_window": window}
