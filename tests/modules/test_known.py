"""The second witness, by attributes and shapes, against what torch counts on ``meta`` and a CPU."""

import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv
from torch.nn.utils import spectral_norm, weight_norm
from torch.nn.utils.rnn import pack_padded_sequence
from torch.utils._python_dispatch import TorchDispatchMode

from flopbench.builtin.torch_symbolic import _size
from flopbench.builtin.torch_watch import does_matrix_work
from flopbench.conventions import Conventions
from flopbench.modules.known import _WITHOUT_MATRICES, known_ops
from support.module_counts import counted, on

pytestmark = pytest.mark.filterwarnings(
    "ignore:LSTM with projections", "ignore:Using padding='same'"
)

few, sizes = st.integers(1, 3), st.integers(1, 6)
rows = st.lists(few, max_size=3)


def known(module, *args, **kwargs):
    """The FLOPs of a call by the second witness."""
    module, args, kwargs = on("meta", (module, args, kwargs))
    with torch.no_grad():
        ops = known_ops(module, args, kwargs, module(*args, **kwargs))
    return sum(op.tensor_flops() for op in ops)


def agree(module, *args, **kwargs):
    """Whether both witnesses say the same, on ``meta`` and on a CPU."""
    found = known(module, *args, **kwargs)
    on_both = {counted(module, *args, device=device, **kwargs) for device in ("meta", "cpu")}
    return {found} == on_both and found > 0


@given(rows, sizes, sizes, st.booleans())
def test_linear(rows, width, out, bias):
    assert agree(nn.Linear(width, out, bias=bias), torch.ones(*rows, width))
    assert agree(nn.Linear(width, out, bias=bias), input=torch.ones(*rows, width))


@given(few, sizes, sizes)
def test_a_lazy_layer_is_known_once_it_has_its_size(batch, width, out):
    module, given_ = nn.LazyLinear(out), torch.ones(batch, width)
    assert known_ops(module, (given_,), {}, None) is None
    module(given_)
    assert agree(module, given_)


@given(st.lists(few, min_size=1, max_size=2), sizes, sizes, sizes, st.booleans())
def test_bilinear(rows, first, second, out, bias):
    operands = (torch.ones(*rows, size) for size in (first, second))
    assert agree(nn.Bilinear(first, second, out, bias=bias), *operands)


def test_the_conv1d_of_transformers_is_a_linear_layer():
    from transformers.pytorch_utils import Conv1D

    assert agree(Conv1D(5, 3), torch.ones(2, 4, 3))


def test_nothing_loads_transformers():
    if "transformers.pytorch_utils" not in sys.modules:
        known(nn.Linear(2, 3), torch.ones(1, 2))
        assert "transformers.pytorch_utils" not in sys.modules


@st.composite
def convolutions(draw):
    dims, transposed = draw(st.integers(1, 3)), draw(st.booleans())
    groups, per_group = draw(few), draw(few)
    each = st.lists(few, min_size=dims, max_size=dims)
    kernel, stride, dilation = (tuple(draw(each)) for _ in range(3))
    options = {"stride": stride, "dilation": dilation, "bias": draw(st.booleans())}
    if transposed:
        kind = getattr(nn, f"ConvTranspose{dims}d")
        options["output_padding"] = tuple(
            draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation, strict=True)
        )
    else:
        kind = getattr(nn, f"Conv{dims}d")
        options["padding"] = draw(st.sampled_from([0, 1, "valid"]))
        options["padding_mode"] = draw(st.sampled_from(["zeros", "replicate"]))
        if set(stride) == {1}:
            options["padding"] = draw(st.sampled_from(["same", options["padding"]]))
    channels = groups * per_group
    module = kind(channels, groups * draw(few), kernel, groups=groups, **options)
    spatial = [d * (k - 1) + draw(few) for d, k in zip(dilation, kernel, strict=True)]
    batch = draw(st.sampled_from([(), (1,), (3,)]))
    return module, torch.ones(*batch, channels, *spatial)


