"""What commands print and write is what the JSON Schemas say, and the schemas have every field."""

import copy
import json
from contextlib import nullcontext
from pathlib import Path
from typing import get_args

import attrs
import pytest
from jsonschema import Draft202012Validator, ValidationError
from typer.testing import CliRunner

from flopbench import Stage, UsageError, schemas
from flopbench.analytic.price import Fallback
from flopbench.cli.app import make_app
from flopbench.cli.common import Session
from flopbench.commands.attention.figures import AttentionFigures, Measured
from flopbench.commands.attention.modes import ModeFigures
from flopbench.commands.attention.text import ATTENTION_SCHEMA_VERSION
from flopbench.commands.compare.comparison import COMPARE_SCHEMA_VERSION, Side, SideBySide
from flopbench.commands.compare.comparison import Verdict as RunVerdict
from flopbench.commands.compare.page_sizes import PageSize
from flopbench.commands.explain.text import EXPLAIN_SCHEMA_VERSION
from flopbench.commands.explain.tree import Explanation, Node, Work
from flopbench.commands.prove.proof import PROOF_SCHEMA_VERSION, Equation, ProofVerdict, Term
from flopbench.commands.referee.findings import Findings
from flopbench.commands.referee.rate import Rate
from flopbench.commands.referee.text import REFEREE_SCHEMA_VERSION
from flopbench.commands.run.fit import Fit
from flopbench.commands.run.prices import TokenPrices
from flopbench.commands.run.speeds import Speeds
from flopbench.commands.survey.checks import Verdict as SurveyVerdict
from flopbench.commands.survey.result import SURVEY_SCHEMA_VERSION, Survey
from flopbench.commands.sweep.report import SWEEP_SCHEMA_VERSION
from flopbench.exports.laws import (
    LAWS_SCHEMA_VERSION,
    Assumption,
    ExportedLaw,
    ExportedLaws,
    Golden,
    LawVerdict,
    LeftOut,
    Refused,
    StageLaws,
    Symbol,
)
from flopbench.exports.targets.certificate import CERTIFICATE_SCHEMA_VERSION
from flopbench.exports.tree import OPERATORS
from flopbench.formulas import Origin
from flopbench.guard.lock import SCHEMA_VERSION as LOCK_SCHEMA_VERSION
from flopbench.hardware import Gpu
from flopbench.hardware.bounds import Bound
from flopbench.hardware.floor import Floor
from flopbench.hardware.limits import FreeBatch, Limits, Shares
from flopbench.hardware.measured import Measured as HardwareMeasured
from flopbench.hardware.targets import Reach
from flopbench.modules.counted import SCHEMA_VERSION as COUNT_SCHEMA_VERSION
from flopbench.modules.counted import Check, Unseen, VectorWork
from flopbench.modules.counted import Work as CountedWork
from flopbench.modules.module_law import SCHEMA_VERSION as LAW_SCHEMA_VERSION
from flopbench.ops import Cost
from flopbench.ops.tensors import LargestTensor
from flopbench.report import (
    SCHEMA_VERSION,
    Comparison,
    ComponentDifference,
    Deployment,
    Entry,
    ExecutedComponent,
    ExecutedKernel,
    Provenance,
    Report,
    Required,
    Series,
    UncountedOp,
    Verdict,
)
from flopbench.testing.samples import sample_reports

ROOT = Path(__file__).parents[2]

VERSIONS = {
    "attention": (ATTENTION_SCHEMA_VERSION, "executed-work.md"),
    "certificate": (CERTIFICATE_SCHEMA_VERSION, "export.md"),
    "compare": (COMPARE_SCHEMA_VERSION, "compare.md"),
    "explain": (EXPLAIN_SCHEMA_VERSION, None),
    "count": (COUNT_SCHEMA_VERSION, "any-module.md"),
    "law": (LAW_SCHEMA_VERSION, "any-module.md"),
    "laws": (LAWS_SCHEMA_VERSION, "export.md"),
    "lock": (LOCK_SCHEMA_VERSION, "guard.md"),
    "proof": (PROOF_SCHEMA_VERSION, "proof-schema.md"),
    "referee": (REFEREE_SCHEMA_VERSION, None),
    "report": (SCHEMA_VERSION, "report-schema.md"),
    "survey": (SURVEY_SCHEMA_VERSION, "survey.md"),
    "sweep": (SWEEP_SCHEMA_VERSION, "sweep-schema.md"),
}
"""Of each form the version that the code writes, and the page that says so."""

