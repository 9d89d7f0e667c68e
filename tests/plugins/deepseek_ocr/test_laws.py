"""The laws that FLOPs obey, on random architectures and workloads and on the real model."""

import attrs
import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from flopbench.builtin.eager import Eager
from flopbench.builtin.flash import Flash, FlashTorch
from flopbench_deepseek_ocr.analytic import DeepseekOcr
from flopbench_deepseek_ocr.workload import Workload
from support.deepseek_strategies import architectures, workloads
from support.stages import price_stage

STAGES = ("vision", "prefill", "decode")
MODES = (Eager(), Flash(), FlashTorch())
models = architectures().map(DeepseekOcr)
modes = st.sampled_from(MODES)
CORE = "decoder/attention/core"


def prices(model, workload, mode=None):
    return {stage: price_stage(model, stage, workload, mode) for stage in STAGES}


def costs(model, workload, mode=None):
    return {stage: priced.cost for stage, priced in prices(model, workload, mode).items()}


def values(priced):
    return (priced.cost.tensor_flops, priced.cost.vector_flops, priced.torch_visible_flops)


def with_context(context, **others):
    """A workload of one view whose context is as wanted (at least 273 tokens of image)."""
    return Workload(prompt_tokens=context - 273, **others)


def core(model, stage, workload, mode):
    """Tensor FLOPs of the decoder's attention core."""
    lines = price_stage(model, stage, workload, mode).lines
    return sum(line.cost.tensor_flops for line in lines if line.component == CORE)


@given(models, workloads(), modes, st.integers(2, 5))
def test_tensor_flops_are_linear_in_the_batch(model, workload, mode, factor):
    larger = attrs.evolve(workload, batch_size=workload.batch_size * factor)
    for stage in STAGES:
        one = price_stage(model, stage, workload, mode)
        many = price_stage(model, stage, larger, mode)
        assert many.cost.tensor_flops == factor * one.cost.tensor_flops
        assert many.torch_visible_flops == factor * one.torch_visible_flops


@given(models, workloads(), modes)
def test_vision_is_linear_in_the_tiles(model, workload, mode):
    def flops(tiles):
        point = attrs.evolve(workload, tile_rows=1, tile_cols=tiles)
        return price_stage(model, "vision", point, mode).cost.flops

    per_tile = flops(2) - flops(1)
    assert per_tile > 0
    assert [flops(n + 1) - flops(n) for n in range(1, 6)] == [per_tile] * 5


@given(models, st.integers(300, 2000), st.integers(1, 3))
def test_eager_prefill_is_quadratic_with_coefficient_4_l_h_d(model, context, batch):
    decoder = model.architecture.decoder

    def flops(tokens):
        return price_stage(
            model, "prefill", with_context(tokens, batch_size=batch)
        ).torch_visible_flops

    second_difference = flops(context + 1) - 2 * flops(context) + flops(context - 1)
    quadratic = 4 * decoder.layers * decoder.heads * decoder.head_dim * batch
    assert second_difference == 2 * quadratic


def test_the_real_model_decodes_with_a_slope_of_61440_flops_per_key(model):
    def step(context):
        workload = with_context(context, decode_steps=1)
        return price_stage(model, "decode", workload).torch_visible_flops

    slopes = {step(n + 1) - step(n) for n in (273, 500, 913, 4000, 32767)}
    assert slopes == {61440}


@given(models, st.integers(300, 3000), st.integers(1, 200))
def test_decoding_is_the_difference_of_causal_prefills_in_the_attention_core(model, context, steps):
    decode = core(model, "decode", with_context(context, decode_steps=steps), Flash())
    longer = core(model, "prefill", with_context(context + steps), Flash())
    assert decode == longer - core(model, "prefill", with_context(context), Flash())


@given(models, st.integers(300, 3000))
def test_causal_flash_is_the_triangle_of_the_eager_square(model, context):
    workload = with_context(context)
    eager = core(model, "prefill", workload, Eager())
    flash = core(model, "prefill", workload, Flash())
    assert flash * 2 * context == eager * (context + 1)


