"""What a certificate tells of the law of a call: how it was traced, and which ops were counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flopbench.laws.law import Law


def traced(law: Law) -> dict[str, Any]:
    """Return how a law was found, and where it has other forms."""
    return {
        "method": str(law.method),
        "exceptions": [dict(piece.sizes) for piece in law.slices],
        "assumptions": list(law.assumptions),
    }


def counted(law: Law, sizes: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    """Yield each op that was counted, by component: its closed form, and its FLOPs at sizes."""
    for (component, op), flops in law.at(sizes).items():
        yield {
            "component": component,
            "op": op,
            "modules": law.modules.get((component, op)),
            "flops": str(law.forms.get((component, op), flops)),
            "flops_at_workload": int(flops),
        }


def uncounted(law: Law) -> list[dict[str, Any]]:
    """Return the ops that do matrix work and have no formula."""
    return [{"component": o.component, "op": o.op, "calls": o.calls} for o in law.uncounted]
