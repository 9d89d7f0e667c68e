"""Write the table of covered model types in docs/transformers-lm.md: their laws, and their proofs.

    python scripts/make_hf_laws.py            # the laws; the page's proofs are kept
    python scripts/make_hf_laws.py --prove    # prove all types again
    python scripts/make_hf_laws.py --prove llama mixtral

A proof traces the real model, at its config's defaults but with 4 layers. All of them take a while.
"""

from __future__ import annotations

import json
import re
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import sympy

from flopbench.analytic.price import price
from flopbench.builtin.eager import Eager
from flopbench.commands.prove.proof import FAILURES, Proof
from flopbench.commands.prove.runner import prove
from flopbench.conventions import Conventions
from flopbench.errors import FlopbenchError
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
NEEDED: dict[str, dict[str, Any]] = {
    "deepseek_v2": {"num_experts_per_tok": 6},
    "dots1": {"n_shared_experts": 2, "n_routed_experts": 128, "num_experts_per_tok": 6},
    "hunyuan_v1_dense": {"head_dim": 128},
    "hunyuan_v1_moe": {"head_dim": 128},
    "ministral": {"head_dim": 128},
    "nemotron": {"num_key_value_heads": 8},
}
"""Fields that transformers needs, beside the defaults, to build a model."""

FEWER: dict[str, dict[str, Any]] = {
    "gemma3_text": {"num_hidden_layers": 6},
    "gpt_neo": {"num_layers": 4, "attention_types": [[["global", "local"], 2]]},
}
"""Fields to prove with, where they are not 4 layers."""

SIDES = (16, 10_000)
"""Contexts below and beyond the window of any type's defaults, which is 127 to 8191 old keys."""

ROW = re.compile(r"^\| `(\w+)` \|.*\| ([^|]*) \|$", re.MULTILINE)


def laws(kind: str) -> tuple[str, str]:
    """Return the closed forms of prefill and decode at the config's defaults."""
    model = HfModel(read_config(kind, LmOptions(overrides=NEEDED.get(kind, {}))))
    symbols = {size.name: size.symbol for size in model.sizes}
    workload = model.stage_workload("decode", Workload(), symbols)
    prices = [price(model.ops(s, workload), Eager(), Eager(), Conventions()) for s in STAGES]
    prefill, decode = (sympy.expand(p.torch_visible_flops) for p in prices)
    return str(prefill), str(decode)


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
    return [*found, proof_of(kind, stage, beyond, fields)] if relations(found[0]) else found


def proved(kind: str, fields: dict[str, Any] | None = None) -> str:
    """Describe the sizes for which both stages are proved."""
    try:
        prefill, decode = (proofs_of(kind, stage, fields) for stage in STAGES)
    except FlopbenchError as error:
        return str(error)
    equations = [e for proof in (*prefill, *decode) for e in proof.equations]
    reasons = [equation.reason for equation in equations if equation.verdict in FAILURES]
    if reasons:
        return str(reasons[0])
    first, second = said(prefill), said(decode)
    if second == first + ", K":
        return second
    return f"prefill {first}; decode {second}"


def said(proofs: list[Proof]) -> str:
    """Describe the sizes for which some proofs together prove a stage."""
    interpolated = any(proof.verdict == "interpolated" for proof in proofs)
    how = "interpolated for all" if interpolated else "for all"
    sizes = ", ".join(size.name for size in proofs[0].sizes)
    either = sympy.Or(*(sympy.And(*relations(proof)) for proof in proofs))
    limits = "" if either == sympy.true else f" with {_text(either)}"
    return f"{how} {sizes}{limits}"


def _text(relation: sympy.Basic) -> str:
    if isinstance(relation, sympy.Or | sympy.And):
        word = " or " if isinstance(relation, sympy.Or) else " and "
        return word.join(sorted(map(_text, relation.args)))
    return str(relation)


def relations(proof: Proof) -> list[sympy.Basic]:
    """Return what a proof assumes about the sizes."""
    names = {size.name: size.symbol for size in proof.sizes}
    limited = [equation for equation in proof.equations if equation.limited]
    texts = dict.fromkeys(text for equation in limited for text in equation.assumptions)
    return [sympy.sympify(text, names) for text in texts if re.search(r"[<>]|\b(Ne|Eq)\(", text)]


def table(proofs: dict[str, str]) -> str:
    """Return the table, given the text on each type's proof."""
    lines = [
        "| type | family | prefill | decode | proved |",
        "| --- | --- | --- | --- | --- |",
    ]
    for kind in sorted(FAMILIES):
        source, proof = source_of(FAMILIES[kind]), proofs.get(kind, "not yet")
        prefill, decode = (f"`{law}`" for law in laws(kind))
        lines.append(f"| `{kind}` | {source} | {prefill} | {decode} | {proof} |")
    return "\n".join(lines) + "\n"


def page_with(text: str, found: str) -> str:
    """Return the page with the table inserted."""
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
    PAGE.write_text(page_with(text, table(proofs)), encoding="utf-8")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1:])
