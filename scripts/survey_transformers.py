"""Count every language model of transformers once, and write the tables of the docs.

    python scripts/survey_transformers.py            # all types: minutes
    python scripts/survey_transformers.py llama xlm  # these, to the terminal
    python scripts/survey_transformers.py --results FILE   # all, resuming where FILE ends
    python scripts/survey_transformers.py --multimodal     # the multimodal types alone

Each type is built at the defaults of its config class (with the overrides below, where the
defaults are not enough) and called twice: a prefill of 2 x 40 tokens, and one decode step.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from flopbench.text import table

PAGE = Path(__file__).parents[1] / "docs" / "transformers-lm.md"

BATCH, TOKENS = 2, 40
SECONDS = 120
"""Time limit for one type."""

AT_ONCE = 12
"""Types per process, so that a type that breaks its process affects only a few."""

_DECODER = {"is_decoder": True}

_ROPE = {"rope_type": "default", "rope_theta": 10000.0}
_BY_KIND = {"rope_parameters": {"full_attention": _ROPE, "sliding_attention": _ROPE}}
_HEADS = {"num_attention_heads": 16}
_INDEXER = {
    "indexer_n_heads": 4,
    "indexer_kv_heads": 1,
    "indexer_head_dim": 256,
    "indexer_budget": 2048,
    "indexer_compress_ratio": 4,
}
_SECTIONS = {
    "rope_parameters": {**_ROPE, "partial_rotary_factor": 0.5, "mrope_section": [8, 12, 12]}
}

OVERRIDES: Mapping[str, Mapping[str, Any]] = {
    **dict.fromkeys(
        (
            "bert",
            "bert-generation",
            "big_bird",
            "camembert",
            "data2vec-text",
            "electra",
            "ernie",
            "megatron-bert",
            "rembert",
            "roberta",
            "roberta-prelayernorm",
            "roc_bert",
            "roformer",
            "xlm-roberta",
            "xlm-roberta-xl",
        ),
        _DECODER,
    ),
    **dict.fromkeys(("cohere_compass", "cohere_compass_text"), _BY_KIND),
    **dict.fromkeys(("glm46v", "glm4v", "glmga"), _SECTIONS),
    "glm4v_moe": {"num_attention_heads": 32, **_SECTIONS},
    "blenderbot": {"encoder_layers": 24},
    "chameleon": {"vocabulary_map": {"<image>": 8711}},
    "dbrx": {"attn_config": {"rope_theta": 500000.0, "clip_qkv": 8.0, "kv_n_heads": 8}},
    "deepseek_ocr2": {
        "text_config": {
            "num_hidden_layers": 12,
            "mlp_layer_types": ["dense"] + ["sparse"] * 11,
            "num_experts_per_tok": 6,
        }
    },
    "diffusion_gemma": {"num_experts": 128, "top_k_experts": 8, "moe_intermediate_size": 704},
    "granite4_vision": {"deepstack_layer_map": [], "downsample_rate": "4/8"},
    "hunyuan_vl": {
        "text_config": {"head_dim": 128, "rope_parameters": {**_ROPE, "xdrope_section": [16] * 4}}
    },
    **dict.fromkeys(("qwen4_exp", "qwen4_exp_text"), _INDEXER),
    **dict.fromkeys(("qwen3_omni_moe", "qwen3_omni_moe_thinker"), _HEADS),
    "reformer": _DECODER,
    "step3p7": {"sliding_window": 512},
    "bamba": {"attn_layer_indices": [9, 18, 27]},
    "deepseek_v2": {"num_experts_per_tok": 6, "n_group": 1, "topk_group": 1},
    "dots1": {"n_routed_experts": 128, "n_shared_experts": 2, "num_experts_per_tok": 6},
    "granitemoehybrid": {"layer_types": ["mamba", "attention"] * 16},
    "hunyuan_v1_dense": {"head_dim": 128},
    "hunyuan_v1_moe": {"head_dim": 128},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"] * 16},
    "ministral": {"head_dim": 128},
    "nemotron": {"num_key_value_heads": 8},
    "xmod": {"is_decoder": True, "default_language": "en_XX"},
}
"""Fields that transformers needs, beside the defaults, to build a causal model of a type."""


def count(kind: str) -> dict[str, Any]:
    """Count one type, and return its FLOPs and uncounted ops, or an error."""
    from flopbench.builtin.torch_counter import TorchCounter
    from flopbench.vendor import VendorCall
    from flopbench_transformers_lm.config import LmOptions, read_config
    from flopbench_transformers_lm.vendor_model import RealModel

    counter = TorchCounter()
    try:
        real = RealModel(read_config(kind, LmOptions(overrides=dict(OVERRIDES.get(kind, {})))))
        prefill = counter.count(VendorCall(real.module, real.prefill(BATCH, TOKENS)))
        decode = counter.count(VendorCall(real.module, real.decode(BATCH, TOKENS)))
    except TimeoutError:
        return {"type": kind, "error": f"no answer in {SECONDS} seconds"}
    except Exception as error:  # noqa: BLE001 - the survey records whatever goes wrong
        return {"type": kind, "error": str(error)}
    uncounted = sorted({f"`{op.op}`" for op in (*prefill.uncounted, *decode.uncounted)})
    return {"type": kind, "flops": prefill.flops, "step": decode.flops, "uncounted": uncounted}


def survey(kinds: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Count types, a few per process, each with its own time limit."""
    every = list(kinds)
    for start in range(0, len(every), AT_ONCE):
        chunk = every[start : start + AT_ONCE]
        command = [sys.executable, __file__, "--child", *chunk]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        found = {f["type"]: f for f in map(json.loads, done.stdout.splitlines())}
        for kind in chunk:
            yield found.get(kind, {"type": kind, "error": "its process ended without an answer"})


