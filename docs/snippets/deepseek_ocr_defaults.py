"""DeepSeek-OCR with transformers' default kernels, against eager attention and batched_mm."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode
from transformers import DynamicCache

from flopbench_deepseek_ocr.architecture import Architecture
from flopbench_deepseek_ocr.vendor_native import Native

NATIVE = Native(Architecture()).model
LAYERS = ("UnlimitedOcrVisionModel", "UnlimitedOcrForConditionalGeneration.model.language_model")


def calls(model: torch.nn.Module) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield the stages: a page as one view of 1024 pixels, a prefill, a decode step."""
    page, tokens = torch.empty(1, 3, 1024, 1024), torch.empty(1, 913, 1280)
    cache = DynamicCache(config=model.config.text_config)
    yield "vision, 1 view", lambda: model.get_image_features(page)
    yield "prefill, 913 tokens", lambda: model(inputs_embeds=tokens, past_key_values=cache)
    yield "decode step 1", lambda: model(inputs_embeds=tokens[:, :1], past_key_values=cache)


def count(device: str, **kernels: str) -> dict[str, list[int]]:
    """Count each stage: all of it, and without the projector or LM head at its end."""
    counts = {}
    tensors = FakeTensorMode() if device == "cpu" else nullcontext()
    with tensors, torch.device(device), torch.no_grad():
        config = type(NATIVE.config).from_dict(NATIVE.config.to_dict())
        model = type(NATIVE)._from_config(config, **kernels).eval()  # noqa: SLF001 - no public way
        for stage, call in calls(model):
            with FlopCounterMode(display=False) as mode:
                call()
            modules = mode.get_flop_counts()
            counts[stage] = [sum(modules[m].values()) for m in ("Global", *LAYERS) if m in modules]
    text = model.config.text_config
    print(f"{device}: {text._attn_implementation}, {text._experts_implementation}")  # noqa: SLF001 - no public way
    return counts


torch.set_default_dtype(torch.bfloat16)  # the meta kernel of _grouped_mm takes no other
visible = count("meta", attn_implementation="eager", experts_implementation="batched_mm")
for device in ("meta", "cpu"):
    for stage, (flops, layers) in count(device).items():
        full, full_layers = visible[stage]
        less = f"{flops / full - 1:8.2%} {layers / full_layers - 1:8.2%}"
        print(f"  {stage:20} {flops:17,} of {full:17,} {less}")
