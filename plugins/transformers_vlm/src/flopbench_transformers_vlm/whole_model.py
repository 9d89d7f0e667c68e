"""The real model whose images are read."""

from __future__ import annotations

from flopbench_transformers_lm.model_types import table_of
from flopbench_transformers_lm.vendor_model import RealModel


class WholeModel(RealModel):
    """A model that reads images; for some types, another class reads text alone."""

    @property
    def _table(self) -> str:
        return table_of(self.config.model_type, images=True)
