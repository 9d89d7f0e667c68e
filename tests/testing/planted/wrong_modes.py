"""Wrong attention modes, each wrong in one way."""

import attrs

from flopbench import AttentionMode, Elementwise, hookimpl
from flopbench.builtin.eager import Eager
from flopbench.builtin.flash import Flash

MODES = []


def plant(mode):
    name = mode.__name__.lower()
    members = {"name": name, "summary": "a wrong mode", "label": mode.__dict__.get("label")}
    MODES.append(type(mode.__name__, (mode,), members))
    return mode


@plant
class Right(Flash):
    pass


@plant
class Lies(Flash):
    matches_vendor = True

    def unsupported(self, op):
        return None


@plant
class Nearly_Eager(Eager):
    matches_vendor = True

    def lower(self, op):
        return super().lower(attrs.evolve(op, value_dim=op.head_dim))


@plant
class Branches_On_Size(Flash):
    def lower(self, op):
        if op.keys > 3:
            yield Elementwise(component=op.component, function="add", outputs=1, layers=op.layers)
        yield from super().lower(op)


@plant
class Wrong_In_Arrays(Flash):
    def lower(self, op):
        if hasattr(op.keys, "shape"):
            op = attrs.evolve(op, keys=op.keys + 1)
        return super().lower(op)


@plant
class Wrong_In_Symbols(Flash):
    def lower(self, op):
        if hasattr(op.keys, "free_symbols"):
            op = attrs.evolve(op, keys=op.keys + 1)
        return super().lower(op)


@plant
class Free(AttentionMode):
    def lower(self, op):
        return []


@plant
class Greedy(Eager):
    matches_vendor = False

    def lower(self, op):
        return super().lower(attrs.evolve(op, head_dim=op.head_dim + 1))


@plant
class Off_By_One_Key(Flash):
    def lower(self, op):
        for fused in super().lower(op):
            yield attrs.evolve(fused, pairs=op.steps * op.queries * op.keys - op.queries + 1)


@plant
class One_Layer(Flash):
    def lower(self, op):
        return super().lower(attrs.evolve(op, layers=1))


@plant
class Says_True(Flash):
    def unsupported(self, op):
        return bool(op.bias) or super().unsupported(op)


@plant
class Supports_Nothing(Flash):
    def unsupported(self, op):
        return "not today"


@plant
class Elsewhere(Flash):
    def lower(self, op):
        return super().lower(attrs.evolve(op, component="elsewhere"))


@plant
class Pads(Flash):
    def lower(self, op):
        for fused in super().lower(op):
            yield attrs.evolve(fused, padding=op.layers * 0 + 8 * op.steps)


@plant
class Stateful(Flash):
    calls = 0

    def lower(self, op):
        type(self).calls += 1
        for fused in super().lower(op):
            yield attrs.evolve(fused, inputs=self.calls)


@plant
class Same_Label(Flash):
    label = "analytic flash (full)"


@hookimpl
def flopbench_attention_modes():
    return MODES
