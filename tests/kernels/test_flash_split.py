"""In how many parts the keys are split: the kernel's rule against exact arithmetic."""

from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from flopbench.kernels.flash_split import splits


def splits_by_fractions(row_blocks, key_blocks, multiprocessors):
    """The rule in exact arithmetic: all splits, the best, the first within 85 % of it."""
    slots = 2 * multiprocessors
    if row_blocks >= Fraction(8, 10) * slots:
        return 1
    fullness = {}
    for count in range(1, min(128, slots, key_blocks) + 1):
        per_split = -(-key_blocks // count)
        if count > 1 and per_split == -(-key_blocks // (count - 1)):
            continue  # the last split would be empty
        waves = Fraction(row_blocks * count, slots)
        fullness[count] = waves / -(-waves // 1)
    limit = Fraction(85, 100) * max(fullness.values())
    # At an exact tie it is the rounding of the kernel's single precision that decides.
    assume(limit not in fullness.values())
    return min(count for count, full in fullness.items() if full >= limit)


@given(st.integers(1, 400), st.integers(1, 300), st.sampled_from([108, 114, 132, 142]))
def test_the_split_rule_is_that_of_exact_arithmetic(row_blocks, key_blocks, multiprocessors):
    expected = splits_by_fractions(row_blocks, key_blocks, multiprocessors)
    assert splits(row_blocks, key_blocks, multiprocessors) == expected


def test_a_tie_is_decided_in_single_precision_as_the_kernel_does():
    # 34 of 40 splits are 85 % exactly; rounded, a little less.
    assert splits(5, 200, 108) == 40


def test_splitting_starts_below_four_fifths_of_the_slots():
    assert splits(211, 64, 132) > 1
    assert splits(212, 64, 132) == 1
