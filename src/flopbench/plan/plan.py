"""Resolve every name of a run before any work: a typo fails in milliseconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from flopbench.analytic import AnalyticModel, AttentionMode, Stage
from flopbench.analytic.checked import CheckedMode, CheckedModel, checked_mode, checked_model
from flopbench.analytic.price import Pricer
from flopbench.analytic.trained import TrainedModel
from flopbench.boundary import answer, calling
from flopbench.conventions import Conventions
from flopbench.errors import UsageError, unknown
from flopbench.hardware import HardwareOptions
from flopbench.plan.by_path import named
from flopbench.plan.config import Config, CountMethod, RunOptions, load_config
from flopbench.plan.training import (
    in_training,
    require_backward,
    used_settings,
    vendor_in_training,
)
from flopbench.registry.catalog import Catalog
from flopbench.storage import Storage
from flopbench.storage.options import DtypeOptions
from flopbench.text import listed
from flopbench.training_step import TRAINING, TrainOptions
from flopbench.vendor import EXECUTED_FLOP, VendorCounter, VendorModel
from flopbench.vendor.checked import CheckedCounter, CheckedVendor, checked_counter, checked_vendor

EAGER = "eager"
"""The attention mode that runs what another mode cannot carry out."""

USEFUL = "flash"
"""The attention mode that prices what the result needs: the pairs that a mask leaves."""


def _checked_modes(modes: Iterable[AttentionMode]) -> tuple[CheckedMode, ...]:
    return tuple(map(checked_mode, modes))


def _checked_if_any(mode: AttentionMode | None) -> CheckedMode | None:
    return None if mode is None else checked_mode(mode)


def _checked_counters(counters: Iterable[VendorCounter]) -> tuple[CheckedCounter, ...]:
    return tuple(map(checked_counter, counters))


def _checked_vendor(vendor: VendorModel | None) -> CheckedVendor | None:
    return None if vendor is None else checked_vendor(vendor)


@frozen(kw_only=True)
class Plan:
    """A run with everything resolved, and every plugin behind an adapter that checks its answers.

    Attributes:
        modes: empty if the model has no closed forms.
        useful: prices what the result needs; None unless a counter reports executed work.
        stages: the stages to report.
        vendor: None for an analytic-only run.
        dtypes: what the user says of how tensors are stored.
        hardware: the GPU that bounds are asked for, if any.
        method: how the vendor is counted.
        config: the resolved configuration, for the report.
    """

    model: CheckedModel = attrs.field(converter=checked_model)
    workload: Any
    modes: tuple[CheckedMode, ...] = attrs.field(converter=_checked_modes)
    eager: CheckedMode = attrs.field(converter=checked_mode)
    useful: CheckedMode | None = attrs.field(default=None, converter=_checked_if_any)
    vendor: CheckedVendor | None = attrs.field(converter=_checked_vendor)
    counters: tuple[CheckedCounter, ...] = attrs.field(converter=_checked_counters)
    stages: tuple[Stage, ...]
    conventions: Conventions
    dtypes: DtypeOptions = attrs.field(factory=DtypeOptions)
    hardware: HardwareOptions = attrs.field(factory=HardwareOptions)
    method: CountMethod = "auto"
    config: Mapping[str, Any]

    @property
    def storage(self) -> Storage:
        """How the model's tensors are stored: as it says, and as the user does."""
        return self.dtypes.applied(self.model.storage)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of its costs must know: of the model, and of modes of other plugins."""
        told = (*self.model.notes(), *self.dtypes.notes())
        names = [mode.name for mode in self.modes if not mode.says_state]
        if not names:
            return told
        kept = (
            f"{listed(names, 'and')}: the KV cache is that of eager attention; what the mode "
            "itself keeps is not known: it has no `state`"
        )
        return (*told, kept)

    @property
    def pricer(self) -> Pricer:
        """What prices the stages, under the run's conventions."""
        return Pricer(self.eager, self.conventions, self.storage)

    @property
    def vendor_strategies(self) -> tuple[tuple[CheckedCounter, CheckedVendor], ...]:
        """Each counter with the variant of the vendor model that it counts."""
        if self.vendor is None:
            return ()
        return tuple((counter, self.vendor.variant(counter.variant)) for counter in self.counters)

    @property
    def base_stages(self) -> tuple[Stage, ...]:
        """The stages to price and count: those reported, and the parts of composed ones."""
        needed = {name for stage in self.stages for name in stage.base_names}
        return tuple(stage for stage in self.model.stages if stage.name in needed)


