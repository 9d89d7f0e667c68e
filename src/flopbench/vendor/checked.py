"""What vendor plugins answer, checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from flopbench.boundary import require_type
from flopbench.dims import as_dim
from flopbench.errors import CountError, DimError, PluginError
from flopbench.vendor.model import VendorCall, VendorModel, VendorStage


def vendor_stage(vendor: VendorModel, name: str, workload: Any) -> VendorStage:
    """Return the calls of a vendor's stage; each is checked to be one when it is made.

    Raises:
        CountError: it is no stage.
    """
    what = f"vendor model {vendor.name!r}"
    stage = vendor.stage(name, workload)
    _require(stage, VendorStage, f"{what}: stage")
    try:
        as_dim(stage.steps)
    except DimError as error:
        raise CountError(f"{what}: the steps of stage {name!r}: {error}") from error
    if not isinstance(stage.assumptions, tuple | list):
        raise CountError(
            f"{what}: the assumptions of stage {name!r} are {stage.assumptions!r}, which is no "
            "tuple"
        )

    def prepare(step: Any) -> VendorCall:
        call = stage.prepare(step)
        _require(call, VendorCall, f"{what}: the prepare of stage {name!r}")
        return call

    return attrs.evolve(stage, prepare=prepare)


def component_of(vendor: VendorModel) -> Callable[[str], str]:
    """Return the vendor's function from modules to components, its answers checked.

    It raises `CountError` if the vendor's does not return text.
    """

    def component(module: str) -> str:
        found = vendor.component(module)
        _require(found, str, f"vendor model {vendor.name!r}: component of {module!r}")
        return found

    return component


def _require(value: Any, wanted: Any, what: str) -> None:
    try:
        require_type(value, wanted, what)
    except PluginError as error:
        raise CountError(str(error)) from error
