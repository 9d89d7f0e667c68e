"""Which weights of a real model are trained: all, those that are not frozen, or adapters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from flopbench.errors import UsageError, unknown
from flopbench.text import listed
from flopbench.training_step import LoraOptions, TrainOptions, covers
from flopbench.vendor.recomputed import recompute_layers

DROPPED = "dropout is off in training, too: it is vector work"

INPUTS_GRADIENT = (
    "where layers are recomputed, transformers asks for the gradient of what embeddings give, "
    "those of images too, even if nothing before the first layer is trained"
)

NO_ADAPTERS = "{components} have no adapters: only linear layers that are no routers have some"

_ADAPTERS = ("lora_A", "lora_B")
_SCALE = 2.0
"""What adapters' results are multiplied by: vector work, whatever its value."""

Names = Callable[[str], tuple[str, ...]]
"""Gives the component of a layer, by its path, and what the layer is called in it."""


def adapted(path: str) -> str:
    """Return the path of the layer that an adapter is beside; other paths as they are."""
    layer, _, own = path.rpartition(".")
    return layer if own in _ADAPTERS else path


def set_up(module: Any, options: TrainOptions, names_of: Names, what: str) -> None:
    """Make a model as it is trained, without changing what it computes but for adapters.

    Args:
        what: the model, for errors.

    Raises:
        UsageError: a pattern of the options matches nothing.
        CountError: transformers cannot recompute its layers.
    """
    if options.lora is not None:
        add_adapters(module, options.lora, names_of)
    freeze(module, options.frozen, lambda path: names_of(path)[0])
    freeze_choices(module)
    if options.recompute == "full":
        recompute_layers(module, what)


def assumptions(
    module: Any, options: TrainOptions, component_of: Callable[[str], str]
) -> Iterator[str]:
    """Yield what the training of a model assumes, a sentence each."""
    yield DROPPED
    if options.recompute == "full" and (options.frozen or options.lora):
        yield INPUTS_GRADIENT
    left_out = sorted(_without(module, options.lora, component_of)) if options.lora else []
    if left_out:
        yield NO_ADAPTERS.format(components=listed(left_out, "and"))


def freeze(module: Any, patterns: Iterable[str], component_of: Callable[[str], str]) -> None:
    """Freeze the weights of components. A tied weight is frozen if one of its components is.

    Raises:
        UsageError: a pattern matches no component with weights.
    """
    weights = [
        (component_of(adapted(name.rpartition(".")[0])), weight)
        for name, weight in module.named_parameters(remove_duplicate=False)
    ]
    for pattern in patterns:
        found = [weight for component, weight in weights if covers(pattern, component)]
        if not found:
            known = {component for component, _ in weights}
            raise UsageError(f"train.frozen: {unknown('component with weights', pattern, known)}")
        for weight in found:
            weight.requires_grad_(requires_grad=False)


def freeze_choices(module: Any) -> None:
    """Freeze the weights of modules whose ``forward`` runs under `torch.no_grad`.

    No gradient reaches them, so that no optimizer steps them: they serve a choice alone.
    """
    for each in module.modules():
        # A function under `torch.no_grad` is wrapped by one of this name.
        code = getattr(type(each).forward, "__code__", None)
        if getattr(code, "co_name", None) == "decorate_context":
            each.requires_grad_(requires_grad=False)


def add_adapters(module: Any, lora: LoraOptions, names_of: Names) -> None:
    """Freeze all weights, and add low-rank adapters beside linear layers, as PEFT does.

    Raises:
        UsageError: a target matches no linear layer.
    """
    module.requires_grad_(requires_grad=False)
    layers = {
        path: (layer, names_of(path))
        for path, layer in _linear_layers(module, lambda path: names_of(path)[0])
    }
    for target in lora.targets:
        found = [layer for layer, names in layers.values() if _matches(target, names)]
        if not found:
            known = {names_of(name.rpartition(".")[0])[0] for name, _ in module.named_parameters()}
            others = {component for component in known if covers(target, component)}
            raise UsageError(_no_target(target, [names for _, names in layers.values()], others))
        for layer in found if lora.rank else ():
            _adapt(layer, lora.rank)


def _without(module: Any, lora: LoraOptions, component_of: Callable[[str], str]) -> set[str]:
    """Return the components that are targets, and have matrices in no linear layer."""
    linear = {component_of(path) for path, _ in _linear_layers(module, component_of)}
    owners = {name.rpartition(".")[0] for name, w in module.named_parameters() if w.dim() > 1}
    has = {component_of(adapted(owner)) for owner in owners} - linear
    return {each for each in has if any(covers(target, each) for target in lora.targets)}


def _linear_layers(module: Any, component_of: Callable[[str], str]) -> Iterator[tuple[str, Any]]:
    """Yield the linear layers by their paths, but for routers: most return more than a product."""
    from torch.nn import Linear
    from transformers.pytorch_utils import Conv1D

    for path, layer in module.named_modules():
        plain = type(layer).forward in {Linear.forward, Conv1D.forward}
        is_router = component_of(path).endswith("/router")
        if (plain or isinstance(layer, Linear)) and not is_router:
            yield path, layer


def _matches(target: str, names: tuple[str, ...]) -> bool:
    """Return whether a target is a layer's component, its name, or both with a dot between."""
    component, *called = names
    full = (*names, *(f"{component}.{name}" for name in called))
    return any(covers(target, name) for name in full)


def _no_target(target: str, layers: list[tuple[str, ...]], others: set[str]) -> str:
    known = {name for names in layers for name in names}
    said = unknown("linear layer or component", target, known)
    if others:
        said = f"{target!r} has no linear layers, only other weights"
    return f"train.lora.targets: {said}"


def _adapt(layer: Any, rank: int) -> None:
    """Add the adapter B(A(x)), scaled, to what a layer returns."""
    from torch.nn import Linear

    if hasattr(layer, "lora_A"):
        return
    weight = layer.weight
    outputs, inputs = weight.shape if isinstance(layer, Linear) else reversed(weight.shape)
    options = {"bias": False, "device": weight.device, "dtype": weight.dtype}
    layer.lora_A = Linear(inputs, rank, **options)
    layer.lora_B = Linear(rank, outputs, **options)
    own = layer.forward
    layer.forward = lambda x: own(x) + layer.lora_B(layer.lora_A(x)) * _SCALE
