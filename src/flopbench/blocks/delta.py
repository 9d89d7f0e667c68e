"""Linear attention by the gated delta rule (Gated DeltaNet, arXiv:2412.06464)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from attrs import frozen

from flopbench.blocks.linear import NormSpec, Projections
from flopbench.blocks.passes import Pass
from flopbench.blocks.recurrent import ShortConvolution
from flopbench.blocks.site import Site
from flopbench.dims import Dim
from flopbench.ops import DeltaRule, Elementwise, Linear, Op


@frozen(kw_only=True)
class GatedDeltaNet:
    """out(norm(delta rule(convolution(in(x)))) * silu(gate)).

    Attributes:
        heads, key_heads, key_dim, value_dim, doubled: as in `flopbench.ops.DeltaRule`.
        kernel: as in `ShortConvolution`.
        projections: the products that make queries, keys, values, gate, decay and rate, each named
            by the letters of what it makes: q, k, v, g, a and b.
        roles: what the weights of those products are called, if not by these letters.
        out_role: what those of the last product are called.
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
    activation: str = "silu"
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
        by_letter = {
            letter: value
            for letters, value in zip(self.projections, made.values, strict=True)
            for letter in letters
        }
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

    def _core(self, site: Site, run: Pass, decay: str, rate: str) -> DeltaRule:
        return site.op(
            DeltaRule,
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
            Elementwise, function="silu", outputs=values, takes=(gate,), gives="open gate"
        )
        yield inside.op(
            Elementwise, function="multiply", outputs=values, takes=("core", "open gate")
        )