@settings(max_examples=60)
@given(convolutions())
def test_convolutions(call):
    assert agree(*call)


@settings(max_examples=60)
@given(convolutions())
def test_the_weights_of_a_convolution(call):
    module, pixels = call
    (op,) = known_ops(module, (pixels,), {}, module(pixels))
    assert op.weights() == op.weights_read() == sum(p.numel() for p in module.parameters())
    assert op.operands() == pixels.numel()
    assert op.results() == module(pixels).numel()
    bias = module.bias is not None
    assert op.vector_flops(Conventions()) == (op.results() if bias else 0)


@st.composite
def attentions(draw):
    heads, head, batch, queries, keys = (draw(few) for _ in range(5))
    width, kdim, vdim = heads * head, draw(sizes), draw(sizes)
    if draw(st.booleans()):
        kdim = vdim = width
    batch_first, is_batched = draw(st.booleans()), draw(st.booleans())
    module = nn.MultiheadAttention(
        width,
        heads,
        bias=draw(st.booleans()),
        add_bias_kv=draw(st.booleans()),
        add_zero_attn=draw(st.booleans()),
        kdim=kdim,
        vdim=vdim,
        batch_first=batch_first,
    ).train(draw(st.booleans()))

    def sequences(length, size):
        shape = (batch, length, size) if batch_first else (length, batch, size)
        return torch.ones(*(shape if is_batched else (length, size)))

    call = {
        "query": sequences(queries, width),
        "key": sequences(keys, kdim),
        "value": sequences(keys, vdim),
        "need_weights": draw(st.booleans()),
    }
    if draw(st.booleans()):
        call["attn_mask"] = torch.zeros(queries, keys)
    if draw(st.booleans()):
        call["key_padding_mask"] = torch.zeros((batch, keys) if is_batched else (keys,))
    return module, call


@settings(max_examples=60)
@given(attentions())
def test_multi_head_attention(call):
    module, operands = call
    assert agree(module, **operands)
    assert agree(module, *(operands.pop(name) for name in ("query", "key", "value")), **operands)


@st.composite
def recurrents(draw):
    kind, width, hidden = (
        draw(st.sampled_from([nn.LSTM, nn.GRU, nn.RNN])),
        draw(sizes),
        draw(st.integers(2, 6)),
    )
    options = {"proj_size": draw(st.integers(0, hidden - 1))} if kind is nn.LSTM else {}
    flags = {name: draw(st.booleans()) for name in ("bias", "batch_first", "bidirectional")}
    module = kind(width, hidden, draw(few), **flags, **options)
    return module, torch.ones(*draw(st.sampled_from([(3,), (2, 4), (5, 1)])), width)


@given(recurrents())
def test_recurrent_layers(call):
    assert agree(*call)


@given(recurrents(), st.lists(few, min_size=1, max_size=4))
def test_packed_sequences_have_no_padding(call, lengths):
    module, tokens = call
    padded = torch.ones(len(lengths), max(lengths), tokens.shape[-1])
    packed = pack_padded_sequence(padded, lengths, batch_first=True, enforce_sorted=False)
    with torch.no_grad():
        ops = known_ops(module, (packed,), {}, module(packed))
    found = sum(op.tensor_flops() for op in ops)
    assert found == counted(module, packed, device="cpu")
    assert found == known(module, torch.ones(sum(lengths), tokens.shape[-1]))


@given(st.sampled_from([nn.RNNCell, nn.LSTMCell, nn.GRUCell]), rows, sizes, sizes, st.booleans())
def test_cells(kind, rows, width, hidden, bias):
    assert agree(kind(width, hidden, bias=bias), torch.ones(*rows[:1], width))


