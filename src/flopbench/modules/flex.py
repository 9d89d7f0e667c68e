"""FlexAttention without its kernel: countable on ``meta``, forward and backward.

``torch.nn.attention.flex_attention`` refuses ``meta`` tensors, compiles itself, and calls a
higher-order op that FlopCounterMode has a formula for, and yet cannot run. Here it calls an op of
flopbench's own instead, which has the shapes of the results and their gradients.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from flopbench.modules.formulas.flex import flex_ops


@contextmanager
def flex_attention_on_meta() -> Iterator[None]:
    """Let ``flex_attention`` run without computing anything, wherever it was imported.

    Its matrix work is that of all pairs, as in torch's formula: neither a block mask nor a
    ``score_mod`` lessens it, and what these compute per score is not run. Compiled functions run
    as they were written, and a block mask may be on another device than the queries.
    """
    import torch
    from torch.nn.attention import flex_attention as flex

    forward = flex_ops()[0]
    devices: list[Any] = []

    def check_device(query: Any, _key: Any, _value: Any) -> None:
        devices[:] = [query.device]

    def attend(query: Any, key: Any, value: Any, *_args: Any, **_: Any) -> Any:
        return forward(query, key, value)

    def blocks(mask: Any) -> Any:
        # Torch compares the devices of queries and blocks, and no more is read of them.
        held = vars(mask)["kv_num_blocks"]
        return held.to(devices[0]) if devices else held

    def hold(mask: Any, value: Any) -> None:
        vars(mask)["kv_num_blocks"] = value

    with ExitStack() as patches:
        patches.enter_context(torch.compiler.set_stance("force_eager"))
        for name, stand_in in (
            ("_FLEX_ATTENTION_DISABLE_COMPILE_DEBUG", True),
            ("_validate_device", check_device),
            ("flex_attention_hop", attend),
        ):
            patches.enter_context(patch.object(flex, name, stand_in))
        held = property(blocks, hold)
        patches.enter_context(patch.object(flex.BlockMask, "kv_num_blocks", held, create=True))
        yield
