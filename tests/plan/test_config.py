"""The configuration: layers, and one sentence for each kind of mistake."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Literal

import attrs
import pytest
from attrs import frozen

from flopbench.conventions import Conventions
from flopbench.errors import UsageError
from flopbench.plan.config import DEFAULTS, RunOptions, load_config, shipped
from flopbench.plan.layers import merged

ROOT = Path(__file__).parents[2]


@frozen(kw_only=True)
class Grid:
    rows: int = attrs.field(validator=attrs.validators.ge(1))
    cols: int = attrs.field(validator=attrs.validators.ge(1))


@frozen(kw_only=True)
class Inputs:
    image: str | tuple[int, ...] | None = None
    mode: Literal["base", "gundam"] = "base"
    grid: Grid | None = None
    steps: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    ratio: float = 1.0
    flag: bool = False
    title: str = "x"


SCHEMA = {"workload": Inputs, "run": RunOptions, "conventions": Conventions}


def load(*overrides, **arguments):
    return load_config(SCHEMA, overrides=overrides, **arguments)


def test_later_layers_win(tmp_path):
    model, file = tmp_path / "model.yaml", tmp_path / "mine.yaml"
    model.write_text("workload: {steps: 2, mode: gundam, ratio: 2}")
    file.write_text("workload: {steps: 3, mode: base}")
    config = load("workload.steps=4", model_defaults=model, file=file)
    assert config.sections["workload"] == Inputs(steps=4, mode="base", ratio=2.0)
    config = load("workload.steps=4", file=file, options={"workload.steps": 5})
    assert config.sections["workload"].steps == 5


def test_values_are_typed_and_resolved():
    config = load(
        "workload.image=[1240,1754]",
        "workload.grid.rows=2",
        "workload.grid.cols=3",
        "conventions.softmax=3",
        "run.attention=[flash]",
    )
    assert config.sections["workload"] == Inputs(image=(1240, 1754), grid=Grid(rows=2, cols=3))
    assert config.sections["conventions"].softmax == 3
    assert config.sections["run"].attention == ("flash",)
    assert config.resolved["workload"]["grid"] == {"rows": 2, "cols": 3}
    assert config.resolved["conventions"]["rms_norm"] == 4


def test_numbers_and_flags_are_what_a_person_means(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("workload: {steps: 1Mi, ratio: 1_000, title: no, flag: yes}")
    assert load(file=file).sections["workload"] == Inputs(
        steps=1048576, ratio=1000.0, title="no", flag=True
    )
    for text in ("8k", "8Ki", "'8k'", "8192", "8_192", "0x2000"):
        found = load(f"workload.steps={text}").sections["workload"].steps
        assert (found, type(found)) == (8192, int)
    referring = load("workload.title=8k", "workload.steps=${workload.title}")
    assert referring.sections["workload"].steps == 8192
    assert referring.resolved["workload"]["title"] == "8k"


def test_text_may_look_like_anything():
    assert load("workload.image=page.png").sections["workload"].image == "page.png"
    for name in ("12", "010", "???", "a${b}.png", "#1.png", "null"):
        assert load(options={"workload.image": name}).sections["workload"].image == name
    referring = load("workload.steps=7", "workload.ratio=${workload.steps}")
    assert referring.sections["workload"].ratio == 7.0


MISTAKES = {
    "workload.stepz=1": "workload: unknown key 'stepz': did you mean 'steps'?",
    "wrkload.steps=1": "unknown configuration section 'wrkload': did you mean 'workload'?",
    "workload.grid={rows: 1, cols: 1, rosw: 2}": "workload.grid: unknown key 'rosw': "
    "did you mean 'rows'?",
    "workload.grid.rwos=2": "workload.grid: unknown key 'rwos': did you mean 'rows'?",
    "workload.grid.rows=2": "workload.grid.cols is missing",
    "workload.grid.rows=two": "workload.grid.rows must be an integer, got 'two'",
    "workload.steps=two": "workload.steps must be an integer, got 'two'",
    "workload.steps=1.5": "workload.steps must be an integer, got 1.5",
    "workload.steps=true": "workload.steps must be an integer, got True",
    "workload.steps=null": "workload.steps must be an integer, got None",
    "workload.steps=[1]": "workload.steps must be an integer, got [1]",
    "workload.steps=0": "workload.steps must be >= 1, got 0",
    "workload.steps=-3": "workload.steps must be >= 1, got -3",
    "workload.steps=010": "workload.steps must be an integer, got '010': write 10, or 8 if that",
    "workload.steps=1:30": "workload.steps must be an integer, got '1:30'",
    "workload.steps=2001-99-99": "workload.steps must be an integer, got '2001-99-99'",
    "workload.steps=1e3": "workload.steps must be an integer, got 1000.0",
    "workload.steps=???": "??? stands for a value that is missing",
    "workload.steps=yes": "workload.steps must be an integer, got 'yes'",
    "workload.steps=" + "9" * 5000: "at most 40 digits, got one of 5,000",
    "workload.steps=" + "9" * 40: "workload.steps must be an integer of at most 1,000,000,000,",
    "workload.steps=" + "[" * 2000: "nested too deeply",
    "workload.steps=" + "${" * 400: "a value refers to more than 20 others",
    "workload.steps=" + "${workload." * 400 + "}" * 400: "a value refers to more than 20",
    "workload.steps=!!int abc": "found what is not an integer",
    "workload.flag=1": "workload.flag must be true or false, got 1",
    "workload.title=3": "workload.title must be text, got 3",
    "workload.mode=bse": "workload.mode: unknown value 'bse': did you mean 'base'?",
    "workload.mode=3": "workload.mode must be 'base' or 'gundam', got 3",
    "workload.image=3": "workload.image must be text or a list of integers or null, got 3",
    "workload.image=[1,x]": "workload.image must be an integer, got 'x'",
    "conventions.softmax=-1": "conventions.softmax must be >= 0, got -1",
    "conventions.sofmax=1": "conventions: unknown key 'sofmax': did you mean 'softmax'?",
    "workload=3": "must name a key in the section, as workload.KEY=VALUE",
    "steps=3": "override 'steps=3' must name a section: workload.steps",
    "softmax=3": "override 'softmax=3' must name a section: conventions.softmax",
    "sofmax=3": "must name a section: did you mean conventions.softmax?",
    "zzz=3": "must name a section, as workload.KEY=VALUE or ",
    "workload.steps": "override 'workload.steps' must be KEY=VALUE",
    "=3": "override '=3' must be KEY=VALUE",
    "workload.image=[1,": "override 'workload.image=[1,' is not valid",
    "workload.title=${nowhere}": "cannot merge the configuration",
    "workload.title=???": "??? stands for a value that is missing",
    "workload.title=": "has no value: if that is intended, write null",
    "workload.image=#1.png": "has no value: if that is intended, write null",
}


def test_only_the_section_that_has_a_key_is_named():
    with pytest.raises(UsageError) as error:
        load("steps=3")
    assert str(error.value) == "override 'steps=3' must name a section: workload.steps"


@pytest.mark.parametrize("override", MISTAKES)
def test_a_mistake_is_one_sentence_with_the_full_key(override):
    with pytest.raises(UsageError) as error:
        load(override)
    assert MISTAKES[override] in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n- b", "must hold a mapping of sections"),
        ("a: [", "is not valid YAML"),
        ("workload: 0", "workload must be a mapping"),
        ("run: false", "run must be a mapping"),
        ("conventions: ''", "conventions must be a mapping"),
        ("workload: {1: base}", "workload: unknown key '1'"),
        ("workload: []", "cannot merge|workload must be a mapping"),
        ("a: 1\na: 2", "found duplicate key"),
        ("workload: {steps: x}", "workload.steps must be an integer"),
        ("\0", "is not valid YAML"),
        ("just words", "must hold a mapping of sections"),
        ("12", "must hold a mapping of sections"),
        ("workload: {steps: 010}", "workload.steps must be an integer, got '010': write 10, or 8"),
        ("workload: {steps: 1:30}", "workload.steps must be an integer, got '1:30'"),
        ("workload:\n  steps: ???", "is missing in line 2"),
        ("workload: {steps: !!timestamp 2001-99-99}", "is not valid YAML: could not determine"),
        ("workload: {steps: !!int abc}", "is not valid YAML: found what is not an integer"),
        ("workload: {steps: " + "9" * 400 + "}", "is not valid YAML: a number must be"),
        ("workload: " + "[" * 2000, "is not valid YAML: it is nested too deeply"),
        ("workload: {steps: '" + "${" * 400 + "'}", "a value refers to more than 20 others"),
    ],
)
def test_a_bad_file_is_named(tmp_path, text, message):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=message) as error:
        load(file=path)
    assert "\n" not in str(error.value)


def test_a_file_that_never_ends_is_named(tmp_path):
    for path in (Path("/dev/zero"), tmp_path / "fifo"):
        if not path.exists():
            os.mkfifo(path)
        with pytest.raises(UsageError, match=r"cannot read the configuration .*: it is not a regu"):
            load(file=path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"cannot read the configuration .*none\.yaml: No such"):
        load(file=tmp_path / "none.yaml")


def test_an_empty_file_changes_nothing(tmp_path):
    path = tmp_path / "empty.yaml"
    path.write_text("")
    assert load(file=path) == load()


@frozen(kw_only=True)
class NoOptions:
    pass


@frozen(kw_only=True)
class OwnMethod:
    method: str = "own"


def test_a_key_is_known_by_its_old_name_and_the_new_one_is_said(caplog):
    schema = {"run": RunOptions, "vendor": NoOptions}
    config = load_config(schema, overrides=["vendor.method=symbolic"])
    assert config.sections["run"].method == "symbolic"
    assert config.resolved["vendor"] == {}
    (record,) = caplog.records
    assert record.getMessage().startswith("vendor.method is now run.method")


def test_a_section_may_have_a_key_that_is_another_section_s_old_name(caplog):
    schema = {"run": RunOptions, "vendor": OwnMethod}
    config = load_config(schema, overrides=["vendor.method=mine"])
    assert config.sections["vendor"].method == "mine"
    assert config.sections["run"].method == "auto"
    assert not caplog.records


def test_a_new_name_on_the_command_line_wins_over_an_old_one_in_a_file(tmp_path):
    file = tmp_path / "old.yaml"
    file.write_text("vendor:\n  method: symbolic\nrun:\n")
    schema = {"run": RunOptions, "vendor": NoOptions}
    assert load_config(schema, file=file).sections["run"].method == "symbolic"
    config = load_config(schema, file=file, overrides=["run.method=concrete"])
    assert config.sections["run"].method == "concrete"


def test_an_option_may_set_a_key_of_a_section_that_a_file_leaves_empty(tmp_path):
    file = tmp_path / "empty.yaml"
    file.write_text("run:\n")
    config = load_config({"run": RunOptions}, file=file, options={"run.analytic_only": True})
    assert config.sections["run"].analytic_only


@pytest.mark.parametrize(
    "file",
    [DEFAULTS, *sorted(ROOT.glob("plugins/*/src/*/default.yaml"))],
    ids=lambda p: p.parent.name,
)
def test_defaults_that_ship_merge_alike_with_and_without_omegaconf(file):
    paths = [DEFAULTS, file]
    plain = shipped(paths)
    assert plain is not None
    assert plain == merged(paths, (), {})
    assert list(plain) == list(merged(paths, (), {}))


@pytest.mark.parametrize(
    "text", ["a: {b: ${c}}", "a: ???", "a: 1.5", "a: 010", "a: 1:30", "a: 1\na: 2", "[", "- a"]
)
def test_what_omegaconf_may_read_otherwise_is_left_to_it(tmp_path, text):
    (tmp_path / "default.yaml").write_text(text)
    found = shipped([DEFAULTS, tmp_path / "default.yaml"])
    assert found is None


def test_the_main_job_s_configuration_needs_no_omegaconf():
    code = (
        "import sys; from flopbench.plan.config import RunOptions, load_config; "
        "load_config({'run': RunOptions}); sys.exit('omegaconf' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
