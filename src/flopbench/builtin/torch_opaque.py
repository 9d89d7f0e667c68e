"""Ops that multiply matrices inside a kernel which no dispatch mode sees.

Torch takes most composite ops apart before a mode sees them, and each part is dispatched. The
kernels of these call a library instead: nothing of their work is dispatched. They are told when
they are called by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache, wraps
from typing import Any
from unittest.mock import patch

_OPAQUE = re.compile(
    r"(fbgemm_linear_(?!quantize)\w*weight|quantized_\w+_cell|\w*quantized_linear)\w*"
)


@cache
def opaque_ops() -> tuple[str, ...]:
    """Return the names of ATen's composite ops whose work is not dispatched."""
    import torch

    found: dict[str, None] = {}
    for full in torch._C._dispatch_get_all_op_names():  # noqa: SLF001 - no public way
        namespace, _, overload = full.partition("::")
        name = overload.partition(".")[0]
        if namespace == "aten" and _OPAQUE.fullmatch(name):
            key = "CompositeImplicitAutograd"
            if torch._C._dispatch_has_kernel_for_dispatch_key(full, key):  # noqa: SLF001
                found[name] = None
    return tuple(found)


@contextmanager
def telling(report: Callable[[str], None]) -> Iterator[None]:
    """Report each call of an opaque op, as ``aten.NAME``.

    ``torch.ops.aten.NAME`` and its overloads stay what they are, so that a call is also seen where
    one was looked up before; what they call is replaced.
    """
    import torch

    with ExitStack() as patches:
        for name in opaque_ops():
            packet = getattr(torch.ops.aten, name)
            overloads = (getattr(packet, overload) for overload in packet.overloads())
            places = [(place, name) for place in (torch, torch._VF)]  # noqa: SLF001
            for place, attribute in (*places, *((op, "_op") for op in (packet, *overloads))):
                if (called := getattr(place, attribute, None)) is not None:
                    told = _told(called, name, report)
                    patches.enter_context(patch.object(place, attribute, told))
        yield


def _told(called: Any, name: str, report: Callable[[str], None]) -> Any:
    @wraps(called)
    def call(*args: Any, **kwargs: Any) -> Any:
        report(f"aten.{name}")
        return called(*args, **kwargs)

    return call
