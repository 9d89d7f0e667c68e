"""The priced vector work of each type, element by element, against the ops its model runs.

FLOPs per element are a convention; how many elements there are is a fact, and the dispatcher
sees it. Each kind of op is summed over a stage. What is priced no FLOPs is named here, once for
all types or as a type's own. So is what moves: the elements of weights and activations that the
ops read and write which stand for one kind of op alone.
"""

import itertools
import re
from pathlib import Path

import pytest

from flopbench.analytic.price import price
from flopbench.builtin.eager import Eager
from flopbench.conventions import Conventions
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.families import FAMILIES
from flopbench_transformers_lm.vendor import HfVendor
from flopbench_transformers_lm.workload import Workload
from plugins.transformers_lm.tiny_configs import one_per_family, tiny
from support.dispatched import Elements, run
from support.traffic import Moved, Traffic
from support.vector_work import RUNS, priced, ran

WORKLOAD = Workload(batch_size=2, context_tokens=7, decode_steps=1)
STAGES = ("prefill", "decode")


def watched(vendor, stage):
    """Return the elements that a stage of the real model dispatches, by op, and what moves."""
    call = vendor.stage(stage, WORKLOAD).prepare(1)
    elements, traffic = Elements(), Traffic(call.root)
    run(call, elements, traffic)
    return elements.total(), traffic


def differences(model, stage, total, runs):
    """Return what the real model runs beyond what is priced, by op."""
    theirs = ran(total)
    theirs.subtract(priced(model, stage, runs, WORKLOAD))
    return {op: count for op, count in theirs.items() if count}


_NEW_GELU = {"gelu_tanh": {"pow": 1, "mul": 4, "add": 2, "tanh": 1}}
_COHERE = {"layer_norm": {"pow": 1, "mul": 2, "add": 2}}
VARIANTS = {
    **dict.fromkeys(("codegen", "gpt2", "gpt_neo", "gptj", "phi"), _NEW_GELU),
    "bloom": {"gelu_tanh": {"mul": 6, "add": 2, "tanh": 1}},
    "cohere": _COHERE,
    "cohere2": _COHERE,
    "kimi_linear": {"softplus": {"exp": 1, "add": 1, "log": 1}},
    "cohere2_moe": _COHERE,
    "nanochat": {"rms_norm": {"pow": 1, "mul": 1}},
}
"""What torch runs where a type writes a function out."""

