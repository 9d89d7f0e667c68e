"""DeepSeek-OCR as the checkpoint folder's own code runs it (``vendor.remote_code=true``).

That code was written for transformers 4.46 and routes tokens to experts by their values,
which meta tensors do not have. It therefore runs on the CPU, with weights of zero. FLOPs
do not depend on values, since every token takes the same number of experts. Its vision tower
calls scaled_dot_product_attention, which is pinned to the math backend so that
FlopCounterMode sees the products. CLIP's blocks call the ``forward`` of their attention, past the
hooks of modules: the products of attention's core are then the block's own.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flopbench import CountError, UsageError, VendorCall, VendorStage
from flopbench.inputs import read_bytes
from flopbench.training_step import TrainOptions
from flopbench.vendor.transformers import fill_cache
from flopbench_deepseek_ocr.architecture import Architecture, read_architecture
from flopbench_deepseek_ocr.remote_model import build, require_own_code
from flopbench_deepseek_ocr.workload import View, Workload

if TYPE_CHECKING:
    from flopbench_deepseek_ocr.vendor import Row

_SAM = r"model\.sam_model"
_CLIP = r"model\.vision_model\.transformer\.layers\.\d+"
_LAYER = r"model\.layers\.\d+"


def _code_digest(root: Path) -> str:
    """Return a hash that identifies the folder's code."""
    found = hashlib.sha256()
    for path in sorted(root.glob("*.py")):
        found.update(os.fsencode(path.name) + read_bytes(path, str(path)))
    return found.hexdigest()


class RemoteCode:
    """The modelling code in a checkpoint folder, on the CPU."""

    components: tuple[Row, ...] = (
        (_SAM + r"\.patch_embed", "vision/sam/patch_embed"),
        (_SAM + r"\.blocks\.\d+\.attn\.qkv", "vision/sam/attention/qkv"),
        (_SAM + r"\.blocks\.\d+\.attn\.proj", "vision/sam/attention/out"),
        (_SAM + r"\.blocks\.\d+\.attn", "vision/sam/attention/core"),
        (_SAM + r"\.blocks\.\d+\.mlp", "vision/sam/mlp"),
        (_SAM + r"\.neck", "vision/sam/neck"),
        (_SAM + r"\.net_[23]", "vision/sam/downsample"),
        (_CLIP + r"\.self_attn\.qkv_proj", "vision/clip/attention/qkv"),
        (_CLIP + r"\.self_attn\.out_proj", "vision/clip/attention/out"),
        (_CLIP + r"\.self_attn", "vision/clip/attention/core"),
        (_CLIP + r"\.mlp", "vision/clip/mlp"),
        (_CLIP + "$", "vision/clip/attention/core", r".*(bmm|matmul|attention).*"),
        (r"model\.projector", "vision/projector"),
        (_LAYER + r"\.self_attn\.[qkv]_proj", "decoder/attention/qkv"),
        (_LAYER + r"\.self_attn\.o_proj", "decoder/attention/out"),
        (_LAYER + r"\.self_attn\.rotary_emb", "decoder/rope"),
        (_LAYER + r"\.self_attn", "decoder/attention/core"),
        (_LAYER + r"\.mlp\.gate", "decoder/moe/router"),
        (_LAYER + r"\.mlp\.experts", "decoder/moe/experts"),
        (_LAYER + r"\.mlp\.shared_experts", "decoder/moe/shared"),
        (_LAYER + r"\.mlp", "decoder/mlp"),
        (r"lm_head", "lm_head"),
    )

    def __init__(self, root: Path, architecture: Architecture) -> None:
        """Take the checkpoint folder; its code is not executed yet.

        Raises:
            UsageError: the folder has no valid config.json, or a different architecture.
        """
        if not os.path.isdir(root):  # noqa: PTH112 - a name may be too long to ask for
            raise UsageError(f"vendor.model_root={root} is not a folder")
        if read_architecture(root / "config.json") != architecture:
            raise UsageError(
                f"the architecture of the checkpoint in {root} differs from the closed forms': "
                f"set model.config={root / 'config.json'}"
            )
        require_own_code(root / "config.json")
        self._root = root
        self._architecture = architecture

    @cached_property
    def model(self) -> Any:
        """The ``torch.nn.Module``; building it executes the folder's code.

        Raises:
            UsageError: torch or transformers is missing, or does not run the folder's code.
        """
        return build(self._root)

    def stage(self, name: str, workload: Workload) -> VendorStage:
        """Build the calls of a stage.

        Raises:
            UsageError: the workload runs the LM head on the last position only.
        """
        if name == "vision":
            return VendorStage(lambda _step: self._vision(workload))
        if workload.lm_head != "all":
            raise UsageError(
                "the checkpoint's own code runs the LM head on all positions: "
                "set workload.lm_head=all, or turn vendor.remote_code off"
            )
        if name == "prefill":
            tokens = int(workload.context_tokens)
            return VendorStage(lambda _step: self._decoder(workload, tokens, past_tokens=0))
        context = int(workload.context_tokens)
        return VendorStage(
            lambda step: self._decoder(workload, 1, past_tokens=context + step - 1),
            steps=int(workload.decode_steps),
            assumptions=("each decode step is called on a cache built to its length",),
        )

    def training(
        self,
        workloads: Mapping[str, Workload],
        options: TrainOptions,
        component_of: Callable[[str], str],
    ) -> VendorStage:
        """Refuse to train.

        Raises:
            CountError: always.
        """
        raise CountError(
            "the checkpoint's own code cannot be trained on meta tensors, which have no values to "
            "choose experts by: turn vendor.remote_code off"
        )

    def provenance(self) -> Mapping[str, str]:
        """Return the code and its settings."""
        return {
            "implementation": f"the code in {self._root}",
            "code_sha256": _code_digest(self._root),
            "transformers": metadata.version("transformers"),
            "attention": "eager (decoder), scaled_dot_product_attention's math backend (vision)",
            "device": "cpu, bfloat16 weights of zero",
        }

    def _vision(self, workload: Workload) -> VendorCall:
        model = self.model
        return VendorCall(model, lambda: [self._encode(view) for view in workload.views])

    def _encode(self, view: View) -> object:
        """Encode one stack of images as the original forward does."""
        import torch
        from torch.nn.attention import SDPBackend, sdpa_kernel

        tower = self.model.model
        channels = self._architecture.sam.in_channels
        count, size = int(view.count), int(view.size)
        pixels = torch.zeros(count, channels, size, size, dtype=torch.bfloat16)
        with sdpa_kernel(SDPBackend.MATH):
            features = tower.sam_model(pixels)
            encoded = tower.vision_model(pixels, features)
        both = torch.cat((encoded[:, 1:], features.flatten(2).permute(0, 2, 1)), dim=-1)
        return tower.projector(both)

    def _decoder(self, workload: Workload, tokens: int, *, past_tokens: int) -> VendorCall:
        import torch
        from transformers.cache_utils import DynamicCache

        model, batch = self.model, int(workload.batch_size)
        cache = DynamicCache()
        shapes = self._architecture.decoder.cache_shapes
        fill_cache(cache, shapes, batch, past_tokens, dtype=torch.bfloat16)
        positions = torch.arange(past_tokens, past_tokens + tokens).expand(batch, tokens)
        # All-zero images make the original forward skip the vision work.
        no_image = torch.zeros(1, 3, 8, 8)
        return VendorCall(
            model,
            lambda: model(
                input_ids=torch.zeros(batch, tokens, dtype=torch.long),
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
                images=[(no_image, no_image)],
                images_seq_mask=None,
                images_spatial_crop=None,
                return_dict=True,
            ),
        )
