"""Count any module or callable: `flopbench.count` and `flopbench.counting`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from attrs import define, frozen

from flopbench.builtin.torch_backward import run_backward
from flopbench.errors import CountError, UsageError
from flopbench.executors.frames import roomy
from flopbench.modules.copies import dtype_of
from flopbench.modules.counted import ModuleCount, Unseen, VectorWork, Work
from flopbench.modules.failures import failing
from flopbench.modules.found import Found, found_around, found_in, name_of
from flopbench.modules.notes import notes_of
from flopbench.modules.watched import Watched, watch_on_meta, watch_really


def count(
    target: Any,
    /,
    *args: Any,
    backward: bool = False,
    depth: int | None = None,
    components: Mapping[str, str] = {},
    dtype: Any = None,
    run: bool = False,
    **kwargs: Any,
) -> ModuleCount:
    """Count the FLOPs of one call of a module, or of any callable.

    The call runs on ``meta`` tensors: shapes alone, no arithmetic, no memory for results. The
    result does not depend on where the weights are, and the module is as before: parameters,
    buffers, hooks, mode, attributes, random numbers and gradients::

        import torch
        import flopbench

        flopbench.count(torch.nn.Linear(64, 32), torch.empty(8, 64)).flops  # 2 * 8 * 64 * 32

    Args:
        target: a module, or a function, bound method, training step …
        args, kwargs: what it is called with; tensors may be on any device.
        backward: also count the backward of the sum of all floating outputs.
        depth: levels of modules to show; the result itself holds all.
        components: names of parts, by pattern of module paths: ``{"encoder.layer.*": "layers"}``.
        dtype: take weights and floating inputs to be of this dtype, such as ``"bfloat16"``.
        run: run the call really, on its own device. A program whose branches depend on the values
            of tensors can be counted in no other way; it changes what the call changes.

    Raises:
        flopbench.errors.UsageError: the target or an option is wrong.
        flopbench.errors.CountError: the call fails.
    """
    asked = Asked(backward=backward, dtype=dtype, run=run)
    return count_call(target, args, kwargs, Shown.of(name_of(target), depth, components), asked)


@frozen(kw_only=True)
class Asked:
    """How a call is to be counted; see `count`."""

    backward: bool = False
    dtype: Any = None
    run: bool = False


@roomy
def count_call(target: Any, args: Any, kwargs: Any, shown: Shown, asked: Asked) -> ModuleCount:
    """Count a call whose keywords may have the names of options.

    Raises:
        UsageError: the target or an option is wrong.
        CountError: the call fails.
    """
    if asked.run and asked.dtype is not None:
        raise UsageError("run=True runs the call as it is: dtype is for a count on meta")
    found = found_in(target, (args, kwargs))
    if asked.run:
        with watch_really(found) as watched, failing(watched.places, shown.name, really=True):
            returned = _called(target, args, kwargs, backward=asked.backward)
            watched.peak = watched.alive.peak(returned)
    else:
        with (
            watch_on_meta(found, dtype_of(asked.dtype)) as (watched, copies),
            failing(watched.places, shown.name),
        ):
            given = copies.of(args), copies.of(kwargs)
            returned = _called(target, *given, backward=asked.backward)
            watched.peak = watched.alive.peak(returned)
    return result_of(watched, found, shown, "run" if asked.run else "meta")


@define
class Counting:
    """What a ``with flopbench.counting()`` block counts; `result` is set at its end."""

    result: ModuleCount | None = None

    def __str__(self) -> str:
        return "the block has not ended" if self.result is None else str(self.result)

    def __getattr__(self, name: str) -> Any:
        """Return what the result has.

        Raises:
            AttributeError: it has no such attribute, or the block has not ended.
        """
        if self.result is None:
            raise AttributeError(f"the block has not ended, so there is no {name!r} yet")
        return getattr(self.result, name)


_CALLER = 2
"""The frame that enters a block: above it are a generator and contextlib."""


@contextmanager
def counting(
    *,
    depth: int | None = None,
    components: Mapping[str, str] = {},
    dtype: Any = None,
) -> Iterator[Counting]:
    """Count the FLOPs of all that runs in a block, as `count` does: on ``meta``, nothing changed.

    ::

        with flopbench.counting() as counted:
            loss = model(x).sum()
            loss.backward()
        print(counted.flops)

    Results of the block have shapes and no values.

    Args:
        depth, components, dtype: as in `count`.

    Raises:
        flopbench.errors.CountError: the block fails.
    """
    found = found_around(sys._getframe(_CALLER))  # noqa: SLF001 - no other way to its variables
    counted = Counting()
    shown = Shown.of("the block", depth, components)
    with watch_on_meta(found, dtype_of(dtype)) as (watched, _), failing(watched.places, shown.name):
        yield counted
        watched.peak = watched.alive.peak(())
    counted.result = result_of(watched, found, shown, "meta")


@frozen
class Shown:
    """How a result shows itself: its name, the levels of modules and the names of components."""

    name: str
    depth: int | None
    components: Mapping[str, str]

    @classmethod
    def of(cls, name: str, depth: Any, components: Any) -> Shown:
        """Check what a user asks for.

        Raises:
            UsageError: the depth is no number of levels, or components no names by pattern.
        """
        if depth is not None and (type(depth) is not int or depth < 0):
            raise UsageError(f"depth must be an integer of 0 or more, got {depth!r:.80}")
        named = isinstance(components, Mapping) and all(
            isinstance(text, str) for pair in components.items() for text in pair
        )
        if not named:
            raise UsageError(
                'components must give names by pattern, such as {"layers.*": "layers"}, got '
                f"{components!r:.80}"
            )
        return cls(name, depth, dict(components))


def result_of(watched: Watched, found: Found, shown: Shown, method: str) -> ModuleCount:
    """Return the result of what was watched.

    Raises:
        CountError: the FLOPs depend on the values of tensors.
    """
    checks = watched.witness.checks.values()
    return ModuleCount(
        name=shown.name,
        work=tuple(
            Work(module, op, str(phase), _integer(n, shown.name), own)
            for (module, op, phase, own), n in watched.flops.items()
        ),
        vector=tuple(
            VectorWork(
                module, kind, str(phase), *(_integer(n, shown.name) for n in (elements, flops))
            )
            for (module, kind, phase), flops in watched.recorder.flops.items()
            for elements in (watched.recorder.elements[module, kind, phase],)
        ),
        uncounted=tuple(Unseen(m, op, n) for (m, op), n in watched.seen.uncounted.items()),
        unpriced=tuple(Unseen(m, op, n) for (m, op, _), n in watched.recorder.unpriced.items()),
        checks=tuple(checks),
        parameters=watched.parameters,
        parameter_bytes=watched.parameter_bytes,
        peak_activation_bytes=watched.peak,
        notes=notes_of(watched, found, method),
        method=method,
        depth=shown.depth,
        components=shown.components,
    )


def _called(target: Any, args: Any, kwargs: Any, *, backward: bool) -> Any:
    returned = target(*args, **kwargs)
    if inspect.isgenerator(returned) or inspect.iscoroutine(returned):
        kind = "generator" if inspect.isgenerator(returned) else "coroutine"
        raise CountError(
            f"the call returned a {kind}, of which nothing has run: count what runs it"
        )
    if backward:
        run_backward(returned)
    return returned


def _integer(value: Any, name: str) -> int:
    expression = value.node.expr if isinstance(value, torch.SymInt) else value
    if not isinstance(value, int) and not expression.is_Integer:
        raise CountError(
            f"the FLOPs of {name} depend on the values of tensors ({expression}): run=True runs "
            "the call really and counts that"
        )
    return int(expression)