SIZES = (
    "num_hidden_layers: 2, hidden_size: 32, num_attention_heads: 4, num_key_value_heads: 2, "
    "head_dim: 8, intermediate_size: 48, vocab_size: 64"
)
WORKLOAD = ("workload.context_tokens=4", "workload.decode_steps=2")
LLAMA = ("hf/llama", f"model.overrides={{{SIZES}}}", *WORKLOAD)
OCR = ("deepseek_ocr", "--analytic-only")
JSON = ("--format", "json")
SHAPE = ("--q", 9, "--kv", 9, "--heads", 2, "--head-dim", 64)
WINDOWED = ("-p", ROOT / "docs" / "snippets" / "plugins" / "windowed.py")

CONFIGS = ROOT / "tests" / "commands" / "survey" / "configs"

BERT = (
    "transformers:bert",
    *(f"model.{field}=8" for field in ("hidden_size", "intermediate_size", "vocab_size")),
    "model.num_hidden_layers=1",
    "model.num_attention_heads=2",
)

COMMANDS = {
    "count": ("count", *BERT, "--input", "2,5:int64", *JSON),
    "count with its backward": ("count", *BERT, "--input", "2,5:int64", "--backward", *JSON),
    "law": ("count", *BERT, "--input", "2,5:int64", "--dims", "B,S", *JSON),
    "attention": ("attention", *SHAPE, "--json"),
    "attention in cuDNN": ("attention", *SHAPE, "--kernel", "cudnn", "--json"),
    "attention in a mode": ("attention", *SHAPE, "--causal", "--json", *WINDOWED),
    "certificate": ("export", *LLAMA, "--stages", "prefill", "--to", "certificate"),
    "compare": ("compare", *OCR, "deepseek_ocr:workload.mode=tiny", *JSON),
    "compare over page sizes": ("compare", *OCR, "--page-sizes", *JSON),
    "compare with the vendor": ("compare", *LLAMA, "hf/llama:workload.batch_size=2", *JSON),
    "compare without a page": ("compare", "deepseek_ocr", "hf/llama", "--analytic-only", *JSON),
    "explain": ("explain", "deepseek_ocr", *JSON),
    "explain with a fallback": ("explain", "deepseek_ocr", "--attention", "flash", *JSON),
    "explain vector work": ("explain", *LLAMA, "--work", "vector", "--depth", "2", *JSON),
    "laws": ("export", *OCR, "--stages", "prefill,decode", "--to", "json"),
    "laws that are proved": ("export", *LLAMA, "--stages", "prefill", "--to", "json"),
    "proof": ("prove", *LLAMA, *JSON),
    "referee": ("referee", *LLAMA, *JSON),
    "referee of two phases": ("referee", "deepseek_ocr", "--phases", "train,decode", *JSON),
    "referee with MFU": (
        *("referee", "deepseek_ocr", *JSON),
        *("--tokens-per-second", "1e4", "--gpu", "h100", "--gpus", "8"),
    ),
    "report": ("run", *OCR, *JSON),
    "report with the vendor": ("run", *LLAMA, *JSON),
    "report by law": ("run", *LLAMA, "run.method=symbolic", *JSON),
    "report on a GPU": (
        *("run", *OCR, *JSON, "--gpu", "h200", "--price-per-hour", "2"),
        *("--measured-ms", "prefill=20", "--ttft", "1", "--tpot", "0.05"),
    ),
    "report of training": ("run", *LLAMA, "--stages", "train", "--gpu", "h200", *JSON),
    "report of padding": ("run", *LLAMA, "--attention", "eager,flash,flash_executed", *JSON),
    "survey": ("survey", CONFIGS, "--analytic-only", "--gpu", "h200", *JSON),
    "survey that counts": ("survey", CONFIGS / "llama.json", "--check", "run", *WORKLOAD, *JSON),
    "sweep": ("sweep", *OCR, "decode", "--grid", "1x2", "--ttft", "1", "--tpot", "0.05"),
    "sweep with the vendor": ("sweep", *LLAMA, "--vary", "workload.batch_size=1,2"),
}
"""Commands that each give a document of the form that their names begin with."""


