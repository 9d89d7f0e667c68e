"""Resolve every name of a run before any work: a typo fails in milliseconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import attrs
from attrs import frozen

from flopbench.analytic import AnalyticModel, AttentionMode, Stage
from flopbench.boundary import answer, calling
from flopbench.conventions import Conventions
from flopbench.dims import element_bytes
from flopbench.errors import PluginError, UsageError, unknown
from flopbench.plan.config import RunOptions, load_config
from flopbench.registry.catalog import Catalog
from flopbench.vendor import VendorCounter, VendorModel

EAGER = "eager"
"""The attention mode that runs what another mode cannot carry out."""

USEFUL = "flash"
"""The attention mode that prices what the result needs: the pairs that a mask leaves."""


CountMethod = Literal["auto", "concrete", "symbolic"]
"""How the vendor is counted: each call as it is, or by a law measured with symbolic sizes.

``auto`` counts a single workload as it is and many by their law.
"""


def with_method(options_type: type) -> type:
    """Return a vendor model's options with ``method`` among them."""
    if any(field.name == "method" for field in attrs.fields(options_type)):
        raise PluginError(
            f"{options_type.__name__} has a field 'method', which is flopbench's own key there"
        )
    fields = {"method": attrs.field(default="auto"), "__annotations__": {"method": CountMethod}}
    return frozen(kw_only=True)(type(options_type.__name__, (options_type,), fields))


@frozen(kw_only=True)
class Plan:
    """A run with everything resolved.

    Attributes:
        modes: none if the model has no closed forms.
        stages: the stages to report.
        vendor: None for an analytic-only run.
        method: how the vendor is counted.
        config: the resolved configuration, for the report.
    """

    model: AnalyticModel
    workload: Any
    modes: tuple[AttentionMode, ...]
    eager: AttentionMode
    useful: AttentionMode
    vendor: VendorModel | None
    counters: tuple[VendorCounter, ...]
    stages: tuple[Stage, ...]
    conventions: Conventions
    method: CountMethod
    config: Mapping[str, Any]

    @property
    def vendor_strategies(self) -> tuple[tuple[VendorCounter, VendorModel], ...]:
        """Each counter with the variant of the vendor model that it counts."""
        if self.vendor is None:
            return ()
        return tuple((counter, self.vendor.variant(counter.variant)) for counter in self.counters)

    @property
    def base_stages(self) -> tuple[Stage, ...]:
        """The stages to price and count: those reported, and the parts of composed ones."""
        needed = {part for stage in self.stages for part in stage.parts or (stage.name,)}
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
        file: a YAML file of configuration.
        overrides: ``KEY=VALUE`` texts.
        options: dotted keys and values that command-line options set.

    Raises:
        UsageError: something that the user gave is wrong.
        PluginError: the model's plugin raises.
    """
    model_class = catalog.models.get(model_name)
    vendor_class = catalog.vendor_models.find(model_name)
    schema = schema_of(model_class)
    if vendor_class:
        schema["vendor"] = with_method(vendor_class.options_type)
    config = load_config(
        schema,
        model_defaults=model_class.defaults,
        file=file,
        overrides=overrides,
        options=options,
        ignored=frozenset({"vendor"}),
    )
    run: RunOptions = config.sections["run"]
    what = f"model {model_name!r}"
    made = (model_class.from_options, config.sections["model"])
    model: AnalyticModel = answer(f"{what}: from_options", AnalyticModel, *made)
    _check(model, what)
    if run.analytic_only:
        require_closed_forms(model)
    modes = tuple(_mode(catalog, name) for name in _some(run, "attention"))
    vendor: VendorModel | None = None
    counters: tuple[VendorCounter, ...] = ()
    if not run.analytic_only:
        vendor, counters = _vendor(catalog, model, vendor_class, config.sections, run)
    with calling(f"{what}: workload"):
        workload = model.workload(config.sections["workload"])
    return Plan(
        model=model,
        workload=workload,
        modes=modes if model.no_closed_forms is None else (),
        eager=_new(catalog.attention_modes.get(EAGER)),
        useful=_new(catalog.attention_modes.get(USEFUL)),
        vendor=vendor,
        counters=counters,
        stages=_stages(model, run),
        conventions=config.sections["conventions"],
        method=getattr(config.sections.get("vendor"), "method", "auto"),
        config=config.resolved,
    )


def require_closed_forms(model: AnalyticModel) -> None:
    """Refuse a model that only a vendor can be counted of.

    Raises:
        UsageError: it has no closed forms.
    """
    if model.no_closed_forms is not None:
        raise UsageError(
            f"model {model.name!r}: {model.no_closed_forms}; `flopbench run` counts its vendor"
        )


def _vendor(
    catalog: Catalog,
    model: AnalyticModel,
    vendor_class: type[VendorModel] | None,
    sections: Mapping[str, Any],
    run: RunOptions,
) -> tuple[VendorModel, tuple[VendorCounter, ...]]:
    if vendor_class is None:
        broken = "".join(f" ({failure})" for failure in catalog.failures)
        raise UsageError(
            f"model {model.name!r} has no vendor model to be checked against: `flopbench run "
            "--analytic-only` prices its closed forms alone, `flopbench explain` shows them"
            f"{broken}"
        )
    counters = tuple(_new(catalog.counters.get(name)) for name in _some(run, "counters"))
    what = f"vendor model {model.name!r}"
    made = (vendor_class.from_options, model.architecture, sections["vendor"])
    vendor: VendorModel = answer(f"{what}: from_options", VendorModel, *made)
    for counter in counters:
        name = f"{what}: variant {counter.variant!r}"
        variant = answer(name, VendorModel, vendor.variant, counter.variant)
        answer(f"{name}: attention", str, getattr, variant, "attention")
    return vendor, counters


def schema_of(model_class: type[AnalyticModel]) -> dict[str, type]:
    """Return the sections that the settings of a model have, its vendor's apart."""
    return {
        "workload": model_class.inputs_type,
        "model": model_class.options_type,
        "run": RunOptions,
        "conventions": Conventions,
    }


def _check(model: AnalyticModel, what: str) -> None:
    """Refuse a model that does not tell what every run asks it for."""
    answer(f"{what}: architecture", object, getattr, model, "architecture")
    answer(f"{what}: no_closed_forms", str | None, getattr, model, "no_closed_forms")
    try:
        element_bytes(model.dtype)
    except UsageError as error:
        raise PluginError(f"{what}: {error}") from error


def _mode(catalog: Catalog, name: str) -> AttentionMode:
    mode: AttentionMode = _new(catalog.attention_modes.get(name))
    answer(f"attention mode {name!r}: series_label", str, mode.series_label)
    return mode


def _some(run: RunOptions, field: str) -> tuple[str, ...]:
    """Return the distinct names in a field of the run's options, at least one."""
    names: tuple[str, ...] = tuple(dict.fromkeys(getattr(run, field)))
    if not names:
        raise UsageError(f"run.{field} must name at least one")
    return names


def _stages(model: AnalyticModel, run: RunOptions) -> tuple[Stage, ...]:
    if run.stages is None:
        return model.stages
    known = {stage.name: stage for stage in model.stages}
    for name in _some(run, "stages"):
        if name not in known:
            raise UsageError(unknown(f"stage of {model.name}", name, known))
    return tuple(stage for stage in model.stages if stage.name in run.stages)


def _new(strategy: type[Any]) -> Any:
    with calling(f"creating {strategy.__name__}"):
        return strategy()
