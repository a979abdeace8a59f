"""Bessel functions: against SciPy."""

from __future__ import annotations

import numpy as np
import scipy.special

import lamina.functions as F
from lamina.check import case

SHAPES = [(2, 3), (0, 4), (1,), ()]


def one(f, reference, low=-3.0, high=3.0, **options):
    """A row for one operand."""
    return case(f, reference, shapes=SHAPES, domain=(low, high), **options)


def around_zero(rng, dtype):
    """0 and numbers beside it."""
    return np.array([-0.5, -1e-3, 0.0, 1e-3, 0.5], dtype)


CASES = [
    one(F.i0, scipy.special.i0),
    case(F.i0, scipy.special.i0, make=around_zero, order=3, name="i0 around 0"),
    one(F.i0e, scipy.special.i0e),
    one(F.i0e, scipy.special.i0e, 15, 900, name="i0e far out", order=1),
    one(F.i1, scipy.special.i1),
    case(F.i1, scipy.special.i1, make=around_zero, order=3, name="i1 around 0"),
    one(F.i1e, scipy.special.i1e),
    one(F.i1e, scipy.special.i1e, -900, -15, name="i1e far out", order=1),
    one(F.sinc, np.sinc, -4, 4),
    case(F.sinc, np.sinc, make=around_zero, order=3, name="sinc around 0"),
]
