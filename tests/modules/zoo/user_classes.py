"""Modules as users write them."""

import torch
from torch import nn
from torch.nn import functional


class Scaled(torch.autograd.Function):
    """A product with a backward of its own."""

    @staticmethod
    def forward(ctx, x, weight):
        ctx.save_for_backward(x, weight)
        return x @ weight

    @staticmethod
    def backward(ctx, grad):
        x, weight = ctx.saved_tensors
        return grad @ weight.mT, x.reshape(-1, x.shape[-1]).mT @ grad.reshape(-1, grad.shape[-1])


class Own(nn.Module):
    """Calls an autograd function."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(6, 7))

    def forward(self, x):
        return Scaled.apply(x, self.weight)


class Block(nn.Module):
    """Two layers and a skip."""

    def __init__(self, size=6):
        super().__init__()
        self.up = nn.Linear(size, 2 * size)
        self.down = nn.Linear(2 * size, size)

    def forward(self, x):
        return x + self.down(functional.gelu(self.up(x)))


class Stack(nn.Module):
    """A loop over a list of blocks; some are the same module, called again."""

    def __init__(self):
        super().__init__()
        first = Block()
        self.blocks = nn.ModuleList([first, Block(), first])
        self.heads = nn.ModuleDict({"a": nn.Linear(6, 2), "b": nn.Linear(6, 3)})

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return {name: head(x) for name, head in self.heads.items()}


class Tied(nn.Module):
    """The embedding is also the output layer."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(11, 6)
        self.head = nn.Linear(6, 11, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, ids):
        return self.head(self.embed(ids))


class Checkpointed(nn.Module):
    """Runs its block again when it goes backward."""

    def __init__(self):
        super().__init__()
        self.block = Block()

    def forward(self, x):
        return torch.utils.checkpoint.checkpoint(self.block, x, use_reentrant=False)


class Traced(nn.Module):
    """Part of it is TorchScript, or fx."""

    def __init__(self, tracer):
        super().__init__()
        self.block = tracer(Block())

    def forward(self, x):
        return self.block(x)


class Branch(nn.Module):
    """Which layer runs depends on values."""

    def __init__(self):
        super().__init__()
        self.small, self.large = nn.Linear(6, 7), nn.Linear(6, 70)

    def forward(self, x):
        return self.large(x) if x.sum() > 0 else self.small(x)


class Picked(nn.Module):
    """How many rows are multiplied depends on values."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(6, 7)

    def forward(self, x):
        return self.linear(x[x[..., 0] > 0])


class Counted(nn.Module):
    """How often it loops depends on a value."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(6, 6)

    def forward(self, x, times):
        for _ in range(int(times)):
            x = self.linear(x)
        return x


class Weighted(nn.Module):
    """Weights are parametrized: normed, and orthogonal to one another."""

    def __init__(self, parametrize):
        super().__init__()
        self.linear = parametrize(nn.Linear(6, 5))

    def forward(self, x):
        return self.linear(x)
