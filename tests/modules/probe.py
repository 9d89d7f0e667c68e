"""Whether an op contracts, seen in numbers: derivatives by pairs of elements.

An output element of ``a @ b`` is a sum of products: its mixed second derivatives by an element of
``a`` and one of ``b`` are not 0 for several pairs that share no element. Of a pointwise op, there
is one such pair; of a norm with weights, all pairs share the weight.
"""

from itertools import permutations

import torch

from modules.contractions import tensors

_STEP = 1e-4
_ZERO = 1e-6
_OUTPUTS, _COLUMNS = 4, 8


def sums_products(func, args, kwargs):
    """Whether some output is a sum of products of two operands; None if nothing can be derived."""
    generator = torch.Generator().manual_seed(0)

    def randomized(tensor):
        """Put random numbers in place of floats; indices and masks stay as they are."""
        if not tensor.dtype.is_floating_point:
            return tensor
        return torch.rand(tensor.shape, generator=generator, dtype=torch.float64) / 2 + 0.25

    args, kwargs = torch.utils._pytree.tree_map_only(torch.Tensor, randomized, (args, kwargs))
    operands = [each for each in tensors((args, kwargs)) if _derivable(each)]
    if len(operands) < 2:
        return False
    found = []
    for first, second in permutations(range(len(operands)), 2):
        try:
            found.append(_pairs_apart(func, args, kwargs, operands[first], operands[second]))
        except (RuntimeError, NotImplementedError):
            continue
    return any(found) if found else None


def _derivable(tensor):
    return tensor.dtype.is_floating_point and tensor.numel() > 1


def _pairs_apart(func, args, kwargs, first, second):
    for output in range(_OUTPUTS):
        columns = _support(func, args, kwargs, second, output)
        pairs = set()
        for column in columns[:_COLUMNS]:
            rows = _mixed(func, args, kwargs, first, second, output, int(column))
            pairs |= {(row, int(column)) for row in rows}
        if len({row for row, _ in pairs}) > 1 and len({column for _, column in pairs}) > 1:
            return True
    return False


def _support(func, args, kwargs, operand, output):
    """Return the elements of an operand that an output element depends on."""
    return _gradient(func, args, kwargs, operand, output).flatten().nonzero().flatten()


def _gradient(func, args, kwargs, operand, output):
    """Return the derivatives of an output element by an operand's elements.

    Output elements are taken from everywhere in the outputs, so that no padding is all there is.
    """

    def replace(tensor):
        return leaf if tensor is operand else tensor.clone()

    leaf = operand.clone().requires_grad_()
    with torch.enable_grad():
        given = torch.utils._pytree.tree_map_only(torch.Tensor, replace, (args, kwargs))
        outs = [o for o in tensors(func(*given[0], **given[1])) if o.requires_grad]
        flat = torch.cat([o.flatten() for o in outs])
        picked = flat[(len(flat) - 1) * (2 * output + 1) // (2 * _OUTPUTS)]
        return torch.autograd.grad(picked, leaf)[0]


def _mixed(func, args, kwargs, first, second, output, column):
    """Return the elements of ``first`` whose product with an element of ``second`` counts."""
    values = second.view(-1)
    sides = []
    for step in (_STEP, -_STEP):
        values[column] += step
        sides.append(_gradient(func, args, kwargs, first, output).flatten())
        values[column] -= step
    mixed = (sides[0] - sides[1]) / (2 * _STEP)
    return [int(each) for each in (mixed.abs() > _ZERO).nonzero().flatten()]
