"""Stage costs against the real model: its parameters, its cache, and what its ops move.

The model runs in float32, in which nothing is converted on the way. An op's traffic is the
distinct elements of its operands and results; operands that are parameters, or views of
them, are weights. What the prices leave out is named in this file, op by op.
"""

from collections import Counter
from itertools import combinations, product

import attrs
import numpy as np
import pytest
import sympy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.cache_utils import DynamicCache

from flopbench.analytic.price import price
from flopbench.builtin.eager import Eager
from flopbench.builtin.flash import Flash
from flopbench.conventions import Conventions
from flopbench.dims import expected_distinct
from flopbench.ops import Cost
from flopbench_deepseek_ocr.analytic import DeepseekOcr
from flopbench_deepseek_ocr.vendor import DeepseekOcrVendor, VendorOptions
from flopbench_deepseek_ocr.workload import Workload
from support.deepseek_strategies import architectures, workloads
from support.traffic import FLOAT32, Moved, Traffic, plus

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


@settings(max_examples=8)
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


def traffic(vendor, stage, workload):
    call = vendor.stage(stage, workload).prepare(1)
    seen = Traffic(native(vendor), least_dims=3 if stage == "vision" else 0)
    with torch.no_grad(), seen:
        call.run()
    return seen


@settings(max_examples=8)
@given(architectures(), workloads())
def test_vision_moves_what_the_models_ops_move(architecture, workload):
    model = DeepseekOcr(architecture)
    vendor = DeepseekOcrVendor.from_options(architecture, VendorOptions())
    seen = traffic(vendor, "vision", workload)
    check_vision(Moved(priced(model, "vision", workload)), seen)


def check_vision(ours, seen):
    for kind, ops in {
        "linear": ("mm", "addmm"),
        "matmul": ("bmm",),
        "conv2d": ("convolution",),
        "softmax": ("_softmax",),
        "gelu": ("gelu",),
    }.items():
        assert ours.of(kind) == seen.of(*ops), kind
    # A layer norm keeps mean and deviation of each row, for training.
    weights, read, written = seen.of("native_layer_norm")
    assert ours.of("layer_norm")[:2] == (weights, read)
    assert written > ours.of("layer_norm")[2]
    # quick_gelu runs as a product, a sigmoid and another product, each on its own.
    (_, inputs, outputs) = ours.of("quick_gelu")
    assert seen.of("sigmoid") == (0, inputs, outputs)
    products = (0, 3 * inputs, 2 * outputs)
    assert seen.of("mul") == plus(ours.of("multiply"), products)
    # A position table that is resized, or looked up, arrives as an activation.
    weights, read, written = seen.of("add")
    table, others, sums = ours.of("add")
    assert (weights + read, written) == (table + others, sums)
    priced_ops = {
        *("mm", "addmm", "bmm", "convolution", "_softmax", "gelu", "native_layer_norm"),
        *("sigmoid", "mul", "add"),
    }
    assert seen.ops() - {f"aten.{name}" for name in priced_ops} <= NOT_PRICED


@settings(max_examples=8)
@given(architectures(), workloads(), st.sampled_from(["prefill", "decode"]))
def test_the_decoder_moves_what_the_models_ops_move(architecture, workload, stage):
    workload = attrs.evolve(workload, decode_steps=1)
    model = DeepseekOcr(architecture)
    vendor = DeepseekOcrVendor.from_options(architecture, VendorOptions())
    ours, seen = Moved(priced(model, stage, workload)), traffic(vendor, stage, workload)
    check_decoder(ours, seen, width=architecture.decoder.width)


