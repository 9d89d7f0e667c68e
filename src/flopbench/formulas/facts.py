"""The facts of a model that formulas of FLOPs take: read off its operations, never counted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from attrs import frozen

from flopbench.errors import UsageError

T = TypeVar("T")


class DoesNotApplyError(UsageError):
    """A formula has no number for a model; the message is a clause that says why."""


@frozen(kw_only=True)
class AttentionLayers:
    """Layers whose attention has the same sizes.

    Attributes:
        head_dim: width of a query or key head.
        value_dim: width of a value head.
        window: the most keys that a query sees; None if it sees all up to its own.
        separate: whether queries, keys and values are products of the layer's input, and of
            nothing else.
    """

    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    value_dim: int
    window: int | None = None
    separate: bool = True


@frozen(kw_only=True)
class Latent:
    """The sizes of latent attention.

    Attributes:
        query_rank: width of the queries' latent vector; None if they have none.
        kv_rank: width of the latent vector of keys and values.
        rope_dim: rotated elements of a head.
    """

    query_rank: int | None
    kv_rank: int
    rope_dim: int


@frozen(kw_only=True)
class MlpLayers:
    """Layers with a dense MLP of the same sizes."""

    layers: int
    inner: int
    gated: bool

    @property
    def matrices(self) -> int:
        """Matrices of one MLP."""
        return 3 if self.gated else 2


@frozen(kw_only=True)
class ExpertLayers:
    """Layers with routed experts of the same sizes.

    Attributes:
        per_token: experts that each token uses.
        inner: width of an expert.
        shared: width of what every token uses beside them, over all shared experts; 0 for none.
        shared_gated: whether the shared experts are gated, as ``gated`` says of the routed ones.
    """

    layers: int
    experts: int
    per_token: int
    inner: int
    gated: bool
    shared: int = 0
    shared_gated: bool = True

    @property
    def matrices(self) -> int:
        """Matrices of one expert, routed or shared.

        Raises:
            DoesNotApplyError: they differ.
        """
        if self.shared and self.shared_gated != self.gated:
            raise DoesNotApplyError("its routed and shared experts are gated alike")
        return 3 if self.gated else 2


@frozen(kw_only=True)
class Parameters:
    """Numbers of parameters, each counted once; what no gradient trains is in none.

    Attributes:
        layers: matrices of all layers, without those of routed experts.
        experts: matrices of all routed experts.
        active_experts: those of the experts that a token uses.
        expert_biases: biases of all routed experts.
        active_expert_biases: those of the experts that a token uses.
        head: the LM head's matrix, which is also the token embedding if the two are tied.
        tokens: the token embedding if it has weights of its own, else 0.
        positions: learned positions.
        norms: norms outside of attention.
        attention_norms: norms of queries, keys or latent vectors.
        biases: of everything but routed experts.
        sinks: learned scores of attention.
        other: everything else.
    """

    layers: int = 0
    experts: int = 0
    active_experts: int = 0
    expert_biases: int = 0
    active_expert_biases: int = 0
    head: int = 0
    tokens: int = 0
    positions: int = 0
    norms: int = 0
    attention_norms: int = 0
    biases: int = 0
    sinks: int = 0
    other: int = 0

    @property
    def small(self) -> int:
        """Parameters that a token uses, outside of all matrices and of the token embedding."""
        norms, biases = self.norms + self.attention_norms, self.biases + self.active_expert_biases
        return self.positions + norms + biases + self.sinks + self.other

    @property
    def inactive(self) -> int:
        """Parameters of the experts that a token does not use."""
        biases = self.expert_biases - self.active_expert_biases
        return self.experts - self.active_experts + biases

    @property
    def all(self) -> int:
        """All parameters."""
        return self.active + self.inactive

    @property
    def active(self) -> int:
        """The parameters that a token uses, or looks one row of up."""
        matrices = self.layers + self.active_experts + self.head
        return matrices + self.tokens + self.small


@frozen(kw_only=True)
class Facts:
    """What formulas may know of a model and a step.

    Attributes:
        batch: sequences.
        sequence: tokens of each, or in decoding, tokens before the first step.
        steps: decode steps; 1 for everything else.
        logits: positions that the LM head runs on, over all sequences.
        tied: whether the LM head shares the token embedding's weights.
        latent: sizes of latent attention, if there is any.
    """

    model: str
    batch: int
    sequence: int
    steps: int
    logits: int
    width: int
    vocabulary: int
    tied: bool
    attention: tuple[AttentionLayers, ...]
    mlps: tuple[MlpLayers, ...]
    moes: tuple[ExpertLayers, ...]
    latent: Latent | None
    parameters: Parameters
    decoding: bool = False

    @property
    def tokens(self) -> int:
        """Tokens that pass through the layers."""
        return self.batch * (self.steps if self.decoding else self.sequence)

    @property
    def layers(self) -> int:
        """Layers with attention."""
        return sum(group.layers for group in self.attention)

    @property
    def heads(self) -> int:
        """Query heads of each layer."""
        return self._same("heads", (group.heads for group in self.attention))

    @property
    def kv_heads(self) -> int:
        """Key and value heads of each layer."""
        return self._same("key heads", (group.kv_heads for group in self.attention))

    @property
    def head_dim(self) -> int:
        """Width of a query or key head."""
        return self._same("widths of heads", (group.head_dim for group in self.attention))

    @property
    def value_dim(self) -> int:
        """Width of a value head."""
        return self._same("widths of values", (group.value_dim for group in self.attention))

    @property
    def window(self) -> int | None:
        """The most keys that a query sees in layers with a window; None if no layer has one."""
        windows = [group.window for group in self.attention if group.window is not None]
        return self._same("windows", windows) if windows else None

    @property
    def windowed_layers(self) -> int:
        """Layers with a window."""
        return sum(group.layers for group in self.attention if group.window is not None)

    @property
    def dense(self) -> MlpLayers | None:
        """The layers with a dense MLP; None if there are none."""
        return self._only("dense MLPs", self.mlps)

    @property
    def moe(self) -> ExpertLayers | None:
        """The layers with routed experts; None if there are none."""
        return self._only("experts", self.moes)

    def require_separate(self) -> None:
        """Refuse a model whose queries, keys and values are not plain products of one input.

        Raises:
            DoesNotApplyError: it is one.
        """
        if not all(group.separate for group in self.attention):
            what = "latent attention" if self.latent else "projections of another kind"
            raise DoesNotApplyError(f"it has no {what}")

    def require_dense(self) -> None:
        """Refuse a model with routed experts.

        Raises:
            DoesNotApplyError: it is one.
        """
        if self.moes:
            raise DoesNotApplyError("it has no routed experts")

    def require_known(self) -> None:
        """Refuse a model with matrices that are neither attention nor MLP nor experts.

        Raises:
            DoesNotApplyError: it is one.
        """
        known = sum(group.layers for group in self.mlps) + sum(group.layers for group in self.moes)
        if not self.attention or known != self.layers:
            raise DoesNotApplyError("it has only layers of attention and an MLP or experts")

    def _same(self, what: str, values: Iterable[int]) -> int:
        found = sorted(set(values))
        if not found:
            raise DoesNotApplyError("it needs attention")
        if len(found) > 1:
            shown = ", ".join(map(str, found))
            raise DoesNotApplyError(f"it knows one number of {what} for all layers, not {shown}")
        return found[0]

    def _only(self, what: str, groups: tuple[T, ...]) -> T | None:
        if len(groups) > 1:
            raise DoesNotApplyError(f"it knows layers with one kind of {what}, not {len(groups)}")
        return groups[0] if groups else None
