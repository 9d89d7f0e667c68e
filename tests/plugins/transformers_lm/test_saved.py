"""What real models keep for the backward: what it needs, and what autograd keeps besides, by name.

Autograd was watched with torch 2.13.0 and transformers 5.23.0. Each difference is a form by hand.
"""

from collections import Counter

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flopbench.analytic.trained import TrainedModel
from flopbench.builtin.eager import Eager
from flopbench.builtin.torch_counter import TorchCounter
from flopbench.ops import FLOAT32, INDEX, Elementwise, Kept, Linear, MatMul, Norm, Rope
from flopbench.training.saved import saved
from flopbench.training_step import TrainOptions
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.config import LmOptions, read_config
from flopbench_transformers_lm.vendor import HfVendor

BYTES = {"float32": 4, "bfloat16": 2}


@attrs.frozen(kw_only=True)
class Shape:
    """A model's sizes, and those of its workload."""

    batch: int
    tokens: int
    layers: int
    kv_heads: int
    groups: int
    half_head: int
    inner: int
    per_head: int
    experts: int
    per_token: int
    vocabulary: int

    @property
    def heads(self):
        return self.kv_heads * self.groups

    @property
    def width(self):
        return self.heads * self.per_head

    @property
    def head_dim(self):
        return 2 * self.half_head

    @property
    def rows(self):
        return self.batch * self.tokens

    def fields(self, kind):
        if kind == "gpt2":
            return {
                "vocab_size": self.vocabulary,
                "n_embd": self.heads * self.head_dim,
                "n_layer": self.layers,
                "n_head": self.heads,
                "n_inner": self.inner,
                "n_positions": self.tokens,
                "pad_token_id": None,
            }
        found = {
            "vocab_size": self.vocabulary,
            "hidden_size": self.width,
            "intermediate_size": self.inner,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads,
            "head_dim": self.head_dim,
            "pad_token_id": None,
        }
        if kind == "mixtral":
            found |= {"num_local_experts": self.experts, "num_experts_per_tok": self.per_token}
        return found


ints = st.integers
shapes = st.builds(
    Shape,
    batch=ints(1, 3),
    tokens=ints(2, 7),
    layers=ints(1, 3),
    kv_heads=ints(1, 3),
    groups=ints(1, 3),
    half_head=ints(1, 4),
    inner=ints(1, 19),
    per_head=ints(1, 5),
    experts=ints(3, 5),
    per_token=ints(2, 3),
    vocabulary=ints(5, 40),
)


def models(kind, shape, dtype):
    config = read_config(kind, LmOptions(overrides={**shape.fields(kind), "dtype": dtype}))
    model = HfModel(config, dtype=dtype)
    inputs = model.inputs_type(batch_size=shape.batch, context_tokens=shape.tokens)
    return model, HfVendor(config), model.workload(inputs)


def by_rule(model, workload, dtype, **train):
    options = TrainOptions(**train)
    steps = TrainedModel(model, options).steps(workload)
    found = Counter()
    for each in saved(steps, Eager().keeps, dtype, options.recompute):
        found[each.component] += each.total
    return found


def by_autograd(vendor, workload, **train):
    call = vendor.training({"prefill": workload}, TrainOptions(**train)).prepare(1)
    found = Counter()
    for module, size in TorchCounter().saved(call).by_module.items():
        found[vendor.component(module) if module else "loss"] += size
    return found


def of_norms(shape, width, count, size):
    """An RMS norm keeps the normalised vectors, too, and its input in float32."""
    rows = count * shape.rows
    return {
        "normalised vectors": rows * width * size,
        "float32 in place of the dtype": rows * width * (FLOAT32 - size),
    }


def of_attention(shape, size):
    """Eager attention repeats keys and values, and keeps probabilities in both dtypes.

    One head of one sequence is repeated without a copy.
    """
    copied = (shape.heads - shape.kv_heads) if shape.batch * shape.kv_heads > 1 else 0
    repeated = copied * shape.head_dim * shape.rows
    scores = shape.batch * shape.heads * shape.tokens**2
    return {
        "keys and values of each query head": 2 * shape.layers * repeated * size,
        "probabilities in float32": 0 if size == FLOAT32 else shape.layers * scores * FLOAT32,
    }


def of_loss(shape):
    """Targets are those of the next position; of one sequence they are a view of one more."""
    targets = shape.rows + (1 if shape.batch == 1 else 0)
    return {"targets": targets * INDEX, "how many there are": FLOAT32}


def of_experts(shape, size):
    """``batched_mm`` copies for each token-expert pair the token, and the expert's weights."""
    pairs = shape.layers * shape.rows * shape.per_token
    return {
        "copies of tokens": pairs * shape.width * size,
        "weights of the pair's expert": pairs * 3 * shape.width * shape.inner * size,
        "routing weights in float32": pairs * (FLOAT32 - size),
    }


