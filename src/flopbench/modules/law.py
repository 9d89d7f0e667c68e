"""The law of any module or callable: `flopbench.law`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import Parameter, signature
from operator import index
from typing import Any

from flopbench.errors import UsageError
from flopbench.executors.frames import roomy
from flopbench.inputs.numbers import quoted
from flopbench.modules.counter import SizedCall
from flopbench.modules.found import name_of
from flopbench.modules.measured import Measured
from flopbench.modules.module_law import ModuleLaw
from flopbench.modules.ways import one_at_a_time
from flopbench.text import one_line


@roomy
def law(
    target: Any,
    inputs: Callable[..., Any],
    /,
    dims: Mapping[str, int],
    *,
    backward: bool = False,
    every_layer: bool = False,
) -> ModuleLaw:
    """Return the FLOPs of a module or callable as a closed form in its sizes.

    The call runs on tensors whose sizes are symbols::

        import torch
        import flopbench

        layer = torch.nn.TransformerEncoderLayer(64, 4, 256, batch_first=True)
        law = flopbench.law(layer, lambda B, S: torch.empty(B, S, 64), {"B": 2, "S": 17})
        law.expression      # 256*B*S**2 + 98304*B*S
        law(B=8, S=4096)    # the same integer as a count at these sizes

    A size that the program needs as a number is interpolated, or stays closed at its example; the
    law says so, as it says what else it assumes.

    Args:
        target: a module, or a function.
        inputs: returns the arguments for sizes by name: a tuple of them, a mapping of keywords,
            or the one argument.
        dims: the sizes to leave open, each with an example.
        backward: also count the backward of the sum of all floating outputs.
        every_layer: trace each layer. By default layers that are equal but for their index are
            traced once; a plain count of every layer, near and far, must agree, module by module.

    Raises:
        flopbench.errors.UsageError: an argument is wrong.
        flopbench.errors.CountError: the call fails, or no size can be left open.
    """
    call = SizedCall(target, inputs, name_of(target), backward)
    measured = Measured(call, _sizes(inputs, dims))
    with one_at_a_time():
        # A layer that is not run leaves nothing to differentiate.
        return measured.law(every_layer=every_layer or backward)


def _sizes(inputs: Any, dims: Any) -> dict[str, int]:
    """Return the sizes with their examples, after checking them."""
    if not callable(inputs):
        raise UsageError(
            "the inputs must be a function of the sizes that returns the arguments, such as "
            f"lambda B, S: torch.empty(B, S, 64), got {one_line(quoted(inputs))}"
        )
    if not isinstance(dims, Mapping) or not dims:
        raise UsageError(f'dims must give each size an example, such as {{"B": 2}}, got {dims!r}')
    for name, value in dims.items():
        if not (isinstance(name, str) and name.isidentifier()):
            raise UsageError(f"a size must have a name that Python takes, got {name!r}")
        if isinstance(value, bool) or not hasattr(value, "__index__") or index(value) < 1:
            raise UsageError(f"dims: {name} must be an integer of 1 or more, got {value!r:.80}")
    parameters = _parameters(inputs)
    if parameters and not any(p.kind is Parameter.VAR_KEYWORD for p in parameters.values()):
        needed = [n for n, p in parameters.items() if p.default is Parameter.empty]
        for name in (
            *(n for n in dims if n not in parameters),
            *(n for n in needed if n not in dims),
        ):
            raise UsageError(
                f"the function of the inputs takes {', '.join(parameters) or 'nothing'}, and dims "
                f"gives {', '.join(dims)}: {name} is only one of them's"
            )
    return {name: index(value) for name, value in dims.items()}


def _parameters(inputs: Any) -> Mapping[str, Parameter]:
    """Return the parameters of a function; none if Python does not know them."""
    try:
        return signature(inputs).parameters
    except (TypeError, ValueError):
        return {}