ALIBI = "the making of ALiBi"
EPSILON = "the epsilon in the sum of the weights of the experts chosen"
WEIGHTLESS = "less than is priced: norms without weights among others that have some"
HIGHEST = "the highest score, found and subtracted before the softmax, which does that too"
SCALE = "the scale of each position: 1 + beta * log(1 + floor(position / length))"
UNIT = "1 added to the weights of norms"
SINKS = "sinks, as a sigmoid of the log of the sum of exponents that scales the outputs"
_SINKS = (
    {"mul": 896, "add": 112, "logsumexp": 112, "sigmoid": 112, "_softmax": -112},
    {"mul": 128, "add": 16, "logsumexp": 16, "sigmoid": 16, "_softmax": -16},
)
KNOWN = {
    "afmoe": (EPSILON, {"add": 14}, {"add": 2}),
    "axk1": (EPSILON, {"add": 14}, {"add": 2}),
    "bloom": (ALIBI, {"pow": 4, "mul": 28}, {"pow": 4, "mul": 32}),
    "deepseek_v3": (EPSILON, {"add": 14}, {"add": 2}),
    "deepseek_v32": (EPSILON, {"add": 14}, {"add": 2}),
    "exaone_moe": (EPSILON, {"add": 14}, {"add": 2}),
    "falcon-flipped": (ALIBI, {"pow": 4, "mul": 112}, {"pow": 4, "mul": 128}),
    "falcon_mamba": (WEIGHTLESS, {"mul": -420}, {"mul": -60}),
    "gemma": (UNIT, {"add": 160}, {"add": 160}),
    "gemma2": (UNIT, {"add": 288}, {"add": 288}),
    "gemma3_text": (UNIT, {"add": 320}, {"add": 320}),
    "gemma3n_text": (
        "magnitudes of streams, the tanh of modalities, cutoffs of gates; the rest as in Gemma 4",
        {
            "mul": -448 + 17,
            "pow": 3570,
            "add": 870,
            "sqrt": 56,
            "tanh": 336,
            "erfinv": 1,
            "std": 14,
        },
        {"mul": -64 + 5, "pow": 510, "add": 126, "sqrt": 8, "tanh": 48, "erfinv": 1, "std": 2},
    ),
    "gemma4_text": (
        "the root of norms as a power, and their epsilon, less weights that norms of values lack",
        {"mul": -560, "pow": 686, "add": 686},
        {"mul": -80, "pow": 98, "add": 98},
    ),
    "glm4_moe": (EPSILON, {"add": 14}, {"add": 2}),
    "glm4_moe_lite": (EPSILON, {"add": 14}, {"add": 2}),
    "glm_moe_dsa": (EPSILON, {"add": 14}, {"add": 2}),
    "gpt_oss": (
        HIGHEST,
        {"compared": 896, "add": 896},
        {"compared": 120, "add": 120},
    ),
    "nemotron_h": (EPSILON, {"add": 14}, {"add": 2}),
    "kimi_linear": (
        "roots and epsilons in the lengths of queries and keys; " + EPSILON,
        {"add": 98, "sqrt": 84},
        {"add": 14, "sqrt": 12},
    ),
    "lfm2_moe": (EPSILON, {"add": 14}, {"add": 2}),
    **dict.fromkeys(("granite_swa", "granitemoe_swa"), (SINKS, *_SINKS)),
    "hy_v3": (EPSILON, {"add": 14}, {"add": 2}),
    "llama4_text": (
        SCALE + ", less the weights that norms of query and key heads do not have",
        {"mul": 14 - 672, "floor": 7, "add": 14, "log1p": 7},
        {"mul": 2 - 96, "floor": 1, "add": 2, "log1p": 1},
    ),
    "llama4_text-flipped": (
        SCALE + ", less the weights that norms of query and key heads do not have",
        {"mul": 14, "floor": 7, "add": 14, "log1p": 7},
        {"mul": 2, "floor": 1, "add": 2, "log1p": 1},
    ),
    "mimo_v2_flash": (
        HIGHEST + "; " + EPSILON,
        {"compared": 840, "add": 840 + 14},
        {"compared": 112, "add": 112 + 2},
    ),
    "ministral3": (
        SCALE,
        {"mul": 28, "floor": 14, "add": 28, "log": 14},
        {"mul": 4, "floor": 2, "add": 4, "log": 2},
    ),
    "mpt": (
        ALIBI + ", for 2048 keys in each pass",
        {"pow": 4, "reciprocal": 4, "mul": 8200},
        {"pow": 4, "reciprocal": 4, "mul": 8200},
    ),
    "nemotron": (UNIT, {"add": 160}, {"add": 160}),
    "opt": (
        "positions, counted in a mask",
        {"cumsum": 14, "mul": 14, "add": 14},
        {"cumsum": 16, "mul": 16, "add": 16},
    ),
    "phimoe": (
        "which scores are far below the best one; the rotary frequencies, in each pass",
        {"add": 280, "abs": 280, "mul": 280 + 8, "pow": 4, "reciprocal": 4},
        {"add": 40, "abs": 40, "mul": 40 + 8, "pow": 4, "reciprocal": 4},
    ),
    "qwen3_5_moe_text": (UNIT, {"add": 176}, {"add": 176}),
    "qwen3_5_text": (UNIT, {"add": 176}, {"add": 176}),
    "qwen3_next": (UNIT, {"add": 176}, {"add": 176}),
    "recurrent_gemma": (UNIT, {"add": 160}, {"add": 160}),
    "rwkv": ("the tokens of a first mixture", {"add": 128}, {"mul": -384}),
    "solar_open": (EPSILON, {"add": 28}, {"add": 4}),
    "vaultgemma": (UNIT, {"add": 160}, {"add": 160}),
}
"""What a type's model runs that is not priced, and its elements in prefill and decode."""


MOVED = {
    ("linear", "bias"): ("mm", "addmm"),
    ("softmax",): ("_softmax",),
    ("gelu", "gelu_tanh"): ("gelu",),
    ("silu",): ("silu",),
    ("relu", "relu_squared"): ("relu",),
    ("sigmoid",): ("sigmoid",),
    ("top_k",): ("topk",),
    ("rope_angle",): ("cos", "sin"),
    ("layer_norm",): ("native_layer_norm",),
    ("softplus",): ("softplus",),
    ("cumsum",): ("cumsum",),
}
"""Kinds of op, and the ops of torch that are those and nothing else."""

WRITTEN_OUT = {
    **dict.fromkeys(("bloom", "codegen", "gpt2", "gpt_neo", "gptj", "phi"), "gelu"),
    **dict.fromkeys(("cohere", "cohere2", "cohere2_moe"), "layer_norm"),
    "deepseek_v2": "rope_angle",  # as complex numbers
    "gpt_oss": "sigmoid",  # of quick_gelu
    "llama4_text": "rope_angle",  # as complex numbers
    "phimoe": "top_k",  # by maxima
}
"""What a type's model runs as several ops, or others."""

