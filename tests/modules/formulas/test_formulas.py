"""Each formula against a call that torch counts, or against what a CPU executes."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch._dispatch.python import enable_python_dispatcher
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from flopbench.builtin.torch_symbolic import _size
from flopbench.builtin.torch_watch import does_matrix_work
from flopbench.modules.formulas import corrected_formulas, own_formulas
from support.module_counts import by_op, executed, flops

aten = torch.ops.aten
sizes = st.integers(1, 7)


def empty(*shape, dtype=None):
    return torch.empty(*shape, device="meta", dtype=dtype)


PRODUCTS = {
    # name: an op that torch does not count, and products that it does, by m, k and n
    "mv": (lambda m, k, _: empty(m, k) @ empty(k), lambda m, k, _: empty(m, k) @ empty(k, 1)),
    "addmv": (
        lambda m, k, _: torch.addmv(empty(m), empty(m, k), empty(k)),
        lambda m, k, _: empty(m, k) @ empty(k, 1),
    ),
    "addmv_": (
        lambda m, k, _: empty(m).addmv_(empty(m, k), empty(k)),
        lambda m, k, _: empty(m, k) @ empty(k, 1),
    ),
    "dot": (lambda _, k, __: empty(k) @ empty(k), lambda _, k, __: empty(1, k) @ empty(k, 1)),
    "vdot": (
        lambda _, k, __: torch.vdot(empty(k), empty(k)),
        lambda _, k, __: empty(1, k) @ empty(k, 1),
    ),
    "addr": (
        lambda m, _, n: torch.addr(empty(m, n), empty(m), empty(n)),
        lambda m, _, n: empty(m, 1) @ empty(1, n),
    ),
    "addmm_": (
        lambda m, k, n: empty(m, n).addmm_(empty(m, k), empty(k, n)),
        lambda m, k, n: empty(m, k) @ empty(k, n),
    ),
    "_addmm_activation": (
        lambda m, k, n: torch._addmm_activation(empty(n), empty(m, k), empty(k, n)),
        lambda m, k, n: empty(m, k) @ empty(k, n),
    ),
    "addbmm": (
        lambda m, k, n: torch.addbmm(empty(m, n), empty(3, m, k), empty(3, k, n)),
        lambda m, k, n: empty(3, m, k) @ empty(3, k, n),
    ),
    "addbmm_": (
        lambda m, k, n: empty(m, n).addbmm_(empty(3, m, k), empty(3, k, n)),
        lambda m, k, n: empty(3, m, k) @ empty(3, k, n),
    ),
    "baddbmm_": (
        lambda m, k, n: empty(3, m, n).baddbmm_(empty(3, m, k), empty(3, k, n)),
        lambda m, k, n: empty(3, m, k) @ empty(3, k, n),
    ),
    "_foreach_mm": (
        lambda m, k, n: aten._foreach_mm([empty(m, k), empty(2, m)], [empty(k, n), empty(m, k)]),
        lambda m, k, n: (empty(m, k) @ empty(k, n), empty(2, m) @ empty(m, k)),
    ),
    "_int_mm": (
        lambda m, k, n: torch._int_mm(empty(m, k, dtype=torch.int8), empty(k, n, dtype=torch.int8)),
        lambda m, k, n: empty(m, k) @ empty(k, n),
    ),
    "_weight_int8pack_mm": (
        lambda m, k, n: torch._weight_int8pack_mm(
            empty(m, k, dtype=torch.bfloat16),
            empty(n, k, dtype=torch.int8),
            empty(n, dtype=torch.bfloat16),
        ),
        lambda m, k, n: empty(m, k) @ empty(k, n),
    ),
    "conv_tbc": (
        lambda m, k, n: torch.conv_tbc(empty(9, m, k), empty(2, k, n), empty(n), 1),
        lambda m, k, n: functional.conv1d(empty(m, k, 9), empty(n, k, 2), padding=1),
    ),
    "mkldnn_convolution": (
        lambda m, k, n: aten.mkldnn_convolution(  # on a CPU only
            torch.ones(m, 2 * k, 9), torch.ones(2 * n, k, 3), None, [1], [2], [1], 2
        ),
        lambda m, k, n: functional.conv1d(
            empty(m, 2 * k, 9), empty(2 * n, k, 3), padding=1, stride=2, groups=2
        ),
    ),
    "slow_conv_transpose2d": (
        lambda m, k, n: aten.slow_conv_transpose2d(
            empty(m, k, 5, 4), empty(k, n, 3, 2), [3, 2], None, [2, 1], [1, 0]
        ),
        lambda m, k, n: functional.conv_transpose2d(
            empty(m, k, 5, 4), empty(k, n, 3, 2), stride=(2, 1), padding=(1, 0)
        ),
    ),
    "_cudnn_rnn": (
        lambda m, k, n: aten._cudnn_rnn(
            empty(m, 3, k),
            [empty(4 * n, k), empty(4 * n, n), empty(4 * n), empty(4 * n)] * 2,
            4,
            None,
            *(empty(2, 3, n), empty(2, 3, n), 2, n, 0, 1, False, 0.0, True, True, [], None),
        ),
        lambda m, k, n: nn.LSTM(k, n, bidirectional=True, device="meta")(empty(m, 3, k)),
    ),
}


@pytest.mark.parametrize("name", PRODUCTS)
@settings(max_examples=10)
@given(m=sizes, k=sizes, n=sizes)
def test_an_op_counts_as_the_products_that_it_stands_for(name, m, k, n):
    own, counted = PRODUCTS[name]
    with torch.no_grad():
        found = by_op(lambda: own(m, k, n))
        assert found == {f"aten.{name}": flops(lambda: counted(m, k, n))}


few = st.integers(1, 3)


@st.composite
def gradients_of_convolutions(draw):
    dims, transposed, groups = draw(few), draw(st.booleans()), draw(few)
    kind = getattr(nn, f"Conv{'Transpose' if transposed else ''}{dims}d")
    channels, kernel = (groups * draw(few) for _ in range(2)), [draw(few) for _ in range(dims)]
    inputs, outputs = channels
    layer = kind(inputs, outputs, kernel, draw(few), draw(st.integers(0, 1)), device="meta")
    return layer, groups, (draw(few), inputs, *(draw(st.integers(3, 5)) for _ in range(dims)))


def corrected(run):
    """The FLOPs of what a function runs, with corrections, and without."""
    totals = []
    for formulas in (corrected_formulas(), {}):
        with FlopCounterMode(display=False, custom_mapping=formulas) as counter:
            run()
        totals.append(counter.get_flop_counts()["Global"][aten.convolution_backward])
    return totals


@given(gradients_of_convolutions(), st.booleans())
def test_gradients_of_convolutions_in_groups_are_those_of_the_groups(call, of_input):
    layer, groups, shape = call

    def run(layer, shape):
        pixels = empty(*shape).requires_grad_(of_input)
        layer(pixels).sum().backward()

    ours, torchs = corrected(lambda: run(layer, shape))
    assert ours == torchs
    # As many groups of such layers, side by side.
    options = {name: getattr(layer, name) for name in ("stride", "padding")}
    wide = type(layer)(
        groups * layer.in_channels,
        groups * layer.out_channels,
        layer.kernel_size,
        groups=groups,
        device="meta",
        **options,
    )
    batch, _, *spatial = shape
    both = corrected(lambda: run(wide, (batch, groups * layer.in_channels, *spatial)))
    # The weight's gradient is all of it, or half.
    half = ours // 2 if of_input else ours
    assert both == [groups * ours, groups * (ours - half) + groups**2 * half]


@given(st.lists(sizes, min_size=1, max_size=3), sizes, sizes, sizes)
def test_grouped_products(groups, m, k, n):
    total, count = sum(groups), len(groups)
    ends = torch.tensor(groups).cumsum(0).to(torch.int32)
    for a, b, of_one in (
        ((total, k), (count, k, n), lambda size: (size, k, n)),
        ((count, m, k), (k, total), lambda size: (m, k, size)),
        ((m, total), (total, n), lambda size: (m, size, n)),
    ):
        products = [of_one(size) for size in groups]
        expected = flops(lambda: [empty(x, y) @ empty(y, z) for x, y, z in products])  # noqa: B023
        formula = own_formulas()[aten._grouped_mm]
        assert formula(empty(*a), empty(*b), ends, out_val=None) == expected
    batched = flops(lambda: empty(count, m, k) @ empty(count, k, n))
    assert formula(empty(count, m, k), empty(count, k, n), out_val=None) == batched


def test_numbers_of_4_bits_share_elements():
    a, b = (empty(*shape, dtype=torch.float4_e2m1fn_x2) for shape in ((3, 8), (8, 5)))
    formula = own_formulas()[aten._scaled_mm_v2]
    assert formula(a, b, out_val=None) == 2 * 3 * 16 * 5


@settings(max_examples=10)
@given(st.lists(sizes, min_size=1, max_size=2), st.integers(2, 6), st.integers(2, 6), sizes)
def test_bilinear_and_its_gradients(rows, first, second, outputs):
    module = nn.Bilinear(first, second, outputs)
    operands = [torch.randn(*rows, size, requires_grad=True) for size in (first, second)]
    assert flops(lambda: module(*operands)) == executed(lambda: module(*operands)) > 0
    done = [module(*operands).sum() for _ in range(2)]
    assert flops(done[0].backward) == executed(done[1].backward) > 0


@pytest.mark.parametrize(
    ("op", "run"),
    [
        (
            "_euclidean_dist",
            lambda: torch.cdist(torch.randn(3, 28, 5), torch.randn(1, 6, 5)),
        ),
        (
            "_euclidean_dist",
            lambda: torch.cdist(*torch.randn(2, 3, 4), compute_mode="use_mm_for_euclid_dist"),
        ),
        (
            "affine_grid_generator",
            lambda: functional.affine_grid(torch.ones(3, 2, 3), (3, 1, 4, 5), align_corners=False),
        ),
        (
            "affine_grid_generator",
            lambda: functional.affine_grid(
                torch.ones(2, 3, 4), (2, 1, 4, 5, 3), align_corners=True
            ),
        ),
        (
            "addbmm",
            lambda: torch.addbmm(torch.ones(4, 6), *map(torch.ones, [(2, 4, 5), (2, 5, 6)])),
        ),
    ],
)
def test_what_a_cpu_executes(op, run):
    assert by_op(run) == {f"aten.{op}": executed(run)}


def test_ops_without_matrix_products_or_that_depend_on_values_have_no_formula():
    ops = {str(op) for op in own_formulas()}
    left_out = "_cdist_forward _fft_c2c linalg_qr _linalg_svd linalg_inv_ex _sparse_mm_reduce_impl"
    assert ops.isdisjoint(f"aten.{name}" for name in left_out.split())


def test_each_own_formula_is_of_an_op_that_torch_has_none_for():
    for op in own_formulas().keys() - corrected_formulas().keys():
        assert op not in flop_registry
        namespace, _, name = str(op).rpartition(".")
        assert does_matrix_work(namespace, name) or name.startswith("_embedding_bag")


class Layers(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(6, 4)
        self.attention = nn.MultiheadAttention(4, 2)
        self.bilinear = nn.Bilinear(4, 4, 3)

    def forward(self, tokens):
        hidden = self.lstm(tokens)[0]
        hidden = self.attention(hidden, hidden, hidden, need_weights=False)[0]
        return self.bilinear(hidden, hidden).view(-1, 3) @ hidden.new_empty(3)


def test_sizes_may_be_symbols():
    shapes = ShapeEnv(duck_shape=False)
    t, b = (_size(shapes, name, example) for name, example in (("t", 5), ("b", 7)))
    # The dispatcher in Python has what symbols can pass.
    with FakeTensorMode(shape_env=shapes), enable_python_dispatcher(), torch.no_grad():
        module = Layers()
        found = by_op(lambda: module(torch.empty(t, b, 6)))
    t, b = (size.node.expr for size in (t, b))
    assert {op: n.node.expr for op, n in found.items()} == {
        "aten.mkldnn_rnn_layer": 2 * 16 * (6 + 4) * t * b,
        "aten.addmm": 2 * 4 * (3 * 4 + 4) * t * b,
        "aten._scaled_dot_product_flash_attention_for_cpu": 2 * (4 + 4) * t * t * b,
        "aten._trilinear": 2 * 3 * 4 * (4 + 1) * t * b,
        "aten.mv": 2 * 3 * t * b,
    }
    assert not shapes.guards
