"""The two witnesses never meet, and the contracts that say so fail where they would."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import flopbench

ROOT = Path(__file__).parents[1]
SIDES = {
    "vendor": ("flopbench.analytic", "flopbench.ops", "flopbench.blocks"),
    "analytic": ("flopbench.vendor",),
}
MODULES = {
    "vendor": sorted(ROOT.glob("plugins/*/src/*/vendor*.py")),
    "analytic": [
        *sorted(ROOT.glob("plugins/*/src/*/analytic.py")),
        *sorted(ROOT.glob("plugins/*/src/*/families/*.py")),
    ],
}


def taken(path):
    """Return the names that a module takes from `flopbench` itself."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "flopbench":
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("side", SIDES)
def test_a_witness_takes_from_flopbench_nothing_of_the_other(side):
    assert MODULES[side]
    names = {name for path in MODULES[side] for name in taken(path)}
    assert names, "the shipped plugins import from flopbench itself"
    homes = {name: getattr(flopbench, name).__module__ for name in names}
    assert not [name for name, home in homes.items() if home.startswith(SIDES[side])]


PLANTED = {
    "one witness imports the other": (
        "analytic/price.py",
        "import flopbench.vendor.counting",
        "flopbench.analytic",
    ),
    "a command imports another": (
        "commands/sweep/text.py",
        "import flopbench.commands.prove.text",
        "No command knows another",
    ),
    "a layer imports one above": ("ops/base.py", "import flopbench.plan", "flopbench.ops"),
}


@pytest.mark.parametrize("what", PLANTED)
def test_the_contract_fails_if(what, tmp_path):
    where, line, told = PLANTED[what]
    for name in ("src", "plugins"):
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / "src/flopbench" / where).open("a", encoding="utf-8") as module:
        module.write(f"\n{line}\n")
    sources = [tmp_path / "src", *tmp_path.glob("plugins/*/src")]
    code = (
        f"import sys; sys.path[:0] = {[str(path) for path in sources]}; "
        "from importlinter.cli import lint_imports_command; lint_imports_command(['--no-cache'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert told in done.stdout
