"""Import paths of before the packages: each works, warns once, and gives the very same objects."""

import importlib
import re
import subprocess
import sys
from importlib.machinery import PathFinder
from pathlib import Path

import pytest

import flopbench
from flopbench import __version__, moved

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _functions_are_seen_again():
    """Forget old modules that hide a function of their name, for other tests."""
    yield
    for name in moved.FUNCTIONS:
        vars(flopbench).pop(name.rpartition(".")[2], None)


DOCUMENTED = {
    "flopbench.attention": ("flopbench", "AttentionMode"),
    "flopbench.attention_op": ("flopbench", "Attention"),
    "flopbench.builtin.flash_executed": ("flopbench.kernels.flash_mode", "FlashExecuted"),
    "flopbench.builtin.flash_tiles": ("flopbench.kernels.flash_tiles", "GPUS", "KERNELS", "DTYPES"),
    "flopbench.builtin.flash_work": ("flopbench.kernels.flash_work", "Choice", "executed_flops"),
    "flopbench.builtin.gemm_products": (
        "flopbench.kernels.gemm_products",
        *("Product", "executed_flops", "product_of"),
    ),
    "flopbench.builtin.gemm_tiles": ("flopbench.kernels.gemm_tiles", "tile_of"),
    "flopbench.catalog": ("flopbench.registry.catalog", "Catalog", "build_catalog"),
    "flopbench.cost": ("flopbench", "Cost"),
    "flopbench.dtypes": ("flopbench.dims", "DEFAULT_DTYPE", "DTYPE_BYTES", "element_bytes"),
    "flopbench.forms": ("flopbench.dims.forms", "symbol", "evaluate"),
    "flopbench.hookspecs": ("flopbench", "hookimpl"),
    "flopbench.model": (
        "flopbench",
        *("AnalyticModel", "Named", "Size", "Stage", "Sweep", "SweepLimits", "SweepPoint"),
    ),
    "flopbench.op_base": ("flopbench.ops", "MatrixOp", "Op", "PricedOp", "VectorOp"),
    "flopbench.plugins": ("flopbench.registry.loading", "load_plugins", "Plugins"),
    "flopbench.pricing": ("flopbench.analytic.price", "StagePrice", "lower", "price"),
    "flopbench.real": ("flopbench.dims", "Real", "as_real", "expected_distinct"),
    "flopbench.reporter": ("flopbench", "Reporter"),
    "flopbench.runner": ("flopbench.commands.run.runner", "run"),
    "flopbench.transformers_tools": (
        "flopbench.vendor.transformers",
        *("ATTENTION", "EXPERTS", "VerifiedOptions", "require_eager"),
    ),
}
"""Per old module a place of today, and the names that docs, plugins or tutorials took from it."""

STAYED = {
    "flopbench.dims": "Dim as_dim at_most_one ceil_div dim_field is_symbolic is_traced minimum",
    "flopbench.errors": "CountError DimError FlopbenchError PluginError UsageError unknown",
    "flopbench.ops": "Attention Conv2d Elementwise Embedding ExpertLinear FusedAttention "
    "KvCacheUpdate Linear MatMul Norm Op Rope Softmax",
    "flopbench.plan": "Plan make_plan",
    "flopbench.report": "Comparison ExecutedComponent Provenance Report Series UncountedOp",
    "flopbench.vendor": "Convention Count Counted StageCount SymbolicCounter Trace Uncounted "
    "VendorCall VendorCounter VendorModel VendorStage",
}
"""Modules that are packages now, with what they had."""


@pytest.fixture(autouse=True)
def forget():
    """Leave no old module behind: the next test imports it for the first time."""
    yield
    for old in moved.PLACES:
        sys.modules.pop(old, None)


def imported(line):
    """Carry out an import in a file called ``user.py``, and return what it binds."""
    scope = {}
    exec(compile(line, "user.py", "exec"), scope)  # noqa: S102 - the lines are ours
    return {name: value for name, value in scope.items() if not name.startswith("__")}


@pytest.mark.parametrize("old", moved.PLACES)
def test_an_old_path_is_imported_with_one_warning_at_the_line_that_does(old):
    with pytest.warns(DeprecationWarning, match=" has moved: ") as caught:
        imported(f"\nimport {old}\nimport {old}\nfrom {old} import *")
    (warning,) = caught
    assert (warning.filename, warning.lineno) == ("user.py", 2)
    places = moved.PLACES[old]
    assert all(place in str(warning.message) for place in places)
    assert str(warning.message).startswith(f"{old} has moved: ")
    assert {*dir(importlib.import_module(places[0]))} <= {*dir(sys.modules[old])}


