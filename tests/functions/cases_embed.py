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
]
