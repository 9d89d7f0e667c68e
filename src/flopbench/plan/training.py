"""A plan with a training step among its stages: models in training, and what was set of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flopbench.analytic import AnalyticModel, AttentionMode
from flopbench.analytic.trained import TrainedModel
from flopbench.boundary import calling
from flopbench.conventions import NESTED, Conventions
from flopbench.errors import UsageError
from flopbench.plan.config import Config, RunOptions
from flopbench.training_step import TRAINING, TrainOptions
from flopbench.vendor import VendorModel
from flopbench.vendor.trained import TrainedVendor


def is_asked(run: RunOptions) -> bool:
    """Return whether a stage of a training step is among those asked for."""
    return any(name in TRAINING for name in run.stages or ())


def in_training(model: AnalyticModel, config: Config) -> AnalyticModel:
    """Return a model with the stages of a training step, if one of them was asked for.

    Raises:
        UsageError: something is set of a training step, and none was asked for.
        PluginError: the plugin raises.
    """
    options: TrainOptions = config.sections["train"]
    own = {stage.name for stage in model.stages} & {*TRAINING}
    if is_asked(config.sections["run"]) and not own:
        with calling(f"model {model.name!r}: its stages in training"):
            return TrainedModel(model, options)
    if options != TrainOptions():
        raise UsageError("train.* is for a training step: add --stages train")
    for name in NESTED:
        if getattr(config.sections["conventions"], name) != getattr(Conventions(), name):
            raise UsageError(f"conventions.{name} is for a training step: add --stages train")
    return model


def require_backward(modes: Iterable[AttentionMode]) -> None:
    """Refuse an attention mode that has no backward.

    Raises:
        UsageError: there is one.
    """
    for mode in modes:
        if mode.no_backward:
            raise UsageError(
                f"attention mode {mode.name!r} has no backward ({mode.no_backward}): leave "
                "it out of a training step"
            )


def vendor_in_training(vendor: VendorModel, model: AnalyticModel) -> VendorModel:
    """Return the vendor of a model with the same stages."""
    if isinstance(model, TrainedModel):
        return TrainedVendor(vendor, model.forward_stages, model.train)
    return vendor


def used_settings(model: AnalyticModel, config: Config) -> Mapping[str, Any]:
    """Return the resolved configuration, without what is for training alone if nothing is."""
    if isinstance(model, TrainedModel):
        return config.resolved
    kept = {name: values for name, values in config.resolved.items() if name != "train"}
    conventions = {k: v for k, v in kept["conventions"].items() if k not in NESTED}
    return kept | {"conventions": conventions}


def untrained(strategy: Any) -> tuple[Any, ...]:
    """Return a strategy, and before it the plugin's own if it is one in training."""
    wrapped = isinstance(strategy, TrainedModel | TrainedVendor)
    return (strategy.plugin, strategy) if wrapped else (strategy,)