def check_decoder(ours, seen, width):
    for kind, ops in {
        "linear": ("mm", "addmm"),
        "softmax": ("_softmax",),
        "silu": ("silu",),
        "top_k": ("topk",),
        "rope_angle": ("cos", "sin"),
    }.items():
        assert ours.of(kind) == seen.of(*ops), kind
    # batched_mm copies an expert's weights for each pair of token and expert, then reads them.
    gathered = (0, seen.of("index")[2], 0)
    assert plus(ours.of("matmul", "expert_linear"), gathered) == seen.of("bmm")
    # RMSNorm runs as pow, mean, add, rsqrt and two products, each on its own.
    weights, vectors, _ = ours.of("rms_norm")
    rows = vectors // width
    assert seen.of("pow") == (0, vectors, vectors)
    assert seen.of("mean") == (0, vectors, rows)
    assert seen.of("rsqrt") == (0, rows, rows)
    # A rotation runs as two products and a sum, for queries and keys apart.
    _, rotated_and_angles, rotated = ours.of("rope")
    assert seen.of("mul") == plus(
        ours.of("multiply"),
        (weights, 2 * vectors + rows, 2 * vectors),
        (0, 2 * rotated_and_angles, 2 * rotated),
    )
    assert seen.of("add", "sum") == plus(ours.of("add"), (0, rows, rows), (0, 2 * rotated, rotated))
    priced_ops = {
        *("mm", "addmm", "bmm", "_softmax", "silu", "topk", "cos", "sin", "pow", "mean", "rsqrt"),
        *("mul", "add", "sum"),
    }
    assert seen.ops() - {f"aten.{name}" for name in priced_ops} <= NOT_PRICED


def test_the_real_model_moves_what_is_priced(model, vendor):
    workload = Workload(tile_rows=2, tile_cols=3, decode_steps=1)
    check_vision(Moved(priced(model, "vision", workload)), traffic(vendor, "vision", workload))
    for stage in ("prefill", "decode"):
        ours, seen = Moved(priced(model, stage, workload)), traffic(vendor, stage, workload)
        check_decoder(ours, seen, width=1280)


@settings(max_examples=8)
@given(architectures(), workloads(), st.sampled_from([Eager(), Flash()]))
def test_decoding_costs_what_its_steps_cost_one_by_one(architecture, workload, mode):
    model = DeepseekOcr(architecture)
    together = priced(model, "decode", workload, mode)
    alone = [
        priced(
            model,
            "decode",
            attrs.evolve(workload, decode_steps=1, prompt_tokens=workload.prompt_tokens + step),
            mode,
        )
        for step in range(workload.decode_steps)
    ]
    for field in attrs.fields(Cost):
        whole = getattr(together.cost, field.name)
        parts = sum(getattr(step.cost, field.name) for step in alone)
        assert whole == (pytest.approx(parts, rel=1e-12) if "expected" in field.name else parts)
    last = alone[-1].footprint
    assert together.footprint.peak_activation_bytes == last.peak_activation_bytes
    assert together.footprint.kv_cache_bytes == last.kv_cache_bytes


def test_peaks_are_those_worked_out_by_hand(model):
    """The largest sets of tensors alive at once, in elements."""
    workload = Workload(tile_rows=2, tile_cols=3)

    def peak(stage, mode):
        return priced(model, stage, workload, mode).footprint.peak_activation_bytes // FLOAT32

    # Adding SAM's bias at 1024 x 1024: scores, bias and sum, the values and the residual.
    tokens = 64 * 64
    sam = 3 * 12 * tokens**2 + 2 * tokens * 768
    assert peak("vision", Eager()) == peak("vision", Flash()) == sam
    # The LM head on all 903 positions: its input and its logits.
    head = 903 * (1280 + 129280)
    assert peak("prefill", Eager()) == peak("prefill", Flash()) == head
    assert peak("decode", Eager()) == 1280 + 129280
    # With logits of the last position only, eager attention's scores are the most.
    last = attrs.evolve(workload, lm_head="last", prompt_tokens=3010)
    eager = priced(model, "prefill", last).footprint.peak_activation_bytes // FLOAT32
    n = last.context_tokens
    assert n == 893 + 3010
    # Adding the mask: scores, masked scores and one mask, residual, cosines and sines.
    assert eager == 2 * 10 * n * n + n * n + n * 1280 + 2 * 128 * n
    flash = priced(model, "prefill", last, Flash()).footprint.peak_activation_bytes // FLOAT32
    # Gate, up and their product in the dense layer, residual, cosines and sines.
    assert flash == n * (3 * 6848 + 1280 + 2 * 128)


def test_flash_moves_less_and_reads_the_same_weights_and_cache(model):
    workload = Workload(tile_rows=2, tile_cols=3)
    eager, flash = (priced(model, "prefill", workload, m).cost for m in (Eager(), Flash()))
    assert flash.weight_bytes_read == eager.weight_bytes_read
    assert flash.kv_cache_bytes_read == eager.kv_cache_bytes_read
    # What is left out: scores written by Q K^T, scale, mask and softmax, read after each,
    # and the mask.
    scores, mask = 12 * 10 * 903**2, 12 * 903**2
    assert eager.activation_bytes_written - flash.activation_bytes_written == FLOAT32 * 4 * scores
    read = eager.activation_bytes_read - flash.activation_bytes_read
    assert read == FLOAT32 * (4 * scores + mask)


