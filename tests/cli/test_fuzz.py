"""Bad inputs over all commands: each ends at once in one sentence and exit 2, or was none.

Never a traceback, a hang, exit 1 (the status of results), or a file that is not whole.
``pytest --hypothesis-profile=explore`` draws new ones.
"""

import contextlib
import gc
import io
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from flopbench.cli import app
from toy import write_toy

pytestmark = pytest.mark.slow

SECONDS = 60
"""No bad input takes longer; nearly all take less than a tenth of one."""

WORDS = r"""
null ??? 010 -010 1:30 1_000 0x10 1e3 1e400 8k 8kk -1 0 1.5 .nan .inf -.inf yes off true 2001-99-99
~ ] ${ ${workload.mode} ${workload.x} ${oc.env:NONE} ${a:b} $(x) a$\frac{$.png =1+1 @x - -- ' " [/x]
%s {} [1] [[1]] *a unbuildable
""".split()  # noqa: SIM905
PHRASES = [
    "",
    " ",
    "a b",
    "line\nbreak",
    "tab\t",
    "\x1b[31m",
    "\u202egnp",
    "bad\udcff",
    "['x",
    "{a: b",
]
PHRASES += ["9" * 39, "9" * 400, "9" * 5000, str(10**18), "x" * 300, "a/" * 2000, "[" * 2000]
PHRASES += [
    "{a: " * 300,
    "${" * 400,
    "!!int abc",
    "!!bool x",
    "!!timestamp 2001-99-99",
    "!!set {a}",
]
PHRASES += ["!!python/object/apply:os.getcwd []", "&a [*a]", "[1, 2]", "[0, 10]", "[-1, 5]"]
PHRASES += ["{rows: 1}", "{rows: 0, cols: x}", "{1: 2}"]
TEXTS = st.sampled_from(WORDS + PHRASES) | st.text(
    st.characters(exclude_characters="\0"), max_size=12
)
NUMBERS = st.integers(-5, 5).map(str) | st.floats(width=16).map(str) | TEXTS
SECTIONS = ("workload", "model", "vendor", "run", "conventions", "", "x", "*")
NAMES = [
    "",
    *"""
    batch_size decode_steps prompt_tokens context_tokens mode image crop_grid crop_grid.rows rows
    kind lm_head config overrides overrides.hidden_size overrides.num_hidden_layers dtype attention
    stages counters method analytic_only softmax gelu remote_code x a.b.c image[0] x. [ 0
    """.split(),  # noqa: SIM905
]
GOOD = """
workload.batch_size workload.decode_steps workload.mode workload.image workload.lm_head
workload.crop_grid workload.crop_grid.rows workload.context_tokens workload.rows workload.kind
run.stages run.attention run.method run.analytic_only conventions.gelu model.dtype model.overrides
model.overrides.hidden_size
""".split()  # noqa: SIM905
ANY = st.builds("{}.{}".format, st.sampled_from(SECTIONS), st.sampled_from(NAMES)) | TEXTS
KEYS = st.one_of(*[st.sampled_from(GOOD)] * 4, ANY)
ASSIGNED = st.builds("{}={}".format, KEYS, TEXTS)
OVERRIDES = st.one_of(*[ASSIGNED] * 5, TEXTS)

TINY = {
    "model_type": "llama",
    **dict.fromkeys(("hidden_size", "intermediate_size", "vocab_size"), 16),
    **dict.fromkeys(("num_attention_heads", "num_key_value_heads"), 2),
    "num_hidden_layers": 1,
}
"""A model so small that the real one is counted in no time."""
WRONG = (-1, 0, 1.5, None, True, "x", [], {}, [1], float("nan"), float("inf"), 10**30)
FIELDS = st.sampled_from((*TINY, "rope_scaling", "torch_dtype"))
CONFIGS = st.dictionaries(FIELDS, st.sampled_from(WRONG), max_size=2)
YAML = st.builds("{}: {{{}: {}}}".format, st.sampled_from(SECTIONS), st.sampled_from(NAMES), TEXTS)
CONTENTS = (
    CONFIGS.map(lambda found: json.dumps({**TINY, **found}).encode())
    | st.sampled_from(WRONG).map(lambda value: json.dumps([value]).encode())
    | (YAML | TEXTS).map(lambda text: text.encode("utf-8", "surrogateescape"))
    | st.sampled_from((b"\xff\xfe\0", b"\0" * 99, b"{}", b"[]", b"\x89PNG\r\n\x1a\n", b"[" * 10**5))
    | st.binary(max_size=40)
)
KINDS = ("file", "none", "folder", "fifo", "/dev/zero", "/dev/full", "loop", "dangling", "x" * 5000)


