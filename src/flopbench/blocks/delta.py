"""Linear attention by a gated delta rule.

Sources: Gated DeltaNet, arXiv:2412.06464; Kimi Delta Attention, arXiv:2510.26692.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from attrs import frozen

from flopbench.blocks.linear import NormSpec, Projections
from flopbench.blocks.passes import Pass
from flopbench.blocks.recurrent import ShortConvolution
from flopbench.blocks.site import Site
from flopbench.dims import Dim
from flopbench.ops import ChannelDeltaRule, DeltaRule, Elementwise, Linear, Op


@frozen(kw_only=True)
class GatedDeltaNet:
    """out(norm(delta rule(convolution(in(x)))) * act(gate)).

    Attributes:
        heads, key_heads, key_dim, value_dim, doubled: as in `flopbench.ops.DeltaRule`.
        kernel: as in `ShortConvolution`.
        projections: the products that make queries, keys, values, gate, decay and rate, each named
            by the letters of what it makes: q, k, v, g, a and b.
        roles: what the weights of those products are called, if not by these letters.
        out_role: what those of the last product are called.
        rank: if not None, decay and gate are each made by two products, with so many elements
            between them, and there is a decay for each channel of the keys.
        gate: function of the gate.
    """

    component: ClassVar[str] = "recurrence"

    width: Dim
    heads: int
    key_heads: int
    key_dim: int
    value_dim: int
    kernel: Dim
    projections: tuple[str, ...]
    roles: tuple[str, ...] = ()
    out_role: str = "out"
    doubled: bool = False
    rank: Dim | None = None
    activation: str = "silu"
    gate: str = "silu"
    norm: NormSpec = NormSpec("rms_norm")

    @property
    def inner(self) -> int:
        """Width of the values of all heads."""
        return self.heads * self.value_dim

    @property
    def channels(self) -> int:
        """Channels of the convolution: queries, keys and values."""
        return 2 * self.key_heads * self.key_dim + self.inner

    def ops(self, site: Site, run: Pass) -> Iterator[Op]:
        """Yield the operations under ``in``, ``conv``, ``core``, ``norm`` and ``out``."""
        rows, values = run.tokens, run.tokens * self.inner
        made = self._made()
        yield from made.ops(site.at("in"), rows)
        yield from self._low_rank(site.at("in"), rows)
        by_letter = {
            letter: value
            for letters, value in zip(self.projections, made.values, strict=True)
            for letter in letters
        } | ({"a": "f_b", "g": "g_b"} if self.rank else {})
        gate_alive = site.with_alive(values)
        convolution = ShortConvolution(
            channels=self.channels, kernel=self.kernel, activation=self.activation
        )
        place = gate_alive.with_alive(2 * rows * self.heads).at("conv")
        joined = tuple(dict.fromkeys(by_letter[letter] for letter in "qkv"))
        # Side by side, they are one value.
        yield place.op(Elementwise, function="add", outputs=0, takes=joined, gives="mixed")
        yield from convolution.ops(place.between("mixed", "mixed"), run)
        for part in run.parts:
            yield self._core(gate_alive.at("core"), part, by_letter["a"], by_letter["b"])
        yield from self._gated(site.at("norm"), rows, by_letter["g"])
        yield (
            site.at("out")
            .between("core", site.gives)
            .op(
                Linear,
                role=self.out_role,
                rows=rows,
                in_features=self.inner,
                out_features=self.width,
            )
        )

    def _made(self) -> Projections:
        keys = self.key_heads * self.key_dim
        widths = {"q": keys, "k": keys, "v": self.inner, "g": self.inner}
        widths |= {"a": self.heads, "b": self.heads}
        made = tuple(sum(widths[letter] for letter in letters) for letters in self.projections)
        return Projections(self.width, made, roles=self.roles or self.projections)

    def _low_rank(self, site: Site, rows: Dim) -> Iterator[Op]:
        """Yield both products that make the decays, and both that make the gate, if they do."""
        if self.rank is None:
            return
        for name, width in (("f", self.heads * self.key_dim), ("g", self.inner)):
            first, second = f"{name}_a", f"{name}_b"
            sizes = {"rows": rows, "in_features": self.width, "out_features": self.rank}
            yield site.op(Linear, role=first, gives=first, **sizes)
            sizes = {"rows": rows, "in_features": self.rank, "out_features": width}
            yield site.op(Linear, role=second, takes=(first,), gives=second, **sizes)

    def _core(self, site: Site, run: Pass, decay: str, rate: str) -> DeltaRule:
        return site.op(
            DeltaRule if self.rank is None else ChannelDeltaRule,
            takes=("mixed", "mixed", "mixed", decay, rate),
            gives="core",
            batch=run.batch,
            tokens=run.queries,
            resumed=run.resumed,
            heads=self.heads,
            key_heads=self.key_heads,
            key_dim=self.key_dim,
            value_dim=self.value_dim,
            doubled=self.doubled,
        )

    def _gated(self, site: Site, rows: Dim, gate: str) -> Iterator[Op]:
        """Yield the norm of each head, and its product with the gate."""
        values, inside = rows * self.inner, site.between("core", "core")
        yield self.norm.op(inside.with_alive(values), rows * self.heads, self.value_dim)
        yield inside.op(
            Elementwise, function=self.gate, outputs=values, takes=(gate,), gives="open gate"
        )
        yield inside.op(
            Elementwise, function="multiply", outputs=values, takes=("core", "open gate")
        )
