"""The examples at the head of the abstract classes are whole plugins that work together."""

import inspect
import json
import re
import textwrap

import pytest

from flopbench import AnalyticModel, AttentionMode, Reporter, VendorCounter, VendorModel

CLASSES = (AnalyticModel, AttentionMode, Reporter, VendorCounter, VendorModel)


def example(cls):
    """Return the code that follows ``::`` in a class's docstring."""
    (block,) = re.findall(r"::\n\n((?:    .*\n|\n)+)", inspect.getdoc(cls) + "\n")
    return textwrap.dedent(block)


@pytest.mark.slow
def test_the_examples_of_all_abstract_classes_verify_each_other(flopbench, tmp_path):
    files = []
    for cls in CLASSES:
        path = tmp_path / f"example_{cls.__name__.lower()}.py"
        path.write_text(example(cls), encoding="utf-8")
        files += ["-p", path]
    run = [*files, "run", "layer", "--attention", "eager,scores_only", "--counters", "torch,hooks"]
    done = flopbench(*run, "--format", "json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    found = {(c["counter"], c["verdict"], c["difference"]) for c in report["comparisons"]}
    assert {("torch", "exact", 0), ("hooks", "exact", 0)} <= found
    assert flopbench(*run, "--format", "verdicts").stdout.splitlines()[0] == "forward: exact"
