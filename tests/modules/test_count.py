"""What a count of a module holds, and what it shows."""

import json
import random
import threading

import attrs
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence
from torch.utils.checkpoint import checkpoint

import flopbench
from flopbench.errors import CountError, UsageError


def two_layers():
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))


FORWARD = 2 * 3 * (4 * 8 + 8 * 2)
"""Of two layers and three rows."""


def test_totals_are_sums_of_parts():
    found = flopbench.count(two_layers(), torch.empty(3, 4))
    assert found.flops == FORWARD
    assert found.by_module == {"0": 2 * 3 * 4 * 8, "2": 2 * 3 * 8 * 2}
    assert found.by_op == {"aten.addmm": FORWARD}
    assert found.by_phase == {"forward": FORWARD}
    assert found.own_formula_flops == 0
    assert found.parameters == 4 * 8 + 8 + 8 * 2 + 2
    assert found.parameter_bytes == 4 * found.parameters
    assert found.complete


def test_vector_work_stands_apart():
    found = flopbench.count(two_layers(), torch.empty(3, 4))
    assert {(each.module, each.kind): each.flops for each in found.vector} == {
        ("0", "bias"): 3 * 8,
        ("1", "relu"): 3 * 8,
        ("2", "bias"): 3 * 2,
    }
    assert found.vector_flops == 3 * 8 + 3 * 8 + 3 * 2


def test_backward_is_attributed_to_the_modules_of_the_forward():
    # No gradient for the input; of the first layer the weights' alone.
    found = flopbench.count(two_layers(), torch.empty(3, 4), backward=True)
    first, second = 2 * 3 * 4 * 8, 2 * 3 * 8 * 2
    assert found.by_phase == {"forward": first + second, "backward": first + 2 * second}
    assert found.by_module == {"0": 2 * first, "2": 3 * second}


def test_an_input_that_requires_a_gradient_gets_one():
    x = torch.empty(3, 4, requires_grad=True)
    found = flopbench.count(two_layers(), x, backward=True)
    assert found.by_phase["backward"] == 2 * FORWARD
    assert x.grad is None


def test_frozen_weights_have_no_backward():
    net = two_layers()
    net[0].requires_grad_(requires_grad=False)
    found = flopbench.count(net, torch.empty(3, 4), backward=True)
    assert found.by_phase["backward"] == 2 * 3 * 8 * 2


@given(groups=st.sampled_from([1, 2, 4, 8]), size=st.integers(5, 20))
def test_backward_of_a_grouped_convolution_is_twice_its_forward(groups, size):
    # torch's own formula makes the weight gradient ``groups`` times too large.
    layer = nn.Conv2d(8, 16, 3, groups=groups, device="meta")
    x = torch.empty(2, 8, size, size, device="meta", requires_grad=True)
    forward = 2 * 2 * 16 * (size - 2) ** 2 * (8 // groups) * 9
    found = flopbench.count(layer, x, backward=True)
    assert found.by_phase == {"forward": forward, "backward": 2 * forward}
    assert found.own_formula_flops == (2 * forward if groups > 1 else 0)


def test_modules_that_share_an_input_keep_their_own_backward():
    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(4, 8), nn.Linear(4, 16)

        def forward(self, x):
            return self.a(x).sum() + self.b(x).sum()

    x = torch.empty(3, 4, requires_grad=True)
    found = flopbench.count(Shared(), x, backward=True)
    assert found.by_module == {"a": 3 * 2 * 3 * 4 * 8, "b": 3 * 2 * 3 * 4 * 16}


@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpointing_repeats_the_forward(reentrant):
    class Saved(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2), nn.ReLU())

        def forward(self, x):
            return checkpoint(self.net, x, use_reentrant=reentrant)

    found = flopbench.count(Saved(), torch.empty(3, 4, requires_grad=True), backward=True)
    assert found.by_phase == {
        "forward": FORWARD,
        "recompute": FORWARD,
        "backward": 2 * FORWARD,
    }
    assert found.by_module == {"net.0": 4 * 2 * 3 * 32, "net.2": 4 * 2 * 3 * 16}


