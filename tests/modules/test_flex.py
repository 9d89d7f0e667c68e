"""FlexAttention on ``meta``: torch's formula, forward and backward, and nothing stays patched."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch._dispatch.python import enable_python_dispatcher
from torch._higher_order_ops.flex_attention import flex_attention as hop
from torch._higher_order_ops.flex_attention import flex_attention_backward as backward_hop
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv
from torch.nn.attention import flex_attention as module
from torch.nn.attention.flex_attention import (
    AuxRequest,
    BlockMask,
    create_block_mask,
    flex_attention,
)
from torch.utils.flop_counter import flop_registry

from flopbench.builtin.torch_symbolic import _size
from flopbench.modules.flex import flex_attention_on_meta
from support.module_counts import by_op

FORWARD, BACKWARD = "flopbench.flex_attention", "flopbench.flex_attention_backward"
few = st.integers(1, 4)


def empty(*shape):
    return torch.empty(*shape, device="meta", requires_grad=True)


def causal(_batch, _head, query, key):
    return query >= key


@given(few, few, few, few, few, st.sampled_from([16, 32]), st.sampled_from([16, 64]))
def test_the_formulas_are_torchs(batch, heads, shared, queries, keys, width, value):
    query, key = empty(batch, heads * shared, queries, width), empty(batch, heads, keys, width)
    values = empty(batch, heads, keys, value)

    def run():
        result = flex_attention(query, key, values, lambda score, *_: score * 2, enable_gqa=True)
        assert result.shape == (batch, heads * shared, queries, value)
        result.sum().backward()

    with flex_attention_on_meta():
        found = by_op(run)
    grad = empty(batch, heads * shared, queries, value)
    assert found == {
        FORWARD: flop_registry[hop](query, key, values),
        BACKWARD: flop_registry[backward_hop](query, key, values, None, None, grad),
    }
    assert query.grad.shape == query.shape
    assert values.grad.shape == values.shape


@pytest.mark.parametrize("mask_device", ["cpu", "meta"])
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
def test_a_block_mask_hides_no_pair(mask_device, compiled):
    mask = create_block_mask(causal, None, None, 256, 256, device=mask_device)
    query = empty(2, 3, 256, 16)
    attend = torch.compile(flex_attention) if compiled else flex_attention
    with flex_attention_on_meta():
        found = by_op(lambda: attend(query, query, query, block_mask=mask))
    assert found == {FORWARD: 2 * 2 * 3 * 256 * 256 * (16 + 16)}


def test_a_block_mask_may_be_made_there():
    with flex_attention_on_meta():
        mask = create_block_mask(causal, 2, None, 256, 128, device="meta")
    assert mask.kv_num_blocks.is_meta


def test_the_auxiliary_results_have_their_shapes():
    query = empty(2, 3, 4, 16)
    with flex_attention_on_meta():
        _, aux = flex_attention(
            query, query, query, return_aux=AuxRequest(lse=True, max_scores=True)
        )
    assert aux.lse.shape == aux.max_scores.shape == (2, 3, 4)


def test_fake_tensors_with_symbols():
    shapes = ShapeEnv(duck_shape=False)
    batch, length = (_size(shapes, name, example) for name, example in (("b", 3), ("s", 5)))
    with FakeTensorMode(shape_env=shapes), enable_python_dispatcher(), flex_attention_on_meta():
        query = torch.empty(batch, 4, length, 16, requires_grad=True)
        found = by_op(lambda: flex_attention(query, query, query).sum().backward())
    pairs = batch.node.expr * 4 * length.node.expr**2
    assert {op: n.node.expr for op, n in found.items()} == {
        FORWARD: 2 * pairs * (16 + 16),
        BACKWARD: 2 * pairs * (3 * 16 + 2 * 16),
    }


def test_everything_is_as_before_afterwards():
    query = empty(1, 1, 4, 16)
    before = dict(vars(module))
    with pytest.raises(RuntimeError, match="an error inside"), flex_attention_on_meta():
        raise RuntimeError("an error inside")
    assert vars(module) == before
    assert "kv_num_blocks" not in vars(BlockMask)
    with pytest.raises(ValueError, match="only supported on CUDA"):
        flex_attention(query, query, query)


def test_torchs_own_checks_remain():
    with flex_attention_on_meta(), pytest.raises(ValueError, match="same number of heads"):
        flex_attention(empty(1, 4, 4, 16), empty(1, 2, 4, 16), empty(1, 2, 4, 16))


@pytest.mark.filterwarnings("ignore:_compile flag:DeprecationWarning")
def test_a_model_of_transformers():
    from transformers import LlamaConfig, LlamaModel

    config = LlamaConfig(
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        vocab_size=10,
    )
    found = {}
    for name in ("flex_attention", "sdpa"):
        config._attn_implementation = name
        with FakeTensorMode(), torch.no_grad(), flex_attention_on_meta():
            model, tokens = LlamaModel(config), torch.zeros(2, 130, dtype=torch.long)
            found[name] = by_op(lambda: model(tokens, use_cache=False))  # noqa: B023
    assert found["flex_attention"][FORWARD] == 2 * 2 * 2 * 4 * 130 * 130 * (16 + 16)
    assert sum(found["flex_attention"].values()) == sum(found["sdpa"].values())
