"""Losses against their definitions, sample by sample, with SciPy's special functions."""

from __future__ import annotations

import numpy as np
from scipy.special import log_expit, log_softmax, xlog1py, xlogy

import lamina.functions as F
from lamina.check import case


def reduced(losses, reduction, total=None):
    if reduction == "none":
        return losses
    return (
        losses.sum() / (losses.size if total is None else total or 1)
        if (reduction == "mean")
        else losses.sum()
    )


def elementwise(f):
    """The reference of a loss with one number an element."""

    def reference(x, t, reduction="mean", **kwargs):
        losses = np.zeros(x.shape)
        for place in np.ndindex(*x.shape):
            losses[place] = f(x[place], t[place], **kwargs)
        return reduced(losses, reduction)

    return reference


def squared(x, t):
    return (x - t) ** 2


def absolute(x, t):
    return np.abs(x - t)


def huber(x, t, delta=1.0):
    d = np.abs(x - t)
    return d * d / 2 if d <= delta else delta * (d - delta / 2)


def of_logits(x, t, pos_weight=1.0):
    return -pos_weight * t * log_expit(x) - (1 - t) * log_expit(-x)


def of_probabilities(p, t):
    return -xlogy(t, p) - xlog1py(1 - t, -p)


def softmax_cross_entropy(
    x, t, weight=None, ignore_index=None, label_smoothing=0.0, reduction="mean"
):
    """One sample and one position at a time."""
    classes = x.shape[1]
    w = np.ones(classes) if weight is None else np.asarray(weight)
    shape = x.shape[:1] + x.shape[2:]
    losses, total = np.zeros(shape), 0.0
    for n, *place in np.ndindex(*shape):
        at = (n, *place)
        p = log_softmax(x[(n, slice(None), *place)])
        if t.dtype.kind == "f":
            q = t[(n, slice(None), *place)]
            total += 1
        elif t[at] == ignore_index:
            continue
        else:
            q = np.eye(classes)[t[at]]
            total += w[t[at]]
        hard = sum(-w[c] * q[c] * p[c] for c in range(classes))
        even = sum(-w[c] * p[c] / classes for c in range(classes))
        losses[at] = (1 - label_smoothing) * hard + label_smoothing * even
    return reduced(losses, reduction, total)


def labelled(shape, low=0):
    """Logits, and labels from ``low`` on."""

    def make(rng, dtype):
        labels = rng.integers(low, shape[1], shape[:1] + shape[2:])
        return rng.uniform(-3, 3, shape).astype(dtype), np.asarray(labels)

    return make


def shared_out(shape):
    """Logits, and probabilities."""

    def make(rng, dtype):
        q = rng.uniform(0, 1, shape)
        return rng.uniform(-3, 3, shape).astype(dtype), (q / q.sum(1, keepdims=True)).astype(dtype)

    return make


def yes_or_no(shape, low, high):
    """Numbers, and 0 or 1 as integers."""

    def make(rng, dtype):
        return np.asarray(rng.uniform(low, high, shape)).astype(dtype), np.asarray(
            rng.integers(0, 2, shape)
        )

    return make


MANY = [
    labelled((5, 3)),
    labelled((1, 4)),
    labelled((4, 1)),
    labelled((2, 3, 4)),
    labelled((2, 3, 1, 5)),
]
NONE = [labelled((0, 3)), labelled((2, 3, 0))]
WEIGHT = (0.5, 2.0, 1.25)
SOFT = [shared_out((5, 3)), shared_out((1, 3)), shared_out((2, 3, 4))]
PAIRS = [((2, 3), (2, 3)), ((1,), (1,)), ((4, 1, 5), (4, 1, 5)), ((), ())]
EMPTY = [((0, 3), (0, 3))]


def of_classes(name, makes, **kwargs):
    return case(
        F.softmax_cross_entropy,
        softmax_cross_entropy,
        make=makes,
        kwargs=kwargs,
        name=f"softmax_cross_entropy {name}".strip(),
    )


def of_numbers(f, reference, name="", shapes=PAIRS, domain=(-2.0, 2.0), make=None, **kwargs):
    called = f"{f.__name__} {name}".strip()
    return case(f, reference, shapes=shapes, domain=domain, make=make, kwargs=kwargs, name=called)


def all_reductions(f, reference, **options):
    yield of_numbers(f, reference, **options)
    options["shapes"] = [*options.get("shapes", PAIRS), *EMPTY]
    yield of_numbers(f, reference, "sum", reduction="sum", **options)
    yield of_numbers(f, reference, "none", reduction="none", **options)


ROWS_3 = [labelled((5, 3)), labelled((2, 3, 4))]

CASES = [
    of_classes("", MANY),
    of_classes("sum", [*MANY, *NONE], reduction="sum"),
    of_classes("none", [*MANY, *NONE], reduction="none"),
    of_classes("weight", ROWS_3, weight=WEIGHT),
    of_classes("weight sum", ROWS_3, weight=WEIGHT, reduction="sum"),
    of_classes("weight none", ROWS_3, weight=WEIGHT, reduction="none"),
    of_classes("ignore_index", [labelled((6, 3), -1), labelled((3, 4, 2), -1)], ignore_index=-1),
    of_classes("ignore_index a class", [labelled((6, 3))], ignore_index=0, reduction="none"),
    of_classes("ignore_index all", [labelled((4, 1))], ignore_index=0),
    of_classes("label_smoothing", MANY, label_smoothing=0.1),
    of_classes("label_smoothing all", [labelled((5, 3))], label_smoothing=1),
    of_classes(
        "everything",
        [labelled((6, 3), -1), labelled((3, 3, 4), -1)],
        weight=WEIGHT,
        ignore_index=-1,
        label_smoothing=0.3,
    ),
    of_classes("probabilities", SOFT),
    of_classes("probabilities none", SOFT, reduction="none"),
    of_classes("probabilities weight", SOFT, weight=WEIGHT, label_smoothing=0.2),
    *all_reductions(F.mean_squared_error, elementwise(squared)),
    *all_reductions(F.mean_absolute_error, elementwise(absolute)),
    *all_reductions(F.huber_loss, elementwise(huber)),
    of_numbers(F.huber_loss, elementwise(huber), "delta", delta=0.3),
    *all_reductions(F.sigmoid_cross_entropy, elementwise(of_logits), domain=[(-5, 5), (0, 1)]),
    of_numbers(
        F.sigmoid_cross_entropy,
        elementwise(of_logits),
        "integers",
        shapes=[],
        make=[yes_or_no((2, 3), -5, 5), yes_or_no((), -5, 5)],
    ),
    of_numbers(
        F.sigmoid_cross_entropy,
        elementwise(of_logits),
        "pos_weight",
        domain=[(-5, 5), (0, 1)],
        pos_weight=2.5,
    ),
    *all_reductions(
        F.binary_cross_entropy, elementwise(of_probabilities), domain=[(0.1, 0.9), (0, 1)]
    ),
    of_numbers(
        F.binary_cross_entropy,
        elementwise(of_probabilities),
        "integers",
        shapes=[],
        make=[yes_or_no((2, 3), 0.1, 0.9)],
    ),
]
