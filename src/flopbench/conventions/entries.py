"""Entries of a table of conventions: FLOPs per element, each with its derivation."""

from __future__ import annotations

import attrs
from attrs import frozen


def per_element(flops: int, derivation: str) -> int:
    """Declare an entry: its default, and what it adds up."""
    value: int = attrs.field(
        default=flops,
        validator=[attrs.validators.instance_of(int), attrs.validators.ge(0)],
        metadata={"derivation": derivation},
    )
    return value


@frozen(kw_only=True)
class Entries:
    """A table of entries."""

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of the entries."""
        return tuple(a.name for a in attrs.fields(cls) if "derivation" in a.metadata)

    def derivations(self) -> dict[str, str]:
        """Return the derivation of each entry's default, by name."""
        fields = attrs.fields_dict(type(self))
        return {name: fields[name].metadata["derivation"] for name in self.names()}
