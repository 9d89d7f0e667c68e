"""The suites themselves: each planted wrong plugin fails in the check meant for it, and why."""

import importlib
import sys
from pathlib import Path

import pytest

import flopbench.testing
from flopbench.builtin.torch_counter import TorchCounter
from flopbench.commands.new.scaffold import distribution
from flopbench.dims.forms import symbol
from flopbench.errors import UsageError
from flopbench.testing.fused import fused_calls
from flopbench.testing.modules import rows_of_a_linear
from flopbench.testing.suite import catalog_with
from support.cli import python_path

PLANTED = Path(__file__).parent / "planted"

SUITES = {
    "models": ("ModelConformance", "model", "examples, vendor_examples = 6, 2"),
    "modes": ("AttentionConformance", "mode", "examples = 25"),
    "counters": ("CounterConformance", "counter", ""),
    "reporters": ("ReporterConformance", "reporter", ""),
    "formulas": ("FormulaConformance", "formula", ""),
}

EVERYWHERE = {"vendor_equals_analytic_elsewhere", "proof"}
"""A wrong formula is found in more than one way."""

EXPLAINED = {
    *("is_what_it_declares_on_random_decoders", "applies_to_a_decoder"),
    "depends_on_its_facts_alone",
}
"""So is a formula that is not what it declares."""

