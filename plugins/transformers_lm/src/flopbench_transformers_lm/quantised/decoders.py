"""A decoder with its weights stored as a file says, and the sentences that tell it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs
from attrs import frozen

from flopbench.blocks import Decoder, Layers
from flopbench.storage import Plain, Scheme, Storage
from flopbench_transformers_lm.config import LmConfig
from flopbench_transformers_lm.module_names import EXPERTS, HEAD, ROUTER, names_of
from flopbench_transformers_lm.quantised.rules import Quantised
from flopbench_transformers_lm.quantised.told import told, unknown_method

_LINEAR_ROUTERS = ("hunyuan_v1_moe",)
"""Types whose router is a layer; elsewhere it is a parameter, which is never converted."""


@frozen
class StoredDecoder:
    """A decoder, how its tensors are stored, and the sentence that says so."""

    decoder: Decoder
    storage: Storage
    note: str


def stored(decoder: Decoder, config: LmConfig, quantised: Quantised, dtype: str) -> StoredDecoder:
    """Return a decoder whose products are stored as a file says.

    Args:
        dtype: of everything that the file leaves as it is.
    """
    storage = Storage.of(dtype)
    if quantised.kv_cache:
        storage = attrs.evolve(storage, kv_cache=quantised.kv_cache)
    if quantised.problem:
        return StoredDecoder(decoder, storage, unknown_method(quantised, dtype))
    storage = attrs.evolve(
        storage,
        weights=quantised.dense or storage.weights,
        experts=quantised.experts or storage.experts,
    )
    chosen = _chooser(config.decoder.model_type, quantised, Plain(dtype))
    groups = tuple(part for group in decoder.groups for part in _split(group, chosen))
    head = Plain(dtype) if decoder.head.tied or not quantised.head else chosen(HEAD, None)
    made = attrs.evolve(decoder, groups=groups, schemes={HEAD: head})
    return StoredDecoder(made, storage, told(made, quantised))


def _chooser(
    model_type: str, quantised: Quantised, plain: Scheme
) -> Callable[[str, int | None], Scheme]:
    """Return what chooses the scheme of a component's role in a layer."""

    def choose(key: str, layer: int | None) -> Scheme:
        if key == ROUTER and model_type not in _LINEAR_ROUTERS:
            return plain
        names = names_of(key, layer, model_type, checkpoint=quantised.checkpoint)
        return quantised.scheme(names, layer, routed=key.startswith(EXPERTS)) or plain

    return choose


def _split(group: Layers, chosen: Callable[[str, int | None], Scheme]) -> Iterator[Layers]:
    """Yield the layers of a group apart if they are stored differently."""
    roles = group.roles()
    numbers: dict[tuple[Scheme, ...], list[int]] = {}
    for number in group.numbers:
        numbers.setdefault(tuple(chosen(key, number) for key in roles), []).append(number)
    for found, layers in numbers.items():
        schemes = dict(zip(roles, found, strict=True))
        yield attrs.evolve(group, count=len(layers), numbers=tuple(layers), schemes=schemes)
