"""Write a plugin to start from: a distribution that installs and passes its conformance suite."""

from __future__ import annotations

import keyword
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from attrs import frozen

from flopbench.errors import UsageError, unknown
from flopbench.inputs.files import make_folder, remove_folders
from flopbench.registry.catalog import Catalog

_PYTHON_MODULES = ("shapes", "analytic", "vendor", "module", "plugin")
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@frozen
class Kind:
    """A kind of plugin that can be written.

    Attributes:
        shelf: the catalog's shelf with the names of this kind.
        what: what to call it in messages.
        suite, setting: its conformance suite, and the suite's attribute for the name.
        try_it: a command that uses the plugin.
        explained: what its author does next.
        needs: requirements besides flopbench.
    """

    shelf: str
    what: str
    suite: str
    setting: str
    try_it: str
    explained: str
    needs: tuple[str, ...] = ()


KINDS: Mapping[str, Kind] = {
    "model": Kind(
        "models",
        "model",
        "ModelConformance",
        "model",
        "flopbench run $name",
        "`analytic.py` says what each stage computes, `module.py` is the real model and `vendor.py`"
        " calls it. Replace `module.py` with your model, then change `analytic.py` until"
        " `flopbench run $name` says *verified*: where the two differ, it names the component.",
        ("attrs>=24.2",),
    ),
    "attention": Kind(
        "attention_modes",
        "attention mode",
        "AttentionConformance",
        "mode",
        "flopbench run MODEL --attention eager,$name",
        "`plugin.py` lowers one attention operation to operations that have a price. It depends on"
        " no model, and works with all of them.",
        ("attrs>=24.2",),
    ),
    "counter": Kind(
        "counters",
        "vendor counter",
        "CounterConformance",
        "counter",
        "flopbench run MODEL --counters torch,$name",
        "`plugin.py` runs a call of a real model and reports how many FLOPs it counted, by module"
        " and op, and which ops it has no formula for.",
    ),
    "reporter": Kind(
        "reporters",
        "reporter",
        "ReporterConformance",
        "reporter",
        "flopbench run MODEL --format $name",
        "`plugin.py` turns a report into text. The fields of a report are in flopbench's"
        " docs/report-schema.md.",
    ),
    "formula": Kind(
        "formulas",
        "formula",
        "FormulaConformance",
        "formula",
        "flopbench referee MODEL --formulas $name",
        "`plugin.py` says how many FLOPs a step has, from the facts of a model, and what that"
        " number includes. Where the two differ, the suite names the difference.",
    ),
}


def write_plugin(kind: str, name: str, out: Path, catalog: Catalog) -> Path:
    """Write a distribution under ``out``, completely or not at all, and return its folder.

    Raises:
        UsageError: the kind is unknown, the name is invalid or taken, or writing fails.
    """
    if kind not in KINDS:
        raise UsageError(unknown("kind of plugin", kind, KINDS))
    _require_free(KINDS[kind], name, catalog)
    folder = out / f"flopbench-{name.replace('_', '-')}"
    if os.path.lexists(folder):
        raise UsageError(f"{folder} already exists: choose another name or another --out")
    made: list[Path] = []
    try:
        made = make_folder(out)
        with tempfile.TemporaryDirectory(dir=out, prefix=f".{folder.name}.") as temporary:
            whole = Path(temporary, folder.name)
            for path, text in distribution(kind, name):
                (whole / path).parent.mkdir(parents=True, exist_ok=True)
                (whole / path).write_text(text, encoding="utf-8")
            shutil.move(whole, folder)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot write to --out {out}: {reason}") from error
    finally:
        remove_folders(made)  # those that are empty, because writing failed
    return folder


def distribution(kind: str, name: str) -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each file of a distribution."""
    chosen, package = KINDS[kind], f"flopbench_{name}"
    cls = "".join(word.capitalize() for word in name.split("_"))
    values = {
        "name": name,
        "cls": cls,
        "package": package,
        "project": f"flopbench-{name.replace('_', '-')}",
        "what": f"The {chosen.what}",
        "suite": chosen.suite,
        "setting": chosen.setting,
        "dependencies": ", ".join(f'"{need}"' for need in ("flopbench", *chosen.needs)),
        "needs_torch": ', "torch>=2.6"' if kind in {"model", "counter"} else "",
    }
    for key in ("try_it", "explained"):
        values[key] = Template(getattr(chosen, key)).substitute(name=name)
    templates = files(__package__) / "templates"
    for template, path in (
        ("common/pyproject.toml.txt", "pyproject.toml"),
        ("common/README.md.txt", "README.md"),
        ("common/test.py.txt", f"tests/test_{name}.py"),
    ):
        yield path, _filled(templates / template, values)
    yield f"src/{package}/__init__.py", f'"""The {chosen.what} {name} for flopbench."""\n'
    for module in _PYTHON_MODULES:
        source = templates / kind / f"{module}.py.txt"
        if source.is_file():
            yield f"src/{package}/{module}.py", _filled(source, values)


def _filled(template: Traversable, values: Mapping[str, str]) -> str:
    return Template(template.read_text(encoding="utf-8")).substitute(values)


def _require_free(kind: Kind, name: str, catalog: Catalog) -> None:
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise UsageError(
            f"{name!r} is not a valid plugin name: it must be a Python identifier of lower-case "
            "letters, digits and single underscores, such as my_model"
        )
    shelf = getattr(catalog, kind.shelf)
    if name in shelf:
        raise UsageError(f"the {kind.what} {name!r} already exists, in {shelf.entries[name][1]}")
    for source in (*catalog.sources, *(failure.source for failure in catalog.failures)):
        if source.name == name:
            raise UsageError(f"the name {name!r} is taken by {source}")
