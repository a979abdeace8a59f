"""Losses of overlap, against counts of what is hit, false and missed."""

from __future__ import annotations

import numpy as np

import lamina.functions as F
from functions.cases_loss import reduced, yes_or_no
from lamina.check import case


def tversky(p, t, alpha=0.5, beta=0.5, smooth=1.0, reduction="mean"):
    y = np.zeros(len(p))
    for i, (a, b) in enumerate(zip(p, t, strict=True)):
        hit, false, missed = (a * b).sum(), (a * (1 - b)).sum(), ((1 - a) * b).sum()
        y[i] = 1 - (smooth + hit) / (smooth + hit + alpha * false + beta * missed)
    return reduced(y, reduction)


def dice(p, t, smooth=1.0, reduction="mean"):
    pairs = zip(p, t, strict=True)
    y = [1 - (2 * (a * b).sum() + smooth) / (a.sum() + b.sum() + smooth) for a, b in pairs]
    return reduced(np.array(y), reduction)


def iou(p, t, smooth=1.0, reduction="mean"):
    y = []
    for a, b in zip(p, t, strict=True):
        both = (a * b).sum()
        y.append(1 - (both + smooth) / (a.sum() + b.sum() - both + smooth))
    return reduced(np.array(y), reduction)


SHAPES = [((2, 3, 2), (2, 3, 2)), ((1,), (1,))]
NONE = [((0, 3), (0, 3)), ((2, 0), (2, 0)), ((2, 5), (2, 5))]

CASES = [
    each
    for f, g, more in [
        (F.tversky_loss, tversky, {"alpha": 0.3, "beta": 0.7}),
        (F.dice_loss, dice, {}),
        (F.iou_loss, iou, {}),
    ]
    for each in [
        case(f, g, shapes=SHAPES, domain=(0.1, 0.9)),
        case(
            f,
            g,
            shapes=NONE,
            domain=(0.1, 0.9),
            kwargs={"reduction": "none", "smooth": 0.25, **more},
            name=f"{f.__name__} none",
        ),
        case(
            f,
            g,
            make=[yes_or_no((3, 4), 0.1, 0.9)],
            kwargs={"reduction": "sum"},
            name=f"{f.__name__} of labels",
        ),
    ]
]
