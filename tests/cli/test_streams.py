"""Streams of the command line: closed, full or left by their reader; and interruptions."""

import os
import signal
import subprocess
import sys
import time

import pytest

from flopbench.text import visible
from support.cli import ANALYTIC, REPORTS

PRICED = " ".join((*ANALYTIC, "--stages", "prefill"))
"""A run that is fast, and prints."""

STREAMS = {
    f"{PRICED} 2>&-": (0, "verdict: "),
    f"{PRICED} >&-": (0, ""),
    f"{PRICED} <&- >&- 2>&-": (0, ""),
    f"{PRICED} 2>/dev/full": (0, "verdict: "),
    f"{PRICED} >/dev/full": (2, "cannot write the output"),
    f"{PRICED} >/dev/full 2>/dev/full": (2, ""),
    "run nonsense 2>&-": (2, ""),
    "run nonsense 2>/dev/full": (2, ""),
    "run --nonsense 2>/dev/full": (2, ""),
    "run nonsense >&-": (2, "unknown model 'nonsense'"),
    "--help >/dev/full": (2, "cannot write the output"),
    "--help | true": (0, ""),
    "list | true": (0, ""),
}


@pytest.mark.parametrize("command", STREAMS)
def test_a_stream_that_takes_nothing_changes_no_exit_status(command, tmp_path):
    status, shown = STREAMS[command]
    line = f"{sys.executable} -m flopbench.cli {command}"
    shell = ["/bin/bash", "-o", "pipefail", "-c", line]
    done = subprocess.run(shell, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert shown in done.stdout + done.stderr
    assert bool(shown) == bool(done.stdout + done.stderr)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("streams", ["2>&-", "<&- >&- 2>&-"])
def test_files_are_written_whatever_is_closed(streams, tmp_path):
    line = f"{sys.executable} -m flopbench.cli {PRICED} --out out {streams}"
    done = subprocess.run(["/bin/bash", "-c", line], cwd=tmp_path, check=False)
    assert done.returncode == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == REPORTS


@pytest.mark.usefixtures("heeds_interrupts")
def test_an_interruption_at_any_time_prints_no_traceback(tmp_path):
    """Interrupt it while it loads, and while it works."""
    code = (
        "import sys; sys.argv = ['flopbench', *sys.argv[1:]]; "
        "from flopbench.cli import main; print(flush=True); main()"
    )
    statuses = set()
    for milliseconds in (5, 20, 40, 80, 120, 160, 250, 400, 600):
        process = subprocess.Popen(
            [sys.executable, "-c", code, *ANALYTIC],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        process.stdout.readline()
        time.sleep(milliseconds / 1000)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
        # Before main() takes over, Python prints the frame of the line above, and no other.
        frames = [line for line in stderr.splitlines() if line.lstrip().startswith("File ")]
        assert not [frame for frame in frames if '"<string>"' not in frame]
        statuses.add(process.returncode)
    assert statuses <= {-signal.SIGINT, 130, 0}
    assert statuses & {-signal.SIGINT, 130}


def test_the_entry_loads_nothing_before_it_takes_interruptions():
    code = (
        "import sys, flopbench.cli; print([m for m in sys.modules if 'typer' in m or 'attr' in m])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_an_interruption_that_is_ignored_stays_ignored():
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from flopbench.cli import main\n"
        "sys.argv = ['flopbench', '--version']\n"
        "try: main()\n"
        "except SystemExit: print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("True\n")


@pytest.mark.parametrize("name", ["\x1b[31m", "\u202egnp", "\x9b2J"], ids=ascii)
def test_names_cannot_steer_a_terminal(flopbench, name, tmp_path):
    from PIL import Image

    Image.new("L", (9, 9)).save(tmp_path / "page.png")
    (tmp_path / "page.png").rename(tmp_path / f"{name}.png")
    commands = [
        (*ANALYTIC, "--image", f"{name}.png", "--format", "console,markdown,csv,json"),
        (*ANALYTIC, "--image", f"{name}.none"),
        (*ANALYTIC, "--config", name),
        (*ANALYTIC, "--out", f"{name}/\n/{'x' * 300}"),
        (*ANALYTIC, f"workload.{name}=1"),
        (*ANALYTIC, f"--{name}"),
        (name,),
        ("run", name),
        ("-p", name, "list"),
        ("sweep", "deepseek_ocr", name),
        ("compare", f"deepseek_ocr:{name}=1", "deepseek_ocr"),
    ]
    for command in commands:
        done = flopbench(*command)
        printed = done.stdout + done.stderr
        assert name not in printed, command
        assert visible(name[0]) in printed or repr(name[0])[1:-1] in printed, command
        assert done.returncode in (0, 2)


def test_a_written_report_cannot_steer_a_terminal_either(flopbench, tmp_path):
    from PIL import Image

    name = "\x1b]0;\u202e.png"
    Image.new("L", (9, 9)).save(tmp_path / "page.png")
    (tmp_path / "page.png").rename(tmp_path / name)
    assert flopbench(*ANALYTIC, "--image", name, "--out", "out").returncode == 0
    for file in REPORTS:
        text = (tmp_path / "out" / file).read_text()
        assert "\x1b" not in text
        assert "\u202e" not in text
    # JSON means the same.
    import json

    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["workload"]["image"] == name


def test_a_full_disk_leaves_no_folder(tmp_path, monkeypatch):
    from flopbench.errors import UsageError
    from flopbench.values.files import write_files

    def full(*_arguments, **_options):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("tempfile.mkstemp", full)
    with pytest.raises(UsageError, match="No space left on device"):
        write_files(tmp_path / "deep" / "out", {"report.md": "x"})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("heeds_interrupts")
def test_an_interruption_in_a_finaliser_is_sent_again():
    """Python drops what a finaliser raises; the interruption must not get lost with it."""
    code = """if True:
        import signal, time, weakref
        from flopbench.cli import app

        class Thing: pass

        app._heed_interruptions()
        thing = Thing()
        reference = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGINT))
        try:
            del thing
            time.sleep(30)
        except KeyboardInterrupt:
            print("interrupted")
    """
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.stdout, done.stderr) == ("interrupted\n", "")
