"""What a warm process runs is what a process of its own runs."""

import os
import subprocess
import sys

import pytest

PROGRAMS = {
    "it prints": "import sys; print('café', *sys.argv[1:]); print('told', file=sys.stderr)",
    "it fails": "def f():\n    raise ValueError('no')\nf()",
    "it exits": "raise SystemExit(3)",
    "it says why it exits": "raise SystemExit('why')",
    "where it is": "import os, sys; print(os.getcwd(), sys.path[0], __name__, sys.argv[0])",
    "what it is told": "import os; print(os.environ['TOLD'], os.environ.get('HOME'))",
    "how it ends": "import atexit; atexit.register(print, 'the end')",
    "no input": "import sys; print(repr(sys.stdin.read()))",
    "what it warns of": "import warnings; warnings.warn('careful')",
}


@pytest.mark.parametrize("source", PROGRAMS.values(), ids=PROGRAMS)
@pytest.mark.parametrize("how", [[], ["-m"], ["-W", "ignore"]], ids=str)
def test_a_program_does_what_it_does_alone(how, source, warm, tmp_path):
    (tmp_path / "program.py").write_text(source)
    file = tmp_path / "program.py"
    command = [sys.executable, *how, "program" if "-m" in how else str(file), "a", "b c"]
    where = {"cwd": tmp_path, "env": {**os.environ, "TOLD": "once"}}
    alone = subprocess.run(
        command, **where, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    found = warm(command, **where)
    assert found.returncode == alone.returncode
    assert found.stdout == alone.stdout
    assert found.stderr.splitlines()[-1:] == alone.stderr.splitlines()[-1:]


def test_nothing_is_left_for_the_next_program(warm, tmp_path):
    (tmp_path / "first.py").write_text("import sys, os, json; json.left = os.environ['LEFT'] = '1'")
    (tmp_path / "second.py").write_text(
        "import sys, os, json; print(hasattr(json, 'left'), 'LEFT' in os.environ, os.getcwd())"
    )
    for name in ("first.py", "second.py"):
        done = warm([sys.executable, name], cwd=tmp_path, check=True)
    assert done.stdout == f"False False {tmp_path}\n"


def test_libraries_are_there_and_flopbench_is_not(warm, tmp_path):
    (tmp_path / "program.py").write_text(
        "import sys; print(*(name in sys.modules for name in ('torch', 'flopbench')))"
    )
    assert warm([sys.executable, "program.py"], cwd=tmp_path).stdout == "True False\n"


def test_other_settings_of_the_interpreter_get_a_process_of_their_own(warm, tmp_path):
    (tmp_path / "program.py").write_text("import sys; print('torch' in sys.modules)")
    env = {**os.environ, "PYTHONHASHSEED": "7"}
    assert warm([sys.executable, "program.py"], cwd=tmp_path, env=env).stdout == "False\n"


def test_a_command_that_must_succeed(warm, tmp_path):
    (tmp_path / "program.py").write_text("raise SystemExit(3)")
    with pytest.raises(subprocess.CalledProcessError, match="status 3"):
        warm([sys.executable, "program.py"], cwd=tmp_path, check=True)
