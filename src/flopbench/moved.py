"""Old import paths: each works until `GOES_IN`, with a warning that names the new one.

`PLACES` says where the names of a module that is gone are now, `NAMES` which names left a module
that is still there. docs/stability.md says for how long.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, cast

GOES_IN = "0.3"
"""The minor version in which the old paths are gone."""

PLACES: Mapping[str, tuple[str, ...]] = {
    "flopbench.attention": ("flopbench.analytic",),
    "flopbench.attention_op": ("flopbench.ops",),
    "flopbench.builtin.attention_call": ("flopbench.kernels.sdpa_call",),
    "flopbench.builtin.flash_executed": ("flopbench.kernels.flash_mode",),
    "flopbench.builtin.flash_split": ("flopbench.kernels.flash_split",),
    "flopbench.builtin.flash_tiles": ("flopbench.kernels.flash_tiles",),
    "flopbench.builtin.flash_work": ("flopbench.kernels.flash_work",),
    "flopbench.builtin.gemm_products": ("flopbench.kernels.gemm_products",),
    "flopbench.builtin.gemm_tiles": ("flopbench.kernels.gemm_tiles",),
    "flopbench.builtin.ncu_counter": ("flopbench.kernels.ncu_counter",),
    "flopbench.builtin.ncu_profile": ("flopbench.kernels.ncu_profile",),
    "flopbench.builtin.ncu_ranges": ("flopbench.kernels.ncu_ranges",),
    "flopbench.catalog": ("flopbench.registry.catalog",),
    "flopbench.compare": ("flopbench.commands.run.reconcile", "flopbench.vendor.attribution"),
    "flopbench.cost": ("flopbench.ops",),
    "flopbench.dtypes": ("flopbench.dims",),
    "flopbench.footprint": ("flopbench.ops.footprint",),
    "flopbench.forms": ("flopbench.dims.forms",),
    "flopbench.hookspecs": ("flopbench", "flopbench.registry.hookspecs"),
    "flopbench.model": ("flopbench.analytic",),
    "flopbench.op_base": ("flopbench.ops",),
    "flopbench.plugins": ("flopbench.registry.loading",),
    "flopbench.pricing": ("flopbench.analytic.price",),
    "flopbench.real": ("flopbench.dims",),
    "flopbench.reporter": ("flopbench.report",),
    "flopbench.runner": ("flopbench.commands.run.runner",),
    "flopbench.transformers_tools": ("flopbench.vendor.transformers",),
}

FUNCTIONS: Mapping[str, str] = {"flopbench.compare": "flopbench.api"}
"""Old modules with the name of a function, and where that is."""

NAMES: Mapping[str, Mapping[str, str]] = {
    "flopbench.builtin.torch_counter": {
        "does_matrix_work": "flopbench.builtin.torch_watch",
        "module_path": "flopbench.builtin.torch_places",
    },
    "flopbench.errors": dict.fromkeys(
        ("answer", "calling", "place", "require_type", "told"), "flopbench.boundary"
    ),
}


def install() -> None:
    """Let the modules of `PLACES` be imported, where nothing else is found."""
    sys.meta_path.append(_Finder())


def former_names(module: str) -> Callable[[str], Any]:
    """Return what a module of `NAMES` needs as its ``__getattr__``."""
    places = NAMES[module]

    def find(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        _warn(f"{module}.{name}", places[name], stacklevel=3)
        return getattr(_module(places[name]), name)

    return find


class _Finder:
    """Finds and loads the modules of `PLACES`; `sys.meta_path` asks it last.

    It has the methods of the classes in `importlib.abc`, which takes long to import itself.
    """

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(name, cast("Any", self)) if name in PLACES else None

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leave it to the import system, unless a function has the same name today."""
        return _Callable(spec.name) if spec.name in FUNCTIONS else None

    def exec_module(self, module: ModuleType) -> None:
        """Warn once, at the line that imports, and let the module look where its names are."""
        name = module.__name__
        _warn(name, " or ".join(PLACES[name]), stacklevel=3)
        module.__doc__ = f"Moved to {' and '.join(PLACES[name])}."

        def find(wanted: str) -> Any:
            # Its own `__path__` would make it a package, its own `__file__` the source of another.
            if wanted in {"__all__", "__version__"} or not wanted.startswith("__"):
                for place in map(_module, PLACES[name]):
                    if hasattr(place, wanted):
                        return getattr(place, wanted)
            raise AttributeError(f"module {name!r} has no attribute {wanted!r}")

        def listed() -> list[str]:
            return sorted({inner for place in PLACES[name] for inner in dir(_module(place))})

        module.__dict__.update(__getattr__=find, __dir__=listed)


class _Callable(ModuleType):
    """An old module that hides the function of its name, and so can be called in its place."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        api = _module(FUNCTIONS[self.__name__])
        return getattr(api, self.__name__.rpartition(".")[2])(*arguments, **options)


def _module(name: str) -> ModuleType:
    __import__(name)
    return sys.modules[name]


def _warn(old: str, new: str, stacklevel: int) -> None:
    warnings.warn(
        f"{old} has moved: import from {new}; the old path is gone in {GOES_IN}",
        DeprecationWarning,
        stacklevel=stacklevel,
    )
