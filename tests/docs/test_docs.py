"""The docs are true: their output is what is printed today, and what they name exists."""

import inspect
import json
import re
import sys

import attrs
import explorer_pages
import make_results
import pytest
import yaml
from doc_output import PAGES, ROOT, blocks, updated

from flopbench.commands.prove.proof import Equation, Proof, Term
from flopbench.conventions import NESTED, Conventions
from flopbench.dims.forms import symbol
from flopbench.registry import hookspecs
from flopbench.vendor.attribution import UncountedOp

# tests/plugins/deepseek_ocr/test_prove.py looks at what docs/proofs.md shows.
RUNS = [
    page
    for page in PAGES
    if "<!-- run: " in page.read_text(encoding="utf-8") and page.name != "proofs.md"
]
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(#[^)]*)?\)")


def name(page):
    return page.relative_to(ROOT).as_posix()


def anchors(page):
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings}


SLOW = {
    f"docs/{name}.md"
    for name in (
        *("any-module", "compare", "deployment", "guard", "ocr-neighbours", "proofs", "python"),
        "recurrences",
        *("quantisation", "requests", "training", "training-memory", "transformers-lm"),
        *("tutorial-counter", "tutorial-model", "tutorial-reporter"),
    )
}
"""Pages whose commands take long; make test-all runs them."""


@pytest.mark.parametrize(
    "page",
    [pytest.param(p, marks=[pytest.mark.slow] if name(p) in SLOW else []) for p in RUNS],
    ids=name,
)
def test_a_page_shows_what_its_commands_print_today(page, warm):
    assert updated(page, run=warm) == page.read_text(encoding="utf-8")


def test_the_first_screen_shows_the_main_job():
    head = (ROOT / "README.md").read_text(encoding="utf-8").split("## ")[0]
    assert "<!-- run: flopbench run deepseek_ocr -->" in head


