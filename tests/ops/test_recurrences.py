"""Recurrences: what each form costs, against sums by hand and laws."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flopbench.conventions import Conventions
from flopbench.ops import Elementwise, MatMul, Needs, SelectiveScan, StateSpace

sizes = st.integers(1, 6)
scans = st.builds(
    SelectiveScan,
    component=st.just("core"),
    batch=sizes,
    tokens=sizes,
    channels=st.sampled_from([4, 8]),
    state_size=sizes,
    heads=st.sampled_from([1, 2, 4]),
)


def flops(ops):
    """Return the matrix FLOPs and those of vector work."""
    ops = [*ops]
    found = (op.layers * op.steps * op.tensor_flops() for op in ops)
    vector = (op.layers * op.steps * op.vector_flops(Conventions()) for op in ops)
    return sum(found), sum(vector)


def scan_by_loop(scan):
    """Count a selective scan element by element; softplus is 3 FLOPs, all else 1."""
    tensor, vector = 0, scan.channels * scan.state_size  # exp of the decays
    for _ in range(scan.batch * scan.tokens):
        for _ in range(scan.channels):
            vector += 1 + 3  # the bias, softplus
            for _ in range(scan.state_size):
                vector += 2 + 2 + 2  # exp(A d); d B x; the new state
                tensor += 2  # h C
            vector += 2  # D x, and its sum
    return tensor, vector


@given(scan=scans)
def test_a_selective_scan_costs_what_a_loop_over_its_elements_counts(scan):
    assert flops(scan.sequential()) == flops(scan.as_run()) == scan_by_loop(scan)


@given(scan=scans, tokens=sizes)
def test_a_scan_of_more_tokens_adds_up_but_for_its_decays(scan, tokens):
    longer = attrs.evolve(scan, tokens=scan.tokens + tokens)
    rest = attrs.evolve(scan, tokens=tokens)
    parts = flops([*scan.as_run(), *rest.as_run()])
    assert flops(longer.as_run()) == (parts[0], parts[1] - scan.state_elements)


@given(scan=scans, needs=st.tuples(st.booleans(), st.booleans()), trains=st.booleans())
def test_a_scan_keeps_no_operand_larger_than_it_is(scan, needs, trains):
    """Steps, keys and values are broadcast to states, and kept as they are."""
    states = scan.batch * scan.tokens * scan.channels * scan.state_size
    for op in scan.sequential():
        if isinstance(op, Elementwise) and op.function == "multiply":
            wanted = needs if len(op.takes) > 1 else needs[:1]
            kept = sum(each.elements for each in op.keeps(Needs(wanted, trains)))
            assert 0 <= kept <= op.moved()[0] <= 2 * states


def test_the_heads_of_a_scan_share_its_channels():
    scan = SelectiveScan(component="core", batch=2, tokens=3, channels=8, state_size=5)
    split = attrs.evolve(scan, heads=4)
    assert flops(split.as_run()) == flops(scan.as_run())
    assert split.operand_elements == (48, 48, 2 * 3 * 4 * 5, 2 * 3 * 4 * 5)
    assert scan.weights() == split.weights() == 8 * 5 + 2 * 8


spaces = st.builds(
    StateSpace,
    component=st.just("core"),
    batch=sizes,
    tokens=st.integers(1, 20),
    heads=st.sampled_from([2, 4]),
    head_dim=sizes,
    state_size=st.integers(2, 6),
    groups=st.sampled_from([1, 2]),
    chunk=st.integers(2, 6),
)


def products_by_loop(space):
    """Count a chunked state space's products, chunk by chunk and head by head."""
    length, width, state = space.chunk, space.head_dim, space.state_size
    chunks = -(-space.tokens // length)
    found = 0
    for _ in range(space.batch * space.heads):
        for _ in range(chunks):
            found += 2 * length * length * state  # C B'
            found += 2 * length * length * width  # its product with the values
            found += 2 * length * state * width  # the states that a chunk leaves
            found += 2 * length * state * width  # and what a chunk is left
        found += 2 * (chunks + 1) ** 2 * width * state  # from chunk to chunk
    return found


@given(space=spaces)
def test_chunks_of_a_state_space_cost_what_a_loop_over_them_counts(space):
    assert flops(space.chunked())[0] == flops(space.as_run())[0] == products_by_loop(space)


@given(space=spaces)
def test_a_sequence_costs_the_products_of_whole_chunks(space):
    whole = attrs.evolve(space, tokens=-(-space.tokens // space.chunk) * space.chunk)
    assert flops(space.chunked())[0] == flops(whole.chunked())[0]


@pytest.mark.parametrize(
    ("change", "products"), [({}, 5), ({"chunk": 1}, 3), ({"state_size": 1}, 3)]
)
def test_a_sum_over_one_term_is_no_product(change, products):
    """torch.einsum multiplies: over a state of one element, or in chunks of one token."""
    space = StateSpace(
        component="core", batch=2, tokens=5, heads=2, head_dim=3, state_size=4, chunk=2
    )
    found = [op for op in attrs.evolve(space, **change).chunked() if isinstance(op, MatMul)]
    assert len(found) == products


@given(space=spaces | scans)
def test_one_kernel_does_the_same_work_and_moves_operands_and_results_alone(space):
    (fused,) = space.fused()
    assert (fused.tensor_flops(), fused.vector_flops(Conventions())) == flops(space.as_run())
    assert fused.moved() == (sum(space.operand_elements), space.result_elements)
    assert fused.weights() == space.weights()


@given(space=spaces | scans, resumed=st.booleans())
def test_a_state_is_held_and_written_and_read_if_there_is_one(space, resumed):
    (state,) = attrs.evolve(space, resumed=resumed).state()
    held = space.batch * space.state_elements
    assert (state.cache_held(), state.cache_written()) == (held, held)
    assert state.cache_reads == (held if resumed else 0)
    assert [*space.uncached().state()] == []
