"""Plans of shipped models without a vendor, and their prices."""

import functools

from flopbench.api.given import catalog_of
from flopbench.commands.run.priced import price_stages
from flopbench.commands.run.times import run_times
from flopbench.hardware import HardwareOptions
from flopbench.plan import make_plan


@functools.cache
def _catalog():
    return catalog_of((), strict=False)


def analytic_plan(model, *overrides, **options):
    run = {f"run.{name}": value for name, value in options.items()}
    given = {"run.analytic_only": True, **run}
    return make_plan(_catalog(), model, overrides=overrides, options=given)


def prices_of(plan):
    return price_stages(plan, plan.modes)


def machine_of(plan, **hardware):
    return HardwareOptions(**hardware).machine(plan.storage)


def times_of(plan, machine):
    return run_times(plan, machine, prices_of(plan))
