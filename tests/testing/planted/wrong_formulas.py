"""Wrong formulas, each wrong in one way."""

from flopbench import hookimpl
from flopbench.builtin.formulas.papers import Palm
from flopbench.formulas import DoesNotApplyError, Origin, Sum, Term

FORMULAS = []


def plant(formula):
    members = {"name": formula.__name__.lower()}
    FORMULAS.append(type(formula.__name__, (formula,), members))
    return formula


@plant
class Right(Palm):
    pass


@plant
class No_Summary(Palm):
    summary = ""


@plant
class No_Link(Palm):
    origin = Origin("a paper", "2022", "arXiv:2204.02311")


@plant
class Forgets_Norms(Palm):
    def includes(self, facts):
        return super().includes(facts) - Term.NORMS


@plant
class One_More(Palm):
    def flops(self, facts):
        return super().flops(facts) + 1


@plant
class Floats(Palm):
    def flops(self, facts):
        return float(super().flops(facts))


@plant
class No_Experts_Declared(Palm):
    def includes(self, facts):
        return super().includes(facts) - 3 * Sum.of(Term.INACTIVE)


@plant
class Never(Palm):
    def flops(self, facts):
        raise DoesNotApplyError("it applies to nothing")


@plant
class Stateful(Palm):
    calls = 0

    def flops(self, facts):
        type(self).calls += 1
        return super().flops(facts) * (1 + self.calls % 2)


@plant
class Per_Sequence(Palm):
    def flops(self, facts):
        return super().flops(facts) // facts.batch


@hookimpl
def flopbench_formulas():
    return FORMULAS
