"""Wrong models, each wrong in one way: subclasses of what `flopbench new model toy` writes."""

import attrs
from flopbench_toy.analytic import Toy
from flopbench_toy.vendor import ToyVendor

from flopbench import Elementwise, Linear, Named, Sweep, SweepPoint, hookimpl

MODELS, VENDORS = [], []


def plant(model, vendor=None):
    """Register a model under its class's name, with a right vendor if none is given."""
    name = model.__name__.lower()
    MODELS.append(type(model.__name__, (model,), {"name": name}))
    VENDORS.append(type(model.__name__, (vendor or ToyVendor,), {"name": name}))
    return model


def plant_vendor(vendor):
    plant(type(vendor.__name__, (Toy,), {}), vendor)
    return vendor


def changed(ops, component, **changes):
    for op in ops:
        meant = op.component == component and all(hasattr(op, name) for name in changes)
        yield attrs.evolve(op, **changes) if meant else op


@plant
class Right(Toy):
    pass


@plant
class Wrong_Width(Toy):
    def ops(self, stage, workload):
        wider = self.architecture.vocabulary + 1
        return changed(super().ops(stage, workload), "lm_head", out_features=wider)


@plant
class Off_By_One(Toy):
    def ops(self, stage, workload):
        ops = super().ops(stage, workload)
        if stage == "prefill":
            return ops
        return changed(ops, "decoder/attention/core", keys=workload.context_tokens)


@plant
class Batch_Nonlinear(Toy):
    def ops(self, stage, workload):
        rows = workload.batch_size * workload.batch_size
        ops = super().ops(stage, workload)
        steps = workload.decode_steps if stage == "decode" else workload.context_tokens
        return changed(ops, "lm_head", rows=rows, steps=steps)


@plant
class Missing_Component(Toy):
    parts = {}

    def ops(self, stage, workload):
        return (op for op in super().ops(stage, workload) if op.component != "lm_head")


@attrs.frozen(kw_only=True, eq=False)
class Priced(Elementwise):
    price: object = 0

    def vector_flops(self, conventions):
        return self.price


def with_price(price):
    class Mispriced(Toy):
        def ops(self, stage, workload):
            yield from super().ops(stage, workload)
            yield Priced(component="decoder/extra", function="add", outputs=1, price=price)

    return Mispriced


plant(type("Float_Flops", (with_price(2.5),), {}))
plant(type("Negative", (with_price(-3),), {}))


@plant
class No_Component(Toy):
    def ops(self, stage, workload):
        yield from super().ops(stage, workload)
        yield Elementwise(component="decoder//add", function="add", outputs=1)


@plant
class Branches_On_Size(Toy):
    def ops(self, stage, workload):
        yield from super().ops(stage, workload)
        if workload.context_tokens > 100:
            yield Elementwise(component="decoder/long", function="add", outputs=1)


@plant
class Wrong_In_Arrays(Toy):
    def ops(self, stage, workload):
        yield from super().ops(stage, workload)
        tokens = workload.context_tokens
        seen = int(tokens[0]) if hasattr(tokens, "shape") else tokens
        yield Elementwise(component="decoder/tokens", function="add", outputs=seen)


@plant
class Wrong_In_Symbols(Toy):
    def ops(self, stage, workload):
        yield from super().ops(stage, workload)
        tokens = workload.context_tokens
        seen = 7 if hasattr(tokens, "free_symbols") else tokens
        yield Elementwise(component="decoder/tokens", function="add", outputs=seen)


@plant
class Shrinks(Toy):
    def ops(self, stage, workload):
        less = 10_000 - workload.context_tokens
        yield from super().ops(stage, workload)
        yield Linear(component="decoder/less", rows=less, in_features=2000, out_features=2000)


@plant
class Forgets_A_Size(Toy):
    def stage_workload(self, stage, workload, sizes):
        return super().stage_workload(stage, workload, sizes | {"S": workload.context_tokens})


