"""Normalisation against loops over samples and channels."""

from __future__ import annotations

import math

import numpy as np

import lamina.functions as F
from lamina.check import case

EPS = 0.01
"""Larger than usual, so that a mistake in its place shows."""

SCALE = (0.5, 2.0)


def to_standard(numbers, eps):
    """Python's own numbers, to mean 0 and variance 1."""
    n = len(numbers)
    mean = sum(numbers) / n
    variance = sum((x - mean) ** 2 for x in numbers) / n
    return [(x - mean) / math.sqrt(variance + eps) for x in numbers]


def layer_norm_by_loops(x, gamma=None, beta=None, axis=-1, eps=EPS):
    axes = sorted(i % x.ndim for i in np.atleast_1d(axis))
    rest = [i for i in range(x.ndim) if i not in axes]
    y = np.zeros(x.shape)
    for place in np.ndindex(*[x.shape[i] for i in rest]):
        index: list = [slice(None)] * x.ndim
        for i, k in zip(rest, place, strict=True):
            index[i] = k
        part = x[tuple(index)]
        part = np.reshape(to_standard(part.ravel().tolist(), eps), part.shape)
        part = part * (1 if gamma is None else gamma) + (0 if beta is None else beta)
        y[tuple(index)] = part
    return y


def batch_norm_by_loops(x, gamma=None, beta=None, eps=EPS):
    y = np.zeros(x.shape)
    for c in range(x.shape[1]):
        part = x[:, c]
        part = np.reshape(to_standard(part.ravel().tolist(), eps), part.shape)
        y[:, c] = part * (1 if gamma is None else gamma[c]) + (0 if beta is None else beta[c])
    return y


def fixed_by_loops(x, mean, variance, gamma=None, beta=None, eps=EPS):
    y = np.zeros(x.shape)
    for place in np.ndindex(*x.shape):
        c = place[1]
        z = (x[place] - mean[c]) / math.sqrt(variance[c] + eps)
        y[place] = z * (1 if gamma is None else gamma[c]) + (0 if beta is None else beta[c])
    return y


def curved(f):
    """e to the result. The results add up to zero, so the gradient of their sum is mere noise."""
    return lambda *inputs, **kwargs: F.exp(f(*inputs, **kwargs))


def curved_by_loops(f):
    return lambda *inputs, **kwargs: np.exp(f(*inputs, **kwargs))


def far_from_zero(rng, dtype):
    """Numbers that differ little beside their mean, which is exact in each dtype."""
    return (np.array([[1000, 1001, 1005], [-500, -502, -501]], dtype),)


CASES = [
    case(
        F.layer_norm,
        layer_norm_by_loops,
        shapes=[
            ((2, 5), (5,), (5,)),
            ((2, 3, 5), (5,), (5,)),
            ((4,), (4,), (4,)),
            ((0, 3), (3,), (3,)),
            ((2, 0, 3), (3,), (3,)),
            ((3, 1), (1,), (1,)),
            ((1, 1), (1,), (1,)),
        ],
        kwargs={"eps": EPS},
    ),
    case(
        F.layer_norm,
        layer_norm_by_loops,
        shapes=[((2, 3, 4), (3, 4), (3, 4))],
        kwargs={"axis": (-2, -1), "eps": EPS},
        name="layer_norm of two axes",
    ),
    case(
        F.layer_norm,
        layer_norm_by_loops,
        shapes=[((2, 3, 4), (2, 4))],
        kwargs={"axis": (-1, 0), "eps": EPS},
        name="layer_norm of axes that are apart",
    ),
    case(
        curved(F.layer_norm),
        curved_by_loops(layer_norm_by_loops),
        shapes=[(2, 5), (3,)],
        kwargs={"eps": EPS},
        name="layer_norm alone",
        order=3,
    ),
    case(
        F.layer_norm,
        layer_norm_by_loops,
        make=far_from_zero,
        kwargs={"eps": EPS},
        name="layer_norm far from zero",
        order=0,
    ),
    case(
        curved(F.batch_norm),
        curved_by_loops(batch_norm_by_loops),
        shapes=[
            ((4, 3), (3,), (3,)),
            ((2, 3, 5), (3,), (3,)),
            ((2, 3, 4, 5), (3,), (3,)),
            ((3, 0), (0,), (0,)),
            ((1, 2), (2,), (2,)),
            ((1, 1), (1,), (1,)),
        ],
        domain=[(-2, 2), SCALE, (-2, 2)],
        kwargs={"eps": EPS},
        name="batch_norm",
    ),
    case(
        curved(F.batch_norm),
        curved_by_loops(batch_norm_by_loops),
        shapes=[(4, 3), (2, 3, 4)],
        kwargs={"eps": EPS},
        name="batch_norm alone",
    ),
    case(
        F.fixed_batch_norm,
        fixed_by_loops,
        shapes=[
            ((4, 3), (3,), (3,), (3,), (3,)),
            ((2, 3, 4, 5), (3,), (3,), (3,), (3,)),
            ((0, 2), (2,), (2,), (2,), (2,)),
            ((1, 1), (1,), (1,), (1,), (1,)),
        ],
        domain=[(-2, 2), (-2, 2), SCALE, SCALE, (-2, 2)],
        kwargs={"eps": EPS},
    ),
    case(
        F.fixed_batch_norm,
        fixed_by_loops,
        shapes=[((2, 3, 4), (3,), (3,))],
        domain=[(-2, 2), (-2, 2), SCALE],
        kwargs={"eps": EPS},
        name="fixed_batch_norm alone",
    ),
]