@st.composite
def files(draw):
    """Draw what a name stands for: (kind, content, ending)."""
    kind = draw(st.sampled_from(("file", *KINDS)))
    ending = draw(st.sampled_from(("", ".yaml", ".json", ".png", ".py")))
    return kind, draw(CONTENTS) if kind == "file" else b"", ending


FILE = "@FILE@"
NAMED = "deepseek_ocr deepseek_ocr deepseek_ocr2 unlimited_ocr toy hf/llama hf/x hf/"
MODELS = st.sampled_from((*NAMED.split(), *[FILE] * 4))
LISTS = (
    st.sampled_from(("eager", "flash", "prefill", "console,json", "torch", "slow", ",", "x,y"))
    | TEXTS
)
OUTS = (
    st.sampled_from(("out", "out/deep/er", "file", "file/x", "/dev/null/x", "a/" * 1000, "fifo"))
    | TEXTS
)


def option(name, values):
    return st.tuples(st.just(name), values)


SHARED = (
    option("--config", st.just(FILE)),
    option("--image", st.just(FILE)),
    option("--stages", LISTS),
    option("--attention", LISTS),
    option("--format", LISTS),
    option("--out", OUTS),
    option("--out", OUTS),
    option("-p", st.just(FILE) | TEXTS),
    st.just((f"model.config={FILE}",)),
    st.just((f"workload.image={FILE}",)),
    *[st.tuples(OVERRIDES)] * 4,
)
RANGES = st.builds("{}:{}:{}{}".format, NUMBERS, NUMBERS, st.sampled_from(("", "x")), NUMBERS)
VALUES = RANGES | st.lists(NUMBERS, min_size=1, max_size=3).map(",".join)
VARY = st.builds("{}={}".format, KEYS, VALUES)
OWN = {
    "run": (),
    "explain": (option("--depth", NUMBERS), option("--work", LISTS)),
    "prove": (option("--symbols", LISTS), option("--counters", LISTS)),
    "compare": (st.tuples(st.builds("{}:{}".format, MODELS, OVERRIDES)),),
    "sweep": (
        *[option("--vary", VARY)] * 4,
        option("--grid", st.builds("{}x{}".format, NUMBERS, NUMBERS) | TEXTS),
        option("--ttft", NUMBERS),
        option("--jobs", NUMBERS),
        option("--max-image-tokens", NUMBERS),
    ),
}
RIGHT = {
    "prove": ("--symbols", "none"),  # a proof takes long
    "compare": ("toy",),
    "sweep": ("--no-plots",),
}
COUNTING = ("run", "compare", "sweep")
"""Commands that count the real model, unless they are told not to."""
TOY_KEYS = ("workload.rows", "workload.kind")
TINY_KEYS = (
    "model.dtype",
    *(f"workload.{name}" for name in ("batch_size", "context_tokens", "decode_steps")),
    *(f"model.overrides.{name}" for name in (*TINY, "x")),
)
VALUES_OF_ANY = """
0 1 1 2 2 3 4 -1 1.5 8k true null x .nan unbuildable bfloat16 {} 1000000000000000000
""".split()  # noqa: SIM905
LISTED = st.sampled_from(
    "models attention vendors counters reporters stages sweeps keys plugins toy hf/* hf/[ *".split()  # noqa: SIM905
)
SIZES = {"--q": "64", "--kv": "128", "--heads": "4", "--head-dim": "64", "--batch": "2"}


