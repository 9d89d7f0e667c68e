"""Whether a model fits into memory, and the largest sizes that do."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flopbench.commands.run.fit import fit
from flopbench.commands.run.other_sizes import MOST, largest, with_size
from support.machines import TOY
from support.plans import analytic_plan


@given(most=st.integers(0, 2**41), start=st.integers(1, 100))
def test_the_largest_size_is_found_from_wherever_one_begins(most, start):
    found = largest(lambda size: size <= most, start)
    assert found == most or (found is None and 2 * most > MOST * start)


def test_a_limit_is_found_beyond_any_size_that_is_usual():
    start = 10**15
    assert largest(lambda size: size <= 3 * start, start) == 3 * start


def test_nothing_limits_what_always_holds():
    assert largest(lambda _size: True) is None


def gpu(memory):
    return attrs.evolve(TOY, memory_bytes=memory)


def flash(plan):
    return next(mode for mode in plan.modes if mode.name == "flash")


def found(plan, memory):
    return fit(plan, gpu(memory), flash(plan))


OCR = ("deepseek_ocr", "workload.decode_steps=5")


def test_all_stages_count_whatever_is_reported():
    whole = found(analytic_plan(*OCR), 10**12)
    assert found(analytic_plan(*OCR, stages=["decode"]), 10**12) == whole
    # The published checkpoint has 3.3 billion parameters (deepseek-ai/DeepSeek-OCR).
    assert 6.6e9 < whole.weight_bytes < 6.8e9
    assert whole.needed_bytes == (
        whole.weight_bytes + whole.kv_cache_bytes + whole.peak_activation_bytes
    )


def needed(*overrides):
    return found(analytic_plan(*OCR, *overrides), 10**15).needed_bytes


def test_the_largest_batch_fits_and_one_more_does_not():
    memory = 20 * 10**9
    most = found(analytic_plan(*OCR), memory).largest_batch
    assert needed(f"workload.batch_size={most}") <= memory
    assert needed(f"workload.batch_size={most + 1}") > memory
    # It does not depend on the batch that was asked for.
    assert found(analytic_plan(*OCR, "workload.batch_size=7"), memory).largest_batch == most


def test_memory_that_is_just_enough_is_enough():
    enough = needed()
    assert found(analytic_plan(*OCR), enough).fits
    less = found(analytic_plan(*OCR), enough - 1)
    assert (less.fits, less.largest_batch) == (False, 0)
    assert less.text().startswith("does not fit: it needs ")
    assert "too little (weights" in less.text()
    assert less.text().endswith("; largest batch that fits: 0 prefilled at once, 22 decoding")


def test_weights_that_alone_do_not_fit_are_named():
    weights = found(analytic_plan(*OCR), 10**15).weight_bytes
    short, enough = found(analytic_plan(*OCR), weights - 1), found(analytic_plan(*OCR), weights)
    assert "too little for its weights alone (weights" in short.text()
    assert "too little (weights" in enough.text()


LM = ("hf/gpt2", "model.overrides.num_hidden_layers=2", "workload.decode_steps=2")


def test_the_largest_tensor_has_room_or_is_named():
    """What a page asks for at once may be more than is left, in the eager mode."""
    plan = analytic_plan(*OCR, "workload.mode=large")
    eager = next(mode for mode in plan.modes if mode.name == "eager")
    priced = plan.pricer.stage(plan.model, "vision", plan.workload, eager)
    made = priced.footprint.largest_tensor
    assert (made.name, made.dtype) == ("attention probabilities", "float32")
    held = fit(plan, gpu(10**12), eager)
    assert held.largest_tensor == made
    enough = held.weight_bytes + held.kv_cache_bytes + made.bytes
    room, too_little = (fit(plan, gpu(memory), eager) for memory in (enough, enough - 1))
    assert (room.largest_tensor_fits, too_little.largest_tensor_fits) == (True, False)
    alone = "one tensor alone does not fit beside weights and cache"
    assert alone not in room.text()
    assert f"{alone}: 1.966 GB (attention probabilities of vision/sam" in too_little.text()


def test_the_longest_context_at_the_batch_as_it_is():
    memory = 10**9
    for batch in (1, 3):
        size = f"workload.batch_size={batch}"
        answer = found(analytic_plan(*LM, size), memory)
        most = answer.longest_context
        fits = [
            found(analytic_plan(*LM, size, f"workload.context_tokens={n}"), memory).fits
            for n in (most, most + 1)
        ]
        assert fits == [True, False]
    assert answer.max_positions == 1024
    assert f"longest context: {most:,} tokens, though the model is made for 1,024" in answer.text()
    assert answer.to_dict()["fits"] is True


def test_unknown_memory_gives_no_answer():
    plan = analytic_plan(*OCR)
    assert fit(plan, gpu(None), flash(plan)) is None


def test_sizes_that_a_workload_has_not_are_left_out():
    plan = analytic_plan(*OCR)
    assert with_size(plan, "context_tokens", 5) is None
    assert with_size(plan, "batch_size", 5).batch_size == 5
    assert found(plan, 10**12).longest_context is None


def test_a_size_that_contradicts_the_other_inputs_is_left_out():
    plan = analytic_plan("deepseek_ocr", "workload.mode=base")
    assert with_size(plan, "prompt_tokens", 3).prompt_tokens == 3
    assert with_size(plan, "prompt_tokens", -3) is None


@pytest.mark.parametrize("memory", [10**10, 10**11])
def test_the_text_has_the_figures(memory):
    text = found(analytic_plan(*OCR), memory).text()
    assert text.startswith("fits: ")
    assert "on Toy (weights 6.671 GB, KV cache " in text
