"""What a guard says on stderr of a Llama whose MLP has become wider."""

import subprocess
import sys
import tempfile

RUN = (sys.executable, "-m", "flopbench.cli", "run", "hf/llama", "--analytic-only")
ONE = ("--stages", "prefill", "--attention", "eager")


def run(folder: str, *arguments: str) -> str:
    """Run one stage with more arguments; return what is on stderr."""
    command = [*RUN, *ONE, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    return done.stderr


with tempfile.TemporaryDirectory() as folder:
    run(folder, "--out", "flops")
    wider = "model.overrides.intermediate_size=12000"
    print(run(folder, "--baseline", "flops/report.json", wider), end="")
