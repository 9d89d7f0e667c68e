"""DeepSeek-OCR as transformers implements it, built on the meta device without weights.

transformers ships DeepSeek-OCR's modules as ``UnlimitedOcr*``: the same SAM, CLIP,
projector and mixture-of-experts decoder, which becomes DeepSeek-OCR's with full attention
in every layer. Experts run as ``batched_mm``: the ``grouped_mm`` default has no formula in
torch's registry, and ``eager`` experts loop over data that meta tensors do not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from importlib import metadata
from typing import Any

from flopbench.dims import is_traced
from flopbench.errors import CountError, UsageError
from flopbench.transformers_tools import ATTENTION, EXPERTS, require_eager
from flopbench.vendor import VendorCall, VendorStage
from flopbench_deepseek_ocr.architecture import Architecture
from flopbench_deepseek_ocr.kv_cache import fill_cache
from flopbench_deepseek_ocr.workload import Workload

VIEW_BY_VIEW = (
    "vision is traced view by view; the assembly of a page's tokens, which loops over pages and "
    "multiplies no matrices, is left out"
)

_SAM = r"model\.vision_tower\.sam_encoder"
_CLIP = r"model\.vision_tower\.vision_encoder"
_LAYER = r"model\.language_model\.layers\.\d+"


class Native:
    """transformers' implementation, on meta tensors."""

    components: tuple[tuple[str, str], ...] = (
        (_SAM + r"\.patch_embed", "vision/sam/patch_embed"),
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

    def __init__(self, architecture: Architecture) -> None:
        """Take the architecture; nothing is built yet.

        Raises:
            UsageError: transformers' implementation cannot have this architecture.
        """
        heads, kv_heads = architecture.decoder.heads, architecture.decoder.kv_heads
        if kv_heads != heads:
            raise UsageError(
                f"transformers' DeepSeek-OCR has as many KV heads as heads ({heads}), "
                f"not {kv_heads}: use --analytic-only"
            )
        self._architecture = architecture

    @cached_property
    def model(self) -> Any:
        """The ``torch.nn.Module``, on the meta device.

        Raises:
            UsageError: torch or a fitting transformers is not installed.
            CountError: transformers did not take the attention that was asked for.
        """
        torch = import_torch()
        configuration, modeling = import_modeling()
        config = configuration.UnlimitedOcrConfig(**to_config(self._architecture))
        with torch.device("meta"):
            # transformers' from_config for a class that no AutoModel maps to.
            model = modeling.UnlimitedOcrForConditionalGeneration._from_config(  # noqa: SLF001
                config, attn_implementation=ATTENTION, experts_implementation=EXPERTS
            )
        require_eager(model)
        return model.eval()

    def stage(self, name: str, workload: Workload) -> VendorStage:
        """Build the calls of a stage; step k of decode finds context + k - 1 cached keys.

        Raises:
            UsageError: torch or a fitting transformers is not installed.
        """
        import_torch()
        import_modeling()
        if name == "vision":
            if any(is_traced(view.count) for view in workload.views):
                return VendorStage(lambda _step: self._views(workload), assumptions=(VIEW_BY_VIEW,))
            return VendorStage(lambda _step: self._vision(workload))
        if name == "prefill":
            return VendorStage(lambda _step: self._prefill(workload))
        return VendorStage(
            lambda step: self._decode(workload, step),
            steps=workload.decode_steps,
            assumptions=("each decode step is called on a cache built to its length",),
        )

    def provenance(self) -> Mapping[str, str]:
        """Name the implementation and its settings."""
        return {
            "implementation": "UnlimitedOcrForConditionalGeneration",
            "transformers": metadata.version("transformers"),
            "attention": ATTENTION,
            "experts": EXPERTS,
            "device": "meta",
        }

    def _vision(self, workload: Workload) -> VendorCall:
        pages, tiles = workload.batch_size, workload.tiles
        arguments: dict[str, Any] = {"pixel_values": self._pixels(pages, workload.view_size)}
        if tiles:
            arguments["pixel_values_local"] = self._pixels(pages * tiles, workload.tile_size)
            arguments["num_local_patches"] = [tiles] * pages
            arguments["patches_grid"] = [[workload.tile_cols, workload.tile_rows]] * pages
        return VendorCall(self.model, lambda: self._image_features(workload, arguments))

    def _views(self, workload: Workload) -> VendorCall:
        stacks = [self._pixels(view.count, view.size) for view in workload.views]
        model = self.model.model

        def run() -> None:
            for pixels in stacks:
                model.multi_modal_projector(model.vision_tower(pixels).last_hidden_state)

        return VendorCall(self.model, run)

    def _pixels(self, count: Any, size: Any) -> Any:
        return self._tensor(count, self._architecture.sam.in_channels, size, size)

    def _image_features(self, workload: Workload, arguments: dict[str, Any]) -> None:
        """Encode the pages, and check that they give the tokens that the workload says.

        Raises:
            CountError: they do not, so that the context would be of another length.
        """
        for features in self.model.get_image_features(**arguments).pooler_output:
            if len(features) != workload.image_tokens:
                raise CountError(
                    f"the vendor makes {len(features)} tokens of a page, "
                    f"not {workload.image_tokens}"
                )

    def _prefill(self, workload: Workload) -> VendorCall:
        logits = 0 if workload.lm_head == "all" else 1
        return self._decoder_call(
            workload, tokens=workload.context_tokens, past_tokens=0, logits_to_keep=logits
        )

    def _decode(self, workload: Workload, step: Any) -> VendorCall:
        past_tokens = workload.context_tokens + step - 1
        return self._decoder_call(workload, tokens=1, past_tokens=past_tokens, logits_to_keep=1)

    def _decoder_call(
        self, workload: Workload, *, tokens: Any, past_tokens: Any, logits_to_keep: int
    ) -> VendorCall:
        batch: Any = workload.batch_size
        embeddings = self._tensor(batch, tokens, self._architecture.decoder.width)
        cache = self._cache(batch, past_tokens)
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
        decoder = self._architecture.decoder
        return fill_cache(self._new_cache(), decoder, batch, tokens, device="meta")

    def _new_cache(self) -> Any:
        from transformers.cache_utils import DynamicCache

        return DynamicCache(config=self.model.config.text_config)


def import_torch() -> Any:
    """Import torch.

    Raises:
        UsageError: it is not installed, or does not import.
    """
    try:
        import torch
    except ImportError as error:
        raise _needs(error) from error
    return torch


def import_modeling() -> tuple[Any, Any]:
    """Import the modules that hold DeepSeek-OCR's architecture: configuration and model."""
    try:
        from transformers.models.unlimited_ocr import configuration_unlimited_ocr as configuration
        from transformers.models.unlimited_ocr import modeling_unlimited_ocr as modeling
    except ImportError as error:
        raise _needs(error) from error
    return configuration, modeling


def _needs(error: ImportError) -> UsageError:
    return UsageError(
        "the vendor side needs torch and transformers >= 5.20 (pip install "
        "'flopbench-deepseek-ocr[vendor]'), or use --analytic-only; the import failed with: "
        + str(error).splitlines()[0]
    )


def to_config(architecture: Architecture) -> dict[str, Any]:
    """Say the architecture in the words of transformers' config."""
    sam, clip, decoder = architecture.sam, architecture.clip, architecture.decoder
    return {
        "vision_config": {
            "sam_config": {
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
            },
            "encoder_config": {
                "hidden_size": clip.width,
                "intermediate_size": clip.mlp_width,
                "num_hidden_layers": clip.layers,
                "num_attention_heads": clip.heads,
                "image_size": clip.pretrained_size,
                "patch_size": clip.patch_size,
            },
        },
        "text_config": {
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
            "first_k_dense_replace": decoder.dense_layers,
            "layer_types": ["full_attention"] * decoder.layers,
            "pad_token_id": None,
        },
    }
