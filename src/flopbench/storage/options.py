"""What a user may say of how tensors are stored: the section ``dtypes``."""

from __future__ import annotations

from typing import Any

import attrs
from attrs import frozen

from flopbench.errors import unknown
from flopbench.storage.dtypes import ALIASES, DTYPE_BITS
from flopbench.storage.packed import MOST_BITS
from flopbench.storage.schemes import SCHEMES, scheme_named
from flopbench.storage.storage import Storage


def _usual(value: Any) -> Any:
    """Return the usual name of a dtype; anything else stays as it is."""
    return ALIASES.get(value, value) if isinstance(value, str) else value


def _dtype(_options: object, attribute: attrs.Attribute[str | None], value: str | None) -> None:
    if value in SCHEMES:
        raise ValueError(
            f"{attribute.name} takes a dtype ({', '.join(DTYPE_BITS)}): {value} is a scheme for "
            "weights and experts"
        )
    if value is not None and value not in DTYPE_BITS:
        raise ValueError(unknown(f"dtype of {attribute.name}", value, DTYPE_BITS))


def _scheme(_options: object, attribute: attrs.Attribute[str | None], value: str | None) -> None:
    if value is not None and value not in SCHEMES and value not in DTYPE_BITS:
        known = (*DTYPE_BITS, *SCHEMES)
        raise ValueError(unknown(f"dtype or scheme of {attribute.name}", value, known))


def _only_stored(given: str) -> str:
    """Say that products are of another dtype than weights which are merely stored in few bits."""
    scheme = scheme_named(given)
    if scheme.compute is not None or given not in DTYPE_BITS or DTYPE_BITS[given] > MOST_BITS:
        return ""
    return (
        f"; {given} is how weights are stored: products are of the activations' dtype, unless a "
        "scheme such as fp8_tensor says otherwise"
    )


def _field(validator: Any) -> Any:
    return attrs.field(default=None, converter=_usual, validator=validator)


@frozen(kw_only=True)
class DtypeOptions:
    """What a user may set under ``dtypes.``; None for what the model says.

    Attributes:
        weights: a dtype or a quantisation scheme for the products with weights, those of experts
            included unless ``experts`` says otherwise. The LM head and routers stay as they are.
        experts: the same for the products of routed experts.
        embeddings, kv_cache, activations: dtypes.
    """

    weights: str | None = _field(_scheme)
    experts: str | None = _field(_scheme)
    embeddings: str | None = _field(_dtype)
    kv_cache: str | None = _field(_dtype)
    activations: str | None = _field(_dtype)

    def notes(self) -> tuple[str, ...]:
        """Say what ``weights`` and ``experts`` override, if they are set."""
        parts = {"weights": "products with weights", "experts": "products of routed experts"}
        return tuple(
            f"dtypes.{name} rules the {what}, whatever the model or its file says; the LM head and "
            f"routers stay as they are{_only_stored(getattr(self, name))}"
            for name, what in parts.items()
            if getattr(self, name)
        )

    def applied(self, storage: Storage) -> Storage:
        """Return a model's storage with what is set here in its place."""
        experts = self.experts or self.weights
        schemes = {"weights": self.weights, "experts": experts}
        changes: dict[str, Any] = {
            name: scheme_named(given) for name, given in schemes.items() if given
        }
        dtypes = {name: getattr(self, name) for name in ("embeddings", "kv_cache", "activations")}
        given = {name: value for name, value in dtypes.items() if value}
        return attrs.evolve(storage, **changes, **given, ruling=storage.ruling | changes.keys())
