"""Embedding against a loop over places."""

from __future__ import annotations

import numpy as np

import lamina.functions as F
from lamina.check import case


def by_loop(x, W, padding=None):
    y = np.zeros((*x.shape, W.shape[1]))
    for place in np.ndindex(*x.shape):
        if x[place] != padding:
            y[place] = W[x[place]]
    return y


def of(shape, rows, size, *, low=0, dtype=np.int64):
    """Numbers with repetitions, and a table."""

    def make(rng, floating):
        W = rng.uniform(-2, 2, (rows, size)).astype(floating)
        return rng.integers(low, rows, shape).astype(dtype), W

    return make


def bags(x, W, reduction="mean", padding=None, weights=None):
    """Bag by bag."""
    y = np.zeros((*x.shape[:-1], W.shape[1]))
    for place in np.ndindex(*x.shape[:-1]):
        rows = [W[k] for k in x[place] if k != padding]
        if weights is not None:
            rows = [w * row for w, row in zip(weights[place], rows)]
        if rows:
            y[place] = getattr(np, reduction)(rows, axis=0)
    return y


def weighted_bag(x, W, weights):
    return bags(x, W, "sum", weights=weights)


CASES = [
    case(
        F.embedding,
        by_loop,
        make=[
            of((7,), 4, 3),
            of((2, 5), 3, 4),
            of((2, 1, 3), 2, 1),
            of((), 4, 3),
            of((0,), 4, 3),
            of((1,), 1, 1),
            of((3,), 2, 0),
            of((3,), 4, 2, dtype=np.int32),
            of((40,), 5, 130),  # rows so wide that they are added one by one
        ],
    ),
    case(
        F.embedding,
        by_loop,
        make=[of((9,), 4, 3, low=-1), of((2, 5), 3, 1, low=-1), of((0, 2), 3, 2)],
        kwargs={"padding": -1},
        name="embedding with padding",
    ),
    case(
        F.embedding,
        by_loop,
        make=[of((9,), 4, 3)],
        kwargs={"padding": 2},
        name="embedding with a row as padding",
    ),
    case(
        F.embedding_bag,
        bags,
        make=[
            of((3, 4), 5, 2),
            of((2,), 3, 1),
            of((1, 1), 1, 1),
            of((0, 2), 3, 2),
            of((2, 0), 3, 2),
        ],
    ),
    *[
        case(
            F.embedding_bag,
            bags,
            make=[of((3, 4), 5, 2, low=-1), of((2, 1, 2), 3, 2, low=-1), of((2, 0), 3, 2)],
            kwargs={"reduction": reduction, "padding": -1},
            name=f"embedding_bag {reduction}",
        )
        for reduction in ("mean", "sum")
    ],
    case(
        F.embedding_bag,
        bags,
        make=lambda rng, dtype: (
            np.array([[0, 3, -1], [2, 2, 1], [-1, -1, -1]]),
            (rng.permutation(8).reshape(4, 2) / 4 - 1).astype(dtype),
        ),
        kwargs={"reduction": "max", "padding": -1},
        name="embedding_bag max",
    ),
    case(
        F.embedding_bag,
        bags,
        make=[of((2, 0), 3, 2)],
        kwargs={"reduction": "max"},
        name="embedding_bag max of nothing",
    ),
    case(
        lambda x, W, w: F.embedding_bag(x, W, "sum", weights=w),
        weighted_bag,
        make=lambda rng, dtype: (
            *of((3, 4), 5, 2)(rng, dtype),
            rng.uniform(-1, 1, (3, 4)).astype(dtype),
        ),
        name="embedding_bag with weights",
    ),
]
