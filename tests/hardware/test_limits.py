"""What limits a stage, in words, and shares of stages."""

import pytest

from flopbench.analytic.price import price
from flopbench.builtin.eager import Eager
from flopbench.conventions import Conventions
from flopbench.hardware.limits import FreeBatch, limits, shares
from flopbench.hardware.targets import reach
from flopbench.hardware.times import StageTimes
from flopbench.ops import Elementwise, Linear, MatMul
from support.machines import toy


def priced(*ops):
    return price(ops, Eager(), Eager(), Conventions())


def times(*ops):
    return StageTimes.of(priced(*ops), toy())


WAITS = Linear(component="mlp", rows=1, in_features=20, out_features=20)
"""800 bytes of weights, 80 of activations."""
COMPUTES = MatMul(component="core", batch=1, m=64, k=64, n=64)
"""65,536 ms; 24,576 ms of bytes."""


def test_memory_binds_and_most_bytes_are_named():
    found = limits("decode", priced(WAITS), times(WAITS))
    assert found.text() == "decode: memory binds (880 of 880 ms); 91 % of the bytes are weights"
    assert found.most_share == 800 / 880
    assert found.to_dict()["text"] == found.text()


def test_compute_binds_and_the_largest_component_is_named():
    found = limits("prefill", priced(WAITS, COMPUTES), times(WAITS, COMPUTES))
    assert found.text().startswith("prefill: compute binds (65,536 of 66,416 ms); over 99 % ")
    assert found.text().endswith("of the tensor FLOPs are in core")
    assert found.most_share == 2 * 64**3 / (2 * 64**3 + 800)


@pytest.mark.parametrize(
    ("largest", "words"),
    [
        (64, "batches up to about 64 are nearly free (the bound grows by less than 10 %)"),
        (None, "any batch is nearly free (the bound grows by less than 10 %)"),
        (5, "twice the batch takes 1.7 times the bound"),
    ],
)
def test_how_far_a_batch_can_grow(largest, words):
    free = FreeBatch(batch=4, largest=largest, doubled=1.7)
    assert limits("decode", priced(WAITS), times(WAITS), free).text().endswith(f"; {words}")


def test_all_is_all():
    assert (
        limits("prefill", priced(COMPUTES), times(COMPUTES))
        .text()
        .endswith("; all of the tensor FLOPs are in core")
    )


def test_nothing_limits_no_work():
    nothing = Elementwise(component="a", function="gelu", outputs=0)
    assert limits("decode", priced(nothing), times(nothing)) is None


def test_shares_of_flops_are_not_shares_of_bytes_or_of_the_bound():
    first, second = shares({"decode": times(WAITS), "prefill": times(COMPUTES)})
    assert first.tensor_flops + second.tensor_flops == pytest.approx(1)
    assert first.tensor_flops == 800 / (800 + 2 * 64**3)
    assert first.bytes_moved == 880 / (880 + 24_576)
    assert first.bound == 880 / (880 + 65_536)
    assert first.text() == (
        "decode: 0.15 % of the tensor FLOPs, 3.5 % of the bytes, 1.3 % of the bound"
    )


def test_a_target_says_what_it_asks_of_the_gpu():
    found = reach("first token", 1.76, times(WAITS), "Toy")
    assert (found.memory_share, found.compute_share) == (0.5, 100 / 1760)
    assert found.possible
    assert found.text() == (
        "first token in 1.76 s: tensor FLOPs at 5.68 % of the peak, bytes at 50 % of the "
        "bandwidth of Toy"
    )


def test_a_target_below_the_floor_cannot_be_met():
    tight = reach("output token", 0.4, times(WAITS), "Toy")
    assert not tight.possible
    assert tight.text().endswith("; nothing can: the floor is 0.88 s")
    assert tight.to_dict()["possible"] is False


def test_a_target_of_each_step_is_met_once_a_step():
    found = reach("output token", 0.45, times(WAITS), "Toy", runs=2)
    assert (found.possible, found.floor_s, found.memory_share) == (True, 0.44, 880 / 900)
