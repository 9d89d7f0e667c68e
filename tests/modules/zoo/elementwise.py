"""Norms, activations and dropouts of torch.nn: no matrix work."""

from torch import nn

from modules.zoo.specimen import Specimen, real

_SIZES = {"B": 3, "S": 7}

_ACTIVATIONS = [
    *(nn.CELU, nn.ELU, nn.GELU, nn.Hardshrink, nn.Hardsigmoid, nn.Hardswish, nn.Hardtanh),
    *(nn.LeakyReLU, nn.LogSigmoid, nn.Mish, nn.PReLU, nn.RReLU, nn.ReLU, nn.ReLU6, nn.SELU),
    *(nn.SiLU, nn.Sigmoid, nn.Softplus, nn.Softshrink, nn.Softsign, nn.Tanh, nn.Tanhshrink),
    *(nn.Identity, nn.Dropout, nn.AlphaDropout, nn.FeatureAlphaDropout, nn.Dropout1d),
]
_BATCH_NORMS = [
    *(nn.BatchNorm1d, nn.InstanceNorm1d, nn.BatchNorm2d, nn.InstanceNorm2d),
    *(nn.BatchNorm3d, nn.InstanceNorm3d),
]
_LAZY_NORMS = [
    *(nn.LazyBatchNorm1d, nn.LazyInstanceNorm1d, nn.LazyBatchNorm2d, nn.LazyInstanceNorm2d),
    *(nn.LazyBatchNorm3d, nn.LazyInstanceNorm3d),
]


def _rows(B, S):
    return real(B, S, 6)


def _space(dims):
    return lambda B, S: real(B, 6, S, *(4,) * (dims - 1))


def _dims(kind):
    return int(kind.__name__[-2])


ELEMENTWISE = [
    *(Specimen(kind.__name__, kind, _rows, _SIZES) for kind in _ACTIVATIONS),
    *(Specimen(k.__name__, lambda k=k: k(-1), _rows, _SIZES) for k in (nn.Softmax, nn.Softmin)),
    Specimen("LogSoftmax", lambda: nn.LogSoftmax(-1), _rows, _SIZES),
    Specimen("GLU", nn.GLU, _rows, _SIZES),
    Specimen("Threshold", lambda: nn.Threshold(0.1, 0), _rows, _SIZES),
    Specimen("Softmax2d", nn.Softmax2d, _space(2), _SIZES),
    Specimen("Dropout2d", nn.Dropout2d, _space(2), _SIZES),
    Specimen("Dropout3d", nn.Dropout3d, _space(3), _SIZES),
    *(Specimen(k.__name__, lambda k=k: k(6), _space(_dims(k)), _SIZES) for k in _BATCH_NORMS),
    *(Specimen(k.__name__, k, _space(_dims(k)), _SIZES) for k in _LAZY_NORMS),
    Specimen("BatchNorm1d eval", lambda: nn.BatchNorm1d(6).eval(), _space(1), _SIZES),
    Specimen("SyncBatchNorm eval", lambda: nn.SyncBatchNorm(6).eval(), _space(2), _SIZES),
    Specimen("GroupNorm", lambda: nn.GroupNorm(3, 6), _space(2), _SIZES),
    Specimen("LayerNorm", lambda: nn.LayerNorm(6), _rows, _SIZES),
    Specimen("LayerNorm plain", lambda: nn.LayerNorm(6, bias=False), _rows, _SIZES),
    Specimen("RMSNorm", lambda: nn.RMSNorm(6), _rows, _SIZES),
    Specimen("LocalResponseNorm", lambda: nn.LocalResponseNorm(3), _space(2), _SIZES),
    Specimen("CrossMapLRN2d", lambda: nn.CrossMapLRN2d(3), _space(2), _SIZES),
]
