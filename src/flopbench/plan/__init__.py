"""From names and settings to a plan: every name resolved, every value checked, before any work."""

from flopbench.plan.plan import Plan, make_plan

__all__ = [
    "Plan",
    "make_plan",
]