@given(models, workloads(), modes, st.data())
def test_flops_grow_with_every_size(model, workload, mode, data):
    name = data.draw(st.sampled_from(["batch_size", "prompt_tokens", "decode_steps", "tile_cols"]))
    workload = attrs.evolve(workload, tile_rows=max(workload.tile_rows, 1))
    larger = attrs.evolve(workload, **{name: getattr(workload, name) + 1})
    before, after = prices(model, workload, mode), prices(model, larger, mode)
    for stage in STAGES:
        assert all(a <= b for a, b in zip(values(before[stage]), values(after[stage]), strict=True))
    assert sum(p.cost.flops for p in after.values()) > sum(p.cost.flops for p in before.values())


@given(models, workloads(), modes)
def test_visible_work_is_tensor_work(model, workload, mode):
    for priced in prices(model, workload, mode).values():
        assert 0 < priced.torch_visible_flops <= priced.cost.tensor_flops


@given(models, workloads())
def test_flash_torch_is_what_torch_sees_of_flash(model, workload):
    flash, seen = prices(model, workload, Flash()), costs(model, workload, FlashTorch())
    for stage in STAGES:
        assert seen[stage].flops == flash[stage].torch_visible_flops
        assert seen[stage].vector_flops == 0


@given(
    models,
    modes,
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 5)), min_size=1, max_size=6),
    st.lists(st.integers(0, 400), min_size=6, max_size=6),
    st.integers(1, 50),
)
def test_an_array_of_workloads_equals_the_loop_of_ints(model, mode, grids, prompts, steps):
    rows, cols = (np.array(axis) for axis in zip(*grids, strict=True))
    prompt = np.array(prompts[: len(grids)])
    array = Workload(tile_rows=rows, tile_cols=cols, prompt_tokens=prompt, decode_steps=steps)
    for stage in STAGES:
        at_once = values(price_stage(model, stage, array, mode))
        one_by_one = [
            values(
                price_stage(
                    model,
                    stage,
                    Workload(tile_rows=r, tile_cols=c, prompt_tokens=int(p), decode_steps=steps),
                    mode,
                )
            )
            for (r, c), p in zip(grids, prompt, strict=True)
        ]
        for array_values, loop_values in zip(at_once, zip(*one_by_one, strict=True), strict=True):
            assert np.broadcast_to(array_values, len(grids)).tolist() == list(loop_values)


@given(models, modes, st.integers(0, 500), st.integers(1, 60), st.integers(1, 4), st.integers(0, 6))
@pytest.mark.slow
def test_the_symbolic_form_substituted_equals_the_ints(model, mode, prompt, steps, batch, cols):
    names = {"prompt_tokens": prompt, "decode_steps": steps, "batch_size": batch, "tile_cols": cols}
    symbols = {n: sympy.Symbol(n, integer=True, nonnegative=True) for n in names}
    symbolic = Workload(tile_rows=2, **symbols)
    concrete = Workload(tile_rows=2, **names)
    point = {symbols[name]: value for name, value in names.items()}
    for stage in STAGES:
        forms = values(price_stage(model, stage, symbolic, mode))
        numbers = values(price_stage(model, stage, concrete, mode))
        assert tuple(sympy.sympify(form).subs(point) for form in forms) == numbers


@pytest.mark.parametrize("mode", MODES, ids=lambda m: m.name)
def test_the_real_model_over_contexts_as_array_symbol_and_ints(model, mode):
    contexts = np.array([273, 274, 493, 913, 4096, 32768])
    symbol = sympy.Symbol("S", integer=True, positive=True)
    for stage in ("prefill", "decode"):
        array = price_stage(model, stage, with_context(contexts), mode).cost.flops
        form = sympy.sympify(price_stage(model, stage, with_context(symbol), mode).cost.flops)
        ints = [price_stage(model, stage, with_context(int(n)), mode).cost.flops for n in contexts]
        assert np.broadcast_to(array, len(ints)).tolist() == ints
        assert [form.subs(symbol, int(n)) for n in contexts] == ints


@given(workloads())
def test_the_original_code_adds_its_rope_products_and_nothing_else_that_torch_sees(workload):
    ours, original = DeepseekOcr(), DeepseekOcr(rope_by_matmul=True)
    tokens = {
        "prefill": workload.batch_size * workload.context_tokens,
        "decode": workload.batch_size * workload.decode_steps,
    }
    for stage, count in tokens.items():
        difference = (
            price_stage(original, stage, workload).torch_visible_flops
            - price_stage(ours, stage, workload).torch_visible_flops
        )
        assert difference == 12 * 2 * 64 * count
