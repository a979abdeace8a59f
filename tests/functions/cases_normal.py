"""The normal distribution: against the math module and SciPy."""

from __future__ import annotations

import math

import numpy as np
import scipy.special

import lamina.functions as F
from lamina.check import case

SHAPES = [(2, 3), (0, 4), (1,), ()]
SQUARES = "roundings of the argument, multiplied by its square"
WIDE = [np.float32, np.float64]


def one(f, reference, low=-2.0, high=2.0, **options):
    """A row for one operand."""
    return case(f, reference, shapes=SHAPES, domain=(low, high), **options)


erfc = np.vectorize(math.erfc, otypes=[float])
TAILS = {"dtypes": [np.float64], "order": 0, "rtol": 1e-13, "reason": SQUARES}

CASES = [
    one(F.erfc, erfc),
    one(F.erfc, erfc, 4, 26, name="erfc far out", **TAILS),
    one(F.erfc, erfc, -5, -3, name="erfc near 2"),
    one(F.erfcx, scipy.special.erfcx),
    one(F.erfcx, scipy.special.erfcx, 4, 1000, name="erfcx far out", order=1),
    one(F.ndtr, scipy.special.ndtr),
    one(F.ndtr, scipy.special.ndtr, -37, -5, name="ndtr far out", **TAILS),
    one(F.log_ndtr, scipy.special.log_ndtr),
    one(
        F.log_ndtr, scipy.special.log_ndtr, -100, -3, name="log_ndtr far out", order=1, dtypes=WIDE
    ),
    one(F.log_ndtr, scipy.special.log_ndtr, 3, 8, name="log_ndtr near 0", order=1),
    one(F.erfinv, scipy.special.erfinv, -0.95, 0.95),
    one(F.ndtri, scipy.special.ndtri, 0.05, 0.95),
    case(
        F.ndtri,
        scipy.special.ndtri,
        make=lambda rng, dtype: (10.0 ** rng.uniform(-30, -3, 20)).astype(dtype),
        order=0,
        dtypes=WIDE,
        name="ndtri of small shares",
    ),
]
