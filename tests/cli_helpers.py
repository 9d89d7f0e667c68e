"""Checks of what the command line prints."""


def one_sentence(result, *, code=2):
    """Check that a command failed with one sentence and nothing else."""
    assert result.returncode == code, result.stderr
    assert result.stdout == ""
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("flopbench: error: ")
    assert "Traceback" not in line
    return line.removeprefix("flopbench: error: ")