ALL_PAGES = sorted({*PAGES, *ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")})


@pytest.mark.parametrize("page", ALL_PAGES, ids=name)
def test_links_lead_somewhere(page):
    text = re.sub(r"(?sm)^```.*?^```", "", page.read_text(encoding="utf-8"))
    for target, anchor in LINK.findall(text):
        path = (page.parent / target).resolve() if target else page
        if path.parent == ROOT / "docs" and path.name in explorer_pages.PAGES:
            continue  # the site has it
        assert path.exists(), f"{name(page)} links to {target}, which is not there"
        if anchor:
            assert anchor.removeprefix("#") in anchors(path), f"{name(page)}: {target}{anchor}"


def test_every_convention_is_in_the_table_with_value_and_derivation():
    page = (ROOT / "docs" / "conventions.md").read_text(encoding="utf-8")
    table = Conventions()
    for entry, derivation in table.derivations().items():
        assert f"| `{entry}` | {getattr(table, entry)} | {derivation} |" in page
    for name in NESTED:
        nested = getattr(table, name)
        for entry, derivation in nested.derivations().items():
            shown = derivation.replace("|", "\\|")
            assert f"| `{name}.{entry}` | {getattr(nested, entry)} | {shown} |" in page


def test_every_hook_is_documented_with_its_signature():
    page = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    hooks = [f for n, f in inspect.getmembers(hookspecs) if n.startswith("flopbench_")]
    assert len(hooks) == 6
    for hook in hooks:
        assert f"`{hook.__name__}{inspect.signature(hook)}`".replace("'", "") in page


def keys(value):
    """All field names in a report, but for those of objects with free names."""
    free = {"workload", "convention", "config", "versions", "vendor", "counters", "unseen"}
    free |= {"modes", "parts_flops", "fields", "peaks"}
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            if key == "components" and isinstance(inner, dict):  # by path
                yield from keys([*inner.values()])
            elif key not in free:
                yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


def test_every_field_of_the_report_is_documented(warm):
    pages = ("report-schema.md", "sweep-schema.md")  # the latter has the fields of `costs`
    page = "".join((ROOT / "docs" / page).read_text(encoding="utf-8") for page in pages)
    command = [sys.executable, "-m", "flopbench.cli", "run", "deepseek_ocr", "--format", "json"]
    options = "--ttft 1 --gpu h200 --price-per-hour 2 --measured-ms vision=50"
    done = warm([*command, *options.split()], check=True)
    found = set(keys(json.loads(done.stdout)))
    for key in found:
        assert f"`{key}`" in page, key
    # What only some runs have is there, too.
    assert {"kept_bytes", "mbu", "longest_context", "most_share", "per_hour", "floor_s"} <= found


def test_every_field_of_a_sweep_is_documented(tmp_path, warm):
    page = (ROOT / "docs" / "sweep-schema.md").read_text(encoding="utf-8")
    command = [sys.executable, "-m", "flopbench.cli", "sweep", "deepseek_ocr", "decode"]
    options = "--analytic-only --no-plots --grid 1x2 --stages vision,decode --ttft 1 --tpot 0.05"
    warm([*command, *options.split(), "--out", tmp_path], check=True)
    found = set(keys(json.loads((tmp_path / "sweep.json").read_text(encoding="utf-8"))))
    for key in found:
        assert f"`{key}`" in page, key
    # What only some sweeps have is there, too.
    assert {"required", "ttft", "tpot", "gigabytes_per_s", "vision", "decode"} <= found


def test_every_field_of_a_comparison_is_documented(warm):
    pages = ("compare.md", "sweep-schema.md")
    text = "".join((ROOT / "docs" / page).read_text(encoding="utf-8") for page in pages)
    command = [sys.executable, "-m", "flopbench.cli", "compare", "deepseek_ocr"]
    options = "deepseek_ocr:workload.mode=tiny --stages prefill --format json"
    done = warm([*command, *options.split()], check=True)
    found = json.loads(done.stdout)
    for key in {*keys(found), *keys(found["models"][0]["checks"])}:
        assert f"`{key}`" in text, key


TEXT = re.compile(r"<text[^>]*>([^<]+)</text>")


@pytest.mark.slow
def test_the_results_page_shows_what_the_closed_forms_say_today(tmp_path, warm):
    from flopbench.commands.sweep.plots import draw
    from flopbench_deepseek_ocr.analytic import DeepseekOcr

    stages = ("vision", "prefill", "decode", "vision_prefill")
    page = (ROOT / "docs" / "results-deepseek-ocr.md").read_text(encoding="utf-8")
    command = [sys.executable, "-m", "flopbench.cli", "sweep", "deepseek_ocr", "vision_prefill"]
    options = "--analytic-only --no-plots --stages {} --ttft 1 --tpot 0.05"
    options = options.format(",".join(stages))
    warm([*command, *options.split(), "--out", tmp_path], check=True)
    report = json.loads((tmp_path / "sweep.json").read_text(encoding="utf-8"))
    for point in report["points"]:
        for stage in stages:
            # tests/plugins/deepseek_ocr/test_sweep_exactness.py holds that they are equal.
            visible = point[stage]["cost"]["eager"]["torch_visible_flops"]
            point[stage] |= {"vendor_flops": visible, "difference": 0}
    for stage in stages[:3]:
        assert "\n".join(make_results.flops(report, stage)) in page
        assert "\n".join(make_results.memory(report, stage)) in page
    assert "\n".join(make_results.required(report)) in page
    assert "**212 of 212** results" in page
    drawn = draw(
        report | {"vendor_attention": "eager", "vendor_counter": "torch"}, DeepseekOcr.parts
    )
    for _, plot, alt in make_results.PLOTS:
        assert f"![{alt}](images/results-{plot}.svg)" in page
        image = ROOT / "docs" / "images" / f"results-{plot}.svg"
        assert TEXT.findall(image.read_text(encoding="utf-8")) == TEXT.findall(
            drawn[f"{plot}.svg"].decode()
        )


def test_every_field_of_the_proof_is_documented():
    page = (ROOT / "docs" / "proof-schema.md").read_text(encoding="utf-8")
    x = symbol("x")
    term = Term(x, x, 2 * x)
    equation = Equation(
        stage="s",
        component=None,
        vendor=x,
        analytic=2 * x,
        difference=x,
        verdict="differs",
        terms=(term,),
        uncounted=(UncountedOp("c", "op", 1),),
    )
    proof = Proof(
        model="m",
        counter="torch",
        sizes=(),
        stages=(),
        workload={},
        equations=(equation,),
        versions={},
        vendor={},
        assumptions=(),
    )
    for key in set(keys(proof.to_dict())):
        assert f"`{key}`" in page, key


def test_every_input_is_among_the_settings():
    from flopbench.hardware import HardwareOptions
    from flopbench.plan.config import RunOptions
    from flopbench.storage.options import DtypeOptions
    from flopbench_deepseek_ocr.analytic import Options
    from flopbench_deepseek_ocr.vendor import VendorOptions
    from flopbench_deepseek_ocr.workload import Inputs

    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    sections = {
        "workload": Inputs,
        "model": Options,
        "vendor": VendorOptions,
        "run": RunOptions,
        "dtypes": DtypeOptions,
        "hardware": HardwareOptions,
    }
    for section, cls in sections.items():
        for field in attrs.fields(cls):
            if (section, field.name) != ("vendor", "attention"):  # it has one value only
                assert f"`{section}.{field.name}" in page or f"`.{field.name}`" in page


def test_the_table_of_schemes_has_all_of_them_with_their_bytes():
    from flopbench.storage import SCHEMES, Matrix

    size = 4096
    page = (ROOT / "docs" / "quantisation.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|.*\| ([\d,]+) \| ([\d.]+) \|$", page, re.MULTILINE)
    totals = {name: SCHEMES[name].stored(Matrix(size, size)).total for name in SCHEMES}
    assert [name for name, _, _ in rows] == list(SCHEMES)
    for name, total, bits in rows:
        assert int(total.replace(",", "")) == totals[name]
        assert bits == f"{8 * totals[name] / size**2:.3f}"


def test_every_method_of_quantisation_is_on_its_page():
    from flopbench_transformers_lm.quantised.methods import METHODS

    page = (ROOT / "docs" / "quantisation.md").read_text(encoding="utf-8")
    assert [method for method in METHODS if f"| `{method}`" not in page] == []


def test_every_type_of_transformers_is_in_the_survey():
    from flopbench_transformers_lm.model_types import causal_lm_types

    page = (ROOT / "docs" / "transformers-lm.md").read_text(encoding="utf-8")
    found = page.split("<!-- survey: begin -->")[1].split("<!-- survey: end -->")[0]
    assert {kind for kind in causal_lm_types() if f"`{kind}`" not in found} == set()


def test_every_input_of_language_models_is_on_their_page():
    from flopbench.vendor.transformers import VerifiedOptions
    from flopbench_transformers_lm.config import LmOptions
    from flopbench_transformers_lm.workload import Inputs

    page = (ROOT / "docs" / "transformers-lm.md").read_text(encoding="utf-8")
    for section, cls in (("workload", Inputs), ("model", LmOptions), ("vendor", VerifiedOptions)):
        for field in attrs.fields(cls):
            if field.name != "attention":  # it has one value only
                assert f"| `{section}.{field.name}` |" in page


def test_the_tutorials_window_is_the_brute_force_sum():
    page = (ROOT / "docs" / "tutorial-first-plugin.md").read_text(encoding="utf-8")
    code = dict(blocks(page, "file"))["windowed.py"]
    scope = {}
    exec(code, scope)  # noqa: S102 - it is our own page
    from flopbench.ops import Attention

    for queries, keys_, steps in ((1, 300, 5), (300, 300, 1), (4, 254, 3), (2, 10, 2)):
        op = Attention(
            component="c",
            batch=1,
            heads=1,
            kv_heads=1,
            head_dim=1,
            value_dim=1,
            queries=queries,
            keys=keys_,
            steps=steps,
            causal=True,
        )
        (fused,) = scope["Windowed"]().lower(op)
        first = keys_ - queries + 1
        positions = range(first, first + steps * queries)
        assert fused.pairs == sum(min(p, scope["WINDOW"]) for p in positions)


def test_the_workflow_of_the_guard_is_yaml_that_runs_flopbench_against_a_baseline():
    page = (ROOT / "docs" / "guard.md").read_text(encoding="utf-8")
    text = page.partition("```yaml\n")[2].partition("```")[0]
    steps = yaml.safe_load(text)["jobs"]["guard"]["steps"]
    runs = [step["run"] for step in steps if "run" in step]
    (guard,) = [command for command in runs if command.startswith("flopbench run")]
    assert "--baseline flops/report.json" in guard
    assert any(re.search(r"pip install .*flopbench\[\w+\]", command) for command in runs)