def test_a_training_step_is_counted_and_changes_nothing():
    net = two_layers()
    optimizer = torch.optim.AdamW(net.parameters())
    net(torch.randn(3, 4)).sum().backward()
    optimizer.step()
    weights = [weight.clone() for weight in net.parameters()]
    gradients = [weight.grad for weight in net.parameters()]
    state = {p: dict(held) for p, held in optimizer.state.items()}

    def step(x):
        optimizer.zero_grad()
        net(x).square().mean().backward()
        optimizer.step()

    found = flopbench.count(step, torch.empty(3, 4))
    assert found.by_phase == {"forward": FORWARD, "backward": 2 * 3 * (32 + 2 * 16)}
    assert found.by_module == {"0": 2 * 2 * 3 * 32, "2": 3 * 2 * 3 * 16}
    assert all(torch.equal(a, b) for a, b in zip(weights, net.parameters(), strict=True))
    assert all(p.grad is g for p, g in zip(net.parameters(), gradients, strict=True))
    assert {p: dict(held) for p, held in optimizer.state.items()} == state


def test_a_block_is_counted():
    net = two_layers()
    with flopbench.counting() as counted:
        net(torch.randn(3, 4)).sum().backward()
        torch.randn(3, 4) @ torch.randn(4, 5)
        with pytest.raises(AttributeError, match="has not ended"):
            _ = counted.flops
    assert counted.by_phase == {"forward": FORWARD + 2 * 3 * 4 * 5, "backward": 2 * 3 * (32 + 32)}
    assert counted.by_module == {"0": 2 * 2 * 3 * 32, "2": 3 * 2 * 3 * 16, "": 2 * 3 * 4 * 5}
    assert all(weight.grad is None for weight in net.parameters())


def test_components_are_named_by_pattern_and_depth():
    net = nn.ModuleDict({"body": two_layers(), "head": nn.Linear(2, 5)})
    net.forward = lambda x: net["head"](net["body"](x))
    x = torch.empty(3, 4)
    head = 2 * 3 * 2 * 5
    assert flopbench.count(net, x, depth=1).by_component == {"body": FORWARD, "head": head}
    named = flopbench.count(net, x, components={"body.0": "entry", "body": "rest"})
    assert named.by_component == {"entry": 2 * 3 * 32, "rest": 2 * 3 * 16, "head": head}
    assert named.by_depth(1) == {"body": FORWARD, "head": head}


def test_dtype_changes_bytes_alone():
    one, other = (
        flopbench.count(two_layers(), torch.empty(3, 4), dtype=dtype)
        for dtype in (None, "bfloat16")
    )
    assert one.flops == other.flops
    assert one.parameter_bytes == 2 * other.parameter_bytes
    assert one.peak_activation_bytes == 2 * other.peak_activation_bytes


def test_peak_activations_are_what_later_ops_still_read():
    # During the second layer: its input of 8 a row and its result of 2, 4 bytes each.
    # During the ReLU: 8 read and 8 made. The call's own input is let go after the first layer.
    assert flopbench.count(two_layers(), torch.empty(3, 4)).peak_activation_bytes == 3 * 16 * 4

    def residual(x):
        return x + x.exp().exp()

    # x waits for the sum while one exp is read and the next is made.
    assert flopbench.count(residual, torch.empty(5)).peak_activation_bytes == 5 * 3 * 4


def test_a_backward_keeps_what_it_reads():
    def chain(x):
        return x.exp().exp().exp()

    x = torch.empty(5, requires_grad=True)
    forward = flopbench.count(chain, x).peak_activation_bytes
    assert forward == 5 * 2 * 4
    assert flopbench.count(chain, x, backward=True).peak_activation_bytes > 2 * forward


@given(rows=st.integers(1, 40), width=st.integers(1, 40), times=st.integers(1, 5))
def test_a_shared_module_counts_each_call(rows, width, times):
    layer = nn.Linear(width, width, device="meta")

    def call(x):
        for _ in range(times):
            x = layer(x)
        return x

    found = flopbench.count(call, torch.empty(rows, width, device="meta"))
    assert found.flops == times * 2 * rows * width * width
    (check,) = found.checks
    assert (check.calls, check.priced, check.counted) == (times, found.flops, found.flops)
    assert found.parameters == width * width + width


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_packed_sequences_count_their_steps_alone(kind):
    layer = kind(3, 4)
    packed = pack_padded_sequence(torch.zeros(5, 2, 3), torch.tensor([5, 3]))
    gates = {nn.LSTM: 4, nn.GRU: 3, nn.RNN: 1}[kind]
    assert flopbench.count(layer, packed).flops == 2 * (5 + 3) * gates * 4 * (3 + 4)


