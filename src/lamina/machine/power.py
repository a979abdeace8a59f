"""Powers on vectors of float32, computed in float64."""

from __future__ import annotations

import numpy as np

from .lanes import Operand, Vec
from .scaling import at_least, at_most, polynomial

DOUBLE, WHOLE = np.dtype(np.float64), np.dtype(np.int64)

LOG2 = (-0.03229360294568094, 0.09054900214252612, -0.12676224017154364, 0.13658761847404377,
        -0.14474773110031772, 0.1599248304088086, -0.180265777722419, 0.20610980810823726,
        -0.24045190485039647, 0.2885388887196866, -0.3606737213316311, 0.4808983474240044,
        -0.721347520595791, 1.442695040888573)  # fmt: skip
"""``log2(1 + f) / f`` for f in [-0.25, 0.5]; 2**-38."""

EXP2 = (1.520192033693022e-05, 0.00015469291117793427, 0.0013333922568144266,
        0.009618027253733336, 0.05550410353443571, 0.24022651198157316, 0.6931471807284478,
        0.999999999961682)  # fmt: skip
"""``2**r`` for |r| <= 0.5; 2**-34."""

THREE_QUARTERS = int(np.float64(0.75).view(np.int64))
BIAS = 1023


def power(x: Vec, y: Operand) -> Vec:
    """``x**y``, to 0.6 units in the last place, with C's special cases, as `numpy.power` has them.

    Source: ISO/IEC 9899:2018, section F.10.4.4, for the special cases.
    """
    if isinstance(y, (int, float)):
        if y in SMALL:
            return SMALL[y](x)
        y = x.code.number(y)
    size = x.abs()
    result = _power_of(size, y)
    result = ((size == 1) & (y.abs() == np.inf)).select(size, result)
    half = y * 0.5
    whole = y.trunc() == y
    odd = whole & (half.trunc() != half)
    result = (odd & _negative(x)).select(-result, result)
    real = whole | ~(x < 0) | (size == np.inf)
    result = real.select(result, x.code.number(np.nan))
    one = x.code.number(1.0)
    result = (x == x).select(result, x)
    return ((y == 0) | (x == 1)).select(one, result)


SMALL = {
    0: lambda x: x.code.number(1.0),
    1: lambda x: x,
    2: lambda x: x * x,
    3: lambda x: x * x * x,
    -1: lambda x: 1.0 / x,
}
"""Exponents that are shorter as products, and at least as exact but for 3, with 1 unit."""


def _negative(x: Vec) -> Vec:
    """Whether the sign is set; that of -0 too."""
    return x.bits(np.int32) < 0


def _power_of(x: Vec, y: Vec) -> Vec:
    """``x**y`` for x not below 0; NaN where 0 and infinity meet."""
    exponent = _log2(x.cast(DOUBLE)) * y.cast(DOUBLE)
    exponent = at_least(at_most(exponent, 200.0), -200.0)
    n = exponent.rint()
    scale = ((n.cast(np.int32).cast(WHOLE) + BIAS) << 52).bits(DOUBLE)
    return (polynomial(exponent - n, EXP2) * scale).cast(np.float32)


def _log2(x: Vec) -> Vec:
    """The logarithm to base 2 in float64 of what was a float32 number, none below 0."""
    bits = x.bits(WHOLE)
    n = (bits - THREE_QUARTERS) >> 52
    f = (bits - (n << 52)).bits(DOUBLE) - 1.0
    y = polynomial(f, LOG2) * f + n.cast(np.int32).cast(DOUBLE)
    y = (x == 0).select(x.code.number(-np.inf, DOUBLE), y)
    return (x == np.inf).select(x, y)
