"""Surveys of configs of the toy, run as a command: each file gives the rows of its layer."""

import json
import os
import subprocess
import sys

from toy import write_toy
from toy.sweep import ToySweep

_OPTIONS = """
@frozen(kw_only=True)
class FileOptions:
    config: str | None = None


class Toy("""

_WRITTEN = """    @classmethod
    def from_options(cls, options):
        return cls()

    def workload(self, inputs):
        return inputs
"""

_READ = """    defaults = Path(__file__).with_suffix(".yaml")

    @classmethod
    def for_file(cls, path):
        return "toy" if json.loads(path.read_text()).get("model_type") == "toy" else None

    @classmethod
    def from_options(cls, options):
        made = cls()
        made.rows = json.loads(Path(options.config).read_text())["rows"]
        return made

    def workload(self, inputs):
        return Inputs(rows=self.rows)
"""

FROM_FILE = (
    ("\nclass Toy(", _OPTIONS),
    (
        "    options_type = Options\n    inputs_type",
        "    options_type = FileOptions\n    inputs_type",
    ),
    (_WRITTEN, _READ),
    ("import os\n", "import json\nimport os\n"),
)
"""What makes the toy read its rows from a file, and count with its slow counter."""


class ToySurvey(ToySweep):
    """Runs ``flopbench survey configs`` over files with 1 to ``points`` rows, likewise."""

    def change(self, *changes):
        write_toy(self.folder, *FROM_FILE, *changes)
        (self.folder / "toy.yaml").write_text("run: {counters: [slow]}\n")
        configs = self.folder / "configs"
        configs.mkdir(exist_ok=True)
        for rows in range(1, self.points + 1):
            config = {"model_type": "toy", "rows": rows}
            (configs / f"{rows:02}.json").write_text(json.dumps(config))

    def start(self, out, *options, **environment):
        command = ["-m", "flopbench.cli", "survey", "configs", "-p", "toy.py", "--check", "run"]
        return subprocess.Popen(
            [sys.executable, *command, "--no-seconds", "--out", out, *options],
            cwd=self.folder,
            env={**os.environ, "TOY_LOG": str(self.log), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, out, *options, **environment):
        code, stderr = super().run(out, *options, **environment)
        kept = (line for line in stderr.splitlines(keepends=True) if " rows done, " not in line)
        return code, "".join(kept)

    def report(self, out):
        return json.loads((self.folder / out / "survey.json").read_text())
