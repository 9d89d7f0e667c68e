"""The command line. What is here comes before anything that takes time to load."""

from __future__ import annotations

import os
import signal
import sys


def main() -> None:
    """Run the command line, and end the process."""
    _open_streams()
    interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if interruptible:  # until all is loaded, an interruption ends the process without a traceback
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from flopbench.cli.app import start

    start(interruptible=interruptible)


def _open_streams() -> None:
    """Open standard streams that are closed, so that no other file gets their numbers."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