def form(name):
    return name.partition(" ")[0]


def errors(name, document):
    found = Draft202012Validator(schemas.load(name)).iter_errors(document)
    return [f"{error.json_path}: {error.message}" for error in found]


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    """Return what a command of `COMMANDS` gives, run once."""
    done = {}

    def document(name):
        if name not in done:
            done[name] = found(COMMANDS[name])
        return copy.deepcopy(done[name])

    def found(command):
        out = tmp_path_factory.mktemp("out")
        if command[0] == "sweep":
            command = (*command, "--no-plots", "--out", out)
        if command[0] == "export":
            command = (*command, "--out", out)
        result = CliRunner().invoke(make_app(command[:1]), [*map(str, command)], obj=Session())
        assert (result.exit_code, result.exception) == (0, None), result.output
        written = next(out.glob("*.json"), None)
        return json.loads(written.read_text() if written else result.stdout)

    return document


@pytest.mark.parametrize("name", COMMANDS)
def test_what_a_command_gives_is_of_its_form(name, documents):
    assert errors(form(name), documents(name)) == []


@pytest.mark.parametrize("name", sample_reports())
def test_a_sample_report_is_of_its_form(name):
    assert errors("report", json.loads(json.dumps(sample_reports()[name].to_dict()))) == []


def test_a_report_of_executed_work_is_of_its_form():
    kernels = (ExecutedKernel("gemm", "64x64x16", 20), ExecutedKernel("other", None, 0))
    executed = ExecutedComponent(
        stage="prefill",
        counter="ncu",
        component="layer",
        useful_flops=10,
        executed_flops=20,
        ratio=2.0,
        kernels=kernels,
    )
    report = attrs.evolve(sample_reports()["good"], executed=(executed,))
    assert errors("report", json.loads(json.dumps(report.to_dict()))) == []


def test_the_commands_cover_every_form_and_what_is_seldom_there(documents):
    # pytest --flops-update writes lock files: tests/guard.
    assert {*map(form, COMMANDS), "lock"} == {*schemas.NAMES}
    assert documents("explain with a fallback")["fallbacks"]
    assert documents("attention in a mode")["modes"]
    assert documents("attention in cuDNN")["splits"] is None
    assert documents("sweep")["points"][0]["required"].keys() == {"ttft", "tpot"}
    on_a_gpu = documents("report on a GPU")
    assert [name for name, value in on_a_gpu["deployment"].items() if not value] == ["step_fit"]
    training = documents("report of training")
    assert training["deployment"]["step_fit"]
    assert all(each["memory"] for each in training["series"])
    assert {each["target"] for each in on_a_gpu["required"]} == {"ttft", "tpot"}
    assert any(each["bound"]["measured"] for each in on_a_gpu["series"])
    assert documents("compare without a page")["per"] == "page or sequence"
    assert documents("report of padding")["series"][-1]["executed_ratio"] is not None
    assert documents("report by law")["provenance"]["counters"]["torch"]["method"] == "symbolic"


def change(*path, to):
    """Return what sets a value in a document."""

    def changed(document):
        *parents, last = path
        for key in parents:
            document = document[key]
        document[last] = to

    return changed


def leave_out(*path):
    def changed(document):
        *parents, last = path
        for key in parents:
            document = document[key]
        del document[last]

    return changed


SERIES, COMPARISON = ("series", 0), ("comparisons", 0)
POINT = ("points", 0, "prefill")

