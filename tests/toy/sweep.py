"""Sweeps of the toy, run as a command."""

import json
import os
import subprocess
import sys

from toy import write_toy


def said(process, timeout_s=300):
    """Return what a command says on stderr to its end, but for progress: machines may be slow."""
    _, stderr = process.communicate(timeout=timeout_s)
    return "".join(line for line in stderr.splitlines(keepends=True) if ", last " not in line)


class ToySweep:
    """Runs ``flopbench sweep toy`` over 1 to ``points`` rows, in a folder of its own.

    While a file `hold` is there, its first count does not end.
    """

    def __init__(self, folder, points=12):
        self.folder = folder
        self.points = points
        self.log = folder / "log"
        self.hold = folder / "hold"
        self.change()

    def change(self, *changes):
        """Change the plugin, from what it is without changes."""
        write_toy(self.folder, *changes)

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
        stderr = said(process)
        return process.returncode, stderr

    def files(self, out):
        """Return all that a sweep left, by name."""
        return {p.name: p.read_bytes() for p in (self.folder / out).iterdir()}

    def report(self, out):
        return json.loads((self.folder / out / "sweep.json").read_text())

    def counted(self):
        """Return the rows that were counted, in order."""
        return [int(line) for line in self.log.read_text().split()] if self.log.exists() else []
