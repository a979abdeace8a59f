"""The gamma function's logarithm and its derivatives: against SciPy."""

from __future__ import annotations

import numpy as np
import scipy.special

import lamina.functions as F
from lamina.check import case

SHAPES = [(2, 3), (0, 4), (1,), ()]
PAIRS = [((2, 3), (2, 3)), ((3, 1), (2,)), ((0, 2), (1, 2)), ((), (1,))]
NEAR_POLES = {"order": 0, "rtol": 1e-11, "reason": "SciPy's is off by that beside a pole"}


def one(f, reference, low=0.25, high=12.0, **options):
    """A row for one operand."""
    return case(f, reference, shapes=SHAPES, domain=(low, high), **options)


def between_poles(rng, dtype):
    """Negative numbers, none close to a whole one."""
    return (-rng.integers(0, 20, 25) - rng.uniform(0.2, 0.8, 25)).astype(dtype)


def beside_zero(rng, dtype):
    """Negative numbers in the middle between poles, where differences tell the derivative."""
    return (-rng.integers(0, 2, 5) - rng.uniform(0.35, 0.65, 5)).astype(dtype)


def polygammas(n):
    """Rows for one order, on both sides of 0."""
    return [
        one(lambda x: F.polygamma(n, x), lambda x: scipy.special.polygamma(n, x), 0.5,
            name=f"polygamma {n}"),
    ]  # fmt: skip


def trigamma_of_negative(x):
    """By recurrence from where it is positive."""
    total = np.zeros_like(x)
    while (x < 0.5).any():
        below = x < 0.5
        total = total + np.where(below, 1 / x**2, 0)
        x = np.where(below, x + 1, x)
    return total + scipy.special.polygamma(1, x)


WIDE = [np.float32, np.float64]
CANCELS = {"rtol": 1e-12, "reason": "SciPy subtracts logarithms that are larger than the result"}
multigammaln = np.vectorize(lambda x: scipy.special.multigammaln(x, 3), otypes=[float])

CASES = [
    one(F.lgamma, scipy.special.gammaln),
    one(F.lgamma, scipy.special.gammaln, 1e-3, 0.25, order=1, name="lgamma near 0"),
    one(F.lgamma, scipy.special.gammaln, 20, 1e4, name="lgamma far out", order=1, dtypes=WIDE),
    case(F.lgamma, scipy.special.gammaln, make=between_poles, name="lgamma left of 0", order=0),
    case(F.lgamma, scipy.special.gammaln, make=beside_zero, name="lgamma beside 0"),
    one(F.digamma, scipy.special.digamma),
    one(F.digamma, scipy.special.digamma, 20, 1e4, name="digamma far out", order=1, dtypes=WIDE),
    case(F.digamma, scipy.special.digamma, make=between_poles, name="digamma left of 0",
         **NEAR_POLES),
    *polygammas(0),
    *polygammas(1),
    *polygammas(4),
    case(lambda x: F.polygamma(1, x), trigamma_of_negative, make=between_poles,
         name="polygamma 1 left of 0", **NEAR_POLES),
    one(lambda x: F.multigammaln(x, 3), multigammaln, 2.5, name="multigammaln", order=1),
    case(F.lbeta, scipy.special.betaln, shapes=PAIRS, domain=(0.25, 12)),
    case(F.lbeta, scipy.special.betaln, shapes=[((3, 1), (2,))], domain=[(0.25, 12), (50, 900)],
         name="lbeta of small and large", order=1, **CANCELS),
    case(F.lbeta, scipy.special.betaln, shapes=[((3, 1), (2,))], domain=(10, 900),
         name="lbeta of large numbers", order=1, **CANCELS),
    case(F.beta, scipy.special.beta, shapes=PAIRS, domain=(0.25, 4), order=1),
]  # fmt: skip