def test_what_a_mode_cannot_take_apart_is_named():
    found = flopbench.count(torch.linalg.solve, torch.empty(4, 4), torch.empty(4, 2))
    assert not found.complete
    assert [each.op for each in found.uncounted] == ["aten._linalg_solve_ex"]
    assert "no formula for aten._linalg_solve_ex" in found.verdict


def test_a_known_module_that_does_something_else_is_a_difference():
    class Doubled(nn.Linear):
        pass

    layer = nn.Linear(4, 8)
    # What runs is no longer what the class says, and nothing of it shows in the shapes.
    layer.register_forward_pre_hook(lambda _module, args: (args[0] @ torch.empty(4, 4),))
    found = flopbench.count(layer, torch.empty(3, 4))
    assert [(each.priced, each.counted) for each in found.differences] == [(192, 192 + 96)]
    assert "does 192 FLOPs by its shapes, but 288 were counted" in found.verdict
    assert flopbench.count(Doubled(4, 8), torch.empty(3, 4)).checks == ()


class Branching(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        return self.layer(x) if x.sum() > 0 else x


def test_a_branch_on_values_needs_a_real_run():
    x = torch.ones(3, 4)
    with pytest.raises(CountError, match=r"needs the values of tensors.*run=True"):
        flopbench.count(Branching(), x)
    found = flopbench.count(Branching(), x, run=True)
    assert (found.flops, found.method) == (2 * 3 * 16, "run")
    assert flopbench.count(Branching(), -x, run=True).flops == 0


def test_flops_that_depend_on_values_are_no_number():
    def chosen(x, weight):
        return x[x[:, 0] > 0] @ weight

    x, weight = torch.ones(5, 4), torch.ones(4, 2)
    with pytest.raises(CountError, match=r"depend on the values of tensors \(16\*u0\)"):
        flopbench.count(chosen, x, weight)
    assert flopbench.count(chosen, x, weight, run=True).flops == 2 * 5 * 4 * 2


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: flopbench.count(3), "count a module or a function, not an int: 3"),
        (lambda: flopbench.count(two_layers(), torch.empty(3, 5)), "'0' .Linear. of Sequential"),
        (lambda: flopbench.count(nn.Linear(3, 4)), "missing 1 required positional argument"),
        (
            lambda: flopbench.count(two_layers(), "x"),
            "'0' .Linear. of Sequential failed: TypeError",
        ),
        (
            lambda: flopbench.count(nn.Linear(3, 4), torch.empty(2, 3), dtype="int3"),
            "unknown dtype",
        ),
        (
            lambda: flopbench.count(lambda x: x.detach(), torch.empty(2), backward=True),
            "no output has a gradient",
        ),
    ],
)
def test_bad_input_is_one_sentence(call, error):
    with pytest.raises((CountError, UsageError), match=error) as refused:
        call()
    assert "\n" not in str(refused.value)


def test_results_are_values():
    found = flopbench.count(two_layers(), torch.empty(3, 4), backward=True)
    data = json.loads(found.to_json())
    assert data["flops"] == found.flops == sum(each["flops"] for each in data["work"])
    assert data["flops_by_component"] == found.by_component
    rows = found.rows()
    assert sum(row["flops"] for row in rows if row["kind"] == "matrix") == found.flops
    assert sum(row["flops"] for row in rows if row["kind"] == "vector") == found.vector_flops
    tree = found.tree()
    assert tree.value == found.flops == sum(child.value for child in tree.children)
    assert f"{found.flops:,}" in str(found)
    with pytest.raises(AttributeError):
        found.flops = 3
    assert found == flopbench.count(two_layers(), torch.empty(3, 4), backward=True)