@pytest.mark.parametrize("old", DOCUMENTED)
def test_a_documented_name_is_the_very_same_object(old):
    place, *names = DOCUMENTED[old]
    with pytest.warns(DeprecationWarning, match=" has moved: ") as caught:
        found = imported(f"from {old} import {', '.join(names)}")
    assert len(caught) == 1
    for name in names:
        assert found[name] is getattr(importlib.import_module(place), name), name


def test_a_name_may_be_in_the_second_place():
    from flopbench.commands.run import reconcile
    from flopbench.vendor import attribution

    with pytest.warns(
        DeprecationWarning, match=r"from flopbench\.commands\S+ or flopbench\.vendor"
    ):
        found = imported("from flopbench.compare import attribute, compare")
    assert found == {"attribute": attribution.attribute, "compare": reconcile.compare}


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module in moved.NAMES for name in moved.NAMES[module]]
)
def test_a_name_that_left_its_module_is_the_very_same_object(module, name):
    place = moved.NAMES[module][name]
    with pytest.warns(DeprecationWarning, match=re.escape(f"{module}.{name} has moved: ")) as seen:
        found = imported(f"from {module} import {name}")
    assert (len(seen), seen[0].filename) == (1, "user.py")
    assert place in str(seen[0].message)
    assert found[name] is getattr(importlib.import_module(place), name)


@pytest.mark.parametrize("module", STAYED)
def test_a_module_that_became_a_package_has_its_names_without_a_warning(module):
    assert imported(f"from {module} import {', '.join(STAYED[module].split())}")


@pytest.mark.filterwarnings("ignore:.* has moved:DeprecationWarning")
@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("from flopbench.model import Nothing", "cannot import name 'Nothing'"),
        ("import flopbench.model.attention", "'flopbench.model' is not a package"),
        ("import flopbench.nothing", "No module named 'flopbench.nothing'"),
        ("from flopbench.errors import nothing", "cannot import name 'nothing'"),
    ],
)
def test_what_never_was_is_still_an_import_error(line, error):
    with pytest.raises(ImportError, match=re.escape(error)):
        imported(line)


def test_the_table_shadows_no_module_and_outlives_no_promise():
    for old in moved.PLACES:
        parent = importlib.import_module(old.rpartition(".")[0])
        assert PathFinder.find_spec(old, parent.__path__) is None, f"{old} is there again"
    version, end = (tuple(map(int, v.split(".")[:2])) for v in (__version__, moved.GOES_IN))
    assert version < end, "take away flopbench.moved and what calls it"


def test_nothing_of_ours_takes_an_old_path():
    old = "|".join(re.escape(path.removeprefix("flopbench.")) for path in moved.PLACES)
    names = "|".join(f"{re.escape(m)} import .*{n}" for m in moved.NAMES for n in moved.NAMES[m])
    used = re.compile(rf"\bflopbench\.({old})\b(?! *[=(])|from flopbench import ({old})\b|{names}")
    about = {Path(__file__), Path(moved.__file__), ROOT / "docs" / "stability.md"}
    files = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    for folder in ("src", "plugins", "docs", "scripts", "benchmarks", "tests"):
        files += (ROOT / folder).rglob("*")
    texts = [f for f in files if f.suffix in {".py", ".md", ".txt"}]
    assert len(texts) > 300
    found = {
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in {*texts} - about
        for match in used.finditer(path.read_text(encoding="utf-8"))
    }
    assert found == set()


@pytest.mark.parametrize("name", moved.FUNCTIONS)
def test_an_old_module_with_the_name_of_a_function_can_be_called(name):
    function = name.rpartition(".")[2]
    code = (
        "import warnings, flopbench\n"
        f"before = flopbench.{function}\n"
        "warnings.simplefilter('ignore')\n"
        f"import {name}\n"
        f"for call in (before, flopbench.{function}):\n"
        "    try:\n"
        "        call()\n"
        "    except flopbench.UsageError as error:\n"
        "        print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    first, second = done.stdout.splitlines()
    assert first.startswith("give a model, or several to compare")
    assert second == first
