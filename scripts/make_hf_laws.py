"""Write the tables of covered model types in docs/transformers-lm.md: their laws, and their proofs.

    python scripts/make_hf_laws.py            # the laws; the page's proofs are kept
    python scripts/make_hf_laws.py --prove    # prove all types again
    python scripts/make_hf_laws.py --prove llama mixtral

A proof traces the real model, at its config's defaults but with few layers. All take a while.
"""

from __future__ import annotations

import json
import re
import sys
import warnings
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import sympy

from flopbench.analytic.price import price
from flopbench.builtin.eager import Eager
from flopbench.commands.prove.proof import FAILURES, Proof
from flopbench.commands.prove.runner import prove
from flopbench.conventions import Conventions
from flopbench.errors import FlopbenchError
from flopbench.ops.attention import Attention
from flopbench.ops.recurrences import Recurrence, SelectiveScan, StateSpace
from flopbench.plan import make_plan
from flopbench.registry.catalog import build_catalog
from flopbench.registry.loading import load_plugins
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.config import LmOptions, read_config
from flopbench_transformers_lm.families import FAMILIES, source_of
from flopbench_transformers_lm.workload import Workload

PAGE = Path(__file__).parents[1] / "docs" / "transformers-lm.md"
BEGIN, END = "<!-- laws: begin -->\n", "<!-- laws: end -->"
STAGES = ("prefill", "decode")
LINEAR_THEN_FULL = ["linear_attention", "full_attention"]
SLIDING_THEN_FULL = ["sliding_attention", "full_attention"]
CONV_THEN_FULL = ["conv", "full_attention"]
DENSE_THEN_SPARSE = ["dense", "sparse"]

NEEDED: dict[str, dict[str, Any]] = {
    "bamba": {"attn_layer_indices": [9, 18, 27]},
    "deepseek_v2": {"num_experts_per_tok": 6},
    "dots1": {"n_shared_experts": 2, "n_routed_experts": 128, "num_experts_per_tok": 6},
    "granitemoehybrid": {"layer_types": LINEAR_THEN_FULL * 16},
    "hunyuan_v1_dense": {"head_dim": 128},
    "hunyuan_v1_moe": {"head_dim": 128},
    "lfm2_moe": {"layer_types": CONV_THEN_FULL * 16},
    "ministral": {"head_dim": 128},
    "nemotron": {"num_key_value_heads": 8},
}
"""Fields that transformers needs, beside the defaults, to build a model."""

ONE: dict[str, Any] = {"num_hidden_layers": 1}
TWO: dict[str, Any] = {"num_hidden_layers": 2}
_DELTA = TWO | {"layer_types": LINEAR_THEN_FULL}
_WINDOW = TWO | {"layer_types": SLIDING_THEN_FULL}
_INDEXED = TWO | {"mlp_layer_types": DENSE_THEN_SPARSE}
_SWA = _WINDOW | {"layer_rope_theta": [10000.0, 10000.0]}
_ZAMBA = {"num_hidden_layers": 3, "layers_block_type": ["hybrid", "linear_attention", "hybrid"]}

FEWER: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("aria_text", "axk1", "bitnet", "hy_v3", "internlm3", "iquestcoder"), TWO),
    **dict.fromkeys(("jais2", "minicpm3"), TWO),
    **dict.fromkeys(("falcon_h1", "falcon_mamba", "mamba", "mamba2", "rwkv"), ONE),
    **dict.fromkeys(("olmo_hybrid", "qwen3_5_moe_text", "qwen3_5_text", "qwen3_next"), _DELTA),
    "afmoe": _WINDOW,
    "bamba": TWO | {"attn_layer_indices": [1]},
    "cohere2_moe": _WINDOW,
    "deepseek_v32": _INDEXED,
    "exaone_moe": _WINDOW | {"mlp_layer_types": DENSE_THEN_SPARSE},
    "gemma3_text": {"num_hidden_layers": 6},
    "gemma3n_text": {
        "num_hidden_layers": 4,
        "layer_types": SLIDING_THEN_FULL * 2,
        "num_kv_shared_layers": 2,
        "activation_sparsity_pattern": [0.95, 0.0, 0.0, 0.0],
    },
    "gemma4_text": _WINDOW | {"per_layer_config": {"1": {"head_dim": 512}}},
    "glm_moe_dsa": _INDEXED | {"indexer_types": ["full", "shared"]},
    "gpt_neo": {"num_layers": 4, "attention_types": [[["global", "local"], 2]]},
    "granite_swa": _SWA,
    "granitemoe_swa": _SWA,
    "granitemoehybrid": _DELTA,
    "jamba": TWO | {"attn_layer_period": 2, "attn_layer_offset": 1},
    "kimi_linear": _DELTA | {"mlp_layer_types": DENSE_THEN_SPARSE},
    "laguna": _WINDOW
    | {"num_attention_heads_per_layer": [48, 48], "mlp_layer_types": DENSE_THEN_SPARSE},
    "lfm2": TWO | {"layer_types": CONV_THEN_FULL},
    "lfm2_moe": TWO | {"layer_types": CONV_THEN_FULL, "num_dense_layers": 1},
    "llama4_text": {
        "num_hidden_layers": 2,
        "layer_types": ["chunked_attention", "full_attention"],
        "no_rope_layers": [1, 0],
        "moe_layers": [0, 1],
    },
    "mellum": _WINDOW,
    "minimax": TWO,
    "nemotron_h": {"layers_block_type": ["linear_attention", "moe", "full_attention", "mlp"]},
    "recurrent_gemma": {"num_hidden_layers": 3},
    "zamba": _ZAMBA,
    "zamba2": _ZAMBA,
}
"""Fields to prove with, where they are not 4 layers: each kind of layer once or twice."""

