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
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from flopbench.cli import app
from flopbench.cli.sweep_files import LIST
from toy import write_toy

pytestmark = pytest.mark.slow

SECONDS = 60
"""No bad input takes longer; nearly all take less than a tenth of one."""

TEXTS = st.sampled_from(
    (
        *(
            "",
            " ",
            "null",
            "???",
            "010",
            "-010",
            "1:30",
            "1_000",
            "0x10",
            "1e3",
            "1e400",
            "8k",
            "8kk",
        ),
        *(
            "-1",
            "0",
            "1.5",
            ".nan",
            ".inf",
            "-.inf",
            "yes",
            "off",
            "true",
            "2001-99-99",
            "~",
            "a b",
        ),
        *(
            "9" * 5000,
            "9" * 400,
            "9" * 39,
            str(10**18),
            "x" * 300,
            "a/" * 2000,
            "['x",
            "{a: b",
            "]",
        ),
        *("[" * 2000, "{a: " * 300, "!!int abc", "!!bool x", "!!timestamp 2001-99-99", "!!set {a}"),
        *(
            "!!python/object/apply:os.getcwd []",
            "&a [*a]",
            "*a",
            "${",
            "${" * 400,
            "${workload.mode}",
        ),
        *(
            "${workload.x}",
            "${oc.env:NONE}",
            "${a:b}",
            "$(x)",
            "a$\\frac{$.png",
            "=1+1",
            "@x",
            "-",
            "--",
        ),
        *(
            "\x1b[31m",
            "\u202egnp",
            "bad\udcff",
            "line\nbreak",
            "tab\t",
            "'",
            '"',
            "[/x]",
            "%s",
            "{}",
        ),
        *(
            "[1, 2]",
            "[0, 10]",
            "[-1, 5]",
            "[1]",
            "{rows: 1}",
            "{rows: 0, cols: x}",
            "{1: 2}",
            "[[1]]",
        ),
    )
) | st.text(st.characters(exclude_characters="\0"), max_size=12)
NUMBERS = st.integers(-5, 5).map(str) | st.floats(width=16).map(str) | TEXTS
SECTIONS = ("workload", "model", "vendor", "run", "conventions", "", "x", "*")
NAMES = (
    *(
        "batch_size",
        "decode_steps",
        "prompt_tokens",
        "context_tokens",
        "mode",
        "image",
        "crop_grid",
    ),
    *("crop_grid.rows", "rows", "kind", "lm_head", "config", "overrides", "overrides.hidden_size"),
    *("overrides.num_hidden_layers", "dtype", "attention", "stages", "counters", "method"),
    *(
        "analytic_only",
        "softmax",
        "gelu",
        "remote_code",
        "x",
        "",
        "a.b.c",
        "image[0]",
        "x.",
        "[",
        "0",
    ),
)
GOOD = (
    *("workload.batch_size", "workload.decode_steps", "workload.mode", "workload.image"),
    *(
        "workload.lm_head",
        "workload.crop_grid",
        "workload.crop_grid.rows",
        "workload.context_tokens",
    ),
    *("workload.prompt_tokens", "run.stages", "run.attention", "run.method", "conventions.gelu"),
    *("model.overrides", "model.overrides.hidden_size", "model.dtype", "run.analytic_only"),
)
ANY = st.builds("{}.{}".format, st.sampled_from(SECTIONS), st.sampled_from(NAMES)) | TEXTS
KEYS = st.one_of(*[st.sampled_from(GOOD)] * 4, ANY)
ASSIGNED = st.builds("{}={}".format, KEYS, TEXTS)
OVERRIDES = st.one_of(*[ASSIGNED] * 5, TEXTS)

FIELDS = ("hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size", "model_type")
WRONG = st.sampled_from(
    (-1, 0, 1.5, None, True, "x", [], {}, [1], float("nan"), float("inf"), 10**30)
)
CONFIGS = st.dictionaries(
    st.sampled_from((*FIELDS, "rope_scaling", "torch_dtype")), WRONG, min_size=1
)
CONTENTS = (
    CONFIGS.map(lambda found: json.dumps({"model_type": "llama", **found}).encode())
    | st.builds(
        "{}: {{{}: {}}}".format, st.sampled_from(SECTIONS), st.sampled_from(NAMES), TEXTS
    ).map(lambda text: text.encode("utf-8", "surrogateescape"))
    | TEXTS.map(lambda text: text.encode("utf-8", "surrogateescape"))
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
MODELS = st.sampled_from(
    (
        "deepseek_ocr",
        "deepseek_ocr",
        "deepseek_ocr2",
        "unlimited_ocr",
        "toy",
        "hf/llama",
        "hf/x",
        "hf/",
    )
)
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
    "run": ("run", "--analytic-only"),
    "explain": ("explain",),
    "prove": ("prove", "--symbols", "none"),  # a proof takes long
    "compare": ("compare", "deepseek_ocr", "--analytic-only"),
    "sweep": ("sweep", "--analytic-only", "--no-plots"),
}
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
    if name not in OWN:
        return (name, *draw(st.lists(TEXTS, max_size=2)))
    extra = draw(st.lists(st.one_of(*SHARED, *OWN[name]), min_size=1, max_size=2))
    command, *right = RIGHT[name]
    if name == "sweep" and draw(st.booleans()):
        right += ["--vary", "workload.batch_size=1:2"]
    model = draw(MODELS)
    words = (word for each in extra for word in each)
    return ("-p", "toy.py", command, model, *right, *words)


STATES = (
    *(
        "nothing",
        "nothing",
        "nothing",
        ".sweep.lock",
        ".sweep.journal",
        ".sweep.files",
        "report.md",
    ),
    *("sweep.json", "explain.json"),
)


def prepare(folder, file, state, kind):
    """Lay out a folder with the file that is named, and something in the way; return its name."""
    write_toy(folder)
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


def check(words, status, stdout, stderr, before, after):
    """Check that a command line ended well, one way or the other."""
    what = (words, status, stderr[:1000])
    assert status in {0, 2}, what
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
            after[name] is None or Path(name).name == LIST or not Path(name).name.startswith(".")
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


@settings(max_examples=300, phases=[Phase.generate])
@given(commands(), files(), st.sampled_from(STATES), st.sampled_from(KINDS[:4] + KINDS[6:8]))
def test_a_bad_input_is_one_sentence_in_this_process(
    tmp_path, monkeypatch, words, file, state, kind
):
    def gone(status):
        raise SystemExit(status)

    folder = tmp_path / "here"
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


STREAMS = (
    "",
    "2>&-",
    ">&-",
    "<&-",
    "<&- >&- 2>&-",
    "2>/dev/full",
    ">/dev/full",
    "| true",
    "</dev/zero",
)


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
