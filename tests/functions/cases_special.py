"""Elementwise mathematics with care for its edges: against NumPy, SciPy and the math module."""

from __future__ import annotations

import math

import numpy as np
import scipy.special

import lamina.functions as F
from lamina.check import case

SHAPES = [(2, 3, 5), (0, 4), (1,), ()]
PAIRS = [((2, 3, 5), (2, 3, 5)), ((4, 1), (3,)), ((0, 2), (1, 2)), ((), (1,))]


def one(f, reference, low=-2.0, high=2.0, **options):
    """A row for one operand."""
    return case(f, reference, shapes=SHAPES, domain=(low, high), **options)


def two(f, reference, low=-2.0, high=2.0, **options):
    """A row for two operands that broadcast."""
    return case(f, reference, shapes=PAIRS, domain=(low, high), **options)


def fixed(f, reference, *numbers, **options):
    """A row for chosen numbers."""

    def make(rng, dtype):
        return tuple(np.array(x, dtype) for x in numbers)

    return case(f, reference, make=make, **options)


def whole(shape):
    """Numbers, and whole ones."""
    return lambda rng, dtype: (
        np.asarray(rng.uniform(-2, 2, shape), dtype),
        np.asarray(rng.integers(-3, 4, shape)),
    )


INF, NAN = np.inf, np.nan
ODD = [-INF, -2.0, -0.0, 0.0, 0.5, INF, NAN]
ANYWHERE = {"dtypes": [np.float32, np.float64], "order": 0}

CASES = [
    two(F.logaddexp, np.logaddexp, order=3),
    two(F.logaddexp, np.logaddexp, -900, 900, name="logaddexp of large numbers", order=0),
    fixed(
        F.logaddexp,
        np.logaddexp,
        [-INF, -INF, 1.0, INF, INF],
        [-INF, 1.0, -INF, INF, 2.0],
        order=0,
        name="logaddexp at infinities",
    ),
    two(F.logaddexp2, np.logaddexp2),
    two(F.xlogy, scipy.special.xlogy, 0.25, 3),
    fixed(
        F.xlogy,
        scipy.special.xlogy,
        [0.0, 0.0, 0.0, 0.0, 2.0],
        [0.0, 1.0, INF, NAN, 3.0],
        order=0,
        name="xlogy of 0",
    ),
    two(F.xlog1py, scipy.special.xlog1py, -0.5, 3),
    fixed(
        F.xlog1py,
        scipy.special.xlog1py,
        [0.0, 0.0, 0.0, 0.0, 2.0],
        [-1.0, 1.0, INF, NAN, 1e-5],
        order=0,
        name="xlog1py of 0",
    ),
    one(F.entr, scipy.special.entr, 0.25, 3),
    fixed(F.entr, scipy.special.entr, [0.0, -1.0, 1.0, NAN], order=0, name="entr at its edges"),
    one(F.logit, scipy.special.logit, 0.1, 0.9),
    case(
        lambda x: F.logit(x, 0.25),
        lambda x: scipy.special.logit(np.clip(x, 0.25, 0.75)),
        shapes=[(3, 4)],
        domain=(0, 1),
        name="logit eps",
    ),
    one(F.log1mexp, np.vectorize(lambda x: math.log(-math.expm1(x)), otypes=[float]), -3, -0.05),
    fixed(
        F.log1mexp,
        np.vectorize(lambda x: math.log1p(-math.exp(x)), otypes=[float]),
        [-9.0, -20.0, -30.0],
        name="log1mexp of small shares",
        dtypes=[np.float32, np.float64],
    ),
    one(F.signbit, np.signbit, order=0),
    fixed(F.signbit, np.signbit, ODD, name="signbit of odd numbers", **ANYWHERE),
    two(F.copysign, np.copysign),
    fixed(
        F.copysign,
        np.copysign,
        [[1.0], [-2.0], [INF]],
        ODD[:-1],
        name="copysign of odd numbers",
        **ANYWHERE,
    ),
    two(F.heaviside, np.heaviside),
    fixed(F.heaviside, np.heaviside, ODD, [[0.5], [-1.0]], name="heaviside at 0", **ANYWHERE),
    one(F.nan_to_num, np.nan_to_num),
    fixed(
        lambda x: F.nan_to_num(x, 7.0, 8.0, -9.0),
        lambda x: np.nan_to_num(x, nan=7.0, posinf=8.0, neginf=-9.0),
        ODD,
        order=0,
        name="nan_to_num of odd numbers",
    ),
    case(F.fmod, np.fmod, shapes=PAIRS, domain=[(-3, 3), (0.6, 0.7)]),
    fixed(F.fmod, np.fmod, [5.25, -5.25, 5.25, -5.25], [3.0, 3.0, -3.0, -3.0], name="fmod signs"),
    two(F.fmax, np.fmax),
    fixed(F.fmax, np.fmax, ODD, [[NAN], [1.0], [-INF]], name="fmax of odd numbers", **ANYWHERE),
    case(F.fmin, np.fmin, shapes=PAIRS, domain=[(-2, 2), (-2.25, 1.75)]),
    fixed(F.fmin, np.fmin, ODD, [[NAN], [1.0], [-INF]], name="fmin of odd numbers", **ANYWHERE),
    case(F.ldexp, np.ldexp, make=[whole((2, 3)), whole((0,)), whole(()), whole((1,))]),
    one(F.modf, np.modf, 0.25, 0.75),
    fixed(
        F.modf,
        np.modf,
        [-INF, -2.5, -0.0, 0.0, 0.75, INF, NAN],
        order=0,
        name="modf of odd numbers",
    ),
    one(F.deg2rad, np.deg2rad, -180, 180),
    one(F.rad2deg, np.rad2deg, -4, 4),
    case(
        F.lerp,
        lambda a, b, t: (1 - t) * a + t * b,
        shapes=[((2, 3), (3,), ()), ((0,), (1,), (0,)), ((1,), (1,), (1,))],
        domain=[(-2, 2), (-2, 2), (0, 1)],
    ),
    two(F.isclose, np.isclose, order=0),
    fixed(
        F.isclose,
        np.isclose,
        [1.0, 1.0, 0.0, INF, INF, -INF, NAN],
        [1.0 + 2.0**-17, 1.0 + 2.0**-16, 0.0, INF, 1.0, INF, NAN],
        kwargs={"equal_nan": True},
        order=0,
        dtypes=[np.float32, np.float64],
        name="isclose of neighbours",
    ),
]
