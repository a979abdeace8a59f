"""Divergences against SciPy's relative entropy; focal losses and nll against their definitions."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, log_expit, log_softmax, rel_entr

import lamina.functions as F
from functions.cases_loss import WEIGHT, labelled, reduced, yes_or_no
from lamina.check import case


def kl(x, t, axis=-1, reduction="mean"):
    return reduced(np.asarray(rel_entr(t, np.exp(x)).sum(axis)), reduction)


def js(p, q, axis=-1, reduction="mean"):
    m = (p + q) / 2
    return reduced(np.asarray((rel_entr(p, m) + rel_entr(q, m)).sum(axis) / 2), reduction)


def focal(x, t, gamma=2.0, weight=None, ignore_index=None, reduction="mean", take=log_softmax):
    w = np.ones(x.shape[1]) if weight is None else np.asarray(weight)
    shape = x.shape[:1] + x.shape[2:]
    losses, total = np.zeros(shape), 0.0
    for n, *place in np.ndindex(*shape):
        label = t[(n, *place)]
        if label != ignore_index:
            logp = take(x[(n, slice(None), *place)])[label]
            losses[(n, *place)] = -w[label] * (1 - np.exp(logp)) ** gamma * logp
            total += w[label]
    return reduced(losses, reduction, total)


def nll(x, t, **kwargs):
    return focal(x, t, gamma=0, take=lambda v: v, **kwargs)


def sigmoid_focal(x, t, alpha=0.25, gamma=2.0, reduction="mean"):
    yes, no = (1, 1) if alpha is None else (alpha, 1 - alpha)
    p = expit(x)
    hit = -yes * t * (1 - p) ** gamma * log_expit(x)
    return reduced(hit - no * (1 - t) * p**gamma * log_expit(-x), reduction)


def shared(shape, logarithm=False, zero=False):
    """Two distributions over the last axis; the first perhaps its logarithm."""

    def make(rng, dtype):
        p, q = rng.uniform(0.2, 1, (2, *shape))
        p, q = p / p.sum(-1, keepdims=True), q / q.sum(-1, keepdims=True)
        if zero:
            q = np.eye(shape[-1])[: shape[0]]
        return (np.log(p) if logarithm else p).astype(dtype), q.astype(dtype)

    return make


def row(f, reference, makes, name="", **kwargs):
    order = kwargs.pop("order", 2)
    called = f"{f.__name__} {name}".strip()
    return case(f, reference, make=makes, kwargs=kwargs, name=called, order=order)


CLASSES = [labelled((4, 3)), labelled((2, 3, 2)), labelled((1, 1))]

CASES = [
    row(F.kl_divergence, kl, [shared((2, 3), True), shared((3,), True)]),
    row(F.kl_divergence, kl, [shared((1,), True)], "of one outcome", order=0),
    row(
        F.kl_divergence, kl, [shared((2, 3), True), shared((0, 3), True)], "none", reduction="none"
    ),
    row(F.kl_divergence, kl, [shared((2, 3, 2), True)], "axes", axis=(1, 2), reduction="sum"),
    row(F.kl_divergence, kl, [shared((2, 3), True, True)], "of zeros", order=0),
    row(F.js_divergence, js, [shared((2, 3)), shared((2, 2))]),
    row(F.js_divergence, js, [shared((1,))], "of one outcome", order=0),
    row(F.js_divergence, js, [shared((2, 3)), shared((0, 3))], "none", reduction="none", axis=1),
    row(F.js_divergence, js, [shared((2, 3), zero=True)], "of zeros", order=0),
    row(F.nll_loss, nll, CLASSES),
    row(F.nll_loss, nll, [labelled((4, 3)), labelled((0, 3))], "none", reduction="none"),
    row(
        F.nll_loss,
        nll,
        [labelled((5, 3), -1), labelled((2, 3, 2), -1)],
        "everything",
        weight=WEIGHT,
        ignore_index=-1,
    ),
    row(F.focal_loss, focal, CLASSES[:2]),
    row(
        F.focal_loss,
        focal,
        [labelled((4, 3)), labelled((0, 3))],
        "1.5",
        gamma=1.5,
        reduction="none",
    ),
    row(
        F.focal_loss,
        focal,
        [labelled((5, 3), -1)],
        "everything",
        weight=WEIGHT,
        ignore_index=-1,
        gamma=0.5,
    ),
    row(F.focal_loss, focal, [labelled((1, 1))], "one class", order=0),
    row(F.sigmoid_focal_loss, sigmoid_focal, [yes_or_no(s, -3, 3) for s in ((2, 3), (1,), ())]),
    case(
        F.sigmoid_focal_loss,
        sigmoid_focal,
        shapes=[((2, 3), (2, 3)), ((0,), (0,))],
        domain=[(-3, 3), (0, 1)],
        kwargs={"alpha": None, "gamma": 0.5, "reduction": "none"},
        name="sigmoid_focal_loss of probabilities",
    ),
]
