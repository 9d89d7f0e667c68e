"""Wrong counters, each wrong in one way."""

import attrs

from flopbench import Convention, Count, Counted, CountError, VendorCounter, hookimpl
from flopbench.builtin.torch_counter import TorchCounter
from flopbench.ops import TORCH_VISIBLE

COUNTERS = []


def plant(counter):
    members = {"name": counter.__name__.lower(), "summary": "a wrong counter"}
    COUNTERS.append(type(counter.__name__, (counter,), members))
    return counter


class Numbers(VendorCounter):
    """Counts numbers alone, as the torch counter does."""

    convention = TorchCounter.convention

    def count(self, call):
        return TorchCounter().count(call)


def scaled(count, factor):
    entries = tuple(attrs.evolve(e, flops=factor * e.flops) for e in count.counted)
    return attrs.evolve(count, counted=entries)


@plant
class Right(Numbers):
    pass


@plant
class Doubles(Numbers):
    def count(self, call):
        return scaled(super().count(call), 2)


@plant
class Macs_As_Flops(Numbers):
    def count(self, call):
        count = super().count(call)
        return attrs.evolve(
            count, counted=tuple(attrs.evolve(e, flops=e.flops // 2) for e in count.counted)
        )


@plant
class Says_Macs(Numbers):
    convention = Convention(unit="MAC", sees=TORCH_VISIBLE)


@plant
class Floats(Numbers):
    def count(self, call):
        return scaled(super().count(call), 1.0)


@plant
class Swallows(Numbers):
    def count(self, call):
        return attrs.evolve(super().count(call), uncounted=())


@plant
class One_Module(Numbers):
    def count(self, call):
        count = super().count(call)
        return attrs.evolve(count, counted=tuple(attrs.evolve(e, module="") for e in count.counted))


@plant
class Adds_Up(Numbers):
    total = 0

    def count(self, call):
        count = super().count(call)
        self.total += 1
        return scaled(count, self.total) if self.total > 1 else count


@plant
class Leaves_A_Hook(Numbers):
    def count(self, call):
        call.root.register_forward_hook(lambda *_: None)
        return super().count(call)


@plant
class Leaves_A_Buffer(Numbers):
    def count(self, call):
        count = super().count(call)
        call.root.total_ops = count.flops
        return count


@plant
class Failure_Is_Zero(Numbers):
    def count(self, call):
        try:
            return super().count(call)
        except CountError:
            return Count((Counted("", "mm", 0),))


@plant
class Versions_As_Numbers(Numbers):
    def provenance(self):
        return {"torch": 2}


@plant
class No_Sees(Numbers):
    convention = Convention(unit="FLOP", sees={"linear", "matmul", "conv2d"})


@plant
class Wrong_In_Symbols(TorchCounter):
    def trace(self, prepare, symbols):
        trace = super().trace(prepare, symbols)
        return attrs.evolve(trace, flops={key: form + 2 for key, form in trace.flops.items()})


@hookimpl
def flopbench_vendor_counters():
    return COUNTERS