@st.composite
def commands(draw):
    """Draw a command line with something wrong, most often."""
    name = draw(st.sampled_from((*[*OWN] * 3, "sweep", "run", "attention", "new", "list", "x")))
    if name == "attention":
        sizes = {**SIZES, draw(st.sampled_from((*SIZES, "--gpu", "--dtype", "-p"))): draw(NUMBERS)}
        return (name, *(word for size in sizes.items() for word in size))
    if name == "new":
        kind = draw(st.sampled_from(("model", "model", "x")) | TEXTS)
        return (name, kind, draw(st.just("mine") | TEXTS), "--out", draw(OUTS))
    if name == "list":
        return ("-p", "toy.py", name, *draw(st.lists(LISTED | TEXTS, max_size=3)))
    if name not in OWN:
        return (name, *draw(st.lists(TEXTS, max_size=2)))
    extra = draw(st.lists(st.one_of(*SHARED, *OWN[name]), max_size=2))
    right = [*RIGHT.get(name, ())]
    if name == "sweep" and draw(st.booleans()):
        right += ["--vary", "workload.batch_size=1:2"]
    if name in COUNTING:
        right.append("--analytic-only")
    words = (word for each in extra for word in each)
    return ("-p", "toy.py", name, draw(MODELS), *right, *words)


@st.composite
def counted(draw):
    """Draw a command line that counts a real model, with values that may be wrong."""
    name, model = draw(st.sampled_from(COUNTING)), draw(st.sampled_from(("toy", "tiny.json", FILE)))
    keys = TOY_KEYS if model == "toy" else TINY_KEYS
    settings = st.builds("{}={}".format, st.sampled_from(keys), st.sampled_from(VALUES_OF_ANY))
    words = draw(st.lists(settings, max_size=2))
    if name == "compare":
        entry = "toy:" if model == "toy" else f"hf/llama:model.config={model},"
        other = "hf/llama:model.config=tiny.json" if model == "toy" else "toy"
        return ("-p", "toy.py", name, other, (entry + ",".join(words)).rstrip(":,"))
    if name == "sweep":
        words += [
            "--no-plots",
            "--vary",
            f"{draw(settings)},{draw(st.sampled_from(VALUES_OF_ANY))}",
        ]
    return ("-p", "toy.py", name, model, *words)


STATES = ["nothing", "nothing", "nothing", ".sweep.lock", ".sweep.journal", ".sweep.files"]
STATES += ["report.md", "sweep.json", "explain.json"]
VENDOR = (
    (
        "return VendorStage(lambda step: VendorCall(None, lambda: workload.rows))",
        """import torch

        layer = torch.nn.Linear(4, 8, bias=False, device="meta")
        prepare = lambda step: VendorCall(
            layer, lambda: layer(torch.empty(workload.rows, 4, device="meta"))
        )
        return VendorStage(prepare)""",
    ),
    ("return module", 'return "layer"'),
)
"""What makes of the toy's vendor a layer of torch."""


def prepare(folder, file, state, kind):
    """Lay out a folder with the file that is named, and something in the way; return its name."""
    write_toy(folder, *VENDOR)
    (folder / "tiny.json").write_text(json.dumps(TINY))
    (folder / "file").touch()
    os.mkfifo(folder / "fifo")
    if state != "nothing":
        (folder / "out").mkdir()
        put(folder / "out" / state, kind, b"notes\n")
    what, content, ending = file
    if what.startswith(("/", "xx")):
        return what
    put(folder / f"given{ending}", what, content)
    return f"given{ending}"


def put(path, kind, content):
    """Put something of a kind at a path."""
    if kind == "file":
        path.write_bytes(content)
    elif kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind in {"loop", "dangling"}:
        path.symlink_to(path.name if kind == "loop" else "nowhere")


def contents(folder):
    """Return all that is in a folder, by path: what files hold, or None."""
    found = {}
    for where, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = Path(where, name)
            regular = path.is_file() and not path.is_symlink()
            found[str(path)] = path.read_bytes() if regular else None
    return {name: data for name, data in found.items() if "__pycache__" not in name}


def command_line(words):
    """Run a command line in this process; return its status and what it printed."""
    stdout, stderr = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
    handler = logging.StreamHandler(stderr)
    logging.getLogger().addHandler(handler)
    try:
        with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
            sys.argv = ["flopbench", *words]
            app.start(interruptible=False)
    except SystemExit as end:
        status = end.code
    finally:
        logging.getLogger().removeHandler(handler)
        gc.enable()
    shown = []
    for stream in (stdout, stderr):
        stream.flush()
        shown.append(stream.buffer.getvalue().decode())
    return status or 0, *shown


