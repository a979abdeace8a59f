"""Exponentials, logarithms and their relatives on vectors of float32.

Each is a reduction to a short interval and a polynomial there; the coefficients come from
tools/minimax.py. Infinities, NaN, zeros with their sign, and the ends of the range are NumPy's,
denormal results included. Errors are the largest found, in units in the last place, over every
fifth (log10: thirteenth) of all float32 numbers on a processor with FMA; without it they are
slightly larger (tests/machine/test_elementary.py).

Source: W. Cody and W. Waite, "Software Manual for the Elementary Functions", 1980, chapters 4, 5,
    6 and 13, for the reductions.
"""

from __future__ import annotations

import math

import numpy as np

from .lanes import Vec
from .power import power as power
from .scaling import at_least, at_most, copysign, polynomial, power_of_two, scale, split
from .trigonometric import arctan as arctan
from .trigonometric import cos as cos
from .trigonometric import sin as sin
from .trigonometric import tan as tan

LOG2_E = 1 / math.log(2)
LOG_2_HIGH = 0.693115234375  # 12 bits: its products with whole numbers below 4096 are exact
LOG_2_LOW = math.log(2) - LOG_2_HIGH
LOG10_2_HIGH = 0.301025390625  # 12 bits
LOG10_2_LOW = math.log10(2) - LOG10_2_HIGH
LOG10_E_HIGH = 0.4342944920063019  # float32
LOG10_E_LOW = math.log10(math.e) - LOG10_E_HIGH

EXP = (0.001381829846650362, 0.008368532173335552, 0.04166829213500023, 0.1666652262210846,
       0.4999999403953552)  # fmt: skip
"""``(e**r - 1 - r) / r**2`` for |r| <= log(2) / 2; what is dropped changes ``e**r`` by 2**-28."""

EXPM1 = (0.0013869587564840913, 0.008366251364350319, 0.04166744649410248, 0.1666654646396637,
         0.4999999701976776)  # fmt: skip
"""The same, made for the relative error of ``e**r - 1``: 2**-26."""

EXP2 = (0.0001532646274426952, 0.0013390806270763278, 0.009618505835533142, 0.05550359934568405,
        0.24022647738456726, 0.6931471824645996)  # fmt: skip
"""``(2**r - 1) / r`` for |r| <= 0.5; 2**-28."""

LOG = (-0.045149922370910645, 0.10472943633794785, -0.13164706528186798, 0.14477959275245667,
       -0.16646884381771088, 0.1999082714319229, -0.25000107288360596,
       0.3333345055580139)  # fmt: skip
"""``(log(1 + f) - f + f**2 / 2) / f**3`` for f in [-0.25, 0.5]; 2**-27 of the logarithm."""


# -- exponentials --------------------------------------------------------------------------------


def reduced(x: Vec) -> tuple[Vec, Vec]:
    """``n, r`` with ``x = n log(2) + r``, n whole and |r| <= log(2) / 2."""
    n = (x * LOG2_E).rint()
    return n, n.fma(-LOG_2_LOW, n.fma(-LOG_2_HIGH, x))


def exp(x: Vec) -> Vec:
    """``e**x``, to 0.9 units in the last place."""
    return exp_below(at_most(x, 89.0))


def exp_below(x: Vec) -> Vec:
    """``e**x`` where x is known to be below 89."""
    n, r = reduced(at_least(x, -104.0))
    return scale(polynomial(r, (*EXP, 1.0, 1.0)), n)


def exp2(x: Vec) -> Vec:
    """``2**x``, to 0.9 units in the last place."""
    x = at_least(at_most(x, 129.0), -151.0)
    n = x.rint()
    return scale(polynomial(x - n, (*EXP2, 1.0)), n)


def expm1(x: Vec) -> Vec:
    """``e**x - 1``, to 1.6 units in the last place."""
    n, r = reduced(at_least(at_most(x, 89.0), -20.0))
    half = power_of_two(n.cast(np.int32) - 1)  # 2**n may be just too large
    y = half.fma(grown(r), half - 0.5) * 2.0
    return (x.abs() < 2.0**-25).select(x, y)  # keeps -0, and what a half would round


def grown(r: Vec) -> Vec:
    """``e**r - 1`` for a reduced r."""
    return (r * r).fma(polynomial(r, EXPM1), r)


def tanh(x: Vec) -> Vec:
    """Hyperbolic tangent, to 2.6 units in the last place: ``t / (t + 2)``, ``t = e**(2x) - 1``."""
    n, r = reduced(at_most(x.abs() * 2.0, 20.0))
    power = power_of_two(n.cast(np.int32))
    t = power.fma(grown(r), power - 1.0)
    return copysign(t / (t + 2.0), x)


def sigmoid(x: Vec) -> Vec:
    """``1 / (1 + e**-x)``, to 2.5 units in the last place; as `functions.activation.Sigmoid`."""
    e = exp_below(-x.abs())
    return (x >= 0).select(x.code.number(1.0), e) / (e + 1.0)


# -- logarithms ----------------------------------------------------------------------------------


def near_one(f: Vec) -> Vec:
    """``log(1 + f) - f`` for f in [-0.25, 0.5]."""
    square = f * f
    return square.fma(polynomial(f, LOG) * f, square * -0.5)


def log(x: Vec) -> Vec:
    """The natural logarithm, to 0.9 units in the last place."""
    n, m = split(x)
    f = m - 1.0
    return n.fma(LOG_2_HIGH, n.fma(LOG_2_LOW, near_one(f)) + f)


def log2(x: Vec) -> Vec:
    """The logarithm to base 2, to 2.0 units in the last place."""
    n, m = split(x)
    f = m - 1.0
    rest = near_one(f)
    # log2(e) = 1 + 0.44...: the leading term f stays exact
    return (rest.fma(LOG2_E - 1, f * (LOG2_E - 1)) + rest + f) + n


def log10(x: Vec) -> Vec:
    """The logarithm to base 10, to 2.1 units in the last place."""
    n, m = split(x)
    f = m - 1.0
    y = f + near_one(f)
    rest = n.fma(LOG10_2_LOW, y * LOG10_E_LOW)
    return n.fma(LOG10_2_HIGH, y.fma(LOG10_E_HIGH, rest))


def log1p(x: Vec) -> Vec:
    """``log(1 + x)``, to 1.5 units in the last place."""
    u = x + 1.0
    lost = (x - (u - 1.0)) / u  # what the sum dropped
    lost = (lost.abs() < 1.0).select(lost, x.code.number(0.0))
    y = log(u) + lost
    return (x.abs() < 2.0**-25).select(x, y)
