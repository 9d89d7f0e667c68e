"""``flopbench referee``: its tables, its reasons, its files, and what it refuses."""

import json

import pytest

import flopbench as fb
from flopbench.cli.app import make_app
from flopbench.cli.common import Session
from flopbench.errors import FlopbenchError
from support.cli import one_sentence, plugin

TINY = "hidden_size: 32, num_attention_heads: 4, num_key_value_heads: 2, intermediate_size: 48"
LLAMA = (
    *("referee", "hf/llama", "workload.context_tokens=8"),
    f"model.overrides={{{TINY}, num_hidden_layers: 2, vocab_size: 64}}",
)
OCR = ("referee", "deepseek_ocr")

BAD = {
    "formula": ((*OCR, "--formulas", "palmm"), "unknown formula 'palmm': did you mean 'palm'?"),
    "no formula": ((*OCR, "--formulas", ","), "--formulas must name at least one"),
    "phase": ((*OCR, "--phases", "training"), "unknown phase 'training'"),
    "another phase": ((*OCR, "--formulas", "palm", "--phases", "decode"), "is of --phases decode"),
    "reference": ((*OCR, "--against", "true"), "unknown --against 'true': expected one of counted"),
    "executed": (
        (*OCR, "--phases", "prefill", "--against", "executed"),
        "--against executed is for --phases train alone",
    ),
    "waterfall": ((*OCR, "--waterfall", "palmm"), "unknown formula 'palmm'"),
    "another waterfall": (
        (*OCR, "--formulas", "palm", "--waterfall", "verl"),
        "--waterfall verl is not among the formulas shown",
    ),
    "a waterfall without a folder": (
        (*OCR, "--waterfall", "palm"),
        "--waterfall palm is a picture: add --out DIR to write it there",
    ),
    "a waterfall of nothing": (
        (*OCR, "--waterfall", "chinchilla", "--out", "out"),
        "chinchilla: the formula has no number of deepseek_ocr to draw: it does not apply: it has",
    ),
    "a rate of two phases": (
        (*OCR, "--phases", "train,prefill", "--tokens-per-second", "9", "--gpu", "h100"),
        "--tokens-per-second is the rate of one phase: give one of --phases train,prefill",
    ),
    "training": (
        (*OCR, "train.recompute=full"),
        "prices a whole training step with all weights trained: leave train.* out",
    ),
    "a run": ((*OCR, "run={attention: [eager]}"), "the referee runs no counter: leave run.* out"),
    "a convention": ((*OCR, "conventions.softmax=3"), "leave conventions.* out"),
    "no rate": ((*OCR, "--gpu", "h100"), "--gpu is for MFU, which needs --tokens-per-second"),
    "no rate for GPUs": ((*OCR, "--gpus", "8"), "--gpus is for MFU, which needs"),
    "no GPU": ((*OCR, "--tokens-per-second", "9"), "--tokens-per-second needs --gpu"),
    "unknown GPU": ((*OCR, "--tokens-per-second", "9", "--gpu", "h10"), "unknown GPU 'h10'"),
    "no GPUs": (
        (*OCR, "--tokens-per-second", "9", "--gpu", "h100", "--gpus", "0"),
        "--gpus must be a whole number of at least 1, got 0",
    ),
    "not a rate": (
        (*OCR, "--tokens-per-second", "nan", "--gpu", "h100"),
        "--tokens-per-second must be a number above 0 and up to 1,000,000,000,000,000, got nan",
    ),
    "a negative rate": ((*OCR, "--tokens-per-second=-1", "--gpu", "h100"), "got -1.0"),
    "a price": (
        (*OCR, "--tokens-per-second", "9", "--gpu", "h100", "hardware.price_per_hour=2"),
        "MFU needs hardware.gpu, and hardware.compute_dtype if it is not the model's",
    ),
    "a dtype without a peak": (
        (*OCR, "--tokens-per-second", "9", "--gpu", "a100", "hardware.compute_dtype=float8"),
        "has no peak for float8",
    ),
    "a packed batch": (
        ("referee", "hf/llama", "workload.requests=[{new: 4, count: 2}]"),
        "need a stage 'prefill', and this workload of hf/llama has only step",
    ),
    "no closed forms": (("referee", "hf/ctrl"), "model 'hf/ctrl'"),
    "format": ((*OCR, "--format", "xml"), "unknown format of findings 'xml'"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_sentence(name, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    args, message = BAD[name]
    with pytest.raises(FlopbenchError) as error:
        make_app(args[:1])(args=[*args], obj=Session(), standalone_mode=False)
    assert message in str(error.value)
    assert error.value.exit_code == 2
    assert capsys.readouterr().out == ""
    assert not [*tmp_path.iterdir()]


def test_how_a_file_says_to_train_is_refused(tmp_path):
    (tmp_path / "mine.yaml").write_text("run: {attention: [eager]}\ntrain: {recompute: full}\n")
    with pytest.raises(FlopbenchError, match=r"weights trained: leave train out of .*mine\.yaml"):
        fb.referee("deepseek_ocr", config=tmp_path / "mine.yaml", formulas="6nd")
    (tmp_path / "mine.yaml").write_text("run: {attention: [eager]}\n")
    assert fb.referee("deepseek_ocr", config=tmp_path / "mine.yaml", formulas="6nd").phases


def test_what_else_a_training_step_runs_is_said():
    (note,) = [n for n in fb.referee("deepseek_ocr", formulas="6nd").notes if "also runs" in n]
    assert note.startswith("a training step of deepseek_ocr also runs vision forward and ")
    prefill = fb.referee("deepseek_ocr", formulas="vllm", phases="prefill")
    assert not [note for note in prefill.notes if "also runs" in note]
    assert not fb.referee("hf/gpt2", formulas="6nd").notes


def test_bad_input_ends_a_process_with_2(flopbench):
    assert "did you mean 'palm'?" in one_sentence(flopbench(*OCR, "--formulas", "palmm"))


def test_it_prints_numbers_and_reasons(capsys):
    args = (*LLAMA, "--formulas", "palm,chinchilla")
    make_app(args[:1])(args=[*args], obj=Session(), standalone_mode=False)
    counted = 6 * (2 * (32 * 64 + 32 * 32 + 3 * 32 * 48) + 64 * 32) + 12 * 2 * 4 * 8 * 8
    lines = capsys.readouterr().out.splitlines()
    (row,) = [line.split() for line in lines if line.startswith("counted ")]
    assert row[1] == f"{counted:,}"
    tables, norms = 6 * 64 * 32, 6 * 5 * 32
    assert f"  palm: token embedding +{tables:,}; norms +{norms:,}" in lines
    assert any(line.startswith("executed: counted, and what full recomp") for line in lines)


def test_it_writes_its_files(flopbench, tmp_path):
    result = flopbench(*OCR, "--out", "out", "--waterfall", "palm", "--format", "json")
    assert (result.returncode, result.stderr) == (0, "")
    names = ["referee.html", "referee.json", "referee.md", "waterfall.png", "waterfall.svg"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    assert (tmp_path / "out" / "referee.json").read_text() == result.stdout
    assert "from palm to counted" in (tmp_path / "out" / "waterfall.svg").read_text()
    page = (tmp_path / "out" / "referee.md").read_text()
    assert "| `palm` | products with every parameter, and attention over all pairs |" in page
    assert "(https://arxiv.org/abs/2204.02311), arXiv:2204.02311 |" in page


WRONG = """
    from flopbench import Formula, hookimpl
    from flopbench.formulas import MATRICES, Origin

    class Wrong(Formula):
        name = "wrong"
        summary = "six FLOPs per parameter, declared without norms"
        origin = Origin("mine", "1", "https://example.org")
        counts = "all parameters"
        def flops(self, facts):
            return 6 * facts.tokens * facts.parameters.all
        def includes(self, facts):
            return 3 * MATRICES

    @hookimpl
    def flopbench_formulas():
        return [Wrong]
"""


def test_what_is_not_explained_is_never_hidden(flopbench, tmp_path):
    given = plugin(tmp_path, WRONG)
    result = flopbench(*OCR, "-p", given, "--formulas", "wrong,palm")
    assert result.returncode == 1
    idle = 11 * (64 - 6) * 3 * 1280 * 896
    rest = 6 * (129280 * 1280 + 25 * 1280 + idle)
    assert f"UNEXPLAINED +{rest:,}" in " ".join(result.stdout.split())
    assert "wrong is not what it declares" in result.stdout
    listed = flopbench("list", "formulas", "-p", given).stdout
    assert "wrong " in listed
    assert "megatron_lm " in listed


FAILING = """
    from fractions import Fraction
    from flopbench import Formula, hookimpl
    from flopbench.formulas import ACTIVE, Origin

    class Huge(Formula):
        name = "huge"
        origin = Origin("mine", "1", "https://example.org")
        counts = "all"
        def flops(self, facts):
            return 10**5000
        def includes(self, facts):
            return 3 * ACTIVE

    class Raising(Huge):
        name = "raising"
        def flops(self, facts):
            return 1 // 0

    class Inexact(Huge):
        name = "inexact"
        def flops(self, facts):
            return 1
        def includes(self, facts):
            return "3" * ACTIVE

    @hookimpl
    def flopbench_formulas():
        return [Huge, Raising, Inexact]
"""


def test_a_formula_that_fails_does_not_hide_the_others(flopbench, tmp_path):
    given = plugin(tmp_path, FAILING)
    names = "huge,raising,inexact,6nd"
    result = flopbench(*OCR, "-p", given, "--formulas", names, "--out", "out")
    assert (result.returncode, result.stderr) == (1, "")
    text = " ".join(result.stdout.split())
    assert "huge: failed: formula 'huge': what flops returns must be of at most 180 digits" in text
    assert "raising: failed: formula 'raising' failed: ZeroDivisionError" in text
    assert "(mine.py, line 18)" in text
    assert (
        "inexact: failed: formula 'inexact' failed: TypeError: the factor of a sum must be" in text
    )
    assert "6nd: " in text
    (phase,) = json.loads((tmp_path / "out" / "referee.json").read_text())["phases"]
    assert [bool(each["failure"]) for each in phase["formulas"]] == [True, True, True, False]
    assert [each["flops"] is None for each in phase["formulas"]] == [True, True, True, False]


def test_phases_have_their_own_formulas():
    found = fb.referee("deepseek_ocr", phases=["decode", "train"])
    assert [phase.phase for phase in found.phases] == ["train", "decode"]
    names = [{each.formula.name for each in phase.judgements} for phase in found.phases]
    assert names[1] == {"vllm", "sglang"}
    assert not names[0] & names[1]
    assert {row["phase"] for row in found.rows()} == {"train", "decode"}
    trained, decoded = found.phases
    assert trained.facts.tokens == 913
    assert decoded.facts.tokens == 100


def test_rows_of_a_formula_add_up_to_its_difference():
    found = fb.referee("deepseek_ocr", formulas="palm,torchtitan")
    rows = found.rows()
    total = {row["name"]: row["flops"] for row in rows if row["what"] == "total"}
    for name in ("palm", "torchtitan"):
        for against in ("counted", "useful", "executed"):
            terms = [r for r in rows if r["name"] == name and r["what"] == f"to {against}"]
            assert sum(row["flops"] for row in terms) == total[name] - total[against]
    tree = found.tree().children[0]
    assert [node.value for node in tree.children] == list(total.values())


def test_a_difference_may_be_shown_to_any_number_of_ours():
    notes = {}
    for against in ("counted", "useful", "executed"):
        found = fb.referee("deepseek_ocr", formulas="torchtitan", against=against)
        notes[against] = json.loads(found.to_json())["against"], found.text()
    assert all(notes[against][0] == against for against in notes)
    assert "causal half +" in notes["useful"][1]
    assert "full recomputation -" in notes["executed"][1]
    assert "torchtitan: norms +192,000" in notes["counted"][1]
