"""The folders of `flopbench`: every module loads, and none hides a public name."""

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import flopbench

PACKAGE = Path(flopbench.__file__).parent
LOOSE = 12
"""Modules beside the folders, at most."""


def test_every_module_loads_and_no_public_name_is_a_module():
    for module in pkgutil.walk_packages(flopbench.__path__, "flopbench."):
        if not module.name.endswith(("__main__", "ncu_child")):
            importlib.import_module(module.name)
    hidden = [n for n in flopbench.__all__ if isinstance(getattr(flopbench, n), ModuleType)]
    assert not hidden


def test_the_core_is_folders():
    assert len(list(PACKAGE.glob("*.py"))) <= LOOSE
    commands = {path.name for path in (PACKAGE / "commands").iterdir() if path.is_dir()}
    assert {"run", "sweep", "prove", "explain", "compare", "attention", "new", "list"} <= commands


def test_import_loads_nothing_heavy():
    code = (
        "import sys, flopbench\n"
        "heavy = {'attrs', 'cattrs', 'numpy', 'omegaconf', 'pandas', 'rich', 'sympy', 'torch'}\n"
        "assert not heavy & {*sys.modules}\n"
        "names = ('run', 'sweep', 'prove', 'explain', 'compare')\n"
        "assert all(callable(getattr(flopbench, name)) for name in names)\n"
        "assert not heavy & {*sys.modules}, heavy & {*sys.modules}\n"
        "assert not [name for name in sys.modules if name.startswith('flopbench.commands')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_public_packages_are_attributes_after_one_import_that_loads_none():
    names = ("analytic", "blocks", "dims", "errors", "ops", "plan", "report", "schemas", "vendor")
    code = (
        "import sys, flopbench\n"
        f"early = [n for n in {names!r} if f'flopbench.{{n}}' in sys.modules]\n"
        "assert early in ([], ['errors'])\n"
        f"assert all(getattr(flopbench, n).__name__ == f'flopbench.{{n}}' for n in {names!r})"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
