"""Counting: every row against NumPy."""

from __future__ import annotations

import numpy as np

import lamina.functions as F
from lamina.check import case


def ladder(count, shape):
    """A rising list with equal ones in it, and numbers, some of which are in the list."""

    def make(rng, dtype):
        return (
            np.sort(rng.integers(0, 6, count) / 4).astype(dtype),
            (rng.integers(-1, 7, shape) / 4).astype(dtype),
        )

    return make


def numbers(shape, high=4):
    return lambda rng, dtype: np.asarray(rng.integers(0, high, shape))


def weighted(shape, high=4):
    return lambda rng, dtype: (
        rng.integers(0, high, shape),
        rng.uniform(-1, 1, shape).astype(dtype),
    )


def steps(shape):
    """Numbers some of which lie on the edges -1, -0.5, ... 1, or outside."""
    return lambda rng, dtype: (rng.integers(-5, 6, shape) / 4).astype(dtype)


LADDERS = [ladder(5, (2, 3)), ladder(0, (3,)), ladder(1, ()), ladder(4, (0, 2)), ladder(3, (1,))]

CASES = [
    case(F.searchsorted, np.searchsorted, make=LADDERS, order=0),
    case(
        F.searchsorted,
        np.searchsorted,
        make=LADDERS,
        kwargs={"side": "right"},
        order=0,
        name="searchsorted right",
    ),
    case(
        F.bincount,
        lambda x, length: np.bincount(x.ravel(), minlength=length),
        make=[numbers(9), numbers((2, 3)), numbers(0), numbers(1), numbers(())],
        kwargs={"length": 4},
        order=0,
    ),
    case(
        F.bincount,
        lambda x: np.bincount(x),
        make=numbers(9),
        order=0,
        name="bincount of any length",
        unheard="the largest number is not known before it is there",
    ),
    case(
        lambda x, w: F.bincount(x, w, 4),
        lambda x, w: np.bincount(x.ravel(), w.ravel(), 4),
        make=[weighted(9), weighted((2, 3)), weighted(1)],
        name="bincount with weights",
    ),
    case(
        lambda x: F.histogram(x, 4, (-1.0, 1.0))[0],
        lambda x: np.histogram(x, 4, (-1.0, 1.0))[0],
        make=[steps((4, 5)), steps(1), steps(0)],
        order=0,
        name="histogram of a range",
    ),
    case(F.histogram, np.histogram, make=[steps(30), steps(1)], kwargs={"bins": 3}, order=0,
         name="histogram of its own range"),
    case(
        lambda x: F.histogram(x, [-1.0, 0.0, 0.25, 1.0])[0],
        lambda x: np.histogram(x, [-1.0, 0.0, 0.25, 1.0])[0],
        make=steps(30),
        order=0,
        name="histogram of edges",
    ),
    case(
        lambda x, w: F.histogram(x, [-1.0, 0.0, 1.0], weights=w)[0],
        lambda x, w: np.histogram(x, [-1.0, 0.0, 1.0], weights=w)[0],
        make=lambda rng, dtype: (np.array([-0.5, 0.25, 7.0, 0.75]).astype(dtype),
                                 rng.uniform(0.5, 1, 4).astype(dtype)),
        order=1,
        name="histogram with weights",
    ),
]  # fmt: skip
