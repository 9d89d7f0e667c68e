"""The matrices that a quantisation scheme packs."""

from __future__ import annotations

from attrs import frozen

from flopbench.dims import Dim


@frozen(eq=False)
class Matrix:
    """Equal weight matrices of an operation.

    Attributes:
        rows: output features.
        columns: input features.
        copies: how many there are: experts, say.
        joined: layers of a usual checkpoint that each matrix joins along its rows: 2 for the gate
            and the other half of a gated expert.
    """

    rows: Dim
    columns: Dim
    copies: Dim = 1
    joined: int = 1

    @property
    def elements(self) -> Dim:
        """Weights of all copies."""
        return self.copies * self.rows * self.columns
