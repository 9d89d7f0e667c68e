"""The least that a million tokens cost."""

import pytest

from flopbench.commands.run.prices import TokenPrices, per_million, token_prices
from support.plans import analytic_plan, machine_of, times_of


def test_by_hand():
    """3,600 tokens in a second are 12.96 million an hour."""
    assert per_million(12.96, 1000, 3600) == pytest.approx(1)


def test_prefill_and_generated_tokens_are_apart():
    plan = analytic_plan(
        "deepseek_ocr", "workload.batch_size=2", "workload.decode_steps=10", "workload.mode=base"
    )
    times = times_of(plan, machine_of(plan, gpu="h200"))["flash"]
    found = token_prices(plan, times, 3)
    first = times["vision"].floor.ms + times["prefill"].floor.ms
    # 16 rows of 17 tokens, a separator and 10 of the prompt.
    assert found.prefill == pytest.approx(3 * first / 3.6e6 * 1e6 / (2 * 283))
    assert found.generated == pytest.approx(3 * times["decode"].floor.ms / 3.6e6 * 1e6 / (2 * 10))
    text = found.text()
    assert text.startswith(f"a million tokens cost at least {found.prefill:.4g} of prefill, ")
    assert text.endswith(" generated, at 3 an hour")


def test_a_stage_that_is_left_out_has_no_price():
    plan = analytic_plan("deepseek_ocr", stages=["vision", "decode"])
    times = times_of(plan, machine_of(plan, gpu="h200"))["flash"]
    found = token_prices(plan, times, 3)
    assert found.prefill is None
    assert found.generated > 0
    assert TokenPrices(per_hour=3.0).text().startswith("not known: ")
