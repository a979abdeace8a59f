"""Functions of one number: every row against the math module, number by number, or SciPy."""

from __future__ import annotations

import math

import numpy as np
import scipy.special

import lamina.functions as F
from lamina.check import case

SHAPES = [(2, 3, 5), (0, 4), (1,), ()]
PAIRS = [((2, 3, 5), (2, 3, 5)), ((4, 1), (3,)), ((0, 2), (1, 2)), ((), (1,))]


def one(f, python, low=-2.0, high=2.0, **options):
    """A row for one operand; ``python`` maps one number to one."""
    reference = np.vectorize(python, otypes=[float])
    return case(f, reference, shapes=SHAPES, domain=(low, high), **options)


def step(f, python):
    """A row for a function that is constant between jumps; also at the jumps."""

    def make(rng, dtype):
        return (np.array([-2.5, -1.5, -1, -0.5, -0.25, 0, 0.5, 1, 1.5, 2.75], dtype),)

    reference = np.vectorize(python, otypes=[float])
    return case(f, reference, make=[make, lambda rng, dtype: np.zeros((0, 2), dtype)], order=0)


CASES = [
    one(F.exp, math.exp, order=3),
    one(F.expm1, math.expm1),
    one(F.expm1, math.expm1, -1e-4, 1e-4, name="expm1 near 0"),
    one(F.exp2, lambda x: 2**x),
    one(F.log, math.log, 0.5, 3, order=3),
    one(F.log1p, math.log1p, -0.5, 3),
    one(F.log1p, math.log1p, -1e-4, 1e-4, name="log1p near 0"),
    one(F.log2, math.log2, 0.5, 3),
    one(F.log10, math.log10, 0.5, 3),
    one(F.sqrt, math.sqrt, 0.5, 3, order=3),
    one(F.cbrt, scipy.special.cbrt, 0.5, 3),
    one(F.cbrt, scipy.special.cbrt, -3, -0.5, name="cbrt of negative numbers"),
    one(F.rsqrt, lambda x: 1 / math.sqrt(x), 0.5, 3, order=3),
    step(F.sign, lambda x: (x > 0) - (x < 0)),
    step(F.floor, math.floor),
    step(F.ceil, math.ceil),
    step(F.round, round),
    step(F.trunc, math.trunc),
    one(F.sin, math.sin, -4, 4, order=3),
    one(F.cos, math.cos, -4, 4, order=3),
    one(F.tan, math.tan, -1.25, 1.25),
    one(F.arcsin, math.asin, -0.9, 0.9),
    one(F.arccos, math.acos, -0.9, 0.9),
    one(F.arctan, math.atan, -4, 4),
    case(F.arctan2, np.vectorize(math.atan2, otypes=[float]), shapes=PAIRS, domain=(0.25, 2)),
    case(
        F.arctan2,
        np.vectorize(math.atan2, otypes=[float]),
        make=lambda rng, dtype: (np.array([1, 1, -1, -2], dtype), np.array([2, -1, 1, -1], dtype)),
        name="arctan2 in all quarters",
    ),
    case(F.hypot, np.vectorize(math.hypot, otypes=[float]), shapes=PAIRS, domain=(0.25, 2)),
    one(F.sinh, math.sinh),
    one(F.cosh, math.cosh),
    one(F.arcsinh, math.asinh, -4, 4),
    one(F.arccosh, math.acosh, 1.25, 4),
    one(F.arctanh, math.atanh, -0.9, 0.9),
]
