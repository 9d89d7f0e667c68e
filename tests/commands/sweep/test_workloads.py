"""Points that are made at once are those that are made alone."""

import numpy as np
import pytest

from flopbench.commands.sweep.plan import plan_sweep
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