@settings(max_examples=20)
@given(st.integers(1, 8), st.data(), st.integers(0, 4))
def test_the_expected_experts_are_the_mean_over_all_routings(experts, data, tokens):
    top_k = data.draw(st.integers(1, min(experts, 3)))
    choices = list(combinations(range(experts), top_k))
    tokens = min(tokens, 3 if len(choices) > 8 else 4)
    routings = list(product(choices, repeat=tokens))
    mean = sum(len(set().union(*r)) for r in routings) / len(routings)
    assert expected_distinct(experts, top_k, tokens) == pytest.approx(mean, abs=1e-12)
    symbols = sympy.symbols("E k T")
    form = expected_distinct(*symbols)
    values = dict(zip(symbols, (experts, top_k, tokens), strict=True))
    assert float(form.subs(values)) == pytest.approx(mean, abs=1e-12)


EXACT = [f.name for f in attrs.fields(Cost) if "expected" not in f.name]


def figures(priced_stage):
    """Return every integer that a stage costs or holds, by name."""
    held = priced_stage.footprint
    return {name: getattr(priced_stage.cost, name) for name in EXACT} | {
        "weight_bytes": held.total_weight_bytes,
        "kv_cache_bytes": held.kv_cache_bytes,
        "peak_activation_bytes": held.peak_activation_bytes,
    }


SIZES = st.lists(
    st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)), min_size=2, max_size=4
)
"""Batch size, tokens and decode steps of a few workloads."""


@settings(max_examples=6)
@given(architectures(), SIZES, st.sampled_from([Eager(), Flash()]))
def test_bytes_of_an_array_and_of_symbols_are_those_of_each_int(architecture, sizes, mode):
    model = DeepseekOcr(architecture)
    symbols = sympy.symbols("B S K", positive=True, integer=True)

    def at(stage, batch, tokens, steps):
        # In vision, the number of tiles takes the place of the tokens.
        workload = Workload(
            batch_size=batch,
            view_size=64,
            tile_size=64,
            tile_rows=1 if stage == "vision" else 0,
            tile_cols=tokens if stage == "vision" else 0,
            prompt_tokens=tokens,
            decode_steps=steps,
        )
        return priced(model, stage, workload, mode)

    for stage in ("vision", "prefill", "decode"):
        stacked = figures(
            at(stage, *(np.array(column, dtype=object) for column in zip(*sizes, strict=True)))
        )
        form = figures(at(stage, *symbols))
        for index, point in enumerate(sizes):
            alone = figures(at(stage, *point))
            assert all(type(value) is int for value in alone.values())
            whole = np.broadcast_to(np.array(0), len(sizes))
            assert {name: (whole + column)[index] for name, column in stacked.items()} == alone
            values = dict(zip(symbols, point, strict=True))
            assert {n: sympy.sympify(f).subs(values) for n, f in form.items()} == alone


def test_a_cache_of_fewer_heads_is_that_much_smaller(model):
    """The real model has as many key heads as query heads, so that it cannot tell."""
    decoder = attrs.evolve(model.architecture.decoder, kv_heads=5)
    grouped = DeepseekOcr(attrs.evolve(model.architecture, decoder=decoder))
    workload = Workload(tile_rows=1, tile_cols=2, decode_steps=7)
    prefill, decode = (priced(grouped, s, workload) for s in ("prefill", "decode"))
    per_token = FLOAT32 * 2 * 12 * 5 * 128
    assert prefill.footprint.kv_cache_bytes == per_token * 493
    assert prefill.cost.kv_cache_bytes_written == per_token * 493
    assert decode.footprint.kv_cache_bytes == per_token * 500
    assert decode.cost.kv_cache_bytes_written == per_token * 7
    assert decode.cost.kv_cache_bytes_read == per_token * sum(range(494, 501))
    both = prefill.footprint.then(decode.footprint)
    assert both.kv_cache_bytes == decode.footprint.kv_cache_bytes
