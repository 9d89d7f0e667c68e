"""Checks of what the command line prints."""

import os


def one_sentence(result, *, code=2):
    """Check that a command failed with one sentence and nothing else."""
    assert result.returncode == code, result.stderr
    assert result.stdout == ""
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("flopbench: error: ")
    assert "Traceback" not in line
    return line.removeprefix("flopbench: error: ")


def read_all(terminal):
    """Read until the other side has closed the terminal."""
    data = b""
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # Linux says so with EIO
            return data.decode()
        if not chunk:
            return data.decode()
        data += chunk
