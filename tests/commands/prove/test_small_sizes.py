"""Proofs of a model that loops over tokens, and counts few of them as more."""

import pytest
import torch
from torch.nn import functional

from flopbench import Linear
from flopbench.dims import maximum
from support.proofs import equations, proof_of
from toy.sized import WIDTH, SizedToy, Sizes, TorchVendor

KERNEL = 4


def padded_loop(x, linear):
    x = functional.pad(x, (0, 0, 0, max(0, KERNEL - x.shape[1])))
    return torch.stack([linear(x[:, token]) for token in range(int(x.shape[1]))], dim=1)


def model(rows):
    class Looping(SizedToy):
        def ops(self, stage, workload):
            sizes = {"in_features": WIDTH, "out_features": WIDTH}
            yield Linear(component="layer", rows=workload.B * rows(workload.S), **sizes)

    return Looping()


@pytest.mark.slow
def test_a_law_beyond_small_sizes_is_found_and_those_are_held_against_it():
    looping = model(lambda tokens: maximum(KERNEL, tokens))
    proof = proof_of(looping, TorchVendor(padded_loop), Sizes(B=2, S=5))
    assert proof.verdict == "interpolated"
    assert str(equations(proof)["prefill", None].vendor) == f"{2 * WIDTH * WIDTH}*B*S"


@pytest.mark.slow
def test_a_form_that_is_wrong_at_small_sizes_alone_differs():
    looping = model(lambda tokens: tokens)
    proof = proof_of(looping, TorchVendor(padded_loop), Sizes(B=2, S=5))
    assert proof.verdict == "differs"
    assert "where S = 1" in equations(proof)["prefill", "layer"].reason


def test_ops_that_are_others_where_a_size_is_a_number_are_priced_there():
    def rows(tokens):
        return KERNEL if isinstance(tokens, int) and tokens == 1 else maximum(2, tokens)

    def one_or_all(x, linear):
        return linear(x.expand(-1, KERNEL, -1) if x.shape[1] == 1 else x)

    proof = proof_of(model(rows), TorchVendor(one_or_all), Sizes(B=2, S=5))
    assert proof.verdict == "proved"
    assert (
        proof_of(model(lambda s: s), TorchVendor(one_or_all), Sizes(B=2, S=5)).verdict == "differs"
    )
