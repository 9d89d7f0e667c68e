"""``flopbench list``: everything in short, and what kinds and names match in full."""

import pytest
from typer.main import get_command

from flopbench.cli.app import make_app
from flopbench.commands.list.text import KINDS, list_catalog
from flopbench.errors import UsageError
from flopbench.registry.catalog import build_catalog
from flopbench.registry.loading import load_plugins
from toy import write_toy


@pytest.fixture(scope="module")
def catalog():
    return build_catalog(load_plugins([]))


def names_in(text, title):
    """Return the first word of each line of a section."""
    lines = text.partition(f"{title}:\n")[2].partition("\n\n")[0].splitlines()
    return [line.split()[0] for line in lines]


def test_everything_fits_on_three_screens_of_45_lines_and_names_each(catalog):
    text = list_catalog(catalog)
    assert len(text.splitlines()) <= 135
    words = text.replace(",", " ").split()
    for shelf in (
        catalog.models, catalog.attention_modes, catalog.vendor_models, catalog.counters,
        catalog.reporters,
    ):  # fmt: skip
        assert {name for name, _, _ in shelf.listed()} <= set(words)
    assert {"workload.decode_steps=100", "vendor.decode=sampled", "run.method=auto"} <= set(words)
    # The names of a family are wrapped; only descriptions of strategies may be longer.
    long = [line for line in text.splitlines() if len(line) > 100]
    assert all(line.endswith("]") for line in long)
    assert all(kind in text for kind in KINDS)


def test_a_pattern_lists_what_it_matches_in_full(catalog):
    text = list_catalog(catalog, ["models", "hf/qwen*"])
    known = [name for name, _, _ in catalog.models.listed()]
    assert names_in(text, "Models") == [name for name in known if name.startswith("hf/qwen")]
    assert len(names_in(text, "Models")) >= 4
    assert "Qwen3 (arXiv:2505.09388): closed forms and vendor" in text
    assert "Vendor models:" not in text
    assert "Keys:" not in text


def test_a_model_is_listed_with_its_stages_sweeps_and_keys_and_no_other(catalog):
    text = list_catalog(catalog, ["deepseek_ocr"])
    assert names_in(text, "Models") == names_in(text, "Vendor models") == ["deepseek_ocr"]
    assert set(names_in(text, "Stages")) == {"deepseek_ocr:", "every"}
    assert "  deepseek_ocr: decode = decode: Decoding over grids of tiles" in text.splitlines()
    keys = text.partition("Keys:\n")[2].splitlines()
    assert "  deepseek_ocr: vendor.remote_code=False" in keys
    assert "  every model: run.method=auto" in keys
    assert "  every model: dtypes.kv_cache=None" in keys
    assert "  every model: hardware.gpu=None" in keys
    assert "hf/" not in text


def test_a_name_that_only_a_wildcard_answers_for_lists_the_wildcard(catalog):
    text = list_catalog(catalog, ["hf/ctrl"])
    assert names_in(text, "Models") == names_in(text, "Vendor models") == ["hf/*"]
    assert "  hf/*: workload.context_tokens=512" in text.splitlines()


def test_a_part_of_a_name_will_do_unless_the_name_is_whole(catalog):
    assert names_in(list_catalog(catalog, ["flash"]), "Attention modes") == ["flash"]
    found = names_in(list_catalog(catalog, ["flas"]), "Attention modes")
    assert found == ["flash", "flash_torch", "flash3", "flash_executed"]
    text = list_catalog(catalog, ["torch"])
    assert names_in(text, "Vendor counters") == ["torch"]
    assert "Attention modes" not in text


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_alone_lists_all_of_it(catalog, kind):
    text = list_catalog(catalog, [kind])
    titles = [line for line in text.splitlines() if line.endswith(":") and line[0] != " "]
    assert len(titles) == 1
    assert len(text.splitlines()) > 4


def test_the_help_names_every_kind():
    words = get_command(make_app(("list",))).commands["list"].params[0].help
    kinds = words.removeprefix("Kinds: ").partition(". Or names")[0]
    assert set(kinds.split(", ")) == set(KINDS)


def test_kinds_and_names_may_be_several(catalog):
    text = list_catalog(catalog, ["counters", "keys", "ncu", "deepseek_ocr2"])
    assert names_in(text, "Vendor counters") == ["ncu"]
    assert set(names_in(text, "Keys")) == {"deepseek_ocr2:", "every"}


def test_plugins_say_where_they_come_from_and_which_failed(flopbench, tmp_path):
    (tmp_path / "broken.py").write_text("import not_there")
    name = write_toy(tmp_path)
    text = flopbench("list", "plugins", "-p", name, "-p", "broken.py").stdout
    assert "  eager (builtin)" in text
    assert "  toy (-p)" in text
    assert "Failed plugins:\n  plugin 'broken' (-p) failed to import" in text


@pytest.mark.parametrize(
    ("word", "nearest"),
    [("model", "models"), ("deepseek_ocrr", "deepseek_ocr")],
)
def test_a_word_that_matches_nothing_names_the_nearest(catalog, word, nearest):
    with pytest.raises(UsageError, match=f"unknown kind or name to list '{word}': did you mean"):
        list_catalog(catalog, [word])
    with pytest.raises(UsageError, match=nearest):
        list_catalog(catalog, [word])
