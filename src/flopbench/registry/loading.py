"""Load plugins, each separately: a broken one is named, and the others work.

Plugins come from flopbench itself (`BUILTIN`), from the entry-point group ``flopbench``,
and from ``-p NAME`` (a module, or a Python file); ``-p no:NAME`` blocks one. A plugin that
fails to import, implements an unknown hook or raises in a hook becomes a `Failure`.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy
from attrs import field, frozen

from flopbench.boundary import told
from flopbench.errors import PluginError, UsageError, unknown
from flopbench.registry import hookspecs

ENTRY_POINT_GROUP = "flopbench"

BY_HAND = "-p"
"""The origin of a plugin that the user named on the command line."""

BUILTIN = {
    "eager": "flopbench.builtin.eager",
    "absorbed": "flopbench.builtin.absorbed",
    "flash": "flopbench.builtin.flash",
    "recurrent": "flopbench.builtin.recurrent",
    "sparse": "flopbench.builtin.sparse",
    "flash_executed": "flopbench.kernels.flash_mode",
    "torch_counter": "flopbench.builtin.torch_counter",
    "ncu_counter": "flopbench.kernels.ncu_counter",
    "reporters": "flopbench.builtin.reporters",
    "formulas": "flopbench.builtin.formulas",
}


@frozen
class Source:
    """Where a plugin comes from.

    Attributes:
        name: the plugin's name, which ``-p no:NAME`` takes.
        origin: ``builtin``, ``-p``, or the distribution that has the entry point.
        version: the version of that distribution, if there is one.
    """

    name: str
    origin: str
    version: str | None = None

    def __str__(self) -> str:
        return f"plugin {self.name!r} ({self.origin})"


@frozen
class Failure:
    """A plugin, or a part of one, that could not be used, and why."""

    source: Source
    error: str

    def __str__(self) -> str:
        return f"{self.source} {self.error}"


@frozen
class Contribution:
    """What one plugin returned from one hook."""

    source: Source
    hook: str
    values: Any


@frozen
class Plugins:
    """All plugins that loaded, what they contribute, and what failed."""

    sources: tuple[Source, ...]
    contributions: tuple[Contribution, ...]
    failures: tuple[Failure, ...]


def load_plugins(requests: Sequence[str] = ()) -> Plugins:
    """Load and call every plugin.

    Args:
        requests: the ``-p`` options: ``module``, ``file.py`` or ``no:name``.

    Raises:
        UsageError: a blocked name is not a plugin.
    """
    if "" in requests:
        raise UsageError("-p needs the name of a module, a .py file, or no:NAME")
    blocked = {request.removeprefix("no:") for request in requests if request.startswith("no:")}
    by_hand = [request for request in requests if not request.startswith("no:")]
    loader = _Loader()
    known = set()
    for source, load in _candidates(by_hand):
        known.add(source.name)
        if source.name not in blocked:
            loader.add(source, load)
    for name in sorted(blocked - known):
        raise UsageError(unknown("plugin to block", name, known))
    return loader.result()


def _candidates(by_hand: Sequence[str]) -> Iterator[tuple[Source, Any]]:
    for name, module in BUILTIN.items():
        yield Source(name, "builtin"), lambda module=module: importlib.import_module(module)
    for entry in sorted(metadata.entry_points(group=ENTRY_POINT_GROUP), key=lambda e: e.name):
        distribution = entry.dist
        origin = _header(distribution, "Name") or entry.value
        version = _header(distribution, "Version")
        yield Source(entry.name, origin, version), entry.load
    for request in by_hand:
        name = Path(request).stem if request.endswith(".py") else request
        yield Source(name, BY_HAND), lambda request=request: _import_by_hand(request)


def _header(distribution: metadata.Distribution | None, name: str) -> str | None:
    """Return a header of a distribution, without the email parser, which takes a while to load."""
    text = (distribution.read_text("METADATA") if distribution else None) or ""
    start = f"{name}: "
    found = (line for line in text.splitlines() if line.startswith(start))
    return next((line.removeprefix(start).strip() for line in found), None)


def _import_by_hand(request: str) -> ModuleType:
    if request.endswith(".py"):
        return _import_file(Path(request))
    if Path(request).is_dir() or request.startswith("."):
        raise ImportError(f"{request!r} is neither the name of a module nor a .py file")
    # A console script, unlike `python -m`, does not look in the working directory.
    sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(request)
    finally:
        sys.path.pop(0)


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}")
    name = f"flopbench_plugin_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    # Annotations of its classes are looked up there.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@frozen
class _Loader:
    """Registers plugins with pluggy one by one, and calls each one's hooks on its own."""

    _manager: pluggy.PluginManager = field(init=False)
    _sources: list[Source] = field(init=False, factory=list)
    _contributions: list[Contribution] = field(init=False, factory=list)
    _failures: list[Failure] = field(init=False, factory=list)

    @_manager.default
    def _new_manager(self) -> pluggy.PluginManager:
        manager = pluggy.PluginManager("flopbench")
        manager.add_hookspecs(hookspecs)
        return manager

    def add(self, source: Source, load: Any) -> None:
        if any(source.name == loaded.name for loaded in self._sources):
            error = "is already loaded under this name"
            self._failures.append(Failure(source, error))
            return
        try:
            contributions = self._call(self._register(load), source)
        except PluginError as error:
            self._failures.append(Failure(source, str(error)))
        else:
            self._sources.append(source)
            self._contributions.extend(contributions)

    def result(self) -> Plugins:
        return Plugins(tuple(self._sources), tuple(self._contributions), tuple(self._failures))

    def _register(self, load: Any) -> Any:
        # SystemExit: a module that calls sys.exit() on import must not end flopbench.
        try:
            plugin = load()
        except (Exception, SystemExit) as error:
            raise PluginError(f"failed to import: {told(error)}") from error
        if self._manager.is_registered(plugin):
            raise PluginError("is the module of a plugin that is already loaded")
        try:
            self._manager.register(plugin)
            self._manager.check_pending()
        except (pluggy.PluginValidationError, ValueError) as error:
            wrong = self._unknown_hooks(plugin) or _one_line(error)
            if self._manager.is_registered(plugin):
                self._manager.unregister(plugin)
            raise PluginError(f"breaks the hook contract: {wrong}") from error
        return plugin

    def _unknown_hooks(self, plugin: Any) -> str:
        """Describe the plugin's hooks that flopbench does not have, each with the nearest name."""
        own = [name for name in dir(plugin) if self._manager.parse_hookimpl_opts(plugin, name)]
        known = [name for name in dir(hookspecs) if name.startswith("flopbench_")]
        return "; ".join(unknown("hook", name, known) for name in own if name not in known)

    def _call(self, plugin: Any, source: Source) -> list[Contribution]:
        contributions = []
        for caller in self._manager.get_hookcallers(plugin) or []:
            for implementation in caller.get_hookimpls():
                if implementation.plugin is plugin:
                    values = _call_hook(caller.name, implementation.function)
                    contributions.append(Contribution(source, caller.name, values))
        if not contributions:
            raise PluginError("implements no flopbench hook (is @hookimpl missing?)")
        return contributions


def _call_hook(name: str, function: Any) -> Any:
    try:
        return function()
    except (Exception, SystemExit) as error:
        raise PluginError(f"failed in {name}: {told(error)}") from error


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