WRONG = [
    ("report with the vendor", change(*SERIES, "flops", to=1.5)),
    ("report with the vendor", change(*SERIES, "flops", to="1")),
    ("report with the vendor", change(*SERIES, "flops", to=-1)),
    ("report with the vendor", change(*SERIES, "tensor_flops", to=1)),
    ("report with the vendor", change(*SERIES, "counter", to=None)),
    ("report with the vendor", change("series", 1, "flops", to=None)),
    ("report with the vendor", change(*SERIES, "breakdown", 0, "flops", to=None)),
    ("report with the vendor", change(*SERIES, "kind", to="guessed")),
    ("report with the vendor", change(*COMPARISON, "verdict", to="close")),
    ("report with the vendor", change(*COMPARISON, "difference", to=1)),
    ("report with the vendor", leave_out(*COMPARISON, "verdict")),
    ("report with the vendor", change(*COMPARISON, "verdict", to="differs")),
    ("report with the vendor", change(*COMPARISON, "components", 0, "more", to=1)),
    ("report with the vendor", leave_out("provenance", "fallbacks")),
    ("report with the vendor", change("provenance", "counters", "torch", "method", to="luck")),
    ("report on a GPU", change(*SERIES, "bound", "bound_ms", to="fast")),
    ("report on a GPU", change(*SERIES, "bound", "bound_by", to="luck")),
    ("report on a GPU", leave_out(*SERIES, "bound", "floor", "kept_bytes")),
    ("report on a GPU", change(*SERIES, "costs", "weight_bytes", to=0.5)),
    ("report on a GPU", change("deployment", "fit", 0, "fits", to="yes")),
    ("report on a GPU", leave_out("deployment", "limits", 0, "text")),
    ("report on a GPU", change("deployment", "shares", 0, "bound", to=2)),
    ("report on a GPU", change("required", 0, "target", to="ttl")),
    ("report", leave_out("verdict")),
    ("report", change("verdict", to="exact")),
    ("report", change("more", to=1)),
    ("report", change("schema_version", to="0.9")),
    ("report", change("stages", 0, "parts", to=None)),
    ("sweep with the vendor", change(*POINT, "vendor_flops", to=1.5)),
    ("sweep with the vendor", change(*POINT, "analytic_eager_flops", to=1.5)),
    ("sweep with the vendor", change(*POINT, "analytic_eager_tflops", to="1")),
    ("sweep with the vendor", change(*POINT, "vendor_method", to="guess")),
    ("sweep with the vendor", change(*POINT, "cost", "eager", "flops", to=0.5)),
    ("sweep with the vendor", change(*POINT, "cost", "eager", "more", to=1)),
    ("sweep with the vendor", leave_out(*POINT, "cost")),
    ("sweep with the vendor", leave_out(*POINT, "difference")),
    ("sweep with the vendor", leave_out("points", 0, "label")),
    ("sweep", change("points", 0, "required", "ttft", "eager", to=3)),
    ("sweep", leave_out("model")),
    ("survey", change("configs", 0, "verdict", to="fine")),
    ("survey", change("configs", 0, "stages", 0, "flops", to=0.5)),
    ("survey", change("configs", 0, "deployment", "fits", to="yes")),
    ("survey", leave_out("configs", 0, "reason")),
    ("survey", change("verdicts", "fine", to=1)),
    ("compare", change("models", 0, "costs", "prefill", "eager", "flops", to=1.5)),
    ("compare", leave_out("models", 0, "verdict")),
    ("compare", change("models", 0, "tokens", "images", to=1)),
    ("compare", change("per", to="year")),
    ("compare with the vendor", change("models", 0, "checks", 0, "verdict", to="verified")),
    ("compare with the vendor", change("models", 0, "vendor_flops", "prefill", to=0.5)),
    ("count", change("flops", to=1.5)),
    ("count", change("method", to="guess")),
    ("count", change("flops_by_phase", "sideways", to=1)),
    ("count", leave_out("work", 0, "own")),
    ("count", change("vector", 0, "flops", to=None)),
    ("count", change("checks", 0, "calls", to=0)),
    ("certificate", leave_out("audit", "stages", "prefill", "unseen")),
    (
        "certificate",
        change("audit", "stages", "prefill", "counted", 0, "flops_at_workload", to="3"),
    ),
    ("certificate", change("stages", 0, "verdict", to="verified")),
    ("laws", change("stages", 0, "laws", 0, "tree", to=3)),
    ("laws", change("stages", 0, "laws", 0, "tree", to=["**", "S", "2"])),
    ("laws", change("stages", 0, "laws", 0, "tree", to=["+", "S", 2])),
    ("laws", change("stages", 0, "golden", 0, "values", to={"flops_prefill": 3})),
    ("laws", change("symbols", 0, "identifier", to="a b")),
    ("laws that are proved", change("verdict", to="verified")),
    ("laws that are proved", leave_out("provenance", "proof_digest")),
    ("law", change("expression", to=3)),
    ("law", change("examples", "B", to=0.5)),
    ("law", leave_out("forms", 0, "expression")),
    ("proof", leave_out("verdict")),
    ("proof", change("stages", 0, "verdict", to="verified")),
    ("proof", change("stages", 0, "difference", to="B")),
    ("proof", change("stages", 0, "analytic", to=3)),
    ("proof", change("minimums", "B", to=0.5)),
    ("explain", change("tree", "flops", to=1.5)),
    ("explain", change("tree", "children", 0, "children", 0, "share", to=2)),
    ("explain", leave_out("tree", "children", 0, "form")),
    ("explain", change("work", to="some")),
    ("attention", change("executed_flops", to=1.5)),
    ("attention", change("tile", to=[64])),
    ("attention", change("measured_flops", to=3)),
    ("attention in a mode", leave_out("modes", "windowed", "reason")),
]


