"""Functions that tests run in other processes."""

import os
import signal
import time
from pathlib import Path

from flopbench.errors import UsageError


def square(number):
    return number * number


def square_slowly(number, seconds):
    time.sleep(seconds)
    return number * number


def divide(one, other):
    return one // other


def pid(*_):
    return os.getpid()


def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def square_and_log(log, number, seconds=0.0):
    """Write the number to a file, and return its square."""
    with Path(log).open("a") as stream:
        stream.write(f"{number}\n")
    time.sleep(seconds)
    return number * number


def here():
    return str(Path.cwd())


def usage_error(path):
    try:
        Path(path).read_text()
    except OSError as error:
        raise UsageError("cannot read it") from error
