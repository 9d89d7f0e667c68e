"""What a survey does with each config, in a form that other processes and machines take."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from attrs import fields_dict, frozen

from flopbench.analytic import AnalyticModel, Size, Stage
from flopbench.commands.survey.found import Found, find
from flopbench.errors import UsageError, unknown
from flopbench.hardware.gpus import gpu_named, is_file
from flopbench.inputs import read_bytes, read_page
from flopbench.inputs.configs import exists
from flopbench.inputs.options import path
from flopbench.plan import Plan
from flopbench.plan.config import load_config
from flopbench.plan.plan import schema_of
from flopbench.registry.catalog import Catalog
from flopbench.report import Report
from flopbench.vendor import VendorCounter, VendorModel

if TYPE_CHECKING:
    from flopbench.commands.prove.proof import Proof

Check = Literal["prove", "run"]
"""How closed forms are held against the vendor: at every size, or at the workload alone."""

CHECKS: tuple[Check, ...] = get_args(Check)

_OWN = {
    "run": "all models are run alike: use --attention, --check or --analytic-only",
    "train": "a survey trains nothing",
    "model.config": "each file of a survey is one",
    "workload.image": "another machine may not have the file: use --image",
    "hardware.gpu": "another machine may not have the file: use --gpu",
}
"""Settings that are no model's, and why."""

_OF_MODELS = ("workload", "model", "vendor")
"""Sections whose keys each model has its own of."""


@frozen
class Works:
    """What other commands do, each a function of a module.

    Attributes:
        run: carries out a plan.
        prove: proves a plan for all sizes.
        forms: prices a stage with symbols: what a counter should see, by component and op.
    """

    run: Callable[[Plan, Catalog], Report]
    prove: Callable[[Plan, Catalog], Proof]
    forms: Callable[[Plan, Stage, tuple[Size, ...], VendorCounter], Mapping[Any, Any]]


@frozen(kw_only=True)
class SurveyRequest:
    """What is done with each config.

    Attributes:
        check: how closed forms are checked; None for closed forms alone.
        plugins: modules or files to load.
        overrides: ``KEY=VALUE`` texts; each model takes those that it has a key for.
        image: width and height of the page that models read, if one is given.
        gpu: the GPU whose bounds are asked for, by name; or the path of its file, and what it
            holds.
        code: digests of the code that makes the rows, which must be equal on each machine.
    """

    works: Works
    check: Check | None = "prove"
    plugins: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    image: tuple[int, int] | None = None
    gpu: tuple[str, bytes | None] | None = None
    code: tuple[str | None, ...] = ()

    @property
    def settings(self) -> dict[str, Any]:
        """All that its rows depend on, besides the code and the files."""
        return {
            "check": self.check,
            "plugins": self.plugins,
            "settings": self.overrides,
            "image": self.image,
            "code": self.code,
            "gpu": None if self.gpu is None else [self.gpu[0], (self.gpu[1] or b"").hex()],
        }


def requested(
    works: Works,
    *,
    check: str = "prove",
    analytic_only: bool = False,
    plugins: Iterable[str] = (),
    overrides: Iterable[str] = (),
    image: str | os.PathLike[str] | None = None,
    gpu: str | os.PathLike[str] | None = None,
) -> SurveyRequest:
    """Return what is asked for; files that options name are read here.

    Raises:
        UsageError: an option is wrong, or names a file that cannot be read.
    """
    if check not in CHECKS:
        raise UsageError(unknown("--check", str(check), CHECKS))
    if analytic_only and check != "prove":
        raise UsageError(
            f"--check {check} contradicts --analytic-only, which checks nothing: leave out one of "
            "the two"
        )
    page = None if image is None else read_page(str(path("--image", image)))
    return SurveyRequest(
        works=works,
        check=None if analytic_only else check,
        plugins=tuple(plugins),
        overrides=tuple(overrides),
        image=page and (page.width, page.height),
        gpu=None if gpu is None else _gpu(str(path("--gpu", gpu))),
    )


def _gpu(name: str) -> tuple[str, bytes | None]:
    gpu_named(name)
    return name, read_bytes(Path(name), f"hardware.gpu={name}") if is_file(name) else None


def split(arguments: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the paths and the settings among arguments: a setting is no path, and has a ``=``."""
    paths: list[str] = []
    settings: list[str] = []
    for argument in arguments:
        is_setting = "=" in argument and not exists(Path(argument))
        (settings if is_setting else paths).append(argument)
    return paths, settings


def configs_of(catalog: Catalog, paths: Sequence[str | os.PathLike[str]]) -> Found:
    """Return the configs that paths name, each with the files beside it that some model reads.

    Raises:
        UsageError: as of `flopbench.commands.survey.found.find`.
    """
    return find(paths, {name for _, model, _ in catalog.models for name in model.reads_beside})


def check_settings(catalog: Catalog, request: SurveyRequest) -> None:
    """Refuse a setting that no model takes, or that a survey does not.

    Raises:
        UsageError: there is one.
    """
    for text in request.overrides:
        key = text.partition("=")[0].strip()
        if key.startswith("hardware.") and request.gpu is None:
            raise UsageError(f"{text!r} needs a GPU: use --gpu")
        for own, reason in _OWN.items():
            if f"{key}.".startswith(f"{own}."):
                raise UsageError(f"{text!r}: {reason}")
        models = [(model, catalog.vendor_models.find(name)) for name, model, _ in catalog.models]
        taking = [pair for pair in models if takes(*pair, key)] or models
        for model, vendor in taking[:1]:  # its own key is refused by its own sentence
            load_config(schema_of(model, vendor), model_defaults=model.defaults, overrides=[text])


def takes(model: type[AnalyticModel], vendor: type[VendorModel] | None, key: str) -> bool:
    """Return whether a model has a key, such as ``workload.context_tokens``."""
    section, _, name = key.partition(".")
    kind = schema_of(model, vendor).get(section)
    if kind is None or section not in _OF_MODELS:
        return kind is not None
    return name.partition(".")[0] in fields_dict(kind)
