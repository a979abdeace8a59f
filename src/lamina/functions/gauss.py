"""The integral of the bell curve, and the activation that is made of it: erf, gelu."""

from __future__ import annotations

from math import pi, sqrt
from typing import TYPE_CHECKING

import numpy as np

from ..core import Function, Variable
from .operand import as_variable
from .series import quotient
from .unary import exp

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["erf", "gelu"]

NEAR = (
    (1.85777706184603153e-1, 3.16112374387056560, 1.13864154151050156e2, 3.77485237685302021e2,
     3.20937758913846947e3),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3,
     2.84423683343917062e3),
)  # fmt: skip
"""Numerator and denominator of ``erf(x) / x`` in x², highest power first, for |x| <= 0.46875."""

FAR = (
    (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1,
     2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
     1.23033935479799725e3),
    (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2,
     1.62138957456669019e3, 3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3,
     1.23033935480374942e3),
)  # fmt: skip
"""Those of ``erfc(x) e**x²`` in x, for larger x."""


class Erf(Function):
    """``2/√π ∫ e**-t² dt`` from 0 to x. A primitive, as NumPy has none: Cody's two quotients of
    polynomials. Beyond 6 it is 1 to the last bit of float64.
    """

    def forward(self, x):
        half = x.dtype == np.float16
        x = np.clip(x.astype(np.float32) if half else x, -6, 6)
        y = np.abs(x)
        far = np.copysign(1 - np.exp(-y * y) * quotient(y, *FAR), x)
        y = np.where(y <= 0.46875, x * quotient(x * x, *NEAR), far)
        return y.astype(np.float16) if half else y

    def backward(self, gy, x):
        return gy * (exp(-(x * x)) * (2 / sqrt(pi)))


ERF = Erf()


def erf(x: ArrayLike) -> Variable:
    """The error function, elementwise: ``y = 2/√π ∫ e**-t² dt`` for t from 0 to ``x``.

    Args:
        x: any shape, floating.
    Returns:
        Shape and dtype of ``x``, in [-1, 1].
    Source:
        W. J. Cody, "Rational Chebyshev Approximations for the Error Function", 1969.
    Example:
        >>> erf([0.0, 1.0, 10.0])
        Variable([0.        , 0.84270079, 1.        ], float64)
    """
    return ERF(as_variable(x, "erf"))


def gelu(x: ArrayLike) -> Variable:
    """Gaussian error linear unit, elementwise: ``y = x Φ(x) = x (1 + erf(x / √2)) / 2``.

    `gelu_tanh` is the usual approximation, off by up to 5e-4.

    Args:
        x: any shape, floating.
    Returns:
        Shape and dtype of ``x``.
    Source:
        D. Hendrycks and K. Gimpel, "Gaussian Error Linear Units (GELUs)", 2016, section 2.
    """
    v = as_variable(x, "gelu")
    return v * (ERF(v * sqrt(0.5)) + 1) * 0.5
