"""What a count did otherwise than a plain call would, a sentence each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from flopbench.modules.found import Found
from flopbench.modules.watched import Watched
from flopbench.text import first_of


def notes_of(watched: Watched, found: Found, method: str) -> tuple[str, ...]:
    """Return the notes of a count."""
    return tuple(_notes(watched, found.names, method))


def _notes(watched: Watched, modules: Any, method: str) -> Iterator[str]:
    if any(_has_fast_path(module) for module in modules):
        yield (
            "nn.TransformerEncoder ran without its fast path, which needs nested tensors and "
            "kernels that hide their work"
        )
    if watched.mutated:
        yield f"the call changes {first_of(watched.mutated)}, which was put back"
    yield from sorted(watched.asked)
    if any(op.startswith("flopbench.flex") for _, op, *_ in watched.flops):
        yield "FlexAttention was counted over all pairs: a block_mask does not lessen its work"
    if method == "run":
        yield "the call was really run: what it changes is changed"


def _has_fast_path(module: Any) -> bool:
    encoders = torch.nn.TransformerEncoder | torch.nn.TransformerEncoderLayer
    return isinstance(module, encoders) and not module.training
