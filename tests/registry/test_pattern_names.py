"""Names that end in * stand for all that begin so."""

import pytest

from flopbench.commands.list.text import list_catalog
from flopbench.errors import PluginError, UsageError
from flopbench.registry.catalog import build_catalog
from flopbench.registry.loading import load_plugins

MANY = """
from attrs import frozen

from flopbench import AnalyticModel, Stage, UsageError, hookimpl


@frozen
class Nothing:
    pass


class Many(AnalyticModel):
    name = "many/*"
    summary = "any of many"
    stages = (Stage("all", "All"),)
    options_type = inputs_type = Nothing

    @classmethod
    def from_options(cls, options):
        if cls.name == "many/none":
            raise UsageError("there is no 'none' of many")
        return cls()

    architecture = None

    def workload(self, inputs):
        return inputs

    def workload_facts(self, workload):
        return {}

    def ops(self, stage, workload):
        return ()


class Special(Many):
    name = "many/special/*"


class Breaks(Many):
    name = "breaks/*"

    @classmethod
    def for_name(cls, name):
        raise RuntimeError("out of luck")


@hookimpl
def flopbench_analytic_models():
    return [Many.for_name("many/one"), Many, Special, Breaks]
"""


@pytest.fixture
def models(tmp_path):
    (tmp_path / "many.py").write_text(MANY)
    catalog = build_catalog(load_plugins([str(tmp_path / "many.py")]))
    assert not [f for f in catalog.failures if f.source.origin == "-p"]
    return catalog.models


def test_the_class_of_a_name_knows_its_name(models):
    assert models.get("many/two").name == "many/two"
    assert models.get("many/two").__mro__[1] is models.get("many/*")
    assert models.get("many/two").__name__ == "Many"


def test_a_name_of_its_own_comes_first_and_then_the_longest(models):
    own = {name: cls for name, cls, _source in models}["many/one"]
    assert models.get("many/one") is own
    assert models.get("many/special/one").__name__ == "Special"


def test_no_pattern_no_model(models):
    assert models.find("mani/two") is None
    with pytest.raises(UsageError, match=r"did you mean 'many/\*'|did you mean 'many/one'"):
        models.get("man/one")


def test_a_class_that_fails_to_answer_is_named(models):
    with pytest.raises(PluginError, match=r"model 'breaks/\*': for_name\('breaks/x'\) failed"):
        models.get("breaks/x")


def test_list_says_stages_and_keys_of_many_once(flopbench, tmp_path):
    (tmp_path / "many.py").write_text(MANY)
    lines = flopbench("list", "-p", "many.py").stdout.splitlines()
    assert "  many/*: all" in lines
    assert "  many/one: all" not in lines
    assert any(line.split()[:1] == ["many/one"] for line in lines)


def test_the_command_line_takes_any_of_many(flopbench, tmp_path):
    (tmp_path / "many.py").write_text(MANY)
    assert flopbench("run", "many/two", "--analytic-only", "-p", "many.py").returncode == 0
    done = flopbench("run", "many/none", "--analytic-only", "-p", "many.py")
    assert (done.returncode, done.stderr) == (2, "flopbench: error: there is no 'none' of many\n")


def known(tmp_path, body):
    """Return the catalog's models and failures with a plugin whose pattern knows its names."""
    text = MANY.replace(
        "    architecture = None\n",
        f"    architecture = None\n\n    @classmethod\n    def known_names(cls):\n        {body}\n",
        1,
    ).replace('return [Many.for_name("many/one"), Many, Special, Breaks]', "return [Many]")
    (tmp_path / "knows.py").write_text(text)
    return build_catalog(load_plugins([str(tmp_path / "knows.py")]))


def test_known_names_are_listed_before_their_pattern_and_suggested(tmp_path):
    models = known(tmp_path, 'return ["many/alpha", "many/beta"]').models
    listed = [name for name, cls, _source in models.listed() if cls.name.startswith("many")]
    assert listed == ["many/alpha", "many/beta", "many/*"]
    assert {cls.name for _, cls, _ in models.listed()} >= {"many/alpha", "many/beta"}
    with pytest.raises(UsageError, match="did you mean 'many/alpha'"):
        models.get("mny/alpha")


def test_known_names_that_fail_are_named_and_hide_nothing_else(tmp_path):
    catalog = known(tmp_path, 'raise RuntimeError("no names today")')
    text = list_catalog(catalog)
    assert "model 'many/*': known_names failed: RuntimeError: no names today (" in text
    assert "many/*" in text
    assert "deepseek_ocr" in text
    with pytest.raises(UsageError, match="unknown model 'deepseek_ocrr': did you mean"):
        catalog.models.get("deepseek_ocrr")
