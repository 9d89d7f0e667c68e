"""What holds for every executor, wherever it runs."""

import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flopbench.errors import UsageError
from flopbench.executors import WorkerLostError, executor_of
from support.tasks import die, divide, pid, square, square_and_log


@pytest.fixture(params=["inline", "processes", "cluster"])
def executor(request):
    arguments = {"inline": ("local", 1), "processes": ("local", 2)}.get(request.param)
    with executor_of(*arguments or [request.getfixturevalue("cluster").address]) as made:
        yield made


def results(executor):
    return [task.result() for task in executor.as_completed()]


def test_each_task_is_yielded_once_with_its_result(executor):
    tasks = {executor.submit(square, n): n for n in range(30)}
    found = {task: task.result() for task in executor.as_completed()}
    assert found == {task: n * n for task, n in tasks.items()}
    assert results(executor) == []
    executor.submit(square, 7)
    assert results(executor) == [49]


def test_what_is_submitted_meanwhile_is_yielded_too(executor):
    left = {executor.submit(square, 3): 3}
    found = []
    for task in executor.as_completed():
        number = left.pop(task)
        found.append((number, task.result()))
        if number:
            left |= {executor.submit(square, number - 1): number - 1}
    assert found == [(3, 9), (2, 4), (1, 1), (0, 0)]


def test_an_error_is_its_tasks_alone(executor):
    tasks = {executor.submit(divide, 12, n): n for n in (0, 1, 2, 3)}
    found = {}
    for task in executor.as_completed():
        try:
            found[tasks[task]] = task.result()
        except ZeroDivisionError as error:
            found[tasks[task]] = str(error)
    assert found == {0: "integer division or modulo by zero", 1: 12, 2: 6, 3: 4}


def test_what_is_cancelled_is_not_run(executor, tmp_path):
    log = tmp_path / "log"
    for number in range(100):
        executor.submit(square_and_log, str(log), number, 0.05)
    next(executor.as_completed()).result()
    executor.cancel()
    assert results(executor) == []
    time.sleep(0.3)
    assert 1 <= len(log.read_text().split()) < 20


def test_an_exception_of_the_caller_ends_it(tmp_path):
    log = tmp_path / "log"

    def interrupted():
        with executor_of("local", 2) as executor:
            for number in range(100):
                executor.submit(square_and_log, str(log), number, 0.05)
            for _ in executor.as_completed():
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert 1 <= len(log.read_text().split()) < 20


@given(st.lists(st.integers(0, 10**30)))
def test_one_job_is_this_process_in_order(numbers):
    with executor_of() as executor:
        for number in numbers:
            executor.submit(square, number)
        executor.submit(pid)
        assert results(executor) == [*(n * n for n in numbers), os.getpid()]


def test_several_jobs_are_other_processes_side_by_side():
    with executor_of("local", 2) as executor:
        for _ in range(50):
            executor.submit(pid)
        found = {*results(executor)}
    assert os.getpid() not in found
    assert 1 <= len(found) <= 2


@pytest.mark.parametrize("killers", [(0,), (4, 9)], ids=str)
def test_only_a_task_that_ends_its_process_is_lost(killers, tmp_path):
    log = tmp_path / "log"
    with executor_of("local", 2) as executor:
        tasks = {
            executor.submit(*((die,) if n in killers else (square_and_log, str(log), n))): n
            for n in range(12)
        }
        lost, found = set(), {}
        for task in executor.as_completed():
            try:
                found[tasks[task]] = task.result()
            except WorkerLostError as error:
                assert "the process that ran it ended" in str(error)  # noqa: PT017
                lost.add(tasks[task])
    assert lost == {*killers}
    assert found == {n: n * n for n in range(12) if n not in killers}


@pytest.mark.parametrize("scheduler", ["", "Local", "tcp://", "here", "8786"])
def test_what_is_no_scheduler_is_refused(scheduler):
    with pytest.raises(UsageError, match="--scheduler must be local, or an address such as tcp:"):
        executor_of(scheduler)
