"""Recurrent layers of torch.nn."""

from torch import nn

from modules.zoo.specimen import Specimen, real

_SIZES = {"B": 3, "S": 4}


def _sequence(name, builder):
    return Specimen(name, builder, lambda B, S: real(S, B, 5), _SIZES)


def _cell(name, builder):
    return Specimen(name, builder, lambda B: real(B, 5), {"B": 3})


RECURRENT = [
    _sequence("RNN", lambda: nn.RNN(5, 7)),
    _sequence("RNN relu", lambda: nn.RNN(5, 7, 2, nonlinearity="relu", bias=False)),
    _sequence("RNN two ways", lambda: nn.RNN(5, 7, bidirectional=True)),
    _sequence("GRU", lambda: nn.GRU(5, 7)),
    _sequence("GRU deep, two ways", lambda: nn.GRU(5, 7, 2, bidirectional=True)),
    _sequence("GRU no bias", lambda: nn.GRU(5, 7, bias=False)),
    _sequence("LSTM", lambda: nn.LSTM(5, 7)),
    _sequence("LSTM deep, two ways", lambda: nn.LSTM(5, 7, 2, bidirectional=True)),
    _sequence("LSTM projected", lambda: nn.LSTM(5, 7, proj_size=4)),
    _sequence("LSTM dropout", lambda: nn.LSTM(5, 7, 2, dropout=0.5).train()),
    Specimen(
        "LSTM batch first",
        lambda: nn.LSTM(5, 7, batch_first=True),
        lambda B, S: (real(B, S, 5), (real(1, B, 7), real(1, B, 7))),
        _SIZES,
    ),
    Specimen("LSTM one sequence", lambda: nn.LSTM(5, 7), lambda S: real(S, 5), {"S": 4}),
    _cell("RNNCell", lambda: nn.RNNCell(5, 7)),
    _cell("GRUCell", lambda: nn.GRUCell(5, 7)),
    Specimen(
        "LSTMCell",
        lambda: nn.LSTMCell(5, 7),
        lambda B: (real(B, 5), (real(B, 7), real(B, 7))),
        {"B": 3},
    ),
]
