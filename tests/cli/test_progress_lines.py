"""Progress of a sweep without a terminal: nothing at first, then a line now and then."""

from flopbench.cli.progress_lines import EVERY_S, FIRST_S, SweepLines


def lines(capsys):
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()


def test_a_short_sweep_says_nothing(capsys):
    now = [100.0]
    progress = SweepLines(clock=lambda: now[0])
    progress.start(total=9, done=0)
    for number in range(9):
        now[0] += FIRST_S / 10
        progress.counted(f"prefill of rows={number}")
    assert lines(capsys) == []


def test_a_long_one_says_how_far_it_is_and_how_long_the_rest_takes(capsys):
    now = [100.0]
    progress = SweepLines(clock=lambda: now[0])
    progress.start(total=100, done=40)
    seconds = 6
    for number in range(60):
        now[0] += seconds
        progress.counted(f"prefill of rows={number}")
    found = lines(capsys)
    # 60 counts at 6 s each: the first after 12 s, with 58 to go at this rate.
    assert found[0] == (
        "flopbench: 42 of 100 counts done, last prefill of rows=1, about 348 s left"
    )
    assert len(found) == 1 + int((60 * seconds - 12 - 1) // EVERY_S)
    # The end is told by the command itself.
    assert "100 of 100" not in found[-1]
