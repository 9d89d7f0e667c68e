"""Write tests/stability/public.json: everything that docs/stability.md promises, from the code.

Run `python scripts/make_public.py` after an intended change; the diff shows what users see of it.
"""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import attrs
import typer

from flopbench import errors, schemas
from flopbench.cli.app import make_app
from flopbench.conventions import Conventions
from flopbench.plan.config import RunOptions
from flopbench.registry import hookspecs

FILE = Path(__file__).parents[1] / "tests" / "stability" / "public.json"

PACKAGES = (
    "flopbench",
    "flopbench.dims",
    "flopbench.inputs",
    "flopbench.ops",
    "flopbench.blocks",
    "flopbench.analytic",
    "flopbench.vendor",
    "flopbench.report",
    "flopbench.plan",
    "flopbench.schemas",
    "flopbench.guard",
    "flopbench.testing",
    "flopbench.formulas",
    "flopbench.values",
)
"""The packages whose ``__all__`` is public."""


def public() -> dict[str, Any]:
    """Return what is public in the code now."""
    modules = {name: importlib.import_module(name) for name in PACKAGES}
    definitions: dict[str, Any] = {}
    seen: list[Any] = []
    for package, module in modules.items():
        for name in sorted(module.__all__):
            thing = getattr(module, name)
            if name != "__version__" and not any(thing is other for other in seen):
                definitions[f"{package}.{name}"] = definition(thing)
                seen += [thing] if callable(thing) else []
    return {
        "names": {package: sorted(module.__all__) for package, module in modules.items()},
        "definitions": definitions,
        "hooks": {
            name: signature(hook)
            for name, hook in inspect.getmembers(hookspecs, inspect.isfunction)
            if name.startswith("flopbench_")
        },
        "commands": commands(),
        "settings": {
            section: [field.name for field in attrs.fields(cls)]
            for section, cls in (("run", RunOptions), ("conventions", Conventions))
        },
        "exit codes": {
            name: error.exit_code
            for name, error in inspect.getmembers(errors, inspect.isclass)
            if issubclass(error, errors.FlopbenchError)
        },
        "schemas": {
            name: schemas.load(name)["properties"]["schema_version"]["const"]
            for name in schemas.NAMES
        },
    }


def definition(thing: Any) -> Any:
    """Describe what users rely on in a public thing."""
    if inspect.isclass(thing):
        found = {"fields": fields(thing)} if attrs.has(thing) else {}
        return found | {"members": dict(members(thing))}
    if inspect.isroutine(thing):
        return signature(thing)
    if isinstance(thing, str | int):
        return thing
    if isinstance(thing, tuple | frozenset | dict):
        return sorted(map(str, thing))
    literals = [value for value in get_args(thing) if isinstance(value, str)]
    return literals or "a type or marker"


def fields(cls: Any) -> list[str]:
    """Return the fields of an attrs class, each with its default if it has one."""
    found = []
    for field in attrs.fields(cls):
        default = getattr(field.default, "factory", field.default)
        value = getattr(default, "__name__", repr(default))
        found.append(field.name if default is attrs.NOTHING else f"{field.name} = {value}")
    return found


def members(cls: type) -> Iterator[tuple[str, str]]:
    """Yield the public members of a class that are not fields, each with its signature."""
    ours = [base for base in cls.__mro__ if base.__module__.startswith("flopbench")]
    types = {name: text for base in ours for name, text in inspect.get_annotations(base).items()}
    mine = {field.name for field in attrs.fields(cls)} if attrs.has(cls) else set()
    names = {name for base in ours for name in (*vars(base), *types)}
    for name in sorted(names - mine):
        if name.startswith("_"):
            continue
        member = inspect.getattr_static(cls, name, None)
        inner = getattr(member, "__func__", getattr(member, "fget", member))
        abstract = "abstract " if getattr(member, "__isabstractmethod__", False) else ""
        if isinstance(member, property):
            yield name, f"{abstract}property"
        elif inspect.isfunction(inner):
            yield name, abstract + signature(inner)
        else:
            yield name, str(types.get(name, type(member).__name__))


def signature(function: Any) -> str:
    """Return a signature as it is written, without quotes around types."""
    try:
        return str(inspect.signature(function)).replace("'", "")
    except ValueError:  # it is written in C
        return "a function"


def commands() -> dict[str, list[str]]:
    """Return the arguments and options of each command, and of the program itself."""
    group: Any = typer.main.get_command(make_app())
    found = {"": group, **group.commands}
    return {
        f"flopbench {name}".rstrip(): [parameter(p) for p in command.params]
        for name, command in found.items()
    }


def parameter(param: Any) -> str:
    """Return an argument or option as a user types it, with its default."""
    names = "/".join((*param.opts, *param.secondary_opts))
    if param.param_type_name == "argument":
        return f"{param.name}{'' if param.required else ' (optional)'}"
    value = "" if getattr(param, "is_flag", False) else f" {param.metavar or param.type.name}"
    default = "" if param.default is None or param.default is False else f" = {param.default}"
    kind = " (required)" if param.required else " (repeatable)" if param.multiple else ""
    return f"{names}{value}{default}{kind}"


def lines(value: Any, *path: str) -> Iterator[str]:
    """Yield a line for each value in a document, starting with the path to it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from lines(inner, *path, key)
    elif isinstance(value, list):
        for inner in value:
            yield from lines(inner, *path)
    else:
        yield f"{', '.join(path)}: {value}"


def text() -> str:
    """Return the text that the file should have."""
    return json.dumps(public(), indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the file."""
    FILE.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