def reached(words):
    """Return whether a real model is counted."""
    return "--analytic-only" not in words and any(name in words for name in COUNTING)


def check(words, status, stdout, stderr, before, after):
    """Check that a command line ended well, one way or the other."""
    what = (words, status, stderr[:1000])
    assert status in {0, 2} or reached(words), what  # what cannot be counted is a result
    assert "cannot write the output" not in stderr, what
    assert "differs" not in stdout, (*what, stdout)
    assert "Traceback" not in stderr, what
    assert "\x1b" not in stdout + stderr, what
    if status == 2:
        assert stderr.strip(), what
        # All else is reported without a plugin that -p names and that cannot be used.
        assert after == before or words.count("-p") > 1, (*what, sorted(set(after) ^ set(before)))
        lines = [line for line in stderr.splitlines() if line.startswith("flopbench: error: ")]
        assert len(stderr.splitlines()) == 1 or not lines or "-p" in words, what
    for name in set(after) - set(before):
        # Of a file that was being written, only a temporary one with a dot is ever seen.
        whole = (
            after[name] is None
            or Path(name).name == ".sweep.files"
            or not Path(name).name.startswith(".")
        )
        assert whole, what
        if name.endswith(".json"):
            json.loads(after[name])
            assert after[name].endswith(b"}\n"), what


class LateError(BaseException):
    """It took too long; no code takes this for an error of its own."""


@contextlib.contextmanager
def no_longer_than(seconds):
    def late(*_arguments):
        raise LateError(f"more than {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def run_here(folder, monkeypatch, words, file, state, kind):
    """Run a command line in a new folder and check it; return its status."""

    def gone(status):
        raise SystemExit(status)

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(os, "_exit", gone)
    # Pictures take long, and have tests of their own.
    monkeypatch.setattr("flopbench.commands.compare.plots.draw", lambda found: {})
    monkeypatch.setattr("flopbench.commands.explain.plots.icicle", lambda found: {})
    monkeypatch.setattr(sys, "argv", sys.argv)
    name = prepare(folder, file, state, kind)
    words = [word.replace(FILE, name) for word in words]
    before = contents(folder)
    with no_longer_than(SECONDS):
        status, stdout, stderr = command_line(words)
    check(words, status, stdout, stderr, before, contents(folder))
    return status


@settings(max_examples=300, phases=[Phase.generate])
@given(commands(), files(), st.sampled_from(STATES), st.sampled_from(KINDS[:4] + KINDS[6:8]))
def test_a_bad_input_is_one_sentence_in_this_process(
    tmp_path, monkeypatch, words, file, state, kind
):
    run_here(tmp_path / "here", monkeypatch, words, file, state, kind)


def test_a_bad_value_is_one_sentence_or_a_result_of_the_real_model(tmp_path, monkeypatch):
    ends = Counter()

    @settings(max_examples=120, phases=[Phase.generate])
    @given(counted(), CONFIGS)
    def each(words, config):
        file = ("file", json.dumps({**TINY, **config}).encode(), ".json")
        ends[run_here(tmp_path / "here", monkeypatch, words, file, "nothing", "")] += 1

    each()
    assert min(ends[status] for status in (0, 1, 2)) > 3, ends  # each way was taken


STREAMS = ["", "2>&-", ">&-", "<&-", "<&- >&- 2>&-", "2>/dev/full", ">/dev/full"]
STREAMS += ["| true", "</dev/zero"]


@settings(max_examples=30, phases=[Phase.generate])
@given(commands(), files(), st.sampled_from(STREAMS))
def test_a_bad_input_is_one_sentence_whatever_the_streams(tmp_path, words, file, streams):
    folder = tmp_path / "here"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    name = prepare(folder, file, "nothing", "")
    words = [os.fsencode(word.replace(FILE, name)) for word in words]
    line = f'"$@" {streams}'
    command = [sys.executable, "-m", "flopbench.cli", *words]
    done = subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", line, "bash", *command],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode in {0, 2}, (words, streams, done.stderr)
    assert "Traceback" not in done.stderr, (words, streams, done.stderr)