@given(sizes, sizes, sizes, st.booleans())
def test_a_bag_with_weights(bags, samples, width, flat):
    module = nn.EmbeddingBag(5, width, mode="sum")
    call = {"input": torch.zeros(bags, samples, dtype=torch.long)}
    if flat:
        call = {
            "input": torch.zeros(bags * samples, dtype=torch.long),
            "offsets": torch.arange(bags) * samples,
        }
    assert known(module, **call) == counted(module, **call) == 0
    assert agree(module, **call, per_sample_weights=torch.ones(call["input"].shape))


IMAGE = torch.rand(2, 4, 6, 6)
CASES = {
    # what the class takes and is called with, if not nothing and an image
    "AdaptiveAvgPool": ((2,),),
    "AdaptiveMaxPool": ((2,),),
    "AvgPool": ((2,),),
    "BCELoss": ((), IMAGE, IMAGE),
    "BCEWithLogitsLoss": ((), IMAGE, IMAGE),
    "BatchNorm": ((4,),),
    "ChannelShuffle": ((2,),),
    "CircularPad": ((1,),),
    "ConstantPad": ((1, 0.0),),
    "CosineSimilarity": ((), IMAGE, IMAGE),
    "CrossEntropyLoss": ((), torch.rand(3, 5), torch.tensor([0, 1, 4])),
    "Embedding": ((7, 3), torch.tensor([[1, 2]])),
    "Fold": (((4, 4), 2), torch.rand(2, 8, 9)),
    "FractionalMaxPool": ((2, 3),),
    "GroupNorm": ((2, 4),),
    "HuberLoss": ((), IMAGE, IMAGE),
    "InstanceNorm": ((4,),),
    "KLDivLoss": ((None, None, "sum"), IMAGE, IMAGE),
    "L1Loss": ((), IMAGE, IMAGE),
    "LPPool": ((2, 2),),
    "LayerNorm": ((6,),),
    "LocalResponseNorm": ((2,),),
    "LogSoftmax": ((1,),),
    "MSELoss": ((), IMAGE, IMAGE),
    "MaxPool": ((2,),),
    "MaxUnpool": ((2,),),
    "NLLLoss": ((), torch.rand(3, 5), torch.tensor([0, 1, 4])),
    "PairwiseDistance": ((), IMAGE, IMAGE),
    "PixelShuffle": ((2,),),
    "PixelUnshuffle": ((2,),),
    "RMSNorm": ((6,),),
    "ReflectionPad": ((1,),),
    "ReplicationPad": ((1,),),
    "Softmax": ((1,),),
    "Softmax2d": ((),),
    "Softmin": ((1,),),
    "SmoothL1Loss": ((), IMAGE, IMAGE),
    "Threshold": ((0.1, 0.0),),
    "Unflatten": ((1, (2, 2)),),
    "Unfold": ((2,),),
    "Upsample": ((12,),),
    "UpsamplingBilinear2d": ((12,),),
    "UpsamplingNearest2d": ((12,),),
    "ZeroPad": ((1,),),
}


class MatrixWork(TorchDispatchMode):
    """Names the ops that may do matrix work."""

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        namespace, _, name = str(func.overloadpacket).rpartition(".")
        if does_matrix_work(namespace, name):
            self.found.append(name)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", _WITHOUT_MATRICES.split())
def test_modules_without_a_product_of_matrices(name):
    dims = int(name[-2]) if name.endswith(("1d", "2d", "3d")) else 2
    settings_, *operands = CASES.get(name) or CASES.get(name.removesuffix(f"{dims}d"), ((),))
    module = getattr(nn, name)(*settings_)
    image = IMAGE if dims == 2 else torch.rand(2, 4, *[6] * dims)
    if name.startswith("MaxUnpool"):
        operands = getattr(nn, f"MaxPool{dims}d")(2, return_indices=True)(image)
    operands = operands or (image,)
    with MatrixWork() as watched:
        output = module(*operands)
    assert known_ops(module, tuple(operands), {}, output) == ()
    assert not watched.found


