"""Points that are made at once are those that are made alone."""

from time import process_time
from types import SimpleNamespace

import attrs
import numpy as np
import pytest

from flopbench.commands.sweep.plan import _Each, plan_sweep
from flopbench.commands.sweep.request import SweepRequest
from flopbench.registry.catalog import build_catalog
from flopbench.registry.loading import load_plugins
from toy import write_toy

MADE = """    def workload(self, inputs):
        return Work(rows=inputs.rows, long=inputs.rows > 2, again=VALUE)
"""

WORK = """@frozen(kw_only=True)
class Work:
    rows: int
    long: bool
    again: object
    kind: str = "plain"


class Toy("""


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("inputs.rows", [1, 2, 3, 4, 5]),
        ("(inputs.rows,)", [(1,), (2,), (3,), (4,), (5,)]),
        ("f'{inputs.rows} rows'", ["1 rows", "2 rows", "3 rows", "4 rows", "5 rows"]),
        ("type(inputs.rows) is int", [True] * 5),
    ],
)
def test_what_an_array_would_make_something_else_is_made_of_numbers(tmp_path, value, wanted):
    changes = (
        ("class Toy(", WORK),
        ("    def workload(self, inputs):\n        return inputs\n", MADE.replace("VALUE", value)),
        ('{"rows": workload.rows}', '{"rows": workload.rows, "long": workload.long}'),
    )
    write_toy(tmp_path, *changes)
    plugins = (str(tmp_path / "toy.py"),)
    request = SweepRequest(model="toy", vary=("workload.rows=1:5",), plugins=plugins)
    plan = plan_sweep(build_catalog(load_plugins(plugins)), request)
    assert [work.again for work in plan.workloads] == wanted
    assert all(work.long is (work.rows > 2) for work in plan.workloads)
    facts = [made.facts["long"] for made in plan.made.made(np.arange(5))]
    assert facts == [False, False, True, True, True]


@attrs.frozen(eq=False)
class Rows:
    rows: object


def test_each_of_many_points_is_found_among_those_made_apart():
    apart = [np.arange(1, 3000, 3), *(np.array([i]) for i in range(3000) if i % 3 != 1)]
    block = [
        SimpleNamespace(indices=each, run=n, workload=Rows(each)) for n, each in enumerate(apart)
    ]
    each = _Each(SimpleNamespace(block=lambda _indices: block), 3000)
    started = process_time()
    found = [each(index) for index in range(3000)]
    assert process_time() - started < 1
    assert [work.rows for _, work in found] == [*range(3000)]
    assert [run for run, _ in found[:4]] == [1, 0, 2, 3]
