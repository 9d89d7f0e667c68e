"""A module has the same FLOPs on ``cpu``, where kernels are fused, as on ``meta``."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from support.module_counts import by_op, counted, executed, flops, on, trained

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections")

sizes = st.integers(1, 5)
few = st.integers(1, 3)


@st.composite
def recurrent_calls(draw, kinds=(nn.LSTM, nn.GRU, nn.RNN), *, grad=False):
    kind, width, hidden = draw(st.sampled_from(kinds)), draw(sizes), draw(st.integers(2, 6))
    layers, batch_first = draw(few), draw(st.booleans())
    options = {"proj_size": draw(st.integers(0, hidden - 1))} if kind is nn.LSTM else {}
    module = kind(
        width,
        hidden,
        layers,
        bias=draw(st.booleans()),
        batch_first=batch_first,
        bidirectional=draw(st.booleans()),
        **options,
    ).train(draw(st.booleans()))
    shape = draw(st.sampled_from([(draw(sizes), width), (draw(sizes), draw(sizes), width)]))
    return module, torch.randn(*shape, requires_grad=grad)


@given(recurrent_calls())
def test_recurrent_layers(call):
    module, tokens = call
    assert counted(module, tokens, device="cpu") == counted(module, tokens) > 0


@settings(max_examples=8)
@given(few, sizes, sizes, sizes, st.booleans())
def test_the_lstm_kernel_of_a_cpu_computes_the_gradients_of_all(
    layers, batch, length, width, is_bidirectional
):
    module = nn.LSTM(width, 3, layers, bidirectional=is_bidirectional)
    states = [
        torch.zeros(layers * (1 + is_bidirectional), batch, 3, requires_grad=True) for _ in range(2)
    ]
    tokens = torch.randn(length, batch, width, requires_grad=True)
    on_cpu, on_meta = (trained(module, tokens, states, device=d) for d in ("cpu", "meta"))
    assert on_cpu == on_meta == 3 * counted(module, tokens)


@st.composite
def attention_calls(draw):
    heads, head, batch, queries = (draw(few) for _ in range(4))
    width, is_self = heads * head, draw(st.booleans())
    keys = queries if is_self else draw(sizes)
    kdim, vdim = (width if is_self else draw(sizes) for _ in range(2))
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
        return torch.randn(*(shape if is_batched else (length, size)))

    query = sequences(queries, width)
    operands = (
        (query, query, query) if is_self else (query, sequences(keys, kdim), sequences(keys, vdim))
    )
    options = {"need_weights": draw(st.booleans()), "average_attn_weights": draw(st.booleans())}
    if draw(st.booleans()):
        options["attn_mask"] = torch.zeros(queries, keys)
    if draw(st.booleans()):
        shape = (batch, keys) if is_batched else (keys,)
        options["key_padding_mask"] = torch.zeros(shape)
    return module, operands, options


@given(attention_calls())
def test_multi_head_attention(call):
    module, operands, options = call
    on_cpu = counted(module, *operands, device="cpu", **options)
    assert on_cpu == counted(module, *operands, **options) > 0


@given(
    heads=few,
    head=few,
    hidden=sizes,
    shape=st.tuples(few, few),
    is_training=st.booleans(),
    norm_first=st.booleans(),
    mask=st.sampled_from([None, "src_mask", "src_key_padding_mask"]),
)
def test_an_encoder_layer(heads, head, hidden, shape, is_training, norm_first, mask):
    batch, length = shape
    module = nn.TransformerEncoderLayer(
        heads * head, heads, hidden, batch_first=True, norm_first=norm_first
    ).train(is_training)
    tokens = torch.randn(batch, length, heads * head)
    masks = {"src_mask": (length, length), "src_key_padding_mask": (batch, length)}
    options = {mask: torch.zeros(masks[mask], dtype=torch.bool)} if mask else {}
    on_cpu = counted(module, tokens, device="cpu", **options)
    assert on_cpu == counted(module, tokens, **options) > 0


@given(few, few, sizes, st.tuples(few, sizes, sizes), st.booleans())
def test_a_decoder_layer(heads, head, hidden, shape, is_training):
    batch, length, memory = shape
    module = nn.TransformerDecoderLayer(heads * head, heads, hidden, batch_first=True)
    module.train(is_training)
    operands = [torch.randn(batch, n, heads * head) for n in (length, memory)]
    assert counted(module, *operands, device="cpu") == counted(module, *operands) > 0


def test_the_fast_paths_are_those_that_a_cpu_takes():
    tokens = torch.randn(2, 3, 8)
    attention = nn.MultiheadAttention(8, 2, batch_first=True).eval()
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    with torch.no_grad():
        assert list(by_op(lambda: attention(tokens, tokens, tokens))) == [
            "aten._native_multi_head_attention"
        ]
        assert list(by_op(lambda: layer(tokens))) == ["aten._transformer_encoder_layer_fwd"]
        assert list(by_op(lambda: nn.LSTM(8, 4)(tokens))) == ["aten.mkldnn_rnn_layer"]


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("lengths", [(1, 2), (5, 3, 4)])
def test_padding_that_a_cpu_leaves_out(lengths):
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    encoder = nn.TransformerEncoder(layer, 2).eval()
    longest = max(lengths)
    tokens = torch.randn(len(lengths), longest, 8)
    padding = torch.tensor([[i >= n for i in range(longest)] for n in lengths])
    with torch.no_grad():
        found = flops(lambda: encoder(tokens, src_key_padding_mask=padding))
        assert found == executed(lambda: encoder(tokens, src_key_padding_mask=padding))
    assert found < counted(encoder, tokens, src_key_padding_mask=padding)


@st.composite
def core_calls(draw, *, grad):
    batch, heads, shared, queries, keys, width = (draw(few) for _ in range(6))
    value = draw(st.sampled_from([width, draw(few)]))
    operands = tuple(
        torch.randn(batch, n, length, size, requires_grad=grad)
        for n, length, size in (
            (heads * shared, queries, width),
            (heads, keys, width),
            (heads, keys, value),
        )
    )
    options = {"enable_gqa": True, "is_causal": draw(st.booleans())}
    if not options["is_causal"] and draw(st.booleans()):
        options["attn_mask"] = torch.zeros(queries, keys)
    return operands, options


class Core(nn.Module):
    def forward(self, *operands, **options):
        return functional.scaled_dot_product_attention(*operands, **options)


@given(core_calls(grad=False))
def test_the_core_of_attention(call):
    operands, options = call
    on_meta = counted(Core(), *operands, **options)
    assert counted(Core(), *operands, device="cpu", **options) == on_meta > 0


@given(core_calls(grad=True))
def test_the_fused_core_computes_its_scores_again_for_its_gradients(call):
    operands, options = call
    query, key, value = operands
    more = trained(Core(), *operands, device="cpu", **options)
    more -= trained(Core(), *operands, **options)
    scores = 2 * query.numel() * key.shape[-2]
    is_fused = query.shape[-1] == value.shape[-1]
    assert more == (scores if is_fused else 0)


def test_a_module_moves_as_a_copy():
    module = nn.Linear(2, 3)
    assert on("meta", module).weight.is_meta
    assert not module.weight.is_meta
