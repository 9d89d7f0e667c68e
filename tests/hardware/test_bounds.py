"""Bounds op by op: by hand on round figures, and laws that hold for any operations."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flopbench.analytic.price import price
from flopbench.builtin.eager import Eager
from flopbench.conventions import Conventions
from flopbench.errors import UsageError
from flopbench.hardware.bounds import Bound, component_bounds, op_bound
from flopbench.hardware.times import StageTimes
from flopbench.ops import Conv2d, Elementwise, Embedding, ExpertLinear, Linear, MatMul, Norm
from support.machines import Float8, toy

CONVENTIONS = Conventions()


def priced(ops, machine):
    return price(ops, Eager(), Eager(), CONVENTIONS, machine.storage)


def bound(op, machine):
    return op_bound(op, op.cost(CONVENTIONS, machine.storage), machine)


def test_a_product_that_memory_binds():
    """4 rows from 8 to 16 features: 1024 FLOPs; 64 + 256 + 128 bytes."""
    found = bound(Linear(component="l", rows=4, in_features=8, out_features=16), toy())
    assert (found.tensor_flops, found.bytes_moved) == (1024, 448)
    assert (found.compute_ms, found.memory_ms) == (128, 448)
    assert (found.ms, found.bound_by) == (448, "memory")
    assert (found.compute_bound_ms, found.memory_bound_ms) == (0, 448)
    assert found.flops_per_byte == 1024 / 448


def test_a_product_that_compute_binds_in_float32():
    """Of vector units; the bytes are twice as many."""
    found = bound(Linear(component="l", rows=4, in_features=8, out_features=16), toy("float32"))
    assert (found.compute_ms, found.memory_ms, found.bound_by) == (1024, 896, "compute")
    assert (found.ms, found.compute_bound_ms, found.memory_bound_ms) == (1024, 1024, 0)


def test_all_copies_and_steps_run():
    op = Linear(component="l", rows=4, in_features=8, out_features=16, layers=3, steps=5)
    assert bound(op, toy()).ms == 15 * 448


def test_vector_work_moves_bytes_alone():
    found = bound(Elementwise(component="a", function="gelu", outputs=10), toy())
    assert (found.compute_ms, found.ms, found.tensor_flops) == (0, 40, 0)


def test_experts_count_at_the_expected_number():
    """Two tokens, each with 1 of 4 experts: 4 (1 - (3/4)^2) = 1.75 experts of 4 x 4 weights."""
    op = ExpertLinear(component="e", rows=2, in_features=4, out_features=4, experts=4)
    assert bound(op, toy()).bytes_moved == 1.75 * 32 + 16 + 16


def test_components_add_up_and_say_what_binds():
    ops = [
        Linear(component="a", rows=4, in_features=8, out_features=16),
        Elementwise(component="a", function="gelu", outputs=10),
        MatMul(component="b", batch=1, m=64, k=64, n=64),
    ]
    found = component_bounds(priced(ops, toy()), toy())
    assert list(found) == ["a", "b"]
    assert found["a"].ms == 488
    assert found["b"].compute_bound_ms == found["b"].ms == 2 * 64**3 / 8
    whole = sum(found.values(), Bound())
    assert (whole.bound_by, whole.memory_bound_ms) == ("compute", 488)
    assert whole.ms == whole.compute_bound_ms + whole.memory_bound_ms
    assert whole.to_dict()["bound_ms"] == whole.ms


def test_nothing_to_do_is_bound_by_nothing():
    assert (Bound().ms, Bound().bound_by, Bound().flops_per_byte) == (0, None, None)


PRODUCT = Linear(component="l", rows=4, in_features=8, out_features=16)
SCORES = MatMul(component="l", batch=1, m=2, k=2, n=2)


def with_weights(machine, scheme):
    return attrs.evolve(machine, storage=attrs.evolve(machine.storage, weights=scheme))


def test_a_scheme_that_quantises_activations_computes_in_its_dtype():
    machine = with_weights(toy(), Float8("float8"))
    assert machine.dtype_of(PRODUCT) == "float8"
    assert machine.dtype_of(SCORES) == "bfloat16"
    assert bound(PRODUCT, machine).compute_ms == 1024 / 16


def test_without_units_for_it_products_are_in_the_activations_dtype():
    machine = with_weights(toy(peaks={"bfloat16": 8000}), Float8("float8"))
    assert machine.dtype_of(PRODUCT) == "bfloat16"


def test_weights_alone_in_fewer_bits_change_the_bytes_alone():
    machine = with_weights(toy(), attrs.evolve(machine_scheme(), dtype="float8"))
    found = bound(PRODUCT, machine)
    assert (found.compute_ms, found.memory_ms) == (128, 448 - 128)


def machine_scheme():
    return toy().storage.weights


def test_the_compute_dtype_can_be_set():
    machine = toy("float32", "bfloat16")
    assert machine.dtype_of(SCORES) == machine.dtype_of(PRODUCT) == "bfloat16"
    assert bound(PRODUCT, machine).compute_ms == 128


def test_a_missing_peak_is_an_error():
    with pytest.raises(UsageError, match="Toy has no peak for float16"):
        bound(PRODUCT, toy("float16"))


size = st.integers(1, 40)
layers = st.integers(0, 3)
common = {"component": st.sampled_from("abc"), "layers": layers, "steps": st.integers(1, 4)}
experts = st.builds(
    lambda tokens, top_k, more, **rest: ExpertLinear(
        rows=tokens * top_k, top_k=top_k, experts=top_k + more, **rest
    ),
    tokens=size,
    top_k=st.integers(1, 4),
    more=st.integers(0, 8),
    in_features=size,
    out_features=size,
    **common,
)
ops = st.one_of(
    st.builds(Linear, rows=size, in_features=size, out_features=size, bias=st.booleans(), **common),
    st.builds(MatMul, batch=size, m=size, k=size, n=size, **common),
    st.builds(Embedding, tokens=size, width=size, entries=size, **common),
    st.builds(
        Norm, function=st.sampled_from(["layer_norm", "rms_norm"]), rows=size, width=size, **common
    ),
    st.builds(
        Conv2d,
        **dict.fromkeys(("batch", "in_channels", "out_channels", "kernel_size"), size),
        **dict.fromkeys(("in_height", "in_width", "out_height", "out_width"), size),
        **common,
    ),
    experts,
)
many = st.lists(ops, min_size=1, max_size=5)
rates = {"bandwidth": st.integers(1, 10**6), "l2_bytes": st.sampled_from([0, 500, 10**9])}
machines = st.builds(
    lambda peak, **changes: toy(peaks={"bfloat16": peak}, **changes),
    peak=st.integers(1, 10**8),
    **rates,
)
ROUNDING = 1 + 1e-12
"""Milliseconds are floating-point numbers: a sum may differ in its last digits."""


def times(ops, machine):
    return StageTimes.of(priced(ops, machine), machine)


def slower(machine, **rates):
    return attrs.evolve(machine, gpu=attrs.evolve(machine.gpu, **rates))


@given(ops=many, machine=machines)
def test_the_floor_is_never_above_the_bound(ops, machine):
    found = times(ops, machine)
    assert found.floor.ms <= found.bound.ms * ROUNDING
    assert found.floor.bytes_moved <= found.bound.bytes_moved * ROUNDING
    assert max(found.floor.compute_ms, found.floor.memory_ms) == found.floor.ms


@given(ops=many, machine=machines)
def test_faster_memory_or_more_of_it_in_a_cache_never_takes_longer(ops, machine):
    now = times(ops, machine)
    faster = times(ops, slower(machine, bandwidth=2 * machine.gpu.bandwidth))
    assert faster.bound.ms <= now.bound.ms
    assert faster.bound.memory_ms == now.bound.memory_ms / 2
    cached = times(ops, slower(machine, l2_bytes=2 * machine.gpu.l2_bytes + 100))
    assert cached.floor.ms <= now.floor.ms
    assert cached.bound.ms == now.bound.ms


@given(ops=many, machine=machines)
def test_a_higher_peak_never_takes_longer(ops, machine):
    now, peak = times(ops, machine), machine.gpu.peak("bfloat16")
    faster = times(ops, slower(machine, peaks={"bfloat16": 2 * peak}))
    assert faster.bound.ms <= now.bound.ms
    assert faster.floor.ms <= now.floor.ms


@given(first=many, second=many, machine=machines)
def test_the_bound_of_a_sum_is_the_sum_of_the_bounds(first, second, machine):
    apart = times(first, machine) + times(second, machine)
    together = StageTimes.of(priced(first, machine) + priced(second, machine), machine)
    assert together.bound.ms == pytest.approx(apart.bound.ms, rel=1e-12)
    assert together.bound.tensor_flops == apart.bound.tensor_flops
    assert together.bound.ms >= times(first, machine).bound.ms


@given(op=ops, machine=machines, factor=st.integers(2, 5))
def test_more_rows_never_take_less(op, machine, factor):
    name = next(n for n in ("rows", "tokens", "batch") if hasattr(op, n))
    more = attrs.evolve(op, **{name: factor * getattr(op, name)})
    assert bound(more, machine).ms >= bound(op, machine).ms
    assert times([more], machine).floor.ms >= times([op], machine).floor.ms
