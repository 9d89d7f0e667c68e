"""What a plugin returns in place of what it should is one sentence, never a traceback."""

import pytest

PLUGIN = """
from flopbench import hookimpl
from flopbench.builtin.torch_counter import TorchCounter
from flopbench_deepseek_ocr.analytic import DeepseekOcr

class Nothing(DeepseekOcr):
    name = "nothing"

    @classmethod
    def from_options(cls, options):
        return None

class Leaves(DeepseekOcr):
    name = "leaves"

    def ops(self, stage, workload):
        raise SystemExit(0)

class Five(TorchCounter):
    name = "five"

    def provenance(self):
        return 5

@hookimpl
def flopbench_analytic_models():
    return [Nothing, Leaves]

@hookimpl
def flopbench_vendor_counters():
    return [Five]
"""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nothing", "--analytic-only"), "model 'nothing': from_options returned None"),
        (("leaves", "--analytic-only"), "of model 'leaves' with attention mode 'eager' failed"),
        (
            ("deepseek_ocr", "--stages", "decode", "--counters", "five"),
            "counter 'five': provenance failed",
        ),
    ],
)
def test_it_is_named(arguments, sentence, flopbench, tmp_path):
    plugin = tmp_path / "odd.py"
    plugin.write_text(PLUGIN)
    result = flopbench("run", *arguments, "-p", str(plugin))
    assert result.returncode == 2
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not result.stdout