class Doubled(nn.Linear):
    def forward(self, given):
        return super().forward(super().forward(given))


@pytest.mark.filterwarnings("ignore:.*weight_norm. is deprecated:FutureWarning")
@given(few, sizes, sizes)
def test_a_bag_with_weights_is_a_product(bags, samples, width):
    module, ids = (
        nn.EmbeddingBag(7, width, mode="sum"),
        torch.zeros(bags, samples, dtype=torch.long),
    )
    assert agree(module, ids, per_sample_weights=torch.ones(bags, samples))
    assert agree(module, ids.flatten(), torch.zeros(1, dtype=torch.long), torch.ones(ids.numel()))
    assert known(module, ids) == 0


def test_what_vmap_maps_is_not_known():
    seen = []
    module = nn.Linear(4, 3)
    module.register_forward_hook(lambda m, args, out: seen.append(known_ops(m, args, {}, out)))
    torch.vmap(module)(torch.ones(2, 4))
    module(torch.ones(2, 4))
    assert seen[0] is None
    assert sum(op.tensor_flops() for op in seen[1]) == 2 * 2 * 4 * 3


def test_what_may_compute_something_else_is_not_known():
    ones = torch.ones(2, 3)
    replaced = nn.Linear(3, 3)
    replaced.forward = lambda given: given
    parametrized = nn.utils.parametrizations.spectral_norm(nn.Linear(3, 3))
    changed = (spectral_norm(nn.Linear(3, 3)), weight_norm(nn.Linear(3, 3)), parametrized)
    for module in (Doubled(3, 3), replaced, *changed, nn.Sequential(nn.Linear(3, 3)), nn.Module()):
        assert known_ops(module, (ones,), {}, ones) is None


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_nested_tensors_are_not_known():
    module = nn.Linear(3, 4)
    given_ = torch.nested.nested_tensor([torch.ones(2, 3), torch.ones(5, 3)])
    assert known_ops(module, (given_,), {}, module(given_)) is None


def test_within_vmap_nothing_is_known_and_within_gradients_it_is():
    module, found = nn.Linear(3, 4), []

    def call(given_):
        output = module(given_)
        found.append(known_ops(module, (given_,), {}, output))
        return output.sum()

    torch.vmap(call)(torch.ones(5, 2, 3))
    torch.func.grad(call)(torch.ones(2, 3))
    torch.func.grad(lambda given_: torch.vmap(call)(given_).sum())(torch.ones(5, 2, 3))
    assert found[0] is found[2] is None
    assert [op.tensor_flops() for op in found[1]] == [2 * 2 * 3 * 4]


def test_hooks_of_who_counts_change_nothing():
    module = nn.Linear(3, 4)
    module.register_forward_pre_hook(lambda *_: None)
    module.register_forward_hook(lambda *_: None)
    assert agree(module, torch.ones(2, 3))


def test_sizes_may_be_symbols():
    shapes = ShapeEnv(duck_shape=False)
    batch, side = (_size(shapes, name, example) for name, example in (("b", 3), ("s", 9)))
    with FakeTensorMode(shape_env=shapes), torch.device("meta"), torch.no_grad():
        module, pixels = nn.Conv2d(4, 6, 3, padding=1, groups=2), torch.empty(batch, 4, side, side)
        found = known_ops(module, (pixels,), {}, module(pixels))
        attention, tokens = nn.MultiheadAttention(8, 2), torch.empty(side, batch, 8)
        ops = known_ops(attention, (tokens,) * 3, {}, attention(tokens, tokens, tokens))
    b, s = batch.node.expr, side.node.expr
    assert found[0].tensor_flops().node.expr == 2 * 6 * 2 * 9 * s**2 * b
    products = sum(op.tensor_flops() for op in ops).node.expr
    assert products == (2 * (4 * 8 * 8 * b * s + 2 * 8 * b * s**2)).expand()
    assert not shapes.guards