KNOWN_MOVES = {
    # The bias is added apart.
    ("falcon-flipped", "linear"): ((-364, 0, 0), (-364, 0, 0)),
    ("falcon_mamba-flipped", "linear"): ((-64, 0, 0), (0, 0, 0)),
    ("jamba-flipped", "linear"): ((-32, 0, 0), (0, 0, 0)),
    ("mamba-flipped", "linear"): ((-64, 0, 0), (0, 0, 0)),
    # The products of heads are batches of their own.
    ("zamba-usual", "linear"): ((-3456, -2940, -3948), (-3456, -420, -564)),
    ("zamba-flipped", "linear"): ((-3552, -2940, -3948), (-3456, -420, -564)),
    # The products of heads are batches of their own; the bias of a convolution is added apart.
    ("recurrent_gemma", "linear"): ((-608, -896, -896), (-576, -128, -128)),
    # Positions are counted in a mask.
    ("opt", "cumsum"): ((0, 14, 14), (0, 16, 16)),
    # The function is written out; a bias or weights are its operand.
    ("kimi_linear", "softplus"): ((0, -252, -252), (0, -36, -36)),
    ("recurrent_gemma", "softplus"): ((32, -32, 0), (32, -32, 0)),
    # Sinks are copied beside the scores first.
    ("gpt_oss", "softmax"): ((-8, 0, 0), (-8, 0, 0)),
    **{
        (kind, op): moves
        for kind in ("granite_swa", "granitemoe_swa")
        for op, moves in (
            ("softmax", ((-8, -112, -112), (-8, -16, -16))),
            ("sigmoid", ((0, 112, 112), (0, 16, 16))),
        )
    },
    ("mimo_v2_flash", "softmax"): ((-4, 0, 0), (-4, 0, 0)),
    # A weight and 1 were added to another weight.
    ("nemotron", "layer_norm"): ((-160, 160, 0), (-160, 160, 0)),
}
"""Elements of weights and activations read, and of those written, beyond what is priced."""


def cases():
    """Yield all types, with their flags as usual and flipped: most of them slow."""
    few = {(kind, "usual") for kind in one_per_family()} | {("falcon", "flipped")}
    for case in itertools.product(sorted(FAMILIES), ("usual", "flipped")):
        yield pytest.param(*case, marks=[pytest.mark.slow] * (case not in few))


@pytest.mark.parametrize(("model_type", "flags"), [*cases()])
def test_what_is_priced_is_what_the_model_works_on_and_moves(model_type, flags):
    """Element by element, in prefill and decode; what is not is known."""
    config = tiny(model_type, flipped=flags == "flipped")
    model, vendor = HfModel(config), HfVendor(config)
    seen = {stage: watched(vendor, stage) for stage in STAGES}

    _why, *known = KNOWN.get(f"{model_type}-{flags}", KNOWN.get(model_type, ("", {}, {})))
    runs = RUNS | VARIANTS.get(model_type, {})
    found = [differences(model, stage, total, runs) for stage, (total, _) in seen.items()]
    assert found == known

    kinds = [kinds for kinds in MOVED if kinds[0] != WRITTEN_OUT.get(model_type)]
    moved = [beyond(model, stage, traffic, kinds) for stage, (_, traffic) in seen.items()]
    none = ((0, 0, 0), (0, 0, 0))
    known = {kind: none for kind, *_ in kinds} | {
        kind: moves
        for (case, kind), moves in KNOWN_MOVES.items()
        if case in {model_type, f"{model_type}-{flags}"}
    }
    assert {kind: tuple(each[kind] for each in moved) for kind in moved[0]} == known


def beyond(model, stage, traffic, kinds):
    """Return what a stage's ops move beyond what is priced, by the first of the kinds of ops."""
    ours = Moved(price(model.ops(stage, WORKLOAD), Eager(), Eager(), Conventions(), "float32"))
    found = {}
    for each in kinds:
        pairs = zip(traffic.of(*MOVED[each]), ours.of(*each), strict=True)
        read, written, made = (theirs - mine for theirs, mine in pairs)
        # A layer norm keeps mean and deviation of each row, for training.
        found[each[0]] = read, written, 0 if "layer_norm" in each else made
    return found


def test_the_page_names_what_is_not_priced():
    page = Path(__file__).parents[3] / "docs" / "transformers-lm.md"
    section = page.read_text(encoding="utf-8").partition("## Vector work")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*`) \| (.*) \|$", section, re.MULTILINE)
    named = {kind: why for kinds, why in rows for kind in re.findall(r"\w+", kinds)}
    assert named == {name.partition("-")[0]: why for name, (why, *_elements) in KNOWN.items()}
