"""Shares that add up to 1: against SciPy, and the projection found by bisection."""

from __future__ import annotations

import numpy as np
import scipy.optimize
import scipy.special

import lamina.functions as F
from lamina.check import case


def projected(x, axis=-1):
    """The level that makes the shares of each line add up to 1, by Brent's method."""

    def shares(line):
        low, high = line.min() - 1, line.max()
        level = scipy.optimize.brentq(
            lambda t: np.maximum(line - t, 0).sum() - 1, low, high, xtol=1e-15, rtol=1e-15
        )
        return np.maximum(line - level, 0)

    return np.apply_along_axis(shares, axis, x) if x.size else x


CASES = [
    case(F.softmin, lambda x: scipy.special.softmax(-x, -1), shapes=[(2, 3, 5), (0, 4), (4, 1)]),
    case(
        F.softmin,
        lambda x, axis: scipy.special.softmax(-x, axis),
        shapes=[(2, 3, 5), (3, 0, 2), (1,)],
        kwargs={"axis": 0},
        name="softmin axis",
    ),
    case(F.sparsemax, projected, shapes=[(2, 3, 5), (0, 4), (1,), (30,)], domain=(-1, 1)),
    case(F.sparsemax, projected, shapes=[(4, 3)], kwargs={"axis": 0}, name="sparsemax axis"),
]
