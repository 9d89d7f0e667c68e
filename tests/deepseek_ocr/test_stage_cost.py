"""Stage costs against the real model: its parameters, its cache, and what its ops move.

The model runs in float32, in which nothing is converted on the way. An op's traffic is the
distinct elements of its operands and results; operands that are parameters, or views of
them, are weights. What the prices leave out is named in this file, op by op.
"""

from collections import Counter

import attrs
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from transformers.cache_utils import DynamicCache

from deepseek_strategies import architectures, workloads
from flopbench.builtin.eager import Eager
from flopbench.builtin.flash import Flash
from flopbench.conventions import Conventions
from flopbench.footprint import Footprint
from flopbench.pricing import price
from flopbench_deepseek_ocr.analytic import DeepseekOcr
from flopbench_deepseek_ocr.vendor import DeepseekOcrVendor, VendorOptions
from flopbench_deepseek_ocr.workload import Workload

FLOAT32 = 4
ROOTS = {
    "model": "vision/projector/separators",
    "model.vision_tower.sam_encoder": "vision/sam/patch_embed",
}
"""Where parameters live that stand beside modules and not in one of their own."""


def priced(model, stage, workload, mode=None, dtype="float32"):
    return price(model.ops(stage, workload), mode or Eager(), Eager(), Conventions(), dtype)


def native(vendor):
    return vendor._implementation.model


def parameter_bytes(vendor):
    found = Counter()
    for name, parameter in native(vendor).named_parameters():
        module = name.rpartition(".")[0]
        found[ROOTS.get(module) or vendor.component(module)] += parameter.nbytes
    return found


def held_weights(model, workload):
    stages = [priced(model, s, workload).footprint for s in ("vision", "prefill", "decode")]
    footprint = stages[0].then(stages[1]).then(stages[2])
    return {name: held for name, held in footprint.weight_bytes.items() if held}


@settings(max_examples=15)
@given(architectures(), workloads())
def test_the_weights_are_the_parameters_component_by_component(architecture, workload):
    vendor = DeepseekOcrVendor.from_options(architecture, VendorOptions())
    assert held_weights(DeepseekOcr(architecture), workload) == parameter_bytes(vendor)


def test_the_real_models_weights_are_its_parameters(model, vendor):
    workload = Workload(tile_rows=2, tile_cols=3)
    held = held_weights(model, workload)
    assert held == parameter_bytes(vendor)
    assert sum(held.values()) == 4 * 3_335_504_128
    # In bfloat16, half of it.
    prefill = priced(model, "prefill", workload, dtype="bfloat16").footprint
    decode = priced(model, "decode", workload, dtype="bfloat16").footprint
    vision = priced(model, "vision", workload, dtype="bfloat16").footprint
    assert vision.then(prefill).then(decode).total_weight_bytes == 2 * 3_335_504_128


def real_cache_bytes(vendor, architecture, workload):
    """Prefill, then decode all steps, into one real cache; its bytes after each."""
    model = native(vendor)
    cache = DynamicCache(config=model.config.text_config)

    def run(tokens):
        states = torch.empty(workload.batch_size, tokens, architecture.decoder.width, device="meta")
        with torch.no_grad():
            model(inputs_embeds=states, past_key_values=cache, use_cache=True, logits_to_keep=1)
        return sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers)

    return [run(workload.context_tokens)] + [run(1) for _ in range(workload.decode_steps)]


@settings(max_examples=10)
@given(architectures(), workloads())
def test_the_kv_cache_is_the_real_one_after_prefill_and_after_each_step(architecture, workload):
    model = DeepseekOcr(architecture)
    vendor = DeepseekOcrVendor.from_options(architecture, VendorOptions())
    real = real_cache_bytes(vendor, architecture, workload)
    assert priced(model, "prefill", workload).footprint.kv_cache_bytes == real[0]
    for mode in (Eager(), Flash()):
        decode = priced(model, "decode", workload, mode)
        assert decode.footprint.kv_cache_bytes == real[-1]
        # Every step reads all of the cache, its own token included, and writes one token.
        assert decode.cost.kv_cache_bytes_read == sum(real[1:])
        assert decode.cost.kv_cache_bytes_written == real[-1] - real[0]
        assert priced(model, "prefill", workload, mode).cost.kv_cache_bytes_written == real[0]


def test_the_real_models_cache(model, vendor):
    workload = Workload(tile_rows=2, tile_cols=3, decode_steps=3)
    real = real_cache_bytes(vendor, model.architecture, workload)
    assert real[0] == 4 * 2 * 12 * 1280 * 903
    assert priced(model, "prefill", workload).footprint.kv_cache_bytes == real[0]
    assert priced(model, "decode", workload).footprint.kv_cache_bytes == real[-1]


def elements(tensor):
    """Count the distinct elements of a tensor: an expanded axis repeats none."""
    count = 1
    for size, stride in zip(tensor.shape, tensor.stride(), strict=True):
        count *= size if stride else 1
    return count


MOVES_ONLY = {
    "aten._to_copy",
    "aten._upsample_bicubic2d_aa",
    "aten.cat",
    "aten.clone",
    "aten.constant_pad_nd",
    "aten.embedding",
    "aten.index",
    "aten.upsample_linear1d",
}
"""Copies, layouts, tables resized, gathered weights: not priced."""

NOT_PRICED = MOVES_ONLY | {"aten.neg", "aten.scalar_tensor", "aten.sub", "aten.where", "aten.zeros"}
"""Besides: the turning of rotated halves, the mask and the relative coordinates in the making."""

VIEWS = {
    "aten.alias", "aten.as_strided", "aten.detach", "aten.empty", "aten.expand", "aten.permute",
    "aten.select", "aten.slice", "aten.split", "aten.squeeze", "aten.t", "aten.transpose",
    "aten.unbind", "aten.unsqueeze", "aten.view", "aten._unsafe_view",
}  # fmt: skip
"""Nothing moves."""


class Traffic(TorchDispatchMode):
    """Sums, by op, the elements of weights and activations read, and those written."""

    def __init__(self, model):
        super().__init__()
        self.parameters = {p.untyped_storage()._cdata for p in model.parameters()}
        self.seen = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        name = str(func.overloadpacket)
        results = [t for t in tree_leaves(out) if _is_float(t)]
        if results and name not in VIEWS and not self._coordinates(name, results[0]):
            name = self._kind(name, args, results)
            for tensor in filter(_is_float, tree_leaves(args)):
                weight = tensor.untyped_storage()._cdata in self.parameters
                self.seen[name, "weights" if weight else "read"] += elements(tensor)
            for tensor in results:
                self.seen[name, "written"] += elements(tensor)
        return out

    @staticmethod
    def _coordinates(name, result):
        """Tell SAM's relative coordinates, which are two-dimensional, from activations."""
        return name in ("aten.mul", "aten.add", "aten.sub") and result.dim() == 2 and (
            result.shape[0] == result.shape[1] or 1 in result.shape
        ) and result.numel() < 1000 and False

    @staticmethod
    def _kind(name, args, results):
        return name

    def of(self, what, *names):
        return sum(self.seen[name, what] for name in names)


def _is_float(value):
    return isinstance(value, torch.Tensor) and value.is_floating_point()
