"""What a run says of bytes, and of the rates that targets in time ask for."""

import math

import pytest

import flopbench
from flopbench.errors import UsageError

MODEL = {
    "num_hidden_layers": 3,
    "hidden_size": 64,
    "intermediate_size": 160,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 96,
}
WORKLOAD = {"context_tokens": 11, "decode_steps": 5, "batch_size": 2}
B, S, K = 2, 11, 5


def run(**options):
    return flopbench.run(
        "hf/llama",
        workload=WORKLOAD,
        model_options={"overrides": MODEL, "dtype": "float32"},
        analytic_only=True,
        **options,
    )


@pytest.fixture(scope="module")
def series():
    return {(s.stage, s.attention): s for s in run().series}


def test_each_series_has_the_costs_that_compare_shows(series):
    found = flopbench.compare(
        "hf/llama",
        workload=WORKLOAD,
        model_options={"overrides": MODEL, "dtype": "float32"},
        analytic_only=True,
        stages=["prefill", "decode", "end2end"],
    )
    costs = found.sides[0].costs
    assert {key: s.costs for key, s in series.items()} == {
        (stage, mode): cost for stage, modes in costs.items() for mode, cost in modes.items()
    }


def test_bytes_by_hand(series):
    heads, width, layers, vocabulary = 2 * 16, 64, 3, 96
    weights = layers * (width * (width + 2 * heads) + width * width + 3 * width * 160 + 2 * width)
    weights += 2 * vocabulary * width + width
    cache = layers * 2 * heads * B
    prefill, decode = (series[stage, "flash"].costs for stage in ("prefill", "decode"))
    assert prefill["weight_bytes"] == decode["weight_bytes"] == 4 * weights
    looked_up = (B * S, B * K)  # rows of the embedding table, in place of all of it
    for cost, steps, rows in zip((prefill, decode), (1, K), looked_up, strict=True):
        dense = weights - vocabulary * width
        assert cost["weight_bytes_read"] == 4 * (steps * dense + rows * width)
    assert prefill["kv_cache_bytes"] == prefill["kv_cache_bytes_written"] == 4 * cache * S
    assert decode["kv_cache_bytes"] == 4 * cache * (S + K)
    assert decode["kv_cache_bytes_written"] == 4 * cache * K
    assert decode["kv_cache_bytes_read"] == 4 * cache * sum(S + k for k in range(1, K + 1))
    assert prefill["flops_per_byte"] == prefill["flops"] / prefill["expected_bytes_moved"]


@pytest.mark.parametrize(
    ("changes", "elements"),
    [
        ({}, B * S * 160),  # the feed-forward part
        ({"vocab_size": 500}, B * S * 500),  # the logits
        ({"num_attention_heads": 64, "num_key_value_heads": 1, "head_dim": 2}, B * 64 * S * S),
    ],
    ids=["mlp", "logits", "scores"],
)
def test_the_largest_activation_is_the_largest_tensor_that_the_real_model_makes(changes, elements):
    """Each input's largest result is of another op; the real model's is seen as it dispatches."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    sizes = MODEL | changes
    report = flopbench.run(
        "hf/llama",
        workload=WORKLOAD,
        model_options={"overrides": sizes, "dtype": "float32"},
        analytic_only=True,
        stages=["prefill"],
        attention=["eager"],
    )
    (eager,) = report.series
    assert eager.costs["largest_activation_bytes"] == 4 * elements
    from transformers import LlamaConfig, LlamaForCausalLM

    class Largest(TorchDispatchMode):
        most = 0

        def __torch_dispatch__(self, op, _types, args=(), kwargs=None):
            made = op(*args, **(kwargs or {}))
            sizes = [x.numel() for x in tree_leaves(made) if isinstance(x, torch.Tensor)]
            if not op.is_view:
                self.most = max([self.most, *sizes])
            return made

    with torch.device("meta"):
        model = LlamaForCausalLM._from_config(
            LlamaConfig(**sizes), attn_implementation="eager"
        ).eval()
    with Largest() as seen, torch.no_grad():
        model(torch.empty(B, S, dtype=torch.long, device="meta"))
    # What PyTorch expands the keys of a group to for all heads is a copy, which is not priced.
    assert seen.most == elements


def test_targets_ask_for_rates():
    report = run(ttft=0.5, tpot=0.02)
    costs = {(s.stage, s.attention): s.costs for s in report.series}
    assert [(r.target, r.attention) for r in report.required] == [
        (target, mode) for target in ("ttft", "tpot") for mode in ("eager", "flash")
    ]
    for asked in report.required:
        stage, seconds = {"ttft": ("prefill", 0.5), "tpot": ("decode", 0.02 * K)}[asked.target]
        cost = costs[stage, asked.attention]
        assert (asked.stages, asked.seconds) == ((stage,), seconds)
        assert math.isclose(asked.tflops_per_s, cost["flops"] / seconds / 1e12)
        assert math.isclose(asked.gigabytes_per_s, cost["expected_bytes_moved"] / seconds / 1e9)


def test_a_target_holds_for_its_stages_whatever_is_reported():
    alone = run(stages=["decode"], ttft=0.5).required
    assert list(run(ttft=0.5).required) == list(alone)


@pytest.mark.parametrize("target", [0, -1, float("nan"), float("inf")])
def test_a_target_that_is_no_time_is_refused(target):
    with pytest.raises(UsageError, match="--ttft must be a number of seconds above 0"):
        run(ttft=target)
