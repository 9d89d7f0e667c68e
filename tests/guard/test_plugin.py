"""The guard in a project's tests: what passes, what fails and what it says, what is written."""

import json

import pytest

TEST = "test_cost.py::test_it"


def entries(project):
    return json.loads(project.lock.read_bytes())["checks"]


def test_a_check_without_an_entry_fails_and_says_how_to_make_one(project):
    project.checks(encoder=1000)
    said = project.fails()
    assert (
        "no entry in flops.lock.json: run pytest --flops-update and commit flops.lock.json "
        f"({TEST} costs 1,000 FLOPs)" in said
    )
    assert not project.lock.exists()


def test_an_update_makes_the_entry_and_then_the_check_passes(project):
    project.checks(encoder=1000, head=24)
    done = project.passes("--flops-update")
    assert f"  added    {TEST}: 1,024 FLOPs" in done.outlines
    found = {"flops": 1024, "components": {"encoder": 1000, "head": 24}}
    assert entries(project) == {TEST: {"1": {**found, "uncounted": {}, "parameters": 7}}}
    written = project.lock.read_bytes()
    assert "flops.lock.json" not in project.passes().stdout.str()
    assert project.lock.read_bytes() == written


def test_more_fails_with_what_grew(project):
    project.checks(encoder=1000, head=24)
    project.passes("--flops-update")
    project.checks(encoder=1100, head=24)
    said = project.fails()
    assert "1,024 -> 1,124 FLOPs (+9.8 %), not as in flops.lock.json: test_cost.py::test_it" in said
    assert "encoder   1,000  1,100  +10.0 %" in said
    assert not [line for line in said.splitlines() if line.startswith("E  ") and "head" in line]
    assert "If that is meant, run pytest --flops-update and commit flops.lock.json." in said
    assert ">       flops.check(made(" in said
    assert "guard.py" not in said


def test_less_fails_too_and_says_why(project):
    project.checks(encoder=1000)
    project.passes("--flops-update")
    project.checks(encoder=900)
    assert "Nothing grew: run pytest --flops-update" in project.fails()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("parameters=8, a=10", "all "),
        ("uncounted=[('a', 'aten.fft', 1)], a=10", "aten.fft in a "),
        ("b=10", "10 FLOPs in all, but other parts, not as in flops.lock.json"),
    ],
)
def test_what_fails_beside_flops(project, change, said):
    project.checks(a=10)
    project.passes("--flops-update")
    project.write(f"def test_it(flops):\n    flops.check(made({change}))\n")
    assert said in project.fails()


def test_peaks_are_held_if_asked_for(project):
    check = "def test_it(flops):\n    flops.check(made(a=1, peak={}){})\n"
    project.write(check.format(64, ", peak=True"))
    project.passes("--flops-update")
    assert entries(project)[TEST]["1"]["peak_activation_bytes"] == 64
    project.write(check.format(65, ", peak=True"))
    assert "peak activation bytes" in project.fails()
    project.write(check.format(65, ""))
    project.passes()
    project.write(check.format(None, ", peak=True"))
    assert "peak=True needs peak activations" in project.fails()


@pytest.mark.parametrize("tolerance", ["'1%'", "0.01"])
def test_a_tolerance_is_by_component_and_for_both_directions(project, tolerance):
    check = f"def test_it(flops):\n    flops.check(made(a=1000, b={{}}), tolerance={tolerance})\n"
    project.write(check.format(100))
    project.passes("--flops-update")
    for near, far in ((101, 102), (99, 98)):
        project.write(check.format(near))
        project.passes()
        project.write(check.format(far))
        assert "(1 % allowed)" in project.fails()