def _child(kinds: Iterable[str]) -> None:
    warnings.simplefilter("ignore")
    for kind in kinds:
        signal.signal(signal.SIGALRM, _out_of_time)
        signal.alarm(SECONDS)
        found = count(kind)
        signal.alarm(0)
        print(json.dumps(found), flush=True)


def _out_of_time(*_signal: object) -> None:
    raise TimeoutError


def multimodal_page(found: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines about the types whose language model is a part."""
    counted = [f["type"] for f in found if "error" not in f and not f["uncounted"]]
    plain = [kind for kind in counted if kind not in OVERRIDES]
    yield _wrapped(
        f"Of {len(found)} more types, which also read images or sound, the language models of "
        f"{len(counted)} are counted without a gap, {len(plain)} of them at the defaults of their "
        "config class:"
    )
    yield ""
    yield _wrapped(", ".join(f"`{kind}`" for kind in plain) + ".")
    yield ""
    yield "These once you set what the defaults leave open:"
    yield ""
    yield from _set_fields(counted)
    yield ""
    yield "The others:"
    yield ""
    rows = [
        [f"`{f['type']}`", _reason(f["error"]) if "error" in f else ", ".join(f["uncounted"])]
        for f in found
        if f["type"] not in counted
    ]
    yield from table(("type", "reason, or uncounted ops"), rows)


def _set_fields(kinds: Iterable[str]) -> Iterator[str]:
    rows = [[f"`{kind}`", _shown(OVERRIDES[kind])] for kind in kinds if kind in OVERRIDES]
    yield from table(("type", "`model.overrides`"), rows)


def page(found: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines about the causal language models."""
    counted = [f for f in found if "error" not in f]
    clean = [f["type"] for f in counted if not f["uncounted"]]
    plain = [kind for kind in clean if kind not in OVERRIDES]
    yield _wrapped(
        f"Of {len(found)} types of transformers {metadata.version('transformers')} (torch "
        f"{metadata.version('torch').partition('+')[0]}), {len(clean)} are counted without a gap, "
        f"{len(plain)} of them at the defaults of their config class:"
    )
    yield ""
    yield _wrapped(", ".join(f"`{kind}`" for kind in plain) + ".")
    yield ""
    yield "The others can be built once you set a field that the defaults leave open:"
    yield ""
    yield from _set_fields(clean)
    yield ""
    what = "Counted, except for ops that the counter has no formula for; the run is *incomplete*:"
    rows = [[f"`{f['type']}`", ", ".join(f["uncounted"])] for f in counted if f["uncounted"]]
    yield from (what, "", *table(("type", "uncounted ops"), rows)) if rows else (f"{what} none.",)
    yield ""
    yield "Not counted:"
    yield ""
    rows = [[f"`{f['type']}`", _reason(f["error"])] for f in found if "error" in f]
    yield from table(("type", "reason"), rows)


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 100, break_on_hyphens=False)


def _shown(overrides: Mapping[str, Any]) -> str:
    def value(field: Any) -> str:
        repeated = isinstance(field, list) and len(field) > len(set(field))
        return f"{json.dumps(field[:2])[:-1]}, …]" if repeated else json.dumps(field)

    return "`" + ", ".join(f"{name}: {value(field)}" for name, field in overrides.items()) + "`"


def _reason(error: str) -> str:
    return re.sub(r"([|<>*])", r"\\\1", " ".join(error.split()))


def main() -> None:
    """Survey the types that are named; or survey all, and write the page."""
    from flopbench_transformers_lm.model_types import causal_lm_types, multimodal_types

    arguments = sys.argv[1:]
    if arguments[:1] == ["--child"]:
        _child(arguments[1:])
        return
    causal = causal_lm_types()
    parts = {"multimodal": sorted(set(multimodal_types()) - set(causal)), "survey": sorted(causal)}
    if arguments[:1] == ["--multimodal"]:
        del parts["survey"], arguments[0]
    done = Path(arguments[1]) if arguments[:1] == ["--results"] else None
    named = [] if done else arguments
    found = surveyed(named or [kind for kinds in parts.values() for kind in kinds], done)
    for marker, kinds in () if named else parts.items():
        lines = page if marker == "survey" else multimodal_page
        write_page(marker, lines([found[kind] for kind in kinds]))


def surveyed(kinds: Iterable[str], done: Path | None) -> dict[str, dict[str, Any]]:
    """Count types but for those in a file of results; tell each, and add it to the file."""
    known = done.read_text(encoding="utf-8").splitlines() if done and done.is_file() else ()
    found = {result["type"]: result for result in map(json.loads, known)}
    for result in survey(kind for kind in kinds if kind not in found):
        found[result["type"]] = result
        line = json.dumps(result)
        print(line, file=sys.stderr, flush=True)
        if done:
            with done.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
    return found


def write_page(marker: str, lines: Iterable[str]) -> None:
    """Put lines between the markers of the page."""
    begin, end = f"<!-- {marker}: begin -->", f"<!-- {marker}: end -->"
    head, rest = PAGE.read_text(encoding="utf-8").split(begin)
    _old, tail = rest.split(end)
    text = "\n".join(lines)
    PAGE.write_text(f"{head}{begin}\n\n{text}\n\n{end}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