def test_random_numbers_go_on_as_if_nothing_had_run():
    net = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5))

    def draw(x):
        random.random()  # noqa: S311 - what a program may do
        np.random.rand()  # noqa: NPY002 - the same
        return net(x) + torch.rand_like(x)

    torch.manual_seed(1)
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    expected = torch.rand(3), random.random(), np.random.rand()  # noqa: NPY002, S311
    torch.manual_seed(1)
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    flopbench.count(draw, torch.empty(3, 4))
    found = torch.rand(3), random.random(), np.random.rand()  # noqa: NPY002, S311
    assert torch.equal(found[0], expected[0])
    assert found[1:] == expected[1:]


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_experts_in_groups_are_counted_in_any_dtype_and_size(device):
    from transformers import MixtralConfig, MixtralModel

    config = MixtralConfig(
        hidden_size=24,
        intermediate_size=40,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        num_local_experts=4,
        vocab_size=50,
    )
    with torch.device(device):
        model = MixtralModel(config).eval()
    found = flopbench.count(model, torch.zeros(2, 7, dtype=torch.long))
    # 14 tokens take 2 experts each: a gate and an up matrix of 24 x 40, and one back.
    assert found.by_op["aten._grouped_mm"] == 2 * (14 * 2) * (24 * 2 * 40 + 40 * 24)


def conv_and_norm():
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())


def test_backward_belongs_to_the_module_whose_op_it_derives():
    # A norm counts its batches, an op without a node of autograd's, before its own first op.
    found = flopbench.count(conv_and_norm(), torch.empty(4, 3, 8, 8), backward=True)
    assert found.by_module == {"0": 2 * 2 * 4 * 8 * 64 * 27}


def test_backward_of_a_loss_outside_the_module_is_the_modules():
    net = two_layers()

    def step(x, y):
        nn.functional.cross_entropy(net(x), y).backward()

    x, y = torch.randn(3, 4), torch.zeros(3, dtype=torch.long)
    expected = {"0": 2 * 2 * 3 * 32, "2": 3 * 2 * 3 * 16}
    assert flopbench.count(step, x, y).by_module == expected
    assert flopbench.count(step, x, y, run=True).by_module == expected


def test_a_backward_within_a_forward_is_a_backward():
    class Slope(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 1)

        def forward(self, x):
            y = self.layer(x)
            return torch.autograd.grad(y.sum(), x, create_graph=True)[0]

    found = flopbench.count(Slope(), torch.ones(3, 4, requires_grad=True))
    assert found.by_phase == {"forward": 2 * 3 * 4, "backward": 2 * 3 * 4}