def test_several_checks_have_names_or_numbers(project):
    project.write(
        "def test_it(flops):\n"
        "    flops.check(made(a=1))\n"
        "    flops.check(made(a=2), name='encoder')\n"
        "    flops.check(made(a=3))\n"
        "@pytest.mark.parametrize('n', [4, 5])\n"
        "def test_case(flops, n):\n"
        "    flops.check(made(a=n))\n"
    )
    project.passes("--flops-update", tests=3)
    found = {
        f"{t} {n}": e["flops"] for t, each in entries(project).items() for n, e in each.items()
    }
    assert found == {
        "test_cost.py::test_case[4] 1": 4,
        "test_cost.py::test_case[5] 1": 5,
        f"{TEST} 1": 1,
        f"{TEST} 2": 3,
        f"{TEST} encoder": 2,
    }
    project.passes(tests=3)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("made(a=1), name='2'", "the name of a check must be a text with a letter, got '2'"),
        ("made(a=1), name=''", "the name of a check must be a text with a letter, got ''"),
        ("made(a=1), tolerance='some'", "the tolerance must be a share such as 1% or 0.01"),
        ("made(a=1), depth=2", "takes name, tolerance and peak, got depth: give that to flopbench"),
        ("made(a=1), 3", "takes name, tolerance and peak, got arguments: give that to flopbench"),
    ],
)
def test_a_wrong_argument_is_told_at_the_check(project, arguments, said):
    project.write(f"def test_it(flops):\n    flops.check({arguments})\n")
    found = project.fails("--flops-update")
    assert said in found
    assert "guard.py" not in found


def test_two_checks_of_one_name_are_refused(project):
    project.write(
        "def test_it(flops):\n"
        "    flops.check(made(a=1), name='x')\n"
        "    flops.check(made(a=1), name='x')\n"
    )
    assert f"two checks of {TEST} are called 'x': give each its own name" in project.fails(
        "--flops-update"
    )


def test_an_update_keeps_what_it_did_not_run_and_removes_what_is_no_more(project):
    three = "".join(f"def test_{n}(flops):\n    flops.check(made(a=1))\n" for n in "abc")
    project.write(three)
    project.write(three, "test_other.py")
    project.passes("--flops-update", tests=6)
    # Renamed, checks no more, and costs more; the other file is left alone.
    project.write(
        "def test_z(flops):\n    flops.check(made(a=1))\n"
        "def test_b(flops):\n    pass\n"
        "def test_c(flops):\n    flops.check(made(a=2))\n"
    )
    project.passes("--flops-update", "-k", "not test_z", "test_cost.py", tests=2)
    kept = {f"test_other.py::test_{n}" for n in "abc"}
    assert {*entries(project)} == kept | {"test_cost.py::test_c"}
    (project.pytester.path / "test_other.py").unlink()
    project.passes("--flops-update", "test_cost.py", tests=3)
    assert {*entries(project)} == {"test_cost.py::test_c", "test_cost.py::test_z"}


def test_an_entry_that_no_test_checks_is_told(project):
    project.write("def test_it(flops):\n    flops.check(made(a=1))\n    flops.check(made(a=1))\n")
    project.passes("--flops-update")
    project.write("def test_it():\n    pass\n")
    done = project.passes()
    assert "flops.lock.json: 2 entries that no test checks any more" in done.stdout.str()
    assert len(entries(project)[TEST]) == 2
    project.passes("--flops-update")
    assert entries(project) == {}


@pytest.mark.parametrize(
    "body",
    [
        "    pytest.skip()\n    flops.check(made(a=1))\n",
        "    assert not 'reached'\n    flops.check(made(a=1))\n",
        "    pytest.xfail()\n    flops.check(made(a=1))\n",
    ],
)
def test_a_test_that_does_not_get_there_keeps_its_entry(project, body):
    project.checks(a=1)
    project.passes("--flops-update")
    project.write(f"def test_it(flops):\n{body}")
    project("--flops-update")
    assert entries(project)[TEST]["1"]["flops"] == 1


def test_cases_that_are_no_more_are_removed_if_all_were_collected(project):
    case = (
        "@pytest.mark.parametrize('n', {})\ndef test_case(flops, n):\n    flops.check(made(a=n))\n"
    )
    project.write(case.format([1, 2, 3]))
    project.passes("--flops-update", tests=3)
    project.passes("--flops-update", "test_cost.py::test_case[1]")
    project.passes("--flops-update", "-k", "test_case[2]")
    assert len(entries(project)) == 3
    project.write(case.format([1, 4]))
    project.passes("--flops-update", tests=2)
    assert [*entries(project)] == ["test_cost.py::test_case[1]", "test_cost.py::test_case[4]"]


