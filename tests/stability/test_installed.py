"""What an installed flopbench has: its files, and types that hold what the tutorials show."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from build_dist import build, projects
from doc_output import ROOT, blocks

from flopbench import __version__, schemas

pytestmark = pytest.mark.slow

DOCS = ROOT / "docs"
PAGES = (ROOT / "README.md", DOCS / "plugins.md", *sorted(DOCS.glob("tutorial-*.md")))
PLUGINS = sorted((DOCS / "snippets" / "plugins").glob("*.py"))
ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "MYPYPATH"}}


def run(*command, **options):
    done = subprocess.run(
        [*map(str, command)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        **options,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """Return a folder with the sdist and the wheel of every distribution."""
    folder = tmp_path_factory.mktemp("dist")
    assert len([*build(projects(), folder)]) == len(projects())
    return folder


@pytest.fixture(scope="module")
def wheel(dist):
    (found,) = dist.glob("flopbench-*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel):
    """Return the Python of an environment with the wheel, and all else that there is here."""
    folder = wheel.parent / "environment"
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    python = folder / "bin" / "python"
    path = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(run(python, "-c", path).strip())
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    # A .pth file in a folder that a .pth file names is not read: no editable flopbench.
    (packages / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


@pytest.mark.parametrize("folder", projects(), ids=lambda folder: folder.name)
def test_a_wheel_has_every_file_of_its_package_as_it_is(dist, folder):
    (package,) = (path for path in (folder / "src").iterdir() if (path / "__init__.py").is_file())
    (wheel,) = dist.glob(f"{package.name}-[0-9]*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {
            name: archive.read(name)
            for name in archive.namelist()
            if name.startswith(f"{package.name}/")
        }
    source = {
        path.relative_to(folder / "src").as_posix(): path.read_bytes()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == source
    assert {name for name in packed if not name.endswith(".py")} >= {f"{package.name}/py.typed"}


def test_each_wheel_has_its_sdist_and_the_version_of_all(dist):
    wheels = {path.name.removesuffix("-py3-none-any.whl") for path in dist.glob("*.whl")}
    assert {path.name.removesuffix(".tar.gz") for path in dist.glob("*.tar.gz")} == wheels
    assert {name.rpartition("-")[2] for name in wheels} == {__version__}


def test_the_schemas_of_the_wheel(wheel):
    with zipfile.ZipFile(wheel) as archive:
        packed = {*archive.namelist()}
    assert {f"flopbench/schemas/{name}.schema.json" for name in schemas.NAMES} <= packed


def test_the_schemas_can_be_read_where_it_is_installed(installed, tmp_path):
    code = (
        "import flopbench.schemas as s; print(s.__file__, *(s.load(n)['title'] for n in s.NAMES))"
    )
    file, *titles = run(installed, "-c", code, cwd=tmp_path).split()
    assert Path(file).is_relative_to(installed.parents[1])
    assert "report.json" in titles


def test_the_code_of_readme_and_tutorials_passes_strict_mypy_for_who_has_installed_it(
    installed, tmp_path
):
    files = {path.name: path.read_text(encoding="utf-8") for path in PLUGINS}
    for page in PAGES:
        files |= dict(blocks(page.read_text(encoding="utf-8"), "file"))
    code = {name: text for name, text in files.items() if name.endswith(".py")}
    assert {"windowed.py", "mlp.py", "macs.py", "verdicts.py"} <= {*code}
    for name, text in code.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    options = ("--strict", "--config-file=", "--cache-dir", tmp_path / "cache")
    run(
        sys.executable,
        "-m",
        "mypy",
        *options,
        "--python-executable",
        installed,
        *code,
        cwd=tmp_path,
    )