def make_plan(
    catalog: Catalog,
    model_name: str,
    *,
    file: Path | None = None,
    overrides: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
) -> Plan:
    """Resolve the names and values of a run.

    Args:
        model_name: a model's name, or the path of a config file that one reads.
        file: a YAML file of configuration.
        overrides: ``KEY=VALUE`` texts.
        options: dotted keys and values that command-line options set.

    Raises:
        UsageError: something that the user gave is wrong.
        PluginError: the model's plugin raises.
    """
    model_name, from_path = named(catalog, model_name)
    _refuse_two_files(from_path, overrides, options or {})
    options = {**from_path, **(options or {})}
    model_class = catalog.models.get(model_name)
    _refuse_image(model_class, options)
    vendor_class = catalog.vendor_models.find(model_name)
    config = load_config(
        schema_of(model_class, vendor_class),
        model_defaults=model_class.defaults,
        file=file,
        overrides=overrides,
        options=options,
        ignored=frozenset({"vendor"}),
    )
    config.sections["hardware"].device()  # refuses a GPU that is not known
    run: RunOptions = config.sections["run"]
    made = (model_class.from_options, config.sections["model"])
    plain = answer(f"model {model_name!r}: from_options", AnalyticModel, *made)
    model = CheckedModel(in_training(plain, config))
    if run.analytic_only:
        require_closed_forms(model)
    modes = [_mode(catalog, name) for name in _some(run, "attention")]
    if isinstance(model.plugin, TrainedModel):
        require_backward(modes)
    vendor, counters = _witness(catalog, model, vendor_class, config)
    executes = any(counter.convention.unit == EXECUTED_FLOP for counter in counters)
    workload = model.workload(config.sections["workload"])
    return Plan(
        model=model,
        workload=workload,
        modes=modes if model.no_closed_forms is None else (),
        eager=_mode(catalog, EAGER),
        useful=_mode(catalog, USEFUL) if executes else None,
        vendor=vendor,
        counters=counters,
        stages=_stages(model, workload, run),
        conventions=config.sections["conventions"],
        dtypes=config.sections["dtypes"],
        hardware=config.sections["hardware"],
        method=run.method,
        config=used_settings(model.plugin, config),
    )


def _refuse_two_files(
    from_path: Mapping[str, Any], overrides: Sequence[str], options: Mapping[str, Any]
) -> None:
    """Refuse another config beside the one whose path named the model."""
    given = [*options, *(text.partition("=")[0].strip() for text in overrides)]
    for key, path in from_path.items():
        if key in given:
            raise UsageError(f"{path} already is the {key}: leave one of the two out")


def _refuse_image(model: type[AnalyticModel], options: Mapping[str, Any]) -> None:
    """Refuse an image for a model that reads none."""
    key = "workload.image"
    if key in options and key.partition(".")[2] not in attrs.fields_dict(model.inputs_type):
        raise UsageError(f"{model.name} takes no image (it has no {key}): leave out --image")


def require_closed_forms(model: AnalyticModel) -> None:
    """Refuse a model without closed forms, of which only the vendor can be counted.

    Raises:
        UsageError: it has no closed forms.
    """
    if model.no_closed_forms is not None:
        raise UsageError(
            f"model {model.name!r}: {model.no_closed_forms}; `flopbench run` counts its vendor"
        )


def refuse_hardware(plan: Plan) -> None:
    """Refuse a GPU where no time is bounded: only a run does.

    Raises:
        UsageError: something is set under ``hardware.``.
    """
    if plan.hardware != HardwareOptions():
        raise UsageError(
            "hardware.* is for `flopbench run` alone, which bounds times on one GPU: leave it out"
        )


def _witness(
    catalog: Catalog,
    model: CheckedModel,
    vendor_class: type[VendorModel] | None,
    config: Config,
) -> tuple[CheckedVendor | None, list[VendorCounter]]:
    """Return the vendor model and who counts it; nothing for an analytic-only run."""
    run: RunOptions = config.sections["run"]
    if run.analytic_only:
        return None, []
    if vendor_class is None:
        broken = "".join(f" ({failure})" for failure in catalog.failures)
        raise UsageError(
            f"model {model.name!r} has no vendor model to check it against: `flopbench run "
            "--analytic-only` prices its closed forms alone, `flopbench explain` shows them"
            f"{broken}"
        )
    counters: list[VendorCounter] = [
        _new(catalog.counters.get(name)) for name in _some(run, "counters")
    ]
    if not run.own_formulas:
        counters = [checked_counter(counter).without_own_formulas() for counter in counters]
    made = (vendor_class.from_options, model.architecture, config.sections["vendor"])
    what = f"vendor model {model.name!r}: from_options"
    plain = answer(what, VendorModel, *made)
    vendor = CheckedVendor(vendor_in_training(plain, model.plugin))
    for counter in counters:
        vendor.variant(counter.variant)
    return vendor, counters


def schema_of(
    model_class: type[AnalyticModel], vendor_class: type[VendorModel] | None = None
) -> dict[str, type]:
    """Return the sections that the settings of a model have, its vendor's if it has one."""
    sections = {
        "workload": model_class.inputs_type,
        "model": model_class.options_type,
        "run": RunOptions,
        "conventions": Conventions,
        "dtypes": DtypeOptions,
        "hardware": HardwareOptions,
        "train": TrainOptions,
    }
    return sections if vendor_class is None else {**sections, "vendor": vendor_class.options_type}


def _mode(catalog: Catalog, name: str) -> CheckedMode:
    return CheckedMode(_new(catalog.attention_modes.get(name)))


def _some(run: RunOptions, field: str) -> tuple[str, ...]:
    """Return the distinct names in a field of the run's options, at least one."""
    names: tuple[str, ...] = tuple(dict.fromkeys(getattr(run, field)))
    if not names:
        raise UsageError(f"run.{field} must name at least one")
    return names


def _stages(model: AnalyticModel, workload: Any, run: RunOptions) -> tuple[Stage, ...]:
    known = model.stages_of(workload)
    if run.stages is None:
        return known
    present, declared = ([stage.name for stage in each] for each in (known, model.stages))
    for name in _some(run, "stages"):
        if name not in declared:
            known_names = dict.fromkeys((*present, *TRAINING))
            raise UsageError(unknown(f"stage of {model.name}", name, known_names))
        if name not in present:
            raise UsageError(
                f"this workload of {model.name} has no stage {name!r}, only "
                f"{listed(present, 'and')}"
            )
    return tuple(stage for stage in known if stage.name in run.stages)


def _new(strategy: type[Any]) -> Any:
    with calling(f"creating {strategy.__name__}"):
        return strategy()
