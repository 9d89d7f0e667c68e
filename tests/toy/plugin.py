"""The toy as a plugin: what it counts, and how long that takes, is set in the environment."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Literal

from attrs import frozen

from flopbench import (
    AnalyticModel,
    Convention,
    Count,
    Counted,
    Linear,
    Stage,
    VendorCall,
    VendorCounter,
    VendorModel,
    VendorStage,
    hookimpl,
)


@frozen(kw_only=True)
class Inputs:
    rows: int = 1
    kind: Literal["plain", "other", "unbuildable"] = "plain"


@frozen(kw_only=True)
class Options:
    """Nothing can be set."""


class Toy(AnalyticModel):
    """One linear layer from 4 to 8: 64 FLOPs per row."""

    name = "toy"
    stages = (Stage("prefill", "Prefill"),)
    options_type = Options
    inputs_type = Inputs
    architecture = "toy"
    first_token = ("prefill",)

    @classmethod
    def from_options(cls, options):
        return cls()

    def workload(self, inputs):
        return inputs

    def workload_facts(self, workload):
        return {"rows": workload.rows}

    def ops(self, stage, workload):
        if os.environ.get("TOY_BRANCHES") and workload.rows > 2:
            return
        yield Linear(component="layer", rows=workload.rows, in_features=4, out_features=8)


class ToyVendor(VendorModel):
    """Its calls return the rows, for a counter that knows what to make of them."""

    name = "toy"
    options_type = Options

    @classmethod
    def from_options(cls, architecture, options):
        return cls()

    def stage(self, name, workload):
        if workload.kind == "unbuildable":
            raise RuntimeError("no such layer")
        return VendorStage(lambda step: VendorCall(None, lambda: workload.rows))

    def component(self, module):
        return module


def is_among(rows, variable):
    """Whether a variable of the environment lists these rows."""
    return str(rows) in os.environ.get(variable, "").split(",")


class Slow(VendorCounter):
    """Counts 2 x rows x 4 x 8, notes that it did, and takes its time."""

    name = "slow"
    convention = Convention("FLOP", frozenset({"linear"}))

    def count(self, call):
        rows = call.run()
        if is_among(rows, "TOY_DIES"):
            os._exit(1)
        if is_among(rows, "TOY_LEAVES"):
            raise SystemExit(0)
        with Path(os.environ["TOY_LOG"]).open("a") as log:
            log.write(f"{rows}\n")
        time.sleep(float(os.environ.get("TOY_SECONDS", "0")))
        while Path("hold").exists():
            time.sleep(0.01)
        if is_among(rows, "TOY_FAILS"):
            raise ValueError(f"{rows} rows are unlucky")
        wrong = 2 if is_among(rows, "TOY_WRONG") else 0
        swapped = 2 if is_among(rows, "TOY_SWAPS") else 0
        other = (Counted("other", "mm", swapped),) if swapped else ()
        return Count((Counted("layer", "mm", 64 * rows + wrong - swapped), *other))


@hookimpl
def flopbench_analytic_models():
    return [Toy]


@hookimpl
def flopbench_vendor_models():
    return [ToyVendor]


@hookimpl
def flopbench_vendor_counters():
    return [Slow]