@plant
class Stateful(Toy):
    calls = 0

    def ops(self, stage, workload):
        type(self).calls += 1
        yield from super().ops(stage, workload)
        yield Elementwise(component="decoder/calls", function="add", outputs=self.calls)


@plant
class Changes_The_Workload(Toy):
    def ops(self, stage, workload):
        yield from super().ops(stage, workload)
        tokens = workload.context_tokens
        object.__setattr__(workload, "context_tokens", tokens + 1)
        yield Elementwise(component="decoder/late", function="add", outputs=tokens)


@plant
class Misnamed(Toy):
    def named(self):
        import sympy

        vocabulary = sympy.Symbol("V", integer=True, positive=True)
        named = Toy(attrs.evolve(self.architecture, vocabulary=1))
        object.__setattr__(named.architecture, "vocabulary", vocabulary)
        return Named(named, {vocabulary: 1001}, {"V": "vocabulary"})


@plant
class Loads_Torch(Toy):
    def workload(self, inputs):
        import torch

        return super().workload(inputs) if torch else None


@plant
class No_Such_Stage(Toy):
    first_token = ("prefil",)


@plant
class No_Such_Axis(Toy):
    sweeps = (
        Sweep(
            name="lengths",
            description="over contexts",
            stages=("prefill",),
            x="tokens",
            points=lambda limits: [SweepPoint(label="1", inputs={"context_tokens": 1})],
        ),
    )


@plant_vendor
class Mapped_Wrong(ToyVendor):
    def component(self, module):
        right = super().component(module)
        return "decoder/attention/out" if right == "decoder/mlp" else right


@plant_vendor
class Unmapped(ToyVendor):
    def component(self, module):
        return super().component(module).replace("lm_head", "unmapped/lm_head")


def with_call(change):
    """A vendor that changes the module of each call, or what the call does."""

    class Changed(ToyVendor):
        def stage(self, name, workload):
            stage = super().stage(name, workload)
            return attrs.evolve(stage, prepare=lambda step: change(stage.prepare(step), step))

    return Changed


def fused(call, step):
    from torch.nn import functional

    def forward(layer, x, cache):
        batch, tokens, _ = x.shape
        q, k, v = layer.qkv(x).view(batch, tokens, 3, layer.heads, -1).permute(2, 0, 3, 1, 4)
        import torch

        k, v = torch.cat([cache[0], k], dim=2), torch.cat([cache[1], v], dim=2)
        attended = functional.scaled_dot_product_attention(q, k, v)
        x = x + layer.out(attended.transpose(1, 2).reshape(batch, tokens, -1))
        return x + layer.down(torch.relu(layer.up(x)))

    for layer in call.root.layers:
        layer.forward = forward.__get__(layer)
    return call


def multiplies_a_vector(call, step):
    import torch

    def run():
        call.run()
        torch.mv(torch.empty(2, 2, device="meta"), torch.empty(2, device="meta"))

    return attrs.evolve(call, run=run)


def with_a_weight(call, step):
    import torch

    call.root.extra = torch.nn.Parameter(torch.zeros(2))
    return call


@plant_vendor
class Forgetful(ToyVendor):
    """Takes up what was left in a cache that only grows."""

    asked = 0

    def stage(self, name, workload):
        type(self).asked += 1
        longer = attrs.evolve(workload, context_tokens=workload.context_tokens + self.asked)
        return super().stage(name, longer)


plant_vendor(type("Fused", (with_call(fused),), {}))
plant_vendor(type("Uncounted", (with_call(multiplies_a_vector),), {}))
plant_vendor(type("Weighty", (with_call(with_a_weight),), {}))


@plant_vendor
class Shapeless(ToyVendor):
    def shapes(self, stage, workload):
        return stage


@hookimpl
def flopbench_analytic_models():
    return MODELS


@hookimpl
def flopbench_vendor_models():
    return VENDORS