SIDES = (16, 10_000)
"""Contexts below and beyond the window of any type's defaults, which is 127 to 8191 old keys."""

LOOPS = {"falcon_mamba", "jamba", "mamba", "recurrent_gemma", "rwkv", "zamba"}
"""Types whose program loops over tokens, and is traced for the first of the contexts only."""

ROW = re.compile(r"^\| `(\w+)` \|.*\| ([^|]*) \|$", re.MULTILINE)

RELATION = re.compile(r"(?:Ne|Eq)\(.*\)|[\w\s()+*/|&,-]+[<>][\w\s()+*/<>=|&,-]+")
"""An assumption that is a relation between sizes, among others in words."""

CHUNKS = re.compile(r", (with the number of chunks of \d+)")

REASONS = {
    "minus vendor is": "a few tokens of several sequences, or one token, are counted otherwise",
    "no polynomial": "exact counts lie on no polynomial",
    "bends": "the law bends beyond the sizes that were traced",
    "SymPy": "SymPy does not decide whether the difference is 0",
    "different ways": "the program runs in more than two ways over the steps",
    "does not hold": "the law that was traced leaves out the context itself",
}
"""Why a type is not proved, in few words, by a part of the reason."""

GROUPS = (
    "Dense models",
    "Experts",
    "Latent and sparse attention",
    "State spaces",
    "Linear attention, and other recurrences",
)


def laws(kind: str) -> tuple[str, str]:
    """Return the closed forms of prefill and decode at the config's defaults."""
    model = _model(kind)
    symbols = {size.name: size.symbol for size in model.sizes}
    workload = model.stage_workload("decode", Workload(), symbols)
    prices = [price(model.ops(s, workload), Eager(), Eager(), Conventions()) for s in STAGES]
    prefill, decode = (sympy.expand(p.torch_visible_flops) for p in prices)
    return str(prefill), str(decode)


@cache
def _model(kind: str) -> HfModel:
    return HfModel(read_config(kind, LmOptions(overrides=NEEDED.get(kind, {}))))


def group_of(kind: str) -> str:
    """Return which table a type is in: what its ops are says so, at the config's defaults."""
    ops = list(_model(kind).ops("prefill", Workload()))
    dense, experts, latent, spaces, others = GROUPS
    if any(isinstance(op, StateSpace | SelectiveScan) for op in ops):
        return spaces
    if any(isinstance(op, Recurrence) for op in ops):
        return others
    if any(isinstance(op, Attention) and (op.latent or op.chosen is not None) for op in ops):
        return latent
    return experts if any(op.component.startswith("decoder/moe") for op in ops) else dense


def proof_of(kind: str, stage: str, context: int, fields: dict[str, Any] | None = None) -> Proof:
    """Prove one stage of a type, at its config's defaults except for some fields.

    Args:
        context: tokens of the context that the trace starts from.
        fields: replace the defaults; None means those that the table is made with.
    """
    catalog = build_catalog(load_plugins())
    if fields is None:
        fields = NEEDED.get(kind, {}) | FEWER.get(kind, {"num_hidden_layers": 4})
    overrides = [f"model.overrides={json.dumps(fields)}", f"workload.context_tokens={context}"]
    plan = make_plan(catalog, f"hf/{kind}", overrides=overrides, options={"run.stages": [stage]})
    return prove(plan, catalog)


