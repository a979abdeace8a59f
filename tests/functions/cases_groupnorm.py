"""Normalisation of each sample, against loops over samples and groups."""

from __future__ import annotations

import numpy as np

import lamina.functions as F
from functions.cases_norm import EPS, SCALE, curved, curved_by_loops, to_standard
from lamina.check import case


def group_norm(x, groups, gamma=None, beta=None, eps=EPS):
    y = np.zeros(x.shape)
    size = x.shape[1] // groups
    for n, g in np.ndindex(len(x), groups):
        part = x[n, g * size : (g + 1) * size]
        y[n, g * size : (g + 1) * size] = np.reshape(
            to_standard(part.ravel().tolist(), eps), part.shape
        )
    for c in range(x.shape[1]):
        y[:, c] = y[:, c] * (1 if gamma is None else gamma[c]) + (0 if beta is None else beta[c])
    return y


def instance_norm(x, gamma=None, beta=None, eps=EPS):
    return group_norm(x, x.shape[1], gamma, beta, eps)


def rms_norm(x, gamma=None, axis=-1, eps=EPS):
    axes = tuple(sorted(i % x.ndim for i in np.atleast_1d(axis)))
    y = x / np.sqrt(np.sum(x * x, axes, keepdims=True) / np.prod([x.shape[i] for i in axes]) + eps)
    if gamma is not None:
        y = y * np.reshape(gamma, [n if i in axes else 1 for i, n in enumerate(x.shape)])
    return y


def local_response_norm(x, size=5, alpha=1e-4, beta=0.75, k=1.0):
    y = np.zeros(x.shape)
    for place in np.ndindex(*x.shape):
        n, i, *rest = place
        near = range(max(0, i - size // 2), min(x.shape[1], i + (size - 1) // 2 + 1))
        y[place] = x[place] / (k + alpha * sum(x[(n, j, *rest)] ** 2 for j in near)) ** beta
    return y


def in_groups(groups):
    """With gamma and beta after x."""

    def f(x, gamma, beta, eps=EPS):
        return F.group_norm(x, groups, gamma, beta, eps)

    return f, lambda x, gamma, beta, eps=EPS: group_norm(x, groups, gamma, beta, eps)


def row(f, reference, name, shapes, **kwargs):
    """Groups add up to zero, and their gradient is noise: so e to the result is taken."""
    domain = [(-2.0, 2.0), SCALE, (-1.0, 1.0)][: len(shapes[0])]
    return case(
        curved(f),
        curved_by_loops(reference),
        shapes=shapes,
        kwargs={"eps": EPS, **kwargs},
        domain=domain,
        name=name,
    )


CASES = [
    row(*in_groups(2), "group_norm", [((2, 4, 3), (4,), (4,)), ((0, 2, 3), (2,), (2,))]),
    row(*in_groups(1), "group_norm of one group", [((2, 3), (3,), (3,)), ((1, 1), (1,), (1,))]),
    row(F.group_norm, group_norm, "group_norm without scale", [((2, 6, 1, 2),)], groups=3),
    row(
        F.instance_norm,
        instance_norm,
        "instance_norm",
        [((2, 3, 4), (3,), (3,)), ((0, 2, 1), (2,), (2,)), ((1, 1, 1), (1,), (1,))],
    ),
    row(F.rms_norm, rms_norm, "rms_norm", [((2, 3), (3,)), ((0, 2), (2,)), ((1,), (1,))]),
    row(F.rms_norm, rms_norm, "rms_norm axes", [((2, 3, 4), (2, 4))], axis=(0, 2)),
    case(
        F.local_response_norm,
        local_response_norm,
        shapes=[(2, 7, 1), (0, 3), (1, 1), (2, 0)],
        kwargs={"alpha": 0.5, "k": 2.0},
    ),
    case(
        F.local_response_norm,
        local_response_norm,
        shapes=[(1, 5, 2)],
        kwargs={"size": 4, "alpha": 0.5, "beta": 1.5},
        name="local_response_norm of 4",
    ),
]
