"""What users give as requests, what commands show of them, and what they refuse."""

import re

import pytest

import flopbench
from flopbench.errors import UsageError
from flopbench.plan import make_plan
from flopbench.registry.catalog import build_catalog
from flopbench.registry.loading import load_plugins
from flopbench_transformers_lm.requests import RequestInputs
from flopbench_transformers_lm.workload import Inputs
from support.cli import shown

KEYS = "(new, cached, lm_head, count)"

CATALOG = build_catalog(load_plugins())


def plan(*overrides, model="hf/llama", **options):
    small = "model.overrides={num_hidden_layers: 1, vocab_size: 32}"
    named = {"run.analytic_only": True, **options}
    return make_plan(CATALOG, model, overrides=[small, *overrides], options=named)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("[{new: 0}]", "workload.requests[0].new must be >= 1, got 0"),
        ("[{new: 1}, {new: 2, cached: -1}]", "workload.requests[1].cached must be >= 0, got -1"),
        ("[{new: 1}, {cached: 3}]", "workload.requests[1].new is missing"),
        (
            "[{new: 1, cache: 3}]",
            "workload.requests[0]: unknown key 'cache': did you mean 'cached'?",
        ),
        (
            "[{new: 1, cached:900}]",
            "workload.requests[0]: unknown key 'cached:900': put a space after the colon",
        ),
        (
            "[{new:1}]",
            "workload.requests[0]: unknown key 'new:1': put a space after the colon",
        ),
        (
            "[{new: 1, lm_head: first}]",
            "workload.requests[0].lm_head: unknown value 'first': expected one of all, last",
        ),
        ("[{new: 1, count: 0}]", "workload.requests[0].count must be >= 1, got 0"),
        ("[5]", f"workload.requests[0] must be a mapping {KEYS}, got 5"),
        ("[]", "workload.requests must be a list of at least one request, got []"),
        (
            "5",
            f"workload.requests must be a list of mappings {KEYS} or null, got 5",
        ),
    ],
)
def test_wrong_requests_are_told_in_one_sentence(value, message):
    with pytest.raises(UsageError) as caught:
        plan(f"workload.requests={value}")
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "other",
    ["context_tokens=5", "decode_steps=5", "batch_size=5", "lm_head=last"],
)
def test_sizes_of_equal_contexts_do_not_go_with_requests(other):
    with pytest.raises(UsageError, match=f"{other} does not go with requests"):
        plan("workload.requests=[{new: 3}]", f"workload.{other}")


def test_a_table_of_positions_ends():
    with pytest.raises(UsageError) as caught:
        plan("workload.requests=[{new: 1}, {new: 5, cached: 1020}]", model="hf/gpt2")
    assert str(caught.value) == (
        "workload.requests[1] reaches 1,025 tokens, but the position table of hf/gpt2 ends at "
        "1,024 (max_position_embeddings)"
    )
    assert plan("workload.requests=[{new: 5, cached: 1019}]", model="hf/gpt2").workload.requests


def test_rotary_positions_do_not_but_a_note_says_so():
    within, beyond = (
        plan(f"workload.requests=[{{new: 1, cached: {cached}}}]") for cached in (2047, 2048)
    )
    found = [each.model.notes_of(each.workload) for each in (within, beyond)]
    assert found[1][:1] == found[0]
    assert "longer than the 2048 positions" in found[1][1]


def test_requests_have_the_step_alone_and_others_never_do():
    assert [s.name for s in plan("workload.requests=[{new: 3}]").stages] == ["step"]
    usual = plan()
    assert [s.name for s in usual.stages] == ["prefill", "decode", "end2end"]
    assert usual.config["workload"] == {
        "context_tokens": 512,
        "decode_steps": 100,
        "batch_size": 1,
        "lm_head": "all",
    }
    with pytest.raises(UsageError, match="no stage 'prefill', only step"):
        plan("workload.requests=[{new: 3}]", **{"run.stages": ["prefill"]})
    with pytest.raises(UsageError, match="no stage 'step', only prefill, decode and end2end"):
        plan(**{"run.stages": ["step"]})


def test_requests_and_equal_contexts_are_of_one_kind_of_inputs():
    assert Inputs().unused_keys == ("requests", "draft", "lengths")
    assert "requests" not in Inputs(requests=(RequestInputs(new=2),)).unused_keys
    assert not {"lengths", "lm_head"} & {*Inputs(lengths=(2,)).unused_keys}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("lengths=[]", "workload.lengths must be a list of numbers of at least 1, got []"),
        ("lengths=[5, 0]", "workload.lengths must be a list of numbers of at least 1, got [5, 0]"),
        ("lengths=[a]", "workload.lengths must be an integer, got 'a'"),
        ("lengths=[5] batch_size=2", "workload: batch_size=2 does not go with lengths, which"),
        ("lengths=[5] context_tokens=5", "workload: context_tokens=5 does not go with lengths"),
        ("lengths=[5] decode_steps=1", "workload: decode_steps=1 does not go with lengths, which"),
        ("lengths=[5] requests=[{new: 1}]", "workload: requests does not go with lengths, which"),
        ("lengths=[5] draft=true", "workload: draft=true needs requests, after whose step"),
    ],
)
def test_wrong_lengths_are_told_in_one_sentence(values, message):
    with pytest.raises(UsageError) as caught:
        plan(*(f"workload.{value}" for value in re.split(r" (?=\w+=)", values)))
    assert str(caught.value).startswith(message)


