"""A toy plugin for sweeps: a model of one linear layer, and a counter that takes its time."""

import json
import os
import subprocess
import sys

PLUGIN = '''
import os
import time

from attrs import frozen

from flopbench import (
    AnalyticModel, Convention, Count, Counted, Linear, Stage, VendorCall, VendorCounter,
    VendorModel, VendorStage, hookimpl,
)


@frozen(kw_only=True)
class Inputs:
    rows: int = 1
    kind: str = "plain"


@frozen(kw_only=True)
class Options:
    pass


class Toy(AnalyticModel):
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


class Slow(VendorCounter):
    """Counts 2 x rows x 4 x 8, notes that it did, and takes its time."""

    name = "slow"
    convention = Convention("FLOP", frozenset({"linear"}))

    def count(self, call):
        rows = call.run()
        if str(rows) in os.environ.get("TOY_DIES", "").split(","):
            os._exit(1)
        if str(rows) in os.environ.get("TOY_LEAVES", "").split(","):
            raise SystemExit(0)
        with open(os.environ["TOY_LOG"], "a") as log:
            log.write(f"{rows}\\n")
        time.sleep(float(os.environ.get("TOY_SECONDS", "0")))
        while os.path.exists("hold"):
            time.sleep(0.01)
        if str(rows) in os.environ.get("TOY_FAILS", "").split(","):
            raise ValueError(f"{rows} rows are unlucky")
        wrong = 2 if str(rows) in os.environ.get("TOY_WRONG", "").split(",") else 0
        swapped = 2 if str(rows) in os.environ.get("TOY_SWAPS", "").split(",") else 0
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
'''


class ToySweep:
    """Runs ``flopbench sweep toy`` over 1 to ``points`` rows, in a folder of its own.

    While a file `hold` is there, its first count does not end.
    """

    def __init__(self, folder, points=12):
        self.folder = folder
        self.points = points
        self.log = folder / "log"
        self.hold = folder / "hold"
        (folder / "toy.py").write_text(PLUGIN)

    def start(self, out, *options, **environment):
        command = ["-m", "flopbench.cli", "sweep", "toy", "-p", "toy.py", "--counters", "slow"]
        vary = ("--vary", f"workload.rows=1:{self.points}", "--no-plots", "--out", out)
        return subprocess.Popen(
            [sys.executable, *command, *vary, *options],
            cwd=self.folder,
            env={**os.environ, "TOY_LOG": str(self.log), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, out, *options, **environment):
        """Run to the end; return the exit code and what it said on stderr."""
        process = self.start(out, *options, **environment)
        _, stderr = process.communicate(timeout=300)
        return process.returncode, stderr

    def files(self, out):
        """Return all that a sweep left, by name."""
        return {p.name: p.read_bytes() for p in (self.folder / out).iterdir()}

    def report(self, out):
        return json.loads((self.folder / out / "sweep.json").read_text())

    def counted(self):
        """Return the rows that were counted, in order."""
        return [int(line) for line in self.log.read_text().split()] if self.log.exists() else []
