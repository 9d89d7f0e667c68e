"""Layers of torch.nn that are products or convolutions."""

from torch import nn

from modules.zoo.specimen import Specimen, real

_BC = {"B": 3, "L": 19}
_BI = {"B": 3, "H": 11}


def _line(name, builder, channels=6):
    return Specimen(name, builder, lambda B, L: real(B, channels, L), _BC)


def _plane(name, builder, channels=6):
    return Specimen(name, builder, lambda B, H: real(B, channels, H, 9), _BI)


def _volume(name, builder, channels=4):
    return Specimen(name, builder, lambda B, H: real(B, channels, H, 7, 8), _BI)


PRODUCTS = [
    Specimen("Linear", lambda: nn.Linear(5, 7), lambda B, S: real(B, S, 5), {"B": 2, "S": 17}),
    Specimen("Linear no bias", lambda: nn.Linear(5, 7, bias=False), lambda B: real(B, 5), {"B": 3}),
    Specimen("Linear one row", lambda: nn.Linear(5, 7), lambda B: real(5, B).t(), {"B": 3}),
    Specimen("LazyLinear", lambda: nn.LazyLinear(7), lambda B, S: real(B, S, 5), {"B": 2, "S": 9}),
    Specimen(
        "Bilinear",
        lambda: nn.Bilinear(5, 6, 7),
        lambda B, S: (real(B, S, 5), real(B, S, 6)),
        {"B": 2, "S": 9},
    ),
    _line("Conv1d", lambda: nn.Conv1d(6, 8, 3)),
    _line("Conv1d same groups", lambda: nn.Conv1d(6, 12, 5, padding="same", groups=3, dilation=2)),
    _line("Conv1d circular", lambda: nn.Conv1d(6, 8, 3, padding=1, padding_mode="circular")),
    _line("Conv1d stride", lambda: nn.Conv1d(6, 8, 3, stride=2, padding=1)),
    _line("ConvTranspose1d", lambda: nn.ConvTranspose1d(6, 8, 3, stride=2, output_padding=1)),
    _line("LazyConv1d", lambda: nn.LazyConv1d(8, 3)),
    _line("LazyConvTranspose1d", lambda: nn.LazyConvTranspose1d(8, 3)),
    _plane("Conv2d", lambda: nn.Conv2d(6, 8, 3)),
    _plane("Conv2d depthwise", lambda: nn.Conv2d(6, 6, 3, padding=1, groups=6, bias=False)),
    _plane("Conv2d dilated", lambda: nn.Conv2d(6, 8, (3, 2), stride=(2, 1), dilation=(1, 2))),
    _plane("Conv2d reflect", lambda: nn.Conv2d(6, 8, 3, padding=1, padding_mode="reflect")),
    _plane("ConvTranspose2d", lambda: nn.ConvTranspose2d(6, 8, 3, stride=2, padding=1)),
    _plane("ConvTranspose2d groups", lambda: nn.ConvTranspose2d(6, 8, 3, groups=2, dilation=2)),
    _plane("LazyConv2d", lambda: nn.LazyConv2d(8, 3)),
    _plane("LazyConvTranspose2d", lambda: nn.LazyConvTranspose2d(8, 3)),
    _volume("Conv3d", lambda: nn.Conv3d(4, 5, 3)),
    _volume("Conv3d groups", lambda: nn.Conv3d(4, 6, (1, 3, 2), stride=(1, 2, 2), groups=2)),
    _volume("ConvTranspose3d", lambda: nn.ConvTranspose3d(4, 6, 2, stride=2, groups=2)),
    _volume("LazyConv3d", lambda: nn.LazyConv3d(5, 3)),
    _volume("LazyConvTranspose3d", lambda: nn.LazyConvTranspose3d(5, 3)),
]