def test_lengths_are_those_of_a_prefill_alone():
    made = plan("workload.lengths=[5, 7, 7]", "workload.lm_head=last")
    assert [s.name for s in made.stages] == ["prefill"]
    assert made.config["workload"] == {"lm_head": "last", "lengths": (5, 7, 7)}
    assert [(r.new, r.cached, r.logits, r.count) for r in made.workload.requests] == [
        (5, 0, 1, 1),
        (7, 0, 1, 2),
    ]
    assert "the sequences are packed" in made.model.notes_of(made.workload)[0]
    with pytest.raises(UsageError, match=r"workload.lengths\[1\] reaches 1,025 tokens"):
        plan("workload.lengths=[5, 1025]", model="hf/gpt2")


MODEL = ("hf/llama", "model.overrides={num_hidden_layers: 1, hidden_size: 64, vocab_size: 32}")
MIX = "workload.requests=[{new: 512, cached: 4096}, {new: 1, cached: 900, count: 3}]"


@pytest.fixture
def command(request):
    return request.getfixturevalue("flopbench")


def test_the_command_line_runs_and_shows_them(command):
    done = command("run", *MODEL, MIX, "--format", "console,json")
    text, report = shown(done)
    assert (done.returncode, report["verdict"]) == (0, "verified")
    assert report["workload"]["requests"] == [
        {"new": 512, "cached": 4096, "lm_head": "last", "count": 1},
        {"new": 1, "cached": 900, "lm_head": "last", "count": 3},
    ]
    facts = {"batch_size": 4, "new_tokens": 515, "cached_tokens": 6796, "logits": 4}
    assert facts.items() <= report["workload"].items()
    assert not {"context_tokens", "decode_steps", "lm_head"} & set(report["workload"])
    assert [s["name"] for s in report["stages"]] == ["step"]
    assert "{new: 512, cached: 4096, lm_head: last, count: 1}" in " ".join(text.split())
    assert "note: the requests of the step are packed" in text
    assert any("called once per request" in a for a in report["provenance"]["assumptions"])


SMALL = {"overrides": {"num_hidden_layers": 1, "hidden_size": 64, "vocab_size": 32}}
REQUESTS = [{"new": 9, "cached": 40}, {"new": 1, "cached": 90, "count": 3}]


def test_a_sweep_over_requests_has_one_kind_of_stages():
    def sweep(*values, **targets):
        vary = {"workload.requests": values}
        return flopbench.sweep("hf/llama", model_options=SMALL, vary=vary, **targets).to_dict()

    found = sweep([{"new": 3}], REQUESTS)
    assert (found["batch_size"], found["decode_steps"]) == (None, None)
    assert [point["step"]["difference"] for point in found["points"]] == [0, 0]
    assert [point["new_tokens"] for point in found["points"]] == [3, 12]
    with pytest.raises(UsageError, match="all points of a sweep need the same stages"):
        sweep([{"new": 3}], None)
    with pytest.raises(UsageError, match="--ttft: this workload has no stage 'prefill', only step"):
        sweep(REQUESTS, ttft=1)


def test_a_sweep_of_models_shows_their_steps():
    vary = {"model.overrides.intermediate_size": [32, 64]}
    workload = {"requests": REQUESTS}
    found = flopbench.sweep("hf/llama", model_options=SMALL, workload=workload, vary=vary).to_dict()
    assert [point["step"]["difference"] for point in found["points"]] == [0, 0]
    assert found["batch_size"] is None


def test_a_proof_has_nothing_to_leave_open():
    with pytest.raises(UsageError, match="no size that a proof could leave open in step"):
        flopbench.prove("hf/llama", model_options=SMALL, workload={"requests": REQUESTS})


def test_explain_and_compare_show_the_step():
    tree = flopbench.explain("hf/llama", model_options=SMALL, workload={"requests": REQUESTS})
    assert [node.path for node in tree.root.children] == [("step",)]
    assert tree.root.form == tree.root.flops > 0
    assert any("packed" in note for note in tree.notes)
    both = flopbench.compare(
        "hf/llama",
        "hf/qwen2",
        model_options=SMALL,
        workload={"requests": REQUESTS},
        analytic_only=True,
    )
    assert [stage["name"] for stage in both.to_dict()["stages"]][:1] == ["step"]


def test_a_law_has_nothing_to_trace_so_calls_are_counted():
    report = flopbench.run(
        "hf/llama", model_options=SMALL, workload={"requests": REQUESTS}, method="symbolic"
    )
    assert report.verdict == "verified"
    assert "step was counted call by call: it has no sizes to leave open" in (
        report.provenance.assumptions
    )