# For each wrong plugin the check that is meant for it, what that says, and what else must fail.
WRONG = {
    "models": {
        "wrong_width": ("vendor_equals_analytic", "lm_head in stage", EVERYWHERE),
        "off_by_one": (
            "vendor_equals_analytic[decode]",
            "decoder/attention/core in stage 'decode'",
            EVERYWHERE,
        ),
        "batch_nonlinear": (
            "flops_grow_with_sizes",
            "three times the batch size B",
            EVERYWHERE,
        ),
        "missing_component": (
            "vendor_components_are_known",
            "'lm_head', which no operation of stage",
            {"vendor_equals_analytic", *EVERYWHERE},
        ),
        "float_flops": (
            "costs_are_whole_numbers",
            "vector_flops of add in decoder/extra must be a non-negative int, got 2.5",
            {
                "composed_stages_are_the_sums_of_their_parts",
                "arrays_equal_ints",
                "every_attention_mode_prices_it",
                "closed_forms_need_no_torch",
            },
        ),
        "negative": (
            "costs_are_whole_numbers",
            "non-negative int, got -3",
            {
                "composed_stages_are_the_sums_of_their_parts",
                "every_attention_mode_prices_it",
                "closed_forms_need_no_torch",
            },
        ),
        "no_component": ("costs_are_whole_numbers", "has component 'decoder//add'", set()),
        "branches_on_size": (
            "symbols_equal_ints",
            "truth value of Relational: S > 100",
            {"sizes_in_arrays_equal_ints", "proof"},  # a sweep then goes point by point
        ),
        "wrong_in_arrays": (
            "arrays_equal_ints",
            "in an array is",
            {"sizes_in_arrays_equal_ints"},
        ),
        "wrong_in_symbols": ("symbols_equal_ints", "the closed form at", set()),
        "shrinks": (
            "flops_grow_with_sizes",
            "takes",
            {"vendor_equals_analytic", *EVERYWHERE},
        ),
        "forgets_a_size": ("sizes_describe_the_workload", "were put in", set()),
        "stateful": ("same_answer_twice", "priced again", None),
        "changes_the_workload": ("same_answer_twice", "priced again", None),
        "misnamed": ("names_stand_for_the_numbers", "linear in lm_head", set()),
        "loads_torch": ("closed_forms_need_no_torch", "the closed forms load torch", set()),
        "no_such_stage": ("declares_what_exists", "must name stages, got 'prefil'", set()),
        "no_such_axis": (
            "sweeps_can_be_planned",
            "x 'tokens': did you mean 'context_tokens'",
            set(),
        ),
        "mapped_wrong": (
            "vendor_equals_analytic",
            "decoder/attention/out in stage",
            EVERYWHERE,
        ),
        "unmapped": (
            "vendor_components_are_known",
            "attributed to 'unmapped/lm_head'",
            {"vendor_equals_analytic", *EVERYWHERE},
        ),
        "fused": ("vendor_is_eager", "calls scaled_dot_product_attention", set()),
        "uncounted": ("vendor_equals_analytic", "no formula for: aten.mv", EVERYWHERE),
        "weighty": ("vendor_holds_no_weights", "weight extra is on cpu", set()),
        "forgetful": ("vendor_answers_the_same_twice", "counts differently after", None),
        "shapeless": ("vendor_shapes_tell_workloads_apart", "are equal for", set()),
    },
    "modes": {
        "lies": ("matches_vendor_only_if_equal_to_eager", "sets matches_vendor, but has", set()),
        "nearly_eager": ("matches_vendor_only_if_equal_to_eager", "not eager's", set()),
        "branches_on_size": (
            "arrays_equal_ints",
            "truth value of an array",
            {"symbols_equal_ints", "steps_add_up"},
        ),
        "wrong_in_arrays": ("arrays_equal_ints", "in an array: tensor_flops", set()),
        "wrong_in_symbols": ("symbols_equal_ints", "the form in keys", set()),
        "free": ("useful_work_is_bounded", "takes no tensor FLOPs", set()),
        "greedy": ("useful_work_is_bounded", "are more than", set()),
        "off_by_one_key": ("steps_add_up", "one by one", set()),
        "one_layer": ("layers_and_batch_are_factors", "layers take", set()),
        "says_true": (
            "unsupported_gives_a_sentence",
            "or None, got True",
            {"every_model_runs_with_it"},
        ),
        "supports_nothing": ("carries_out_something", "not supported: not today", set()),
        "elsewhere": ("costs_are_whole_numbers", "is in component 'elsewhere'", set()),
        "pads": ("padding_is_told", "tells_padding is not set", set()),
        "stateful": ("same_answer_twice", "priced again", None),
        "same_label": ("declares_itself", "another mode has the label", set()),
    },
    "counters": {
        "doubles": ("counts_what_is_known_by_hand", "'0': 384", set()),
        "macs_as_flops": ("counts_what_is_known_by_hand", "'0': 96", set()),
        "says_macs": ("counts_what_is_known_by_hand", "MACs by module", set()),
        "floats": ("counts_what_is_known_by_hand", "non-negative integers, got 192.0", set()),
        "swallows": ("uncounted_work_is_told", "nothing of what it missed", set()),
        "one_module": ("counts_what_is_known_by_hand", "{'': 288}", set()),
        "adds_up": (
            "same_answer_twice",
            "the same call is counted as",
            {"a_call_that_fails_is_no_count"},
        ),
        "leaves_a_hook": (
            "leaves_the_module_as_it_was",
            "are left behind",
            {"a_call_that_fails_is_no_count"},
        ),
        "leaves_a_buffer": ("leaves_the_module_as_it_was", "are left behind", set()),
        "failure_is_zero": ("a_call_that_fails_is_no_count", "was counted as", set()),
        "versions_as_numbers": ("provenance_is_text", "'torch': 2", set()),
        "no_sees": ("declares_itself", "sees must be a frozenset", set()),
        "wrong_in_symbols": ("symbols_equal_ints", "the form gives 130 at 2", set()),
    },
    "reporters": {
        "no_summary": ("declares_itself", "has no summary", set()),
        "mutates": ("is_pure", "render changes the report", set()),
        "prints": ("is_pure", "render prints 'toy", set()),
        "writes": ("is_pure", "render writes a file", set()),
        "stateful": ("is_pure", "another text the second time", set()),
        "newline": ("renders_text", "ends with a newline", set()),
        "bytes": (
            "renders_text",
            "must return text, got bytes",
            {"is_pure", "tells_reports_apart"},
        ),
        "constant": ("tells_reports_apart", "that is good looks the same", set()),
        "only_good_news": (
            "renders_text[incomplete]",
            "NoneType",
            {"is_pure", "tells_reports_apart"},
        ),
    },
    "formulas": {
        "no_summary": ("declares_itself", "has no summary", set()),
        "no_link": ("declares_itself", "no URL", set()),
        "forgets_norms": ("is_what_it_declares", "FLOPs less than it counts", EXPLAINED),
        "one_more": ("is_what_it_declares", "declares 1 FLOPs less", EXPLAINED),
        "floats": ("is_what_it_declares", "must be an int or a Fraction", EXPLAINED),
        "no_experts_declared": ("is_what_it_declares[experts]", "less than", EXPLAINED),
        "never": ("applies_to_a_decoder", "it applies to nothing", set()),
        "stateful": ("is_what_it_declares", "less than", EXPLAINED),
        "per_sequence": ("is_what_it_declares", "less than", EXPLAINED),
    },
}
PROVED = {"off_by_one", "uncounted", "branches_on_size"}
QUICK = {"no_summary", "forgets_norms", "never"}
"""Wrong formulas that fail in different checks: the others are slow."""
CASES = [
    pytest.param(kind, name, marks=[pytest.mark.slow] * (kind == "formulas" and name not in QUICK))
    for kind, by_name in WRONG.items()
    for name in by_name
]


