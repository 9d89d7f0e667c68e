"""What to count: an object in a Python file, or a model of transformers."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from flopbench.boundary import told
from flopbench.errors import CountError, UsageError, unknown
from flopbench.inputs.numbers import quoted

TRANSFORMERS = "transformers"


def load_target(text: str, device: str = "meta") -> Any:
    """Return the module or function that ``FILE.py:NAME`` means; the file is executed.

    A class, or a function that needs no arguments and returns a module, is called, on a device.

    Raises:
        UsageError: there is no such file or name, or the file cannot be executed.
        CountError: the class or function fails.
    """
    file, _, name = text.rpartition(":")
    if not file or not name:
        raise UsageError(
            f"say what to count as FILE.py:NAME or transformers:NAME, got {quoted(text)}"
        )
    path = Path(file)
    if not path.is_file():
        raise UsageError(
            f"there is no file {quoted(file)}: count FILE.py:NAME or transformers:NAME"
        )
    return _made(_named(_executed(path), name, file), name, file, device)


def _executed(path: Path) -> ModuleType:
    name = f"flopbench_counted_{path.stem}".replace("-", "_")
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} is no Python file: its name must end with .py")
    module = module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(path.parent.resolve()))
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        own = error.filename is not None and Path(error.filename).resolve() == path.resolve()
        where = f"line {error.lineno}" if own and error.lineno else f"{error.filename or path}"
        raise UsageError(f"{path} cannot be read: {error.msg} ({where})") from error
    except (Exception, SystemExit) as error:
        raise UsageError(f"{path} cannot be executed: {told(error)}") from error
    return module


def _named(module: ModuleType, name: str, file: str) -> Any:
    found: Any = module
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError as error:
            known = [word for word in dir(found) if not word.startswith("_")]
            raise UsageError(f"{file}: {unknown('name', part, known)}") from error
        except Exception as error:
            raise UsageError(f"{file}: {part} cannot be read: {told(error)}") from error
    return found


def _made(found: Any, name: str, file: str, device: str) -> Any:
    import torch

    if isinstance(found, torch.nn.Module):
        return found
    if not callable(found):
        raise UsageError(
            f"{file}: {name} must be a module, a class or a function, got a {type(found).__name__}"
        )
    is_class = inspect.isclass(found)
    if needed := _needed(found):
        if is_class:
            raise UsageError(
                f"{file}: {name} needs {', '.join(needed)}: name a function that makes the module"
            )
        return found
    if not is_class and not _takes_nothing(found):
        return found
    return _called(found, f"{file}: {name}", device)


def _called(make: Callable[[], Any], what: str, device: str) -> Any:
    """Make a module on a device; one that needs numbers on the CPU."""
    import torch

    try:
        try:
            with torch.device(device):
                made = make()
        except Exception:  # noqa: BLE001 - a constructor may compute with numbers
            made = make()
    except (Exception, SystemExit) as error:
        raise CountError(f"{what} failed: {told(error)}") from error
    return made if isinstance(made, torch.nn.Module) else make


def _parameters(found: Any) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(found).parameters
    except (TypeError, ValueError):
        return {}


def _needed(found: Any) -> list[str]:
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [
        name
        for name, parameter in _parameters(found).items()
        if parameter.default is inspect.Parameter.empty and parameter.kind not in variable
    ]


def _takes_nothing(found: Any) -> bool:
    return not any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in _parameters(found).values())
