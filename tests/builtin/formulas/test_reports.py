"""Numbers that people published of these formulas, reproduced to their last digit.

Each test names where the number was given, and which term explains what was wrong with it.
"""

import pytest
from decoder_configs import (
    DEEPSEEK_V2_LITE,
    GPT_OSS_20B,
    GPT_OSS_120B,
    LLAMA2_7B,
    LLAMA3_8B,
    QWEN3_30B_A3B,
    settings_of,
)

import flopbench
from flopbench.formulas import Term


def judged(model, overrides, *, batch=1, context, formulas=None, phases="train"):
    workload = {"batch_size": batch, "context_tokens": context}
    found = flopbench.referee(
        model,
        workload=workload,
        model_options=settings_of(model, overrides),
        formulas=formulas,
        phases=phases,
    )
    assert found.unexplained == ()
    (phase,) = found.phases
    return phase


def number(phase, name):
    (found,) = [each for each in phase.judgements if each.formula.name == name]
    return found


def terms(phase, name, against="counted"):
    """Return the terms of a difference, per token."""
    found = number(phase, name).terms[against].items()
    return {term: phase.per_token(amount) for term, amount in found}


def tera(flops, digits=2):
    return round(flops / 10**12, digits)


def test_llama_3_8b_as_counted():
    """Counted with torch 2.13.0 and transformers 5.23.0, eager attention, on meta, S = 8192."""
    phase = judged("hf/llama", LLAMA3_8B, context=8192)
    counted, useful, executed = (phase.per_token(each.flops) for each in phase.references)
    assert counted == 57_912_852_480 == 3 * 19_304_284_160
    assert useful == 51_471_187_968
    assert round(executed / (counted / 3), 4) == 3.7509
    shown = {
        j.formula.name: round(100 * float(j.flops / phase.counted.flops - 1), 2)
        for j in phase.judgements
    }
    assert (shown["6nd"], shown["6nd_active"], shown["palm"]) == (-16.80, -22.25, 5.45)
    norms = 6 * (32 * 2 * 4096 + 4096)
    assert terms(phase, "nanogpt") == terms(phase, "torchtitan") == {Term.NORMS: norms}
    assert norms == 1_597_440


def test_qwen3_30b_a3b_as_counted_and_as_reported_for_torchtitan():
    """PR 4300 of torchtitan: 37,578,559,488 of its own, 192,856,412,160 of transformers'."""
    phase = judged("hf/qwen3_moe", QWEN3_30B_A3B, context=8192)
    assert phase.per_token(phase.counted.flops) == 37_577_293_824
    assert phase.per_token(phase.references[1].flops) == 27_914_797_056
    assert phase.per_token(number(phase, "torchtitan").flops) == 37_578_559_488
    assert phase.per_token(number(phase, "torchtitan_hf").flops) == 192_856_412_160
    norms = 6 * (48 * (2 * 2048 + 2 * 128) + 2048)
    own = terms(phase, "torchtitan")
    assert own == {
        Term.NORMS: 6 * (48 * 2 * 2048 + 2048),
        Term.ATTENTION_NORMS: 6 * 48 * 2 * 128,
    }
    assert sum(own.values()) == norms == 1_265_664
    wrong = terms(phase, "torchtitan_hf")
    assert max(wrong, key=wrong.get) is Term.INACTIVE
    assert wrong[Term.INACTIVE] == 6 * 48 * 120 * 3 * 2048 * 768


@pytest.mark.parametrize(
    ("overrides", "before", "after"),
    [
        (GPT_OSS_20B, 26_481_681_792, 24_141_260_160),
        (GPT_OSS_120B, 38_044_854_144, 34_534_221_696),
    ],
)
def test_windows_in_torchtitan(overrides, before, after):
    """PR 4300 of torchtitan: windows were priced as if every query saw all keys; S = 4096."""
    phase = judged("hf/gpt_oss", overrides, context=4096)
    assert phase.per_token(number(phase, "torchtitan").flops) == before
    assert phase.per_token(number(phase, "torchtitan_windows").flops) == after
    old, new = terms(phase, "torchtitan"), terms(phase, "torchtitan_windows")
    layers = overrides.get("num_hidden_layers", 36) // 2
    assert old | {Term.BEYOND: -6 * layers * 64 * 128 * (4096 - 128)} == new