def proofs_of(kind: str, stage: str, fields: dict[str, Any] | None = None) -> list[Proof]:
    """Prove a stage for all sizes; if a proof holds on one side of a window only, prove both."""
    below, beyond = SIDES
    found = [proof_of(kind, stage, below, fields)]
    one_sided = relations(found[0]) and kind not in LOOPS
    return [*found, proof_of(kind, stage, beyond, fields)] if one_sided else found


def proved(kind: str, fields: dict[str, Any] | None = None) -> str:
    """Describe the sizes for which both stages are proved."""
    try:
        prefill, decode = (proofs_of(kind, stage, fields) for stage in STAGES)
    except FlopbenchError as error:
        return f"not proved: {_few_words(str(error))}"
    return text_of(prefill, decode)


def text_of(prefill: list[Proof], decode: list[Proof]) -> str:
    """Describe the sizes for which proofs of the stages hold together."""
    equations = [e for proof in (*prefill, *decode) for e in proof.equations]
    reasons = [equation.reason for equation in equations if equation.verdict in FAILURES]
    if reasons:
        return f"not proved: {_few_words(str(reasons[0]))}"
    first, second = said(prefill), said(decode)
    if second == first + ", K":
        return second
    return f"prefill {first}; decode {second}"


def _few_words(reason: str) -> str:
    return next((words for part, words in REASONS.items() if part in reason), "no law was found")


def said(proofs: list[Proof]) -> str:
    """Describe the sizes for which some proofs together prove a stage."""
    sizes = ", ".join(size.name for size in proofs[0].sizes)
    either = sympy.Or(*(sympy.And(*relations(proof)) for proof in proofs))
    limits = "" if either == sympy.true else f" with {_text(either)}"
    return f"{_how(proofs)} {sizes}{limits}"


def _how(proofs: list[Proof]) -> str:
    if not any(proof.verdict == "interpolated" for proof in proofs):
        return "for all"
    notes = " ".join(a for proof in proofs for e in proof.equations for a in e.assumptions)
    chunks = CHUNKS.search(notes)
    return f"interpolated, {chunks[1]}, for all" if chunks else "interpolated for all"


def _text(relation: sympy.Basic) -> str:
    if isinstance(relation, sympy.Or | sympy.And):
        word = " or " if isinstance(relation, sympy.Or) else " and "
        text = word.join(sorted(map(_text, relation.args)))
        return re.sub(r"\b(\w+) ([<>]=?) (\d+) and \1 not ", r"\1 \2 \3 not ", text)
    if isinstance(relation, sympy.Ne) and isinstance(relation.lhs, sympy.Mod):
        size, divisor = relation.lhs.args
        return f"{size} not divisible by {divisor}"
    return str(relation)


def relations(proof: Proof) -> list[sympy.Basic]:
    """Return what a proof assumes about the sizes."""
    names = {size.name: size.symbol for size in proof.sizes}
    limited = [equation for equation in proof.equations if equation.limited]
    texts = dict.fromkeys(text for equation in limited for text in equation.assumptions)
    return [sympy.sympify(text, names) for text in texts if RELATION.fullmatch(text)]


def tables(proofs: dict[str, str]) -> str:
    """Return the tables, one for each group, given the text on each type's proof."""
    groups: dict[str, list[str]] = {group: [] for group in GROUPS}
    for kind in sorted(FAMILIES):
        source, proof = source_of(FAMILIES[kind]), proofs.get(kind, "not proved: not tried yet")
        prefill, decode = (f"`{law}`" for law in laws(kind))
        groups[group_of(kind)].append(f"| `{kind}` | {source} | {prefill} | {decode} | {proof} |")
    head = ["| type | family | prefill | decode | proved |", "| --- | --- | --- | --- | --- |"]
    parts = ["\n".join([f"### {group}", "", *head, *rows]) for group, rows in groups.items()]
    return "\n".join(["", *(part + "\n" for part in parts), ""])


def page_with(text: str, found: str) -> str:
    """Return the page with the tables inserted."""
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + found + END + rest.partition(END)[2]


def main(arguments: Iterable[str]) -> None:
    """Write the page."""
    arguments = list(arguments)
    text = PAGE.read_text(encoding="utf-8")
    proofs = dict(ROW.findall(text.partition(BEGIN)[2].partition(END)[0]))
    if "--prove" in arguments:
        chosen = [kind for kind in arguments if kind != "--prove"] or sorted(FAMILIES)
        for kind in chosen:
            proofs[kind] = proved(kind)
            print(f"{kind}: {proofs[kind]}", flush=True)
    PAGE.write_text(page_with(text, tables(proofs)), encoding="utf-8")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1:])
