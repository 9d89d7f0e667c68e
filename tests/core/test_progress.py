"""Progress: on a terminal only, and told stage by stage and step by step."""

import os
import pty
import subprocess
import sys


def test_a_terminal_sees_stages_and_steps_and_stdout_stays_clean():
    terminal, stderr = pty.openpty()
    command = [sys.executable, "-m", "flopbench.cli", "run", "deepseek_ocr", "--stages", "decode"]
    done = subprocess.run(
        [*command, "workload.decode_steps=2"],
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        check=True,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
    )
    os.close(stderr)
    shown = os.read(terminal, 1_000_000).decode()
    os.close(terminal)
    assert "counting decode (torch)" in shown
    assert "step 2" in shown
    assert "counting" not in done.stdout
