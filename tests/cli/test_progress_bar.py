"""Progress: on a terminal only, and told stage by stage and step by step."""

import json
import os
import pty
import subprocess
import sys

from support.cli import read_all


def test_a_terminal_sees_stages_and_steps_and_stdout_stays_clean(tmp_path):
    terminal, stderr = pty.openpty()
    command = [sys.executable, "-m", "flopbench.cli", "run", "deepseek_ocr"]
    with (tmp_path / "stdout").open("w+") as stdout:
        process = subprocess.Popen(
            [*command, "workload.decode_steps=2", "--stages", "decode", "--format", "json"],
            stdout=stdout,
            stderr=stderr,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
        )
        os.close(stderr)
        shown = read_all(terminal)
        os.close(terminal)
        assert process.wait() == 0
        stdout.seek(0)
        printed = stdout.read()
    assert "counting decode (torch)" in shown
    assert "step 2" in shown
    assert json.loads(printed)["verdict"] == "verified"
