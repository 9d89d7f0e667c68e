"""A survey as tables, text and files: the same columns in each row, each number exact."""

import csv
import io
import json
import re

import pytest

from flopbench import UsageError
from flopbench.commands.survey.columns import files
from flopbench.commands.survey.result import Survey
from flopbench.commands.survey.row import blank
from flopbench.commands.survey.text import FORMATS, console, markdown

FLOPS = 10**25 + 1


def stage(name, **values):
    return dict.fromkeys(("law", "flops", "flops_per_token", "bound_ms")) | {
        "stage": name,
        **values,
    }


@pytest.fixture
def survey():
    refused = blank("models/odd\n\x1b[2J.json") | {"verdict": "refused", "reason": "no | type"}
    prefill = stage("prefill", law="2*B*S", flops=FLOPS, flops_per_token=2.0, bound_ms=1.25)
    proved = blank("models/fine/config.json") | {
        "model": "hf/llama",
        "model_type": "llama",
        "verdict": "proved",
        "parameters": 8_030_261_248,
        "workload": {"batch_size": 1, "context_tokens": 2, "decode_steps": 3},
        "stages": [prefill, stage("decode")],
        "deployment": {
            "gpu": "h200",
            "attention": "flash",
            "fits": True,
            "needed_bytes": 5,
            "tokens_per_s": 1234.5,
        },
        "notes": ["one", "two"],
    }
    rows = tuple({**row, "seconds": 1.5} for row in (refused, proved))
    return Survey(configs=rows, check="prove", gpu="h200", skipped=1, notes=("a folder",))


def test_every_row_has_every_column_and_integers_are_exact(survey):
    first, second = survey.rows()
    assert list(first) == list(second)
    assert second["prefill_flops"] == FLOPS
    assert (second["prefill_law"], second["decode_law"]) == ("2*B*S", None)
    assert (second["fits"], second["attention"], second["notes"]) == (True, "flash", "one; two")
    header, odd, fine = csv.reader(io.StringIO(survey.to_csv()))
    assert fine[header.index("prefill_flops")] == str(FLOPS)
    assert odd[header.index("prefill_flops")] == ""
    assert json.loads(survey.to_json())["configs"][1]["stages"][0]["flops"] == FLOPS


def test_parquet_holds_the_same_rows(survey, tmp_path):
    from pyarrow import parquet

    table = parquet.read_table(survey.save(tmp_path / "survey.parquet"))
    first, second = table.to_pylist()
    assert table.column_names == list(survey.rows()[0])
    assert (int(second["prefill_flops"]), second["fits"]) == (FLOPS, True)
    assert first["file"] == r"models/odd\u000a\u001b[2J.json".replace(r"\u000a", "\n")


def test_without_pyarrow_the_rest_is_written(survey, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    monkeypatch.setattr("flopbench.values.parquet.find_spec", lambda _name: None)
    made, lacking = files(survey)
    assert list(made) == ["survey.json", "survey.csv", "survey.md"]
    assert "survey.parquet is not written" in lacking
    with pytest.raises(UsageError, match="pyarrow"):
        survey.formats()[".parquet"]()


def test_seconds_can_be_left_out_of_all_forms(survey):
    other = survey.without_seconds()
    assert "seconds" not in "".join(show(other) for show in FORMATS.values())
    assert all("seconds" in show(survey) for show in FORMATS.values())


def test_the_console_shows_a_line_per_config_and_why_verdicts_are_no_better(survey):
    lines = console(survey).splitlines()
    header, odd, fine = (line.split() for line in lines[:3])
    assert header[:3] == ["config", "model", "parameters"]
    assert odd[0] == r"odd\n\u001b[2J.json"
    assert fine == [
        *("fine/config.json", "hf/llama", "8.03", "G", "-", "-", "-", "2", "FLOP", "-"),
        *("1.25", "ms", "1,234", "yes", "proved", "1.5"),
    ]
    assert lines[4] == r"odd\n\u001b[2J.json: refused: no | type"
    assert lines[6:] == [
        "2 configs: 1 proved and 1 refused; 1 other JSON file skipped; bounds on h200",
        "a folder",
    ]


HOSTILE = "a<script>x</script>*_`b`_[c](d)_|e"


def test_markdown_shows_names_of_files_types_and_messages_as_text():
    row = blank(f"{HOSTILE}.json") | {
        "model": f"hf/{HOSTILE}",
        "verdict": "refused",
        "reason": f"no {HOSTILE}",
        "notes": [HOSTILE],
        "seconds": 0.5,
        "stages": [stage("prefill", law="2*B*S")],
    }
    text = markdown(Survey(configs=(row,), check="prove", gpu=None, skipped=0, notes=(HOSTILE,)))
    shown = re.sub(r"\\.", "", text.replace("`2*B*S`", ""))
    assert not set("<>`[]*") & set(shown)
    for sign in "<*[":
        assert text.count(f"\\{sign}") >= 5
    assert text.count(r"\|") == 3
    assert HOSTILE in console(Survey(configs=(row,), check="prove", gpu=None, skipped=0, notes=()))


def test_markdown_adds_laws_and_remarks(survey):
    text = markdown(survey)
    assert "# Survey of 2 configs\n" in text
    assert "| fine/config.json | prefill | `2*B*S` |" in text
    assert "- fine/config.json: two" in text
    assert survey.verdicts == {"proved": 1, "refused": 1}
    assert survey.failed == []
