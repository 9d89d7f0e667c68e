"""Small models that read images, and their witnesses."""

import inspect
import json
import tempfile
from pathlib import Path
from typing import Any

import attrs
import torch
from PIL import Image
from torch.utils.flop_counter import FlopCounterMode

from flopbench.analytic.price import price
from flopbench.builtin.eager import Eager
from flopbench.conventions import Conventions
from flopbench.inputs import Page
from flopbench.vendor.transformers import VerifiedOptions
from flopbench_transformers_vlm.analytic import VlModel
from flopbench_transformers_vlm.config import VlOptions
from flopbench_transformers_vlm.pixels import PIXELS
from flopbench_transformers_vlm.processors import image_processor
from flopbench_transformers_vlm.vendor import VlVendor
from flopbench_transformers_vlm.workload import together
from support.stages import reconcile

STAGES = ("vision", "prefill", "decode")


@attrs.frozen
class Tiny:
    """A small config of a type, some of it drawn.

    Attributes:
        fields: of the config: values, or hypothesis strategies.
        settings: of the image processor, the same.
        most: the longest side of a page that is worth counting.
        least: the shortest side of a page that the real model runs on.
        images: the most images of one prompt.
        file: fields of a config.json below them, for those that overrides give to the language
            model in it.
    """

    fields: Any
    settings: Any = attrs.field(factory=dict)
    most: int = 200
    least: int = 1
    images: int = 3
    file: Any = attrs.field(factory=dict)


def drawn(data, values):
    """Return values with a draw in the place of each strategy."""
    if isinstance(values, dict):
        return {name: drawn(data, value) for name, value in values.items()}
    return data.draw(values) if hasattr(values, "example") else values


def model_of(kind, fields=None, settings=None, file=None, **options):
    """Return the closed forms of a type with other fields and settings, over those of a file."""
    with tempfile.TemporaryDirectory() as folder:
        if file:
            path = Path(folder) / "config.json"
            path.write_text(json.dumps({"model_type": kind, **file}), encoding="utf-8")
            options["config"] = str(path)
        given = VlOptions(overrides=fields or {}, processor_overrides=settings or {}, **options)
        return VlModel.for_name(f"vl/{kind}").from_options(given)


def workload_of(model, *sizes, **others):
    """Return the workload of pages of (width, height)."""
    cut = together(model._family.cut(*size) for size in sizes)
    pages = tuple(Page("explicit size", *size) for size in sizes)
    return model._family.workload(cut, pages=pages, **others)


def vendor_of(model):
    """Return the real model."""
    return VlVendor.from_options(model.architecture, VerifiedOptions())


def assert_exact(model, workload, stages=STAGES):
    """Assert that both witnesses agree in every component of every stage."""
    vendor = vendor_of(model)
    assert model.no_closed_forms is None
    for stage in stages:
        found = reconcile(model, vendor, stage, workload)
        assert (found.verdict, found.reason, found.difference) == ("exact", None, 0), stage


def priced_weights(model, workload):
    """Return the number of weights of all stages, by the closed forms."""
    ops = [op for stage in ("vision", "prefill") for op in model.ops(stage, workload)]
    found = price(ops, Eager(), Eager(), Conventions(), "float32").footprint
    return found.total_weight_bytes // 4


def real_weights(model):
    """Return the number of parameters of the real model, and of buffers that are learned."""
    module = vendor_of(model)._real.module
    learned = [each for name, each in module.named_buffers() if "score_correction_bias" in name]
    return sum(each.numel() for each in (*module.parameters(), *learned))


def processor_of(model):
    """Return transformers' image processor with the model's settings."""
    kind = type(model._family).processor_of(model.architecture.values)
    return image_processor(kind, model.architecture.processor)


def processed(model, width, height):
    """Return what the whole image processor makes of a page: an array for each of its outputs."""
    made = processor_of(model)
    return made(Image.new("RGB", (width, height)), return_tensors="pt")


def whole_flops(model, workload):
    """Return the FLOPs of one pass of the whole real model over a prompt with its images.

    It runs on the CPU, with values, as a user calls it.
    """
    vendor = vendor_of(model)
    module, config = vendor._real.module, vendor._real.module.config
    module = type(module)(config).eval().requires_grad_(requires_grad=False)
    if workload.memory is not None:
        return counted(module, **encoded_and_decoded(vendor, workload))
    if hasattr(vendor, "images"):
        return counted(module, **placed(vendor, workload))
    inputs = dict(PIXELS[config.model_type](config, workload.all_views))
    pixels = {name: _on_cpu(value) for name, value in inputs.items()}
    tokens, images = int(workload.context_tokens), int(workload.image_tokens)
    ids = torch.tensor([[config.image_token_id] * images + [1] * (tokens - images)])
    ids = ids.repeat(int(workload.batch_size), 1)
    kinds = (ids == config.image_token_id).long()
    more = {"mm_token_type_ids": kinds} if "mm_token_type_ids" in _arguments(module) else {}
    return counted(module, input_ids=ids, **pixels, **more)


def counted(module, **inputs):
    """Return the FLOPs of a call."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(**inputs)
    return counter.get_total_flops()


def placed(vendor, workload):
    """Return the inputs of a model that is told where the tokens of its image are."""
    batch, images = int(workload.batch_size), int(workload.image_tokens)
    tokens = int(workload.context_tokens)
    inputs = {name: _on_cpu(value) for name, value in vendor.images(batch).items()}
    places = torch.tensor([[1] * images + [0] * (tokens - images)]).repeat(batch, 1)
    return {**inputs, "input_ids": torch.full_like(places, 2), "image_embeds_position_mask": places}


def encoded_and_decoded(vendor, workload):
    """Return the inputs of a model with an encoder and a decoder: an image, and tokens of both."""
    config = vendor._real.module.config
    batch, tokens = int(workload.batch_size), int(workload.image_tokens)
    inputs = {name: _on_cpu(value) for name, value in vendor.images(batch).items()}
    inputs["decoder_input_ids"] = torch.ones(batch, int(workload.context_tokens), dtype=torch.long)
    if hasattr(config, "image_token_id"):
        text = int(workload.memory) - tokens
        ids = torch.tensor([[config.image_token_id] * tokens + [1] * text])
        inputs["input_ids"] = ids.repeat(batch, 1)
    return inputs


def _on_cpu(value):
    is_meta = isinstance(value, torch.Tensor) and value.is_meta
    return torch.ones(value.shape) if is_meta else value


def _arguments(module):
    return inspect.signature(module.forward).parameters