@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpointing_of_a_function_is_recomputation(reentrant):
    class Saved(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(4, 8), nn.Linear(8, 4)

        def part(self, x):
            return nn.functional.linear(self.a(x).relu(), self.b.weight).relu()

        def forward(self, x):
            return checkpoint(self.part, x, use_reentrant=reentrant)

    x = torch.ones(3, 4, requires_grad=True)
    once = 2 * 3 * 32
    found = flopbench.count(Saved(), x, backward=True)
    assert found.by_phase == {"forward": 2 * once, "recompute": 2 * once, "backward": 4 * once}


def test_hooks_of_gradients_are_counted():
    weight = nn.Parameter(torch.ones(4, 4))
    weight.register_hook(lambda gradient: gradient @ gradient)
    found = flopbench.count(lambda x: (x @ weight).sum(), torch.ones(3, 4), backward=True)
    assert found.by_phase == {"forward": 96, "backward": 96 + 2 * 64}


def test_one_count_within_another_is_refused_and_changes_nothing():
    net, x = two_layers(), torch.ones(3, 4)
    with flopbench.counting(), pytest.raises(UsageError, match="a count runs already"):
        flopbench.count(net, x)
    with pytest.raises(UsageError, match="a count runs already"):
        flopbench.count(lambda: flopbench.law(net, lambda B: torch.empty(B, 4), {"B": 2}))
    assert {weight.device.type for weight in net.parameters()} == {"cpu"}


def test_threads_count_one_after_the_other():
    net, x, found = two_layers(), torch.ones(3, 4), []
    threads = [
        threading.Thread(target=lambda: found.append(flopbench.count(net, x).flops))
        for _ in range(4)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found == [FORWARD] * 4
    assert {weight.device.type for weight in net.parameters()} == {"cpu"}


def test_what_runs_in_a_thread_is_named():
    def call(x):
        thread = threading.Thread(target=lambda: x @ x.mT)
        thread.start()
        thread.join()

    found = flopbench.count(call, torch.ones(3, 4))
    assert not found.complete
    assert [each.op for each in found.uncounted] == ["threading.Thread"]


def test_a_generator_has_not_run():
    def call(x):
        yield x @ x.mT

    with pytest.raises(CountError, match="returned a generator, of which nothing has run"):
        flopbench.count(call, torch.ones(3, 4))


def test_autocast_and_moves_are_left_out_and_said():
    net = nn.Sequential(nn.Conv1d(4, 4, 1), nn.Linear(2, 2))

    def call(x):
        net.to("cpu").half()
        with torch.autocast(x.device.type, dtype=torch.bfloat16):
            return net(x)

    found = flopbench.count(call, torch.ones(3, 4, 2))
    assert found.flops == 2 * 3 * (2 * 16 + 4 * 4)
    assert [note.split(" ")[0] for note in found.notes] == ["autocast", "moves"]
    with flopbench.counting() as counted, torch.autocast("cpu", dtype=torch.bfloat16):
        net(torch.ones(3, 4, 2))
    assert counted.flops == found.flops
    assert {weight.dtype for weight in net.parameters()} == {torch.float32}


def test_a_causal_mask_needs_no_values():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    encoder = nn.TransformerEncoder(layer, 1)
    mask = nn.Transformer.generate_square_subsequent_mask(6)
    per_token = 4 * 8 * 8 + 2 * 8 * 16
    found = flopbench.count(encoder, torch.ones(2, 6, 8), mask=mask)
    assert found.flops == 2 * (2 * 6 * per_token + 2 * 2 * 6 * 6 * 8)


def test_modules_and_optimizers_of_functions_that_a_function_calls():
    net = two_layers()
    optimizer = torch.optim.SGD(net.parameters(), momentum=0.9)

    def step(x):
        optimizer.zero_grad()
        net(x).sum().backward()
        optimizer.step()

    def outer(x):
        step(x)

    net(torch.ones(3, 4)).sum().backward()
    gradients = [weight.grad for weight in net.parameters()]
    assert flopbench.count(outer, torch.ones(3, 4)) == attrs.evolve(
        flopbench.count(step, torch.ones(3, 4)), name="outer"
    )
    assert all(w.grad is g for w, g in zip(net.parameters(), gradients, strict=True))
    assert not optimizer.state


def test_a_block_leaves_optimizers_schedulers_and_gradients_alone():
    net, free = two_layers(), nn.Parameter(torch.ones(4, 4))
    optimizer = torch.optim.Adam([*net.parameters(), free])
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    net(torch.ones(3, 4)).sum().backward()
    gradients = [weight.grad for weight in net.parameters()]
    with flopbench.counting() as counted:
        optimizer.zero_grad()
        (net(torch.ones(3, 4) @ free)).sum().backward()
        optimizer.step()
        scheduler.step()
    assert counted.by_phase["forward"] == FORWARD + 2 * 3 * 16
    assert all(w.grad is g for w, g in zip(net.parameters(), gradients, strict=True))
    assert free.grad is None
    assert not optimizer.state
    assert (scheduler.last_epoch, optimizer.param_groups[0]["lr"]) == (0, 1e-3)
    assert str(counted).startswith("the block: ")


def test_what_is_made_within_a_call_is_counted_with_its_optimizer():
    def whole(x):
        net = two_layers()
        optimizer = torch.optim.SGD(net.parameters())
        net(x).sum().backward()
        optimizer.step()

    found = flopbench.count(whole, torch.ones(3, 4))
    assert found.by_phase == {"forward": FORWARD, "backward": 2 * 3 * (32 + 32)}
    # Each of the 58 parameters takes in its gradient.
    assert sum(e.flops for e in found.vector if (e.module, e.kind) == ("", "add")) == 58


@pytest.mark.parametrize(
    "options",
    [
        {"depth": -1},
        {"depth": "1"},
        {"components": ["a"]},
        {"components": {3: "a"}},
        {"run": True, "dtype": "float16"},
    ],
)
def test_wrong_options_are_one_sentence(options):
    with pytest.raises(UsageError) as refused:
        flopbench.count(two_layers(), torch.ones(3, 4), **options)
    assert "\n" not in str(refused.value)


def test_counts_can_be_compared_and_kept_in_sets():
    found = [flopbench.count(two_layers(), torch.ones(3, 4), depth=d) for d in (1, 2)]
    assert len({*found}) == 1
