"""The real DeepSeek-OCR 2, as transformers implements it, on the meta device."""

from __future__ import annotations

from typing import Any

from flopbench_deepseek_ocr.vendor_native import PagesInTransformers
from flopbench_deepseek_ocr.workload import Workload

_ENCODER = r"model\.vision_tower\.vision_encoder"
_LAYER = _ENCODER + r"\.layers\.\d+"


class NativeOcr2(PagesInTransformers):
    """transformers' implementation: DeepSeek-OCR's except for the vision encoder."""

    package = "deepseek_ocr2"
    prefix = "DeepseekOcr2"
    components = (
        (_LAYER + r"\.self_attn\.[qkv]_proj", "vision/encoder/attention/qkv"),
        (_LAYER + r"\.self_attn\.o_proj", "vision/encoder/attention/out"),
        (_LAYER + r"\.self_attn", "vision/encoder/attention/core"),
        (_LAYER + r"\.mlp", "vision/encoder/mlp"),
        (_LAYER + r"\.(input|post_attention)_layernorm", "vision/encoder/norm"),
        (_ENCODER + r"\.norm", "vision/encoder/norm"),
        (_ENCODER + r"\.rotary_emb", "vision/encoder/rope"),
        (r"model\.vision_tower\.query_(768|1024)_resolution", "vision/encoder/queries"),
        *PagesInTransformers.components,
    )

    def encoder_config(self) -> dict[str, Any]:
        encoder = self._architecture.encoder
        return {
            "hidden_size": encoder.width,
            "intermediate_size": encoder.mlp_width,
            "num_hidden_layers": encoder.layers,
            "num_attention_heads": encoder.heads,
            "num_key_value_heads": encoder.kv_heads,
        }

    def _grids(self, workload: Workload) -> dict[str, Any]:
        return {}  # the tiles form a sequence, not a grid
