"""Commands as processes that need not import torch and transformers: forks of one that has them.

Importing the two takes some seconds of CPU, which is most of what a small run takes. A fork has
the libraries at once, and nothing that another run left: it imports flopbench and its plugins
itself. What is about the start or the end of the interpreter needs a process of its own.
"""

import atexit
import gc
import json
import os
import runpy
import subprocess
import sys
import tempfile
import traceback
import warnings
from pathlib import Path

LIBRARIES = (
    *("attrs", "cattrs", "numpy", "omegaconf", "pluggy", "sympy", "typer", "yaml"),
    *("torch", "torch.utils.flop_counter", "torch.fx.experimental.symbolic_shapes", "torch.export"),
    *("transformers.models.auto.modeling_auto", "transformers.modeling_utils"),
    *("transformers.generation", "transformers.models.llama.modeling_llama"),
)
"""What a fork has at once."""

SETTINGS = ("PYTHON", "LC_", "LANG", "HF_", "TRANSFORMERS_", "TORCH", "OMP_", "MKL_")
"""How variables begin that an interpreter or a library reads as it starts."""


class Warm:
    """Runs Python programs; the first starts the process that forks."""

    def __init__(self):
        self._process = self._settings = None

    def __call__(self, command, *, cwd=None, env=None, check=False, **_text):
        """Run a command as `subprocess.run` does, as text, and capture its output.

        A command that is no module or file of this Python, and one with other settings of the
        interpreter, get a process of their own.
        """
        cwd, env = str(cwd or Path.cwd()), dict(os.environ if env is None else env)
        program, *arguments = map(str, command)
        if program == sys.executable and arguments[0] != "-c" and self._has(env):
            done = self._forked(arguments, cwd, env)
        else:
            done = subprocess.run(
                command, cwd=cwd, env=env, capture_output=True, text=True, check=False
            )
        if check:
            done.check_returncode()
        return done

    def close(self):
        """End the process that forks."""
        if self._process:
            self._process.communicate()

    def _has(self, env):
        """Return whether a fork has the settings that a program is to start with."""
        if self._process is None:
            self._settings = _settings(os.environ)
            self._process = subprocess.Popen(
                [sys.executable, __file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        return _settings(env) == self._settings

    def _forked(self, arguments, cwd, env):
        with tempfile.TemporaryDirectory() as folder:
            streams = [str(Path(folder) / name) for name in ("out", "err")]
            job = {"arguments": arguments, "cwd": cwd, "env": env, "streams": streams}
            self._process.stdin.write(json.dumps(job) + "\n")
            self._process.stdin.flush()
            code = int(self._process.stdout.readline())
            out, err = (Path(stream).read_text(encoding="utf-8") for stream in streams)
        return subprocess.CompletedProcess([sys.executable, *arguments], code, out, err)


def _settings(env):
    return {name: value for name, value in env.items() if name.startswith(SETTINGS)}


def _next_job():
    """Fork for each line of the input; return what it says, in a fork alone."""
    for line in sys.stdin:
        child = os.fork()
        if not child:
            return json.loads(line)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()
    sys.exit()


def _become(job):
    """Take the folder, the environment and the streams of a job."""
    os.chdir(job["cwd"])
    os.environ.clear()
    os.environ.update(job["env"])
    for number, path in enumerate((os.devnull, *job["streams"])):
        opened = os.open(path, os.O_RDWR | os.O_CREAT)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115


def _run(first, *others):
    """Run a file or, after ``-m``, a module as Python does, and return its exit status."""
    if first == "-W":
        warnings.simplefilter(others[0])
        return _run(*others[1:])
    try:
        if first == "-m":
            sys.argv, sys.path[0] = [*others], os.getcwd()  # noqa: PTH109 - a str
            runpy.run_module(others[0], run_name="__main__", alter_sys=True)
        else:
            sys.argv, sys.path[0] = [first, *others], str(Path(first).resolve().parent)
            runpy.run_path(first, run_name="__main__")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        sys.stderr.write(f"{end.code}\n")
        return 1
    except BaseException:  # noqa: BLE001 - told as the interpreter does
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    for library in LIBRARIES:
        __import__(library)
    gc.collect()
    gc.freeze()  # or a fork would copy what it looks at as it collects
    told = _next_job()
    _become(told)
    status = _run(*told["arguments"])
    # What the libraries hold is not tidied up: that takes a second.
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(status)
