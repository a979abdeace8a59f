"""CTC against its definition: all paths, one after the other."""

from __future__ import annotations

from itertools import groupby, product

import numpy as np
from scipy.special import log_softmax, logsumexp

import lamina.functions as F
from functions.cases_loss import reduced
from lamina import Variable, gradients, using
from lamina.check import case


def label_of(path, blank):
    return [symbol for symbol, _ in groupby(path) if symbol != blank]


def ctc(x, t, lengths=None, label_lengths=None, blank=0, zero_infinity=False, reduction="mean"):
    """Minus the log of the sum over all paths that read as the label."""
    y = np.zeros(len(x))
    for i, row in enumerate(log_softmax(x, axis=2)):
        steps = row.shape[0] if lengths is None else lengths[i]
        label = t[i] if label_lengths is None else t[i][: label_lengths[i]]
        paths = [
            sum(row[time, symbol] for time, symbol in enumerate(path))
            for path in product(range(row.shape[1]), repeat=steps)
            if label_of(path, blank) == list(label)
        ]
        y[i] = -logsumexp(paths) if paths else (0.0 if zero_infinity else np.inf)
    return reduced(y, reduction)


def slopes(x, t):
    """The first derivatives of the sum of the losses, by the kernel that is never recorded."""
    with using(grad=True):
        leaf = x.detach() if isinstance(x, Variable) else Variable(x)
        leaf.requires_grad = True
        return gradients([F.ctc_loss(leaf, t, reduction="sum")], [leaf])


def slopes_of_paths(x, t):
    """Softmax, less how often a path that reads as the label has the class at the step."""
    logp = log_softmax(x, axis=2)
    g = np.exp(logp)
    for i, row in enumerate(logp):
        paths = [
            path
            for path in product(range(row.shape[1]), repeat=row.shape[0])
            if label_of(path, 0) == list(t[i])
        ]
        logs = np.array([row[range(len(row)), path].sum() for path in paths])
        for path, share in zip(paths, np.exp(logs - logsumexp(logs)), strict=True):
            g[i, range(len(row)), path] -= share
    return (g,)


def made(labels, steps, classes, *lengths):
    """Logits, labels, and lengths."""

    def make(rng, dtype):
        t = np.asarray(labels, np.int64)
        x = rng.uniform(-2, 2, (len(t), steps, classes)).astype(dtype)
        return (x, t, *[np.asarray(n) for n in lengths])

    return make


def row(name, makes, order=2, **kwargs):
    return case(
        F.ctc_loss, ctc, make=makes, kwargs=kwargs, order=order, name=f"ctc_loss {name}".strip()
    )


CASES = [
    row(
        "",
        [
            made([[1, 2], [2, 1], [1, 1]], 4, 3),
            made([[1]], 1, 2),
            made([[], []], 2, 2),
        ],
    ),
    case(
        slopes,
        slopes_of_paths,
        make=[made([[1, 2], [2, 1], [1, 1]], 4, 3), made([[1]], 1, 2)],
        order=0,
        name="ctc_loss and its first derivatives",
    ),
    row("of lengths", [made([[1, 2], [2, 9], [9, -1]], 3, 3, [3, 2, 1], [2, 1, 0])], blank=0),
    row("blank last", [made([[0, 1], [1, 1]], 3, 3)], blank=2, reduction="sum"),
    row(
        "impossible",
        [made([[1, 1], [1, 2]], 2, 3)],
        zero_infinity=True,
        reduction="none",
    ),
    row("infinite", [made([[1, 1], [1, 2]], 2, 3)], order=0, reduction="none"),
    row(
        "of nothing",
        [lambda _, dtype: (np.zeros((0, 2, 3), dtype), np.zeros((0, 2), np.int64))],
        reduction="sum",
    ),
    row(
        "of one number",
        [lambda _, dtype: (np.zeros((1, 1, 1), dtype), np.zeros((1, 0), np.int64))],
    ),
]
