"""Which tensors of a model are stored how."""

from __future__ import annotations

from attrs import frozen

from flopbench.storage.dtypes import dtype_named
from flopbench.storage.scheme import Plain, Scheme

KEPT = frozenset({"lm_head", "router"})
"""Parts, by the last name of their component, whose products quantisation leaves as they are."""


@frozen(kw_only=True)
class Storage:
    """How the tensors of a model are stored.

    Attributes:
        rest: dtype of norms, biases, look-up tables and the products that stay as they are.
        weights: of products with weights.
        experts: of the products of routed experts.
        embeddings, kv_cache, activations: dtypes.
        ruling: which of ``weights`` and ``experts`` hold even for operations that say otherwise.
    """

    rest: str
    weights: Scheme
    experts: Scheme
    embeddings: str
    kv_cache: str
    activations: str
    ruling: frozenset[str] = frozenset()

    @classmethod
    def of(cls, dtype: str) -> Storage:
        """Return the storage of a model with one dtype.

        Raises:
            UsageError: there is no such type.
        """
        dtype = dtype_named(dtype)
        plain = Plain(dtype)
        return cls(
            rest=dtype,
            weights=plain,
            experts=plain,
            embeddings=dtype,
            kv_cache=dtype,
            activations=dtype,
        )

    @classmethod
    def made(cls, given: Storage | str) -> Storage:
        """Return the storage, or that of a dtype."""
        return given if isinstance(given, Storage) else cls.of(given)

    def scheme(self, component: str, own: Scheme | None = None, *, routed: bool = False) -> Scheme:
        """Return how the weights of a product are stored.

        Args:
            own: what the operation itself says.
            routed: whether they are those of routed experts.
        """
        if component.rpartition("/")[2] in KEPT:
            return own or Plain(self.rest)
        kind = "experts" if routed else "weights"
        usual: Scheme = getattr(self, kind)
        return usual if own is None or kind in self.ruling else own
