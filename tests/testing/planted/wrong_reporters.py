"""Wrong reporters, each wrong in one way."""

from pathlib import Path

from flopbench import Reporter, hookimpl
from flopbench.builtin.reporters.console import Console

REPORTERS = []


def plant(reporter):
    summary = reporter.__dict__.get("summary", "a wrong reporter")
    members = {"name": reporter.__name__.lower(), "summary": summary}
    REPORTERS.append(type(reporter.__name__, (reporter,), members))
    return reporter


@plant
class Right(Console):
    pass


@plant
class No_Summary(Console):
    summary = ""


@plant
class Mutates(Console):
    def render(self, report):
        text = super().render(report)
        report.workload["seen"] = True
        return text


@plant
class Prints(Console):
    def render(self, report):
        print(report.model)
        return super().render(report)


@plant
class Writes(Console):
    def render(self, report):
        Path("report.txt").write_text("hello")
        return super().render(report)


@plant
class Stateful(Console):
    calls = 0

    def render(self, report):
        type(self).calls += 1
        return f"{self.calls} {super().render(report)}"


@plant
class Newline(Console):
    def render(self, report):
        return super().render(report) + "\n"


@plant
class Bytes(Console):
    def render(self, report):
        return super().render(report).encode()


@plant
class Constant(Reporter):
    def render(self, report):
        return "all is well"


@plant
class Only_Good_News(Reporter):
    def render(self, report):
        return "\n".join(f"{s.label}: {s.flops:,}" for s in report.series)


@hookimpl
def flopbench_reporters():
    return REPORTERS
