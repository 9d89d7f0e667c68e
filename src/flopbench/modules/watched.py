"""Watch a call on meta, or as it really runs, and put everything back."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from attrs import define, field
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv

from flopbench.builtin.torch_places import Places
from flopbench.builtin.torch_watch import Seen, watching
from flopbench.conventions import Conventions
from flopbench.modules.copies import Copies
from flopbench.modules.flex import flex_attention_on_meta
from flopbench.modules.formulas import own_formulas
from flopbench.modules.found import Found
from flopbench.modules.liveness import Liveness
from flopbench.modules.on_meta import OnMeta
from flopbench.modules.recorder import Recorder
from flopbench.modules.unchanged import Kept, kept, same_optimizers, same_settings
from flopbench.modules.ways import (
    any_grouped_product,
    any_mask,
    lazy_on_meta,
    noticing_threads,
    one_at_a_time,
    plain_ways,
    quiet_torch,
    without_moves,
)
from flopbench.modules.witness import Witness
from flopbench.training_step import Phase


@define
class Watched:
    """All that was seen of a call.

    Attributes:
        places: the modules being called.
        recorder: vector work.
        alive: what is alive while each op runs.
        witness: the known modules.
        mutated: what the call changed, which was put back.
        asked: what the call asked for and was not done.
        seen: what FlopCounterMode and the audit saw.
        flops: matrix work by module, op, pass and whether a formula of our own gave it.
        peak: the most bytes that are alive during one op, if that is known.
        parameters, parameter_bytes: of all modules, shared ones once.
    """

    places: Places
    recorder: Recorder
    alive: Liveness
    witness: Witness
    mutated: list[str] = field(factory=list)
    asked: set[str] = field(factory=set)
    seen: Seen = field(factory=Seen)
    flops: Counter[tuple[str, str, Phase, bool]] = field(factory=Counter)
    peak: int | None = None
    parameters: int = 0
    parameter_bytes: int = 0

    def weigh(self, modules: Iterable[Any]) -> None:
        """Add up the parameters of modules, as they are after the call."""
        found = [w for w in weights_of(modules) if isinstance(w, torch.nn.Parameter)]
        self.parameters = sum(weight.numel() for weight in found)
        self.parameter_bytes = sum(weight.nbytes for weight in found)


@contextmanager
def watch_on_meta(
    found: Found, dtype: torch.dtype | None = None
) -> Iterator[tuple[Watched, Copies]]:
    """Watch what runs on meta tensors; modules that are called and unknown get a name."""
    copies = Copies(dtype)
    with (
        one_at_a_time(),
        FakeTensorMode(shape_env=ShapeEnv(), allow_non_fake_inputs=True),
        kept(copies) as keeper,
    ):

        def meet(module: Any) -> None:
            new = found.meet(module)
            watched.places.names.update(new)
            keeper.place(new)
            watched.alive.ignore(weights_of(new))

        keeper.place(found.names)
        keeper.keep(found)
        places = Places(found.names, meet)
        with _watching(places, found) as watched, on_meta(found, keeper):
            yield watched, copies
            watched.weigh(found.names)
        keeper.put_back()
        watched.mutated, watched.asked = keeper.mutated, keeper.asked


@contextmanager
def watch_really(found: Found) -> Iterator[Watched]:
    """Watch what runs as it is: on its own device, with real arithmetic."""

    def meet(module: Any) -> None:
        watched.places.names.update(found.meet(module))

    places = Places(found.names, meet)
    with one_at_a_time(), same_settings(), plain_ways(), _watching(places, found) as watched:
        yield watched
        watched.weigh(found.names)


@contextmanager
def on_meta(found: Found, keeper: Kept) -> Iterator[None]:
    """Run what follows on meta tensors, as written, and leave what it works with unchanged."""
    with ExitStack() as stack:
        enter = stack.enter_context
        enter(quiet_torch())
        keeper.asked = enter(without_moves())
        enter(any_mask())
        enter(same_settings())
        enter(same_optimizers(found.optimizers, keeper.copies))
        if "torch.nn.attention.flex_attention" in sys.modules:
            enter(flex_attention_on_meta())
        enter(lazy_on_meta())
        enter(any_grouped_product())
        enter(plain_ways())
        enter(OnMeta(keeper.copies))
        yield


@contextmanager
def _watching(places: Places, found: Found) -> Iterator[Watched]:
    own = own_formulas()
    recorder = Recorder(places, own, Conventions())
    alive = Liveness(weights_of(found.names), places.path)
    watched = Watched(places, recorder, alive, Witness(places))

    def counted(op: str, flops: Any, is_own: bool) -> None:
        watched.flops[places.path(), op, places.phase(), is_own] += flops
        watched.witness.count(flops)

    def thread() -> None:
        watched.seen.uncounted[places.path(), "threading.Thread"] += 1

    with (
        watched.witness.following(),
        noticing_threads(thread),
        watching(places, recorder, alive, own=own, counted=counted) as watched.seen,
    ):
        yield watched


def weights_of(modules: Iterable[Any]) -> list[torch.Tensor]:
    """Return the parameters and buffers of modules, each once."""
    held = (
        tensor
        for module in modules
        for tensors in (module._parameters, module._buffers)  # noqa: SLF001 - no public way
        for tensor in tensors.values()
        if tensor is not None and not torch.nn.parameter.is_lazy(tensor)
    )
    return list({id(tensor): tensor for tensor in held}.values())
