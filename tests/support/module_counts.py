"""What torch's counter, with flopbench's own formulas, says of a call; and what a CPU executed."""

import copy
from contextlib import contextmanager, nullcontext
from math import prod

import torch
from torch.utils._pytree import tree_map_only
from torch.utils.flop_counter import FlopCounterMode

from flopbench.modules.formulas import own_formulas


def flops(run):
    """The FLOPs of what a function runs."""
    return sum(by_op(run).values())


def by_op(run):
    """The FLOPs of what a function runs, by op."""
    with FlopCounterMode(display=False, custom_mapping=own_formulas()) as counter:
        run()
    return {str(op): n for op, n in counter.get_flop_counts().get("Global", {}).items()}


def on(device, given):
    """Modules and tensors among arguments, on a device: copies, except on theirs."""
    given = tree_map_only(torch.Tensor, lambda t: _moved(t, device), given)
    return tree_map_only(torch.nn.Module, lambda m: copy.deepcopy(m).to(device), given)


def _moved(tensor, device):
    return tensor.detach().to(device).requires_grad_(tensor.requires_grad)


@contextmanager
def without_fast_paths():
    """Let ``nn.TransformerEncoder`` ask no values: its fast path leaves out padding."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def counted(module, *args, device="meta", **kwargs):
    """The FLOPs of a call without gradients, on a device."""
    module, args, kwargs = on(device, (module, args, kwargs))
    with torch.no_grad(), without_fast_paths() if device == "meta" else nullcontext():
        return flops(lambda: module(*args, **kwargs))


def trained(module, *args, device="meta", **kwargs):
    """The FLOPs of a call and its gradients, on a device."""
    module, args, kwargs = on(device, (module, args, kwargs))

    def run():
        output = module(*args, **kwargs)
        (output[0] if isinstance(output, tuple) else output).sum().backward()

    return flops(run)


_FACTORS = {
    **dict.fromkeys(("mm", "bmm", "mv", "dot"), slice(2)),
    **dict.fromkeys(("addmm", "addmm_", "_addmm_activation", "addmv"), slice(1, 3)),
    **dict.fromkeys(("baddbmm", "baddbmm_"), slice(1, 3)),
}
"""Which operands are multiplied, by op."""


def executed(run):
    """2 FLOPs per multiply-add of the products that torch's profiler sees, within kernels, too."""
    activities = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=activities, record_shapes=True) as profile:
        run()
    total = 0
    for event in profile.events():
        factors = _FACTORS.get(event.name.removeprefix("aten::"))
        if factors:
            left, right = event.input_shapes[factors]
            total += 2 * prod(left) * (right[-1] if len(right) > 1 else 1)
    return total