def test_inherited_tests_and_classes_are_found(project):
    project.write(
        "class Base:\n    n = 1\n"
        "    def test_it(self, flops):\n        flops.check(made(a=self.n))\n"
        "class TestOne(Base):\n    pass\n"
        "class TestTwo(Base):\n    n = 2\n"
    )
    project.passes("--flops-update", tests=2)
    project.passes("--flops-update", "-k", "TestOne")
    assert [*entries(project)] == [f"test_cost.py::Test{n}::test_it" for n in ("One", "Two")]


def test_tests_that_a_module_has_under_no_name_are_left_alone(project):
    project.pytester.makeconftest(
        "import pytest\n"
        "def pytest_pycollect_makeitem(collector, name, obj):\n"
        "    if name == 'described':\n"
        "        return Described.from_parent(collector, name=name)\n"
        "class Described(pytest.Collector):\n"
        "    def collect(self):\n"
        "        for name, test in self.parent.obj.described().items():\n"
        "            yield pytest.Function.from_parent(self, name=name, callobj=test)\n"
    )
    project.write(
        "def described():\n"
        "    def one(flops):\n        flops.check(made(a=1))\n"
        "    def two(flops):\n        flops.check(made(a=2))\n"
        "    return {'one': one, 'two': two}\n"
    )
    project.passes("--flops-update", tests=2)
    project.passes("--flops-update", "test_cost.py::described::one")
    assert [*entries(project)] == [f"test_cost.py::described::{name}" for name in ("one", "two")]


def test_a_fixture_and_a_teardown_may_check(project):
    project.write(
        "@pytest.fixture\n"
        "def net(flops):\n"
        "    flops.check(made(a=1), name='before')\n"
        "    yield 2\n"
        "    flops.check(made(a=3), name='after')\n"
        "def test_it(net, flops):\n"
        "    flops.check(made(a=net), name='within')\n"
    )
    project.passes("--flops-update")
    assert [*entries(project)[TEST]] == ["after", "before", "within"]
    project.passes()


def test_the_file_is_where_it_is_said_to_be(project):
    project.checks(a=1)
    project.pytester.makeini("[pytest]\nflops_lock = costs/ini.json\n")
    project.passes("--flops-update")
    assert (project.pytester.path / "costs" / "ini.json").exists()
    project.passes("--flops-update", "--flops-lock", "option.json")
    assert (project.pytester.path / "option.json").exists()
    assert not project.lock.exists()
    (project.pytester.path / "option.json").unlink()
    assert "no entry in option.json" in project.fails("--flops-lock", "option.json")


def test_a_damaged_file_is_one_sentence(project):
    project.checks(a=1)
    project.lock.write_text("<<<<<<< HEAD")
    assert "flops.lock.json is not a JSON file" in project.fails()
    done = project("--flops-update")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert "ERROR: flops.lock.json is not a JSON file" in done.stderr.str()
    assert project.lock.read_text() == "<<<<<<< HEAD"


def test_an_update_that_cannot_write_fails_the_run(project):
    project.checks(a=1)
    (project.pytester.path / "file").touch()
    done = project("--flops-update", "--flops-lock", "file/lock.json")
    assert done.ret == 1
    assert "ERROR: cannot write to " in done.stdout.str()


def test_nothing_is_written_if_no_test_checks(project):
    project.write("def test_it():\n    pass\n")
    project.passes("--flops-update")
    project.passes("--flops-update", "--collect-only", tests=0)
    assert not project.lock.exists()


def test_listing_tests_removes_nothing(project):
    project.checks(a=1)
    project.passes("--flops-update")
    project.write("def test_other():\n    pass\n")
    project("--flops-update", "--collect-only")
    assert [*entries(project)] == [TEST]


def test_the_options_are_in_the_help(project):
    done = project("--help")
    done.stdout.fnmatch_lines(["*--flops-update*", "*--flops-lock=FILE*", "*flops_lock*"])