@pytest.mark.parametrize(("name", "spoil"), WRONG)
def test_a_wrong_document_is_refused(name, spoil, documents):
    document = documents(name)
    spoil(document)
    assert errors(form(name), document) != []


def properties(name, part=None):
    schema = schemas.load(name)
    found = schema["$defs"][part] if part else schema
    assert found["type"] == "object"
    return set(found["properties"]), set(found["required"])


HEAD, RENAMED = {"schema_version"}, {"seen_flops": "torch_visible_flops"}

CLASSES = [
    (("count", "work"), CountedWork, {}, set()),
    (("count", "vector"), VectorWork, {}, set()),
    (("count", "unseen"), Unseen, {}, set()),
    (("count", "check"), Check, {}, set()),
    (("report",), Report, {"laws": None}, {"verdict", "verdict_text"}),
    (("report", "stage"), Stage, {}, set()),
    (("report", "provenance"), Provenance, {}, set()),
    (("report", "fallback"), Fallback, {}, set()),
    (("report", "series"), Series, {}, set()),
    (("report", "entry"), Entry, {}, set()),
    (("report", "uncounted"), UncountedOp, {}, set()),
    (("report", "comparison"), Comparison, RENAMED, set()),
    (("report", "component_difference"), ComponentDifference, {}, set()),
    (("report", "required"), Required, {}, set()),
    (("report", "deployment"), Deployment, {}, set()),
    (("report", "gpu"), Gpu, {}, set()),
    (("report", "bound"), Bound, {}, {"bound_ms", "bound_by"}),
    (("report", "floor"), Floor, {"ms": "floor_ms"}, {"bytes_moved"}),
    (("report", "measured"), HardwareMeasured, {}, set()),
    (("report", "fit"), Fit, {}, {"fits", "largest_tensor_fits", "needed_bytes", "text"}),
    (("report", "largest_tensor"), LargestTensor, {}, set()),
    (("compare", "largest_tensor"), LargestTensor, {}, set()),
    (("compare", "page_size"), PageSize, {}, set()),
    (("report", "stage_limit"), Limits, {}, {"attention", "text"}),
    (("report", "free_batch"), FreeBatch, {}, set()),
    (("report", "share"), Shares, {}, {"attention", "text"}),
    (("report", "speeds"), Speeds, {}, {"attention", "text"}),
    (("report", "reach"), Reach, {}, {"attention", "possible", "text"}),
    (("report", "token_prices"), TokenPrices, {}, {"attention", "text"}),
    (("report", "executed_component"), ExecutedComponent, {}, set()),
    (("report", "executed_kernel"), ExecutedKernel, {}, set()),
    (("sweep", "fallback"), Fallback, {}, {"stage"}),
    (("compare",), SideBySide, {"sides": "models"}, set()),
    (("compare", "side"), Side, {}, set()),
    (("proof", "equation"), Equation, {}, set()),
    (("proof", "term"), Term, {}, {"difference"}),
    (("proof", "uncounted"), UncountedOp, {}, set()),
    (("explain",), Explanation, {"root": "tree", "sizes": "symbols"}, HEAD),
    (("explain", "node"), Node, {}, {"name"}),
    (("explain", "fallback"), Fallback, {}, set()),
    (("attention", "mode"), ModeFigures, {}, set()),
    (("laws",), ExportedLaws, {"audit": "quantities"}, {"schema_version", "verdict"}),
    (("laws", "symbol"), Symbol, {}, set()),
    (("laws", "stage"), StageLaws, {}, set()),
    (("laws", "assumption"), Assumption, {}, set()),
    (("laws", "law"), ExportedLaw, {}, set()),
    (("laws", "left_out"), LeftOut, {}, set()),
    (("laws", "golden"), Golden, {}, set()),
    (("laws", "refused"), Refused, {}, set()),
    (("referee",), Findings, {}, {"schema_version"}),
    (("referee", "rate"), Rate, {}, set()),
    (("survey",), Survey, {}, {"verdicts"}),
    (("referee", "origin"), Origin, {}, set()),
]
"""Part of a schema, the class that it is of, what JSON calls its fields (None if it has none), and
what it adds."""


