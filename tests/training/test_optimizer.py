"""The optimizer's step: laws, and forms by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flopbench.analytic.price import Pricer
from flopbench.analytic.trained import TrainedModel
from flopbench.builtin.eager import Eager
from flopbench.conventions import Conventions
from flopbench.ops import Linear, Norm, Unit
from flopbench.training.optimizer import optimizer
from flopbench.training_step import OPTIMIZER, TrainOptions
from support.training_toys import Toy, matrix
from training.test_passes import decoders, workloads


def step(decoder, workload, dtype="bfloat16", **train):
    model = TrainedModel(Toy(decoder), TrainOptions(**train))
    pricer = Pricer(Eager(), Conventions(), dtype)
    return pricer.price(model.ops(OPTIMIZER, workload), Eager())


def weights(decoder, workload, **train):
    """Return how many are trained: SGD without momentum takes 2 FLOPs for each."""
    plain = {"optimizer": "sgd", "momentum": False, **train}
    return step(decoder, workload, **plain).cost.vector_flops // 2


@settings(max_examples=20)
@given(decoders() | decoders(tied=True), workloads, st.sampled_from(["float32", "bfloat16"]))
def test_each_trained_weight_is_updated_once(decoder, workload, dtype):
    count, size = weights(decoder, workload), {"float32": 4, "bfloat16": 2}[dtype]
    adamw = step(decoder, workload, dtype).cost
    assert (adamw.tensor_flops, adamw.vector_flops) == (0, 14 * count)
    assert adamw.weight_bytes_read == size * count
    assert adamw.activation_bytes_read == (size + 8) * count
    assert adamw.activation_bytes_written == (size + 8) * count
    master = step(decoder, workload, dtype, master_weights=True).cost
    assert master.bytes_moved == adamw.bytes_moved - size * count + 8 * count
    assert step(decoder, workload, dtype, optimizer="sgd").cost.vector_flops == 4 * count


@settings(max_examples=15)
@given(decoders(), workloads)
def test_frozen_weights_are_not_updated(decoder, workload):
    assert not step(decoder, workload, frozen=("*",)).lines
    some = weights(decoder, workload, frozen=("decoder/attention/*",))
    rest = weights(decoder, workload) - some
    kept = weights(decoder, workload, frozen=("decoder/embed", "decoder/[mnr]*", "lm_head"))
    assert 0 < kept == rest


@settings(max_examples=15)
@given(decoders(), workloads)
def test_muon_multiplies_matrices_of_layers_alone(decoder, workload):
    found = matrix(step(decoder, workload, optimizer="muon"))
    assert {"decoder/attention/qkv", "decoder/attention/out"} <= set(found)
    assert not {"lm_head", "decoder/embed", "decoder/norm"} & set(found)


@pytest.mark.parametrize(("rows", "columns"), [(4, 6), (6, 4), (5, 5)])
def test_newton_schulz_takes_three_products_in_five_iterations(rows, columns):
    small, large = min(rows, columns), max(rows, columns)
    linear = Linear(
        component="a",
        layers=3,
        rows=7,
        in_features=columns,
        out_features=rows,
        bias=True,
        unit=Unit("layer", 3),
    )
    ops = list(optimizer([linear], lambda _op: True, TrainOptions(optimizer="muon")))
    cost = sum((op.cost(Conventions()) for op in ops[1:]), ops[0].cost(Conventions()))
    product = 2 * small * small * large
    assert cost.tensor_flops == 3 * 5 * (2 * product + 2 * small**3)
    sums = 5 * (3 * small * small + 2 * small * large)
    assert cost.vector_flops == 3 * (12 * rows * columns + 14 * rows + sums)


def test_a_norm_in_a_layer_gets_adamw():
    norm = Norm(
        component="a", rows=2, width=5, function="rms_norm", layers=3, unit=Unit("layer", 3)
    )
    (update,) = optimizer([norm], lambda _op: True, TrainOptions(optimizer="muon"))
    assert (update.kind, update.updated * update.layers) == ("adamw", 15)
