"""Losses and distances of torch.nn."""

import torch
from torch import nn

from modules.zoo.specimen import Specimen, ids, real

_SIZES = {"B": 3, "S": 7}
_PAIRWISE = [
    *(nn.BCELoss, nn.BCEWithLogitsLoss, nn.HuberLoss, nn.KLDivLoss, nn.L1Loss, nn.MSELoss),
    *(nn.MultiLabelSoftMarginLoss, nn.PoissonNLLLoss, nn.SmoothL1Loss, nn.SoftMarginLoss),
    *(nn.HingeEmbeddingLoss, nn.CosineSimilarity, nn.PairwiseDistance),
]


def _pair(B, S):
    return real(B, S), real(B, S)


def _labelled(B, S):
    return real(B, 6, S), ids(B, S, high=6)


def _labels(B):
    return real(B, 6), ids(B, high=6)


LOSSES = [
    *(
        Specimen(
            kind.__name__,
            lambda kind=kind: kind(reduction="batchmean") if kind is nn.KLDivLoss else kind(),
            _pair,
            _SIZES,
        )
        for kind in _PAIRWISE
    ),
    Specimen("CrossEntropyLoss", nn.CrossEntropyLoss, _labelled, _SIZES),
    Specimen("CrossEntropyLoss soft", nn.CrossEntropyLoss, _pair, _SIZES),
    Specimen("NLLLoss", nn.NLLLoss, _labelled, _SIZES),
    Specimen("MultiMarginLoss", nn.MultiMarginLoss, _labels, {"B": 3}),
    Specimen(
        "MultiLabelMarginLoss",
        nn.MultiLabelMarginLoss,
        lambda B: (real(B, 6), ids(B, 6, high=6)),
        {"B": 3},
    ),
    Specimen(
        "GaussianNLLLoss",
        nn.GaussianNLLLoss,
        lambda B, S: (*_pair(B, S), real(B, S)),
        _SIZES,
        refused="it looks for a negative variance",
    ),
    Specimen(
        "TripletMarginLoss", nn.TripletMarginLoss, lambda B, S: (*_pair(B, S), real(B, S)), _SIZES
    ),
    Specimen(
        "TripletMarginWithDistanceLoss",
        nn.TripletMarginWithDistanceLoss,
        lambda B, S: (*_pair(B, S), real(B, S)),
        _SIZES,
    ),
    Specimen(
        "MarginRankingLoss", nn.MarginRankingLoss, lambda B, S: (*_pair(B, S), real(B, S)), _SIZES
    ),
    Specimen(
        "CosineEmbeddingLoss",
        nn.CosineEmbeddingLoss,
        lambda B, S: (*_pair(B, S), torch.ones(B)),
        _SIZES,
    ),
    Specimen(
        "CTCLoss",
        nn.CTCLoss,
        lambda B, S: (
            real(S, B, 5).log_softmax(-1),
            ids(B, 2, high=4) + 1,
            torch.full((B,), S, dtype=torch.long),
            torch.full((B,), 2, dtype=torch.long),
        ),
        _SIZES,
        refused="torch has no shapes of it",
    ),
    Specimen(
        "AdaptiveLogSoftmaxWithLoss",
        lambda: nn.AdaptiveLogSoftmaxWithLoss(6, 20, [5, 10]),
        lambda B: (real(B, 6), ids(B, high=20)),
        {"B": 3},
        refused="which rows a cluster has depends on the labels",
    ),
    Specimen(
        "LinearCrossEntropyLoss",
        lambda: nn.LinearCrossEntropyLoss(6, 11),
        lambda B: (real(B, 6), ids(B, high=11)),
        {"B": 3},
    ),
]
