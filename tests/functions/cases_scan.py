"""Along one axis, against NumPy: logarithmic sums, extremes so far, differences."""

from __future__ import annotations

import math

import numpy as np

import lamina.functions as F
from lamina.check import case

SHAPES = [(2, 3), (0, 4), (1,), ()]


def different(*shape):
    """Numbers none of which are close to one another: extremes have derivatives."""
    size = math.prod(shape)
    return lambda rng, dtype: np.asarray(rng.permutation(size).reshape(shape) / 8, dtype)


def with_nan(rng, dtype):
    """Numbers and a NaN among them."""
    return np.array([1.0, 3.0, np.nan, 5.0], dtype)


def accumulated(ufunc):
    """The reference that NumPy's ufunc makes; a number counts as one on an axis."""
    return lambda x, axis=None: ufunc.accumulate(x.ravel() if axis is None else x, axis or 0)


def extreme(f, ufunc):
    """Rows for the largest or the smallest so far."""
    name, reference = f.__name__, accumulated(ufunc)
    return [
        case(f, reference, make=[different(2, 3), different(0, 4), different(1), different()]),
        case(
            f, reference, make=different(3, 5, 2), kwargs={"axis": 1}, name=f"{name} axis", order=1
        ),
        case(f, reference, make=with_nan, order=0, name=f"{name} with NaN"),
    ]


CASES = [
    case(F.logcumsumexp, accumulated(np.logaddexp), shapes=SHAPES),
    case(
        F.logcumsumexp,
        accumulated(np.logaddexp),
        shapes=[(2, 5), (2, 0)],
        kwargs={"axis": 1},
        name="logcumsumexp axis",
        order=3,
    ),
    *extreme(F.cummax, np.maximum),
    *extreme(F.cummin, np.minimum),
    case(F.diff, np.diff, shapes=[(2, 3, 5), (0, 4), (1,), (3, 0)]),
    case(F.diff, np.diff, shapes=[(4, 3), (2, 3)], kwargs={"n": 2, "axis": 0}, name="diff twice"),
    case(F.diff, np.diff, shapes=[(4, 3)], kwargs={"n": 0}, name="diff not at all"),
    case(F.diff, np.diff, make=lambda rng, dtype: rng.integers(0, 2, 9) > 0, name="diff of bools"),
]
