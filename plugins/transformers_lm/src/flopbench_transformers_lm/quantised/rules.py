"""How a file stores the weights of modules, by their names."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import Factory, frozen

from flopbench.storage import Scheme
from flopbench_transformers_lm.quantised.patterns import Patterns


@frozen(kw_only=True)
class Quantised:
    """What a file says of quantisation.

    Attributes:
        method: what the file calls it.
        dense, experts: how products with weights and those of routed experts are stored; None
            for as they are.
        kept: modules that stay as they are.
        special: modules with other schemes; the first that matches counts.
        checkpoint: whether names may be of modules that only checkpoints have.
        head: whether the LM head is a module like others, unless it shares its weights.
        kv_cache: dtype of the KV cache, if the file names one.
        unknown_cache: what the file says of the KV cache, if that is not known.
        problem: why nothing is known of how the weights are stored.
    """

    method: str
    dense: Scheme | None = None
    experts: Scheme | None = None
    kept: Patterns = Factory(Patterns)
    special: tuple[tuple[Patterns, Scheme | None], ...] = ()
    checkpoint: bool = True
    head: bool = False
    kv_cache: str | None = None
    unknown_cache: str | None = None
    problem: str | None = None

    def scheme(
        self, names: Iterable[str], layer: int | None, *, routed: bool = False
    ) -> Scheme | None:
        """Return how the weights of a module are stored; None for as they are.

        Args:
            names: what the module goes by.
            layer: the number of its layer.
            routed: whether it is routed experts.
        """
        names = tuple(names)
        if self.kept.match(names, layer):
            return None
        for patterns, scheme in self.special:
            if patterns.match(names, layer):
                return scheme
        return self.experts if routed else self.dense
