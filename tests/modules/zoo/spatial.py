"""Layers of torch.nn that pool, pad, move or resize: no matrix work."""

from torch import nn

from modules.zoo.specimen import Specimen, ids, real

_SIZES = {"B": 3, "H": 9}


def _space(dims, channels=8):
    return lambda B, H: real(B, channels, H, *(10,) * (dims - 1))


_NUMBERS = {"MaxPool1d": "torch reads its size as a number"}


def _by_dims(names, *args):
    """Return a specimen per class and number of dimensions, which ends its name."""
    found = []
    for name, dims in names:
        kind = getattr(nn, f"{name}{dims}d")
        found.append(
            Specimen(
                kind.__name__,
                lambda k=kind: k(*args),
                _space(dims),
                _SIZES,
                fixed=_NUMBERS.get(kind.__name__, ""),
            )
        )
    return found


def _every(*names, dims=(1, 2, 3)):
    return [(name, each) for name in names for each in dims]


def sequence_ids(B, S):
    return ids(B, S)


class Unpool(nn.Module):
    """Pools, and then unpools by the indices found."""

    def __init__(self, dims):
        super().__init__()
        self.pool = getattr(nn, f"MaxPool{dims}d")(2, return_indices=True)
        self.unpool = getattr(nn, f"MaxUnpool{dims}d")(2)

    def forward(self, x):
        return self.unpool(*self.pool(x))


_PADS = _every("ConstantPad", "ReflectionPad", "ReplicationPad", "CircularPad", "ZeroPad")
_MOVES = {
    "ChannelShuffle": lambda: nn.ChannelShuffle(2),
    "Flatten": nn.Flatten,
    "PixelShuffle": lambda: nn.PixelShuffle(2),
    "Unflatten": lambda: nn.Unflatten(1, (2, 4)),
    "Unfold": lambda: nn.Unfold(3, padding=1),
    "Upsample": lambda: nn.Upsample(scale_factor=2),
    "Upsample bicubic": lambda: nn.Upsample(scale_factor=2, mode="bicubic"),
    "UpsamplingBilinear2d": lambda: nn.UpsamplingBilinear2d(scale_factor=2),
    "UpsamplingNearest2d": lambda: nn.UpsamplingNearest2d(scale_factor=2),
}

SPATIAL = [
    *_by_dims(_every("AvgPool", "MaxPool"), 3, 2),
    *_by_dims(_every("LPPool"), 2, 3),
    *_by_dims(_every("AdaptiveAvgPool", "AdaptiveMaxPool"), 3),
    *(
        Specimen(
            f"FractionalMaxPool{dims}d",
            lambda d=dims: getattr(nn, f"FractionalMaxPool{d}d")(2, output_size=4),
            _space(dims),
            _SIZES,
            fixed="" if dims == 2 else "torch reads its size as a number",
        )
        for dims in (2, 3)
    ),
    *(Specimen(f"MaxUnpool{d}d", lambda d=d: Unpool(d), _space(d), _SIZES) for d in (1, 2, 3)),
    *(
        s
        for pair in _PADS
        for s in _by_dims(
            [pair], *((1, 0.5) if pair[0][0] == "C" and pair[0] == "ConstantPad" else (1,))
        )
    ),
    *(Specimen(name, builder, _space(2), _SIZES) for name, builder in _MOVES.items()),
    Specimen(
        "PixelUnshuffle", lambda: nn.PixelUnshuffle(2), lambda B, H: real(B, 3, 2 * H, 4), _SIZES
    ),
    Specimen("Fold", lambda: nn.Fold((4, 5), 2), lambda B: real(B, 12, 12), {"B": 3}),
    Specimen("Embedding", lambda: nn.Embedding(40, 6), sequence_ids, {"B": 3, "S": 7}),
    Specimen("EmbeddingBag", lambda: nn.EmbeddingBag(40, 6), sequence_ids, {"B": 3, "S": 7}),
    Specimen(
        "EmbeddingBag weighted",
        lambda: nn.EmbeddingBag(40, 6, mode="sum"),
        lambda B, S: {"input": ids(B, S), "per_sample_weights": real(B, S)},
        {"B": 3, "S": 7},
    ),
]