def of_router(shape, size):
    rows = shape.layers * shape.rows
    return {
        "chosen probabilities before their division": rows * shape.per_token * FLOAT32,
        "probabilities in float32": rows * shape.experts * (FLOAT32 - size),
        "sums in float32": rows * (FLOAT32 - size),
    }


def extras(kind, shape, size):
    """Return what autograd keeps besides what the backward needs, by component and name."""
    if kind == "gpt2":
        # x^3, 0.5 x and 1 + tanh beside x: gelu is written out.
        gelu = 3 * shape.layers * shape.rows * shape.inner * size
        return {
            "decoder/mlp": {"parts of gelu": gelu},
            "decoder/embed": {"positions": shape.tokens * INDEX},
            "loss": of_loss(shape),
        }
    found = {
        "decoder/norm": of_norms(shape, shape.width, 2 * shape.layers + 1, size),
        "decoder/attention/core": of_attention(shape, size),
        "loss": of_loss(shape),
    }
    if kind == "qwen3":
        heads = shape.heads + shape.kv_heads
        found["decoder/attention/qkv"] = of_norms(shape, shape.head_dim * heads, shape.layers, size)
    if kind == "mixtral":
        found["decoder/moe/experts"] = of_experts(shape, size)
        found["decoder/moe/router"] = of_router(shape, size)
    return found


def totals(named):
    return Counter({component: sum(parts.values()) for component, parts in named.items()})


@pytest.mark.parametrize("dtype", BYTES)
@pytest.mark.parametrize("kind", ["llama", "gpt2", "qwen3", "mixtral"])
@settings(max_examples=6)
@given(shape=shapes)
def test_autograd_keeps_what_is_needed_and_what_has_a_name(kind, dtype, shape):
    model, vendor, workload = models(kind, shape, dtype)
    needed, kept = by_rule(model, workload, dtype), by_autograd(vendor, workload)
    assert needed + totals(extras(kind, shape, BYTES[dtype])) == +kept


@pytest.mark.parametrize("dtype", BYTES)
@settings(max_examples=6)
@given(shape=shapes)
def test_full_recomputation_keeps_what_enters_layers(dtype, shape):
    model, vendor, workload = models("mixtral", shape, dtype)
    needed = by_rule(model, workload, dtype, recompute="full")
    kept = by_autograd(vendor, workload, recompute="full")
    size = BYTES[dtype]
    # Checkpointing is given the angles by name, and keeps them unseen.
    angles = needed.pop("decoder/attention/core")
    assert angles == 2 * shape.tokens * shape.head_dim * size
    entering = shape.layers * shape.rows * shape.width * size
    assert kept.pop("unmapped/model.layers.*") == entering
    needed["decoder/norm"] -= entering
    last = of_norms(shape, shape.width, 1, size)
    assert needed + totals({"decoder/norm": last, "loss": of_loss(shape)}) == kept


@pytest.mark.parametrize("dtype", BYTES)
@settings(max_examples=6)
@given(shape=shapes)
def test_selective_recomputation_keeps_no_probabilities(dtype, shape):
    model, vendor, workload = models("llama", shape, dtype)
    needed = by_rule(model, workload, dtype, recompute="selective")
    kept = by_autograd(vendor, workload, recompute="selective")
    named = extras("llama", shape, BYTES[dtype])
    # The core is given keys and values as they are, and the one mask of all layers.
    mask = shape.batch * shape.tokens**2 * BYTES[dtype]
    named["decoder/attention/core"] = {"mask": mask}
    assert needed + totals(named) == kept


SHAPE = Shape(
    batch=2,
    tokens=5,
    layers=2,
    kv_heads=2,
    groups=2,
    half_head=3,
    inner=7,
    per_head=3,
    experts=4,
    per_token=2,
    vocabulary=11,
)


def nothing(_self, _needs):
    return ()


def another_copy(self, _needs):
    return [Kept(elements=self.operands())]


@pytest.mark.parametrize(
    ("kind", "rule", "component"),
    [
        (MatMul, nothing, "decoder/attention/core"),
        (Rope, nothing, "decoder/attention/core"),
        (Norm, nothing, "decoder/norm"),
        (Elementwise, nothing, "decoder/mlp"),
        (Linear, another_copy, "decoder/attention/qkv"),
    ],
)
def test_a_wrong_rule_is_seen_in_its_component(kind, rule, component, monkeypatch):
    monkeypatch.setattr(kind, "keeps", rule)
    model, vendor, workload = models("llama", SHAPE, "float32")
    needed, kept = by_rule(model, workload, "float32"), by_autograd(vendor, workload)
    explained = needed + totals(extras("llama", SHAPE, 4))
    assert explained[component] != kept[component]
    if rule is nothing:
        assert {name for name in kept if explained[name] != kept[name]} == {component}
