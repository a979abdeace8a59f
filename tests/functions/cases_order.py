"""Elements by their order: against NumPy."""

from __future__ import annotations

import math

import numpy as np

import lamina.functions as F
from lamina.check import case


def different(*shape):
    """Numbers none of which are close to one another: their order has no jumps nearby."""
    size = math.prod(shape)
    return lambda rng, dtype: np.asarray(rng.permutation(size).reshape(shape) / 8, dtype)


def equals(rng, dtype):
    """Numbers many of which are equal."""
    return rng.integers(0, 3, (4, 7)).astype(dtype)


def falling(x, axis=-1):
    """The stable order from the largest down, by Python's sort."""
    order = np.apply_along_axis(lambda line: sorted(range(line.size), key=lambda i: -line[i]),
                                axis, x)  # fmt: skip
    return order.astype(int)


def largest(x, k, axis=-1, largest=True):
    """The first k of the whole order."""
    order = falling(x if largest else -x, axis)
    places = np.take(order, range(k), axis)
    return np.take_along_axis(x, places, axis), places


def rising(x, axis=-1, descending=False):
    """Places, and elements at them."""
    return falling(x if descending else -x, axis)


def quantiles(q, axes, **kwargs):
    """Rows for several axes and one setting."""
    shown = " ".join(str(value) for value in (q, *kwargs.values()))
    return [
        case(
            F.quantile,
            np.quantile,
            make=[different(2, 3, 5), different(3, 1, 2)],
            kwargs={"q": q, "axis": axis, **kwargs},
            name=f"quantile {shown} axis={axis}",
            order=1,
        )
        for axis in axes
    ]


FILLED = [different(2, 3, 5), different(1)]
NOTHING = [different(0, 4), different(3, 1)]

CASES = [
    case(F.argsort, rising, make=[*FILLED, *NOTHING[1:], equals], order=0),
    case(F.argsort, np.argsort, make=different(0, 4), order=0, name="argsort of nothing"),
    case(F.argsort, rising, make=[different(2, 3, 5), equals], order=0, name="argsort falling",
         kwargs={"descending": True, "axis": 0}),
    case(F.sort, np.sort, make=[*FILLED, *NOTHING]),
    case(F.sort, np.sort, make=equals, order=0, name="sort of equals"),
    case(F.sort, lambda x, axis, descending: -np.sort(-x, axis), make=different(3, 4),
         kwargs={"axis": 0, "descending": True}, name="sort falling"),
    case(F.sort, np.sort, make=lambda rng, dtype: np.array([2.0, np.nan, -np.inf, 1.0], dtype),
         order=0, name="sort with NaN"),
    case(F.topk, largest, make=[different(2, 3, 5), different(4, 2)], kwargs={"k": 2}),
    case(F.topk, largest, make=different(1), kwargs={"k": 1}, name="topk of one"),
    case(F.topk, lambda x, k: (np.zeros((0, 0)), np.zeros((0, 0), int)), make=different(0, 4),
         kwargs={"k": 0}, name="topk of nothing"),
    case(F.topk, largest, make=[different(5, 2), equals], order=0, name="topk smallest",
         kwargs={"k": 3, "axis": 0, "largest": False}),
    case(F.median, np.median, make=[different(2, 3, 5), different(4), different(1), different()]),
    case(F.median, np.median, make=different(2, 3, 5), kwargs={"axis": (0, 2), "keepdims": True},
         name="median keepdims", order=1),
    case(F.median, np.median, make=lambda rng, dtype: np.array([2.0, np.nan, 1.0], dtype),
         order=0, name="median with NaN"),
    case(lambda x: F.median(x, 1), lambda x: np.zeros(0), make=different(0, 3),
         name="median of no lines"),
    *quantiles(0.3, [None, 1, (-1, 0)]),
    *quantiles(0.25, [0], keepdims=True),
    *[row for method in ("lower", "higher", "nearest", "midpoint")
      for row in quantiles(0.4, [2], method=method)],
    *quantiles(1.0, [-1]),
    case(F.quantile, np.quantile, make=[different(3, 5), different(1)],
         kwargs={"q": [0.0, 0.35, 1.0]}, name="quantile of several"),
    case(lambda x: F.quantile(x, 0.3, 1), lambda x: np.zeros(0), make=different(0, 3),
         name="quantile of no lines"),
]  # fmt: skip