@pytest.fixture(scope="module", autouse=True)
def _toy(tmp_path_factory):
    """Write what `flopbench new model toy` writes, and make it importable here and in children."""
    folder = tmp_path_factory.mktemp("toy")
    for name, text in distribution("model", "toy"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder / "src")
        patch.setenv("PYTHONPATH", python_path(folder / "src"))
        for module in ("analytic", "vendor", "module"):
            importlib.import_module(f"flopbench_toy.{module}")
        _import_all()
        yield
        for module in [name for name in sys.modules if name.startswith("flopbench_toy")]:
            del sys.modules[module]


def _import_all():
    """Import what the suites do: a run of pytest inside a run forgets what it imports itself."""
    for kind in SUITES:
        assert not catalog_with(plugins_of(kind)).failures
    fused_calls(rows_of_a_linear(2))
    TorchCounter().count(rows_of_a_linear(2))
    TorchCounter().trace(lambda sizes: rows_of_a_linear(sizes["n"]), {symbol("n"): 2})


def plugins_of(kind):
    return (str(PLANTED / f"wrong_{kind}.py"),)


def run_suite(pytester, kind, name, body="", *options):
    """Run the suite on a planted plugin; return the reports by test."""
    suite, setting, few = SUITES[kind]
    lines = (few, body, f"{setting} = {name!r}", f"plugins = {plugins_of(kind)}")
    members = "\n    ".join(line for line in lines if line)
    pytester.makepyfile(
        f"from flopbench.testing import {suite}\n\nclass TestIt({suite}):\n    {members}\n"
    )
    recorder = pytester.inline_run("-q", "-p", "no:cacheprovider", "-p", "no:xdist", *options)
    return {
        report.nodeid.rpartition("::")[2].removeprefix("test_"): report
        for report in recorder.getreports("pytest_runtest_logreport")
        if report.when == "call" or report.failed
    }


def failures(found):
    return {
        name: report.longrepr.reprcrash.message for name, report in found.items() if report.failed
    }


@pytest.mark.parametrize("kind", SUITES)
def test_what_is_right_passes(kind, pytester):
    found = run_suite(pytester, kind, "right")
    assert len(found) >= 13
    assert failures(found) == {}


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_what_is_wrong_fails_in_the_check_meant_for_it(kind, name, pytester):
    check, reason, others = WRONG[kind][name]
    # A proof takes seconds: it is tried where it is what is wrong, and for some wrong formulas.
    proved = kind == "models" and name in PROVED
    options = () if proved else ("-k", "not test_proof")
    failed = failures(run_suite(pytester, kind, name, "", *options))
    meant = {test: message for test, message in failed.items() if test.startswith(check)}
    assert meant
    assert any(reason in message for message in meant.values())
    if others is not None:
        wanted = {check.partition("[")[0], *others} - (set() if proved else {"proof"})
        assert {test.partition("[")[0] for test in failed} == wanted


def test_every_check_of_every_suite_has_a_plugin_that_fails_in_it():
    assert {kind: set(by_name) | {"right"} for kind, by_name in WRONG.items()} == {
        kind: {name for name, _, source in shelf(kind) if source.name == f"wrong_{kind}"}
        for kind in SUITES
    }
    for kind, (suite, _, _) in SUITES.items():
        failing = {check.partition("[")[0] for check, _, _ in WRONG[kind].values()}
        failing |= {other for _, _, others in WRONG[kind].values() for other in others or ()}
        checks = set(getattr(flopbench.testing, suite).check_names())
        assert checks <= failing


def shelf(kind):
    shelves = {"models": "models", "modes": "attention_modes"}
    return getattr(catalog_with(plugins_of(kind)), shelves.get(kind, kind))


