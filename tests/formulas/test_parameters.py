"""Parameters by kind, read off operations."""

import attrs

from flopbench import Embedding, Linear
from flopbench.formulas.parameters import parameters_of


def test_without_a_token_table_there_are_only_matrices_and_biases():
    layer = Linear(component="tower", rows=3, in_features=4, out_features=8, bias=True, layers=2)
    found = parameters_of([layer])
    assert (found.layers, found.biases, found.tokens, found.positions) == (64, 16, 0, 0)
    assert found.all == found.active == 80


def test_the_first_table_is_that_of_tokens_unless_the_head_shares_it():
    tokens = Embedding(component="embed", tokens=3, width=4, entries=10)
    positions = Embedding(component="positions", tokens=3, width=4, entries=6)
    head = Linear(component="lm_head", rows=3, in_features=4, out_features=10)
    apart = parameters_of([tokens, positions, head])
    assert (apart.tokens, apart.positions, apart.head, apart.all) == (40, 24, 40, 104)
    shared = attrs.evolve(head, weights_shared=True)
    tied = parameters_of([tokens, positions, shared])
    assert (tied.tokens, tied.positions, tied.head, tied.all) == (0, 24, 40, 64)