@pytest.mark.parametrize(("part", "cls", "names", "more"), CLASSES)
def test_a_schema_has_the_fields_of_its_class(part, cls, names, more):
    fields = {names.get(field.name, field.name) for field in attrs.fields(cls)} - {None}
    allowed, required = properties(*part)
    assert allowed == required == fields | more


def test_attention_has_what_is_priced_and_what_is_measured():
    allowed, required = properties("attention")
    priced, measured = (
        {field.name for field in attrs.fields(cls)} for cls in (AttentionFigures, Measured)
    )
    assert allowed - required == measured
    assert priced <= required


def test_a_cost_is_the_same_in_sweeps_and_comparisons_and_has_what_an_op_costs():
    sweep, *others = (schemas.load(n)["$defs"]["cost"] for n in ("sweep", "compare", "report"))
    assert others == [sweep, sweep]
    assert {field.name for field in attrs.fields(Cost)} <= {*sweep["properties"]}


def test_verdicts_are_those_of_the_code():
    report, compare = schemas.load("report"), schemas.load("compare")
    proof, explain = schemas.load("proof"), schemas.load("explain")
    comparison, side = report["$defs"]["comparison"], compare["$defs"]["side"]
    assert {*comparison["properties"]["verdict"]["enum"]} == {*get_args(Verdict)}
    assert {*report["properties"]["verdict"]["enum"]} == {*get_args(RunVerdict)}
    assert {*side["properties"]["verdict"]["enum"]} == {*get_args(RunVerdict)}
    assert {*proof["$defs"]["verdict"]["enum"]} == {*get_args(ProofVerdict)}
    assert schemas.load("survey")["$defs"]["verdict"]["enum"] == [*get_args(SurveyVerdict)]
    assert {*explain["properties"]["work"]["enum"]} == {*get_args(Work)}
    for name in ("laws", "certificate"):
        assert {*schemas.load(name)["$defs"]["verdict"]["enum"]} == {*get_args(LawVerdict)}
    tree = schemas.load("laws")["$defs"]["tree"]["anyOf"][1]
    assert tree["prefixItems"] == [{"enum": [*OPERATORS]}]


def test_there_is_a_version_and_a_file_of_each():
    folder = Path(schemas.__file__).parent
    assert sorted(path.name for path in folder.glob("*.json")) == [
        f"{name}.schema.json" for name in schemas.NAMES
    ]
    assert {*VERSIONS} == {*schemas.NAMES}


@pytest.mark.parametrize("name", schemas.NAMES)
def test_a_schema_is_one_and_of_the_version_that_is_written(name):
    schema = schemas.load(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    version, page = VERSIONS[name]
    assert schema["properties"]["schema_version"] == {"const": version}
    if page:
        text = " ".join((ROOT / "docs" / page).read_text(encoding="utf-8").split())
        said = f"Schema version {version}."
        assert said in text or f"| version of this table, {version} |" in text


def test_the_example_of_the_docs_validates_a_report(documents, tmp_path, monkeypatch):
    page = (ROOT / "docs" / "stability.md").read_text(encoding="utf-8")
    code = page.partition("```python\n")[2].partition("```")[0]
    assert "schemas.load" in code
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "results" / "report.json"
    file.parent.mkdir()
    for document, valid in ((documents("report"), True), ({"verdict": "verified"}, False)):
        file.write_text(json.dumps(document), encoding="utf-8")
        with nullcontext() if valid else pytest.raises(ValidationError):
            exec(code, {})  # noqa: S102 - it is our own page


def test_another_name_is_told():
    with pytest.raises(UsageError, match="unknown schema 'reports': did you mean 'report'"):
        schemas.load("reports")