class TestDeviations:
    def test_a_declared_deviation_is_an_expected_failure(self, pytester):
        body = 'deviations = {"is_pure": "it greets whoever looks"}'
        found = run_suite(pytester, "reporters", "prints", body)
        assert failures(found) == {}
        pure = {report.wasxfail for name, report in found.items() if name.startswith("is_pure")}
        assert pure == {"it greets whoever looks"}

    def test_a_case_may_be_declared_alone(self, pytester):
        body = 'deviations = {"is_pure[good]": "it greets"}'
        failed = failures(run_suite(pytester, "reporters", "prints", body))
        assert "is_pure[good]" not in failed
        assert "is_pure[failed]" in failed

    def test_a_stale_deviation_fails(self, pytester):
        body = 'deviations = {"tells_reports_apart": "it never does"}'
        ((test, message),) = failures(run_suite(pytester, "reporters", "right", body)).items()
        assert test == "tells_reports_apart"
        assert "stale deviation 'tells_reports_apart': the check passes" in message

    def test_a_deviation_from_what_is_skipped_is_stale(self, pytester):
        body = 'deviations = {"symbols_equal_ints": "no symbols"}'
        ((_, message),) = failures(run_suite(pytester, "counters", "right", body)).items()
        assert "stale deviation 'symbols_equal_ints': the check is skipped" in message

    def test_a_case_that_there_is_not_is_an_error(self, pytester):
        body = 'deviations = {"is_pure[god]": "it greets"}'
        pytester.makepyfile(test_it=reporter_class(body))
        result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist")
        result.stdout.fnmatch_lines("*unknown case of check 'is_pure'*did you mean 'good'?*")

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ('deviations = {"is_pur": "why"}', "unknown check .*: did you mean 'is_pure'"),
            ('deviations = {"is_pure": " "}', "deviation 'is_pure' of TestIt needs its reason"),
            ("def test_is_pure(self):\n        pass", "TestIt overrides test_is_pure of"),
            ("test_is_pure = None", "TestIt overrides test_is_pure of ReporterConformance"),
            ("_samples = classmethod(lambda cls: [])", "TestIt overrides _samples"),
            ("pytest_generate_tests = None", "TestIt overrides pytest_generate_tests"),
            ("pytestmark = []", "TestIt sets pytestmark: a suite is run as a whole"),
            ("__test__ = False", "TestIt sets __test__"),
            ("def __init__(self):\n        pass", "TestIt has __init__, which runs around every"),
            ("def setup_method(self):\n        pass", "TestIt has setup_method, which runs around"),
            (
                "@pytest.fixture(autouse=True)\n    def skips(self):\n        pytest.skip('no')",
                "TestIt has skips, which runs around every check",
            ),
        ],
    )
    def test_a_suite_cannot_be_made_smaller(self, body, message):
        with pytest.raises(UsageError, match=message):
            exec(reporter_class(body), {"__name__": "author"})  # noqa: S102 - it is ours

    @pytest.mark.parametrize(
        ("after", "message"),
        [
            ("TestIt.test_is_pure = lambda self: None", "TestIt overrides test_is_pure of"),
            ("TestIt.deviations = {'is_pure': ''}", "deviation 'is_pure' of TestIt needs its"),
            ("TestIt = pytest.mark.skip(TestIt)", "TestIt sets pytestmark"),
        ],
    )
    def test_nor_after_the_class_statement(self, after, message, pytester):
        pytester.makepyfile(test_it=reporter_class("") + after)
        result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist")
        result.stdout.fnmatch_lines(f"*{message}*")
        assert not result.parseoutcomes().get("passed")

    def test_nor_by_a_class_beside_it(self):
        with pytest.raises(UsageError, match="TestIt overrides test_is_pure"):
            type("TestIt", (Nothing, flopbench.testing.ReporterConformance), {"reporter": "json"})

    def test_an_author_may_add_tests_of_their_own(self):
        body = "def test_mine(self):\n        pass"
        exec(reporter_class(body), {"__name__": "author"})  # noqa: S102 - it is ours


class Nothing:
    def test_is_pure(self):
        pass


def reporter_class(body):
    return (
        "import pytest\n\nfrom flopbench.testing import ReporterConformance\n\n"
        f"class TestIt(ReporterConformance):\n    reporter = 'json'\n    {body}\n"
    )


def test_a_plugin_that_does_not_load_is_named(pytester):
    pytester.makepyfile(broken="import not_a_module")
    pytester.makepyfile(
        "from flopbench.testing import ModelConformance\n\nclass TestIt(ModelConformance):\n"
        "    model = 'mine'\n    plugins = ('broken.py',)\n"
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist")
    assert result.parseoutcomes()["failed"] > 10
    result.stdout.fnmatch_lines("*unknown model 'mine'*plugin 'broken' (-p) failed to import*")


def test_a_suite_that_is_about_nothing_says_so(pytester):
    pytester.makepyfile(
        "from flopbench.testing import ModelConformance\n\nclass TestIt(ModelConformance):\n"
        "    pass\n"
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist")
    result.stdout.fnmatch_lines("*TestIt must say what it tests: model = *")
