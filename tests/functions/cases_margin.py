"""Losses with margins, against their definitions, one score and one class at a time."""

from __future__ import annotations

import numpy as np
from scipy.special import log_expit

import lamina.functions as F
from functions.cases_loss import labelled, reduced
from lamina.check import case


def signed(f):
    def reference(x, t, reduction="mean", **kwargs):
        return reduced(
            np.vectorize(lambda a, s: f(a, s, **kwargs), otypes=[float])(x, t), reduction
        )

    return reference


def hinge(x, t, margin=1.0):
    return max(0.0, margin - t * x)


def squared_hinge(x, t, margin=1.0):
    return max(0.0, margin - t * x) ** 2


def soft_margin(x, t):
    return -log_expit(t * x)


def multi_margin(x, t, power=1, margin=1.0, weight=None, reduction="mean"):
    y = np.zeros(len(x))
    for i, right in enumerate(t):
        for j in range(x.shape[1]):
            if j != right:
                y[i] += max(0.0, margin - x[i, right] + x[i, j]) ** power / x.shape[1]
        y[i] *= 1.0 if weight is None else weight[right]
    return reduced(y, reduction)


def multi_label_margin(x, t, reduction="mean"):
    y = np.zeros(len(x))
    for i in range(len(x)):
        for j in np.flatnonzero(t[i]):
            for k in np.flatnonzero(t[i] == 0):
                y[i] += max(0.0, 1 - (x[i, j] - x[i, k])) / x.shape[1]
    return reduced(y, reduction)


def multi_label_soft(x, t, weight=None, reduction="mean"):
    y = -(t * log_expit(x) + (1 - t) * log_expit(-x)) * (1 if weight is None else np.array(weight))
    return reduced(np.array([row.sum() / max(len(row), 1) for row in y]), reduction)


def ranking(a, b, t, margin=0.0, reduction="mean"):
    return reduced(np.maximum(0, -t * (a - b) + margin), reduction)


def sided(shape, scores=1):
    """Scores, and -1 or 1 as integers."""

    def make(rng, dtype):
        xs = [np.asarray(rng.uniform(-2, 2, shape)).astype(dtype) for _ in range(scores)]
        return (*xs, np.asarray(rng.choice([-1, 1], shape)))

    return make


def many_hot(shape):
    def make(rng, dtype):
        return rng.uniform(-2, 2, shape).astype(dtype), rng.integers(0, 2, shape)

    return make


def row(f, reference, makes, name="", **kwargs):
    return case(f, reference, make=makes, kwargs=kwargs, name=f"{f.__name__} {name}".strip())


SIDES = [sided(s) for s in ((2, 3), (1,), ())]
HOT = [many_hot(s) for s in ((3, 4), (1, 1))]

CASES = [
    *[
        each
        for f, g in [
            (F.hinge_loss, hinge),
            (F.squared_hinge_loss, squared_hinge),
            (F.soft_margin_loss, soft_margin),
        ]
        for each in [
            row(f, signed(g), SIDES),
            row(f, signed(g), [*SIDES[:1], sided((0, 3))], "none", reduction="none"),
        ]
    ],
    row(F.hinge_loss, signed(hinge), SIDES, "margin", margin=0.3, reduction="sum"),
    row(F.squared_hinge_loss, signed(squared_hinge), SIDES[:1], "margin", margin=0.3),
    row(F.multi_margin_loss, multi_margin, [labelled((3, 4)), labelled((1, 1))]),
    row(
        F.multi_margin_loss,
        multi_margin,
        [labelled((3, 4)), labelled((0, 4))],
        "power 2",
        power=2,
        margin=0.5,
        weight=(0.5, 2.0, 1.25, 1.0),
        reduction="none",
    ),
    row(F.multi_label_margin_loss, multi_label_margin, HOT),
    row(
        F.multi_label_margin_loss,
        multi_label_margin,
        [*HOT, many_hot((0, 3)), many_hot((2, 0))],
        "none",
        reduction="none",
    ),
    row(F.multi_label_soft_margin_loss, multi_label_soft, HOT),
    row(
        F.multi_label_soft_margin_loss,
        multi_label_soft,
        [many_hot((2, 3)), many_hot((0, 3))],
        "weight",
        weight=(0.5, 2.0, 1.25),
        reduction="none",
    ),
    row(F.margin_ranking_loss, ranking, [sided(s, 2) for s in ((2, 3), (1,), ())]),
    row(
        F.margin_ranking_loss,
        ranking,
        [sided(s, 2) for s in ((2, 3), (0,))],
        "margin",
        margin=0.5,
        reduction="none",
    ),
]