def test_the_causal_half_in_maxtext():
    """PR 1988 of MaxText, 4 sequences of 8192 per device: 1721.22 and 704.60 TFLOPs before."""
    for model, overrides, before, after in (
        ("hf/llama", LLAMA2_7B, 1721.22, 1510.11),
        ("hf/deepseek_v2", DEEPSEEK_V2_LITE, 704.60, 593.27),
    ):
        phase = judged(model, overrides, batch=4, context=8192, formulas="maxtext")
        assert tera(phase.counted.flops) == before
        assert tera(number(phase, "maxtext").flops) == after
        assert set(terms(phase, "maxtext")) == {Term.CAUSAL, Term.DIAGONAL}
    # PR 2979 gives this one with all its digits.
    assert number(phase, "maxtext").flops == 593_272_422_531_072


def test_all_pairs_in_maxtext_before_that():
    """PR 1304 of MaxText, 4 sequences of 256 of Llama 2 7B: 41.00620025856 TFLOPs."""
    phase = judged("hf/llama", LLAMA2_7B, batch=4, context=256)
    assert phase.counted.flops == 41_006_200_258_560
    again = -number(phase, "maxtext").terms["counted"][Term.CAUSAL]
    again -= number(phase, "maxtext").terms["counted"][Term.DIAGONAL]
    assert 2 * again == 412_316_860_416


def test_inactive_experts_in_maxtext():
    """PR 678 of MaxText, 1024 tokens of Mixtral 8x7B: 287.78 TFLOPs, 79.98 without idle experts."""
    phase = judged("hf/mixtral", {}, context=1024)
    idle = number(phase, "6nd").terms["counted"][Term.INACTIVE]
    assert tera(phase.counted.flops) == 79.98
    assert tera(phase.counted.flops + idle) == 287.78


def test_the_token_embedding_in_maxtext():
    """PR 644 of MaxText, 12 sequences of 2048 of Llama 2 7B: 1033.2 TFLOPs, and 1053.4 after.

    Before, it was six times all parameters, and half of the pairs.
    """
    phase = judged("hf/llama", LLAMA2_7B, batch=12, context=2048)
    assert tera(phase.counted.flops, 1) == 1053.4
    attention = number(phase, "palm").flops - number(phase, "6nd").flops
    assert tera(number(phase, "6nd").flops + attention // 2, 1) == 1033.2
    assert Term.TOKENS in terms(phase, "6nd")


def test_more_than_the_peak_by_the_causal_half():
    """Issues 831 of Megatron-LM and 341 of torchtitan: 189 TFLOP/s of 312 become 121 %.

    FlashAttention's benchmark counts half of the pairs; the formulas then counted all of them.
    """
    phase = judged("hf/llama", LLAMA3_8B, context=16384)
    pairs = number(phase, "torchtitan").terms["useful"][Term.CAUSAL]
    left = -number(phase, "6nd").terms["useful"][Term.USEFUL]
    assert round(189 * float((pairs + left) / left) / 312, 2) == 1.21
    assert (pairs + left) * (16384 + 1) == left * 2 * 16384


def test_causal_masks_in_vllm():
    """PR 34150 of vLLM: N x C pairs of a prefill become N x C - N x (N - 1) / 2."""
    phase = judged("hf/llama", LLAMA3_8B, context=1000, formulas="vllm", phases="prefill")
    too_many = number(phase, "vllm").terms["useful"][Term.CAUSAL]
    assert too_many == 4 * 32 * 32 * 128 * (1000 * 999 // 2)
