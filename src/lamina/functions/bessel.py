"""Bessel functions: i0, i1 and their scaled forms, and sinc, with derivatives of every order."""

from __future__ import annotations

from functools import lru_cache
from math import factorial, pi, prod, sqrt
from typing import TYPE_CHECKING

import numpy as np

from ..core import Variable
from .arith import SIGN
from .operand import as_floating, in_single
from .series import Elementwise, polynomial, whole_power

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["i0", "i0e", "i1", "i1e", "sinc"]

MIDDLE = 20.0
"""Below, the power series of I_n, whose terms are all positive; beyond, the asymptotic one, whose
smallest term is about e**-2x."""


class BesselI(Elementwise):
    """The modified Bessel function of the first kind ``I_n(x)``, times ``e**-|x|`` if ``scaled``.

    A primitive for range and precision: NumPy has only i0. The derivative is made of the
    neighbours, ``(I_{n-1} + I_{n+1}) / 2``, Handbook 9.6.26: so nothing is divided by x.
    """

    n: int
    scaled: bool

    def forward(self, x):
        return in_single(self.formula, x)

    def formula(self, x):
        size = np.abs(x)
        near, far = np.minimum(size, MIDDLE), np.maximum(size, MIDDLE)
        y = np.where(size <= MIDDLE, self.series(near), self.asymptotic(far))
        if not self.scaled:
            root = np.exp(size / 2)  # twice, as e**x ends before I_n does
            y = y * root * root
        return np.copysign(y, x) if self.n % 2 else y

    def series(self, x):
        """``e**-x (x/2)ⁿ Σ (x²/4)ᵏ / (k! (n+k)!)`` for 0 <= x <= 20: Handbook 9.6.10."""
        y = np.exp(-x) * polynomial(x * x / 4, _rising_terms(self.n))
        return y * whole_power(x / 2, self.n) if self.n else y

    def asymptotic(self, x):
        """``Σ (-1)ᵏ aₖ(n) / xᵏ / √(2πx)``: Handbook 9.7.1."""
        return polynomial(1 / x, _falling_terms(self.n)) / (np.sqrt(x) * sqrt(2 * pi))

    def backward(self, gy, x, y):
        beside = BesselI(abs(self.n - 1), self.scaled)(x) + BesselI(self.n + 1, self.scaled)(x)
        return gy * (beside * 0.5 - SIGN(x) * y if self.scaled else beside * 0.5)


@lru_cache
def _rising_terms(n: int) -> tuple[float, ...]:
    return tuple([1 / (factorial(k) * factorial(k + n)) for k in range(50, -1, -1)])


@lru_cache
def _falling_terms(n: int) -> tuple[float, ...]:
    odd = [(2 * j - 1) ** 2 - 4 * n**2 for j in range(1, 25)]
    return tuple([prod(odd[:k]) / (factorial(k) * 8**k) for k in range(24, -1, -1)])


def i0(x: ArrayLike) -> Variable:
    """The modified Bessel function of the first kind of order 0, elementwise:
    ``y = 1/π ∫ e**(x cos t) dt`` for t from 0 to π.

    Args:
        x: any shape, floating; from 714 (float64) or 92 (float32) on the result is infinite.
    Returns:
        Shape and dtype of ``x``.
    Source:
        M. Abramowitz and I. Stegun, "Handbook of Mathematical Functions", 1964: 9.6.10 up to 20,
        9.7.1 beyond.
    Example:
        >>> i0([0.0, 1.0])
        Variable([1.        , 1.26606588], float64)
    """
    return BesselI(0, False)(as_floating(x, "i0"))


def i0e(x: ArrayLike) -> Variable:
    """`i0` times ``e**-|x|``, for ``x`` of any size. The derivative at 0 is 0."""
    return BesselI(0, True)(as_floating(x, "i0e"))


def i1(x: ArrayLike) -> Variable:
    """The modified Bessel function of order 1, the derivative of `i0`, elementwise."""
    return BesselI(1, False)(as_floating(x, "i1"))


def i1e(x: ArrayLike) -> Variable:
    """`i1` times ``e**-|x|``, for ``x`` of any size."""
    return BesselI(1, True)(as_floating(x, "i1e"))


class SphericalJ(Elementwise):
    """The spherical Bessel function ``j_n(x)``; j₀ is sin x / x. A primitive for precision: near 0
    the derivatives of the quotient cancel; and they divide by 0 at 0.
    """

    n: int

    def forward(self, x):
        return in_single(self.formula, x)

    def formula(self, x):
        middle = float(self.n + 2)
        inside = np.clip(x, -middle, middle)
        far = np.where(np.abs(x) < middle, middle, x)
        return np.where(np.abs(x) < middle, self.series(inside), self.rising(far))

    def series(self, x):
        """``xⁿ / (2n+1)!! Σ (-x²/2)ᵏ / (k! (2n+3) ... (2n+2k+1))``: Handbook 10.1.2."""
        y = polynomial(x * x, _spherical_terms(self.n))
        return y * whole_power(x, self.n) if self.n else y

    def rising(self, x):
        """From j₀ and j₁ by recurrence, Handbook 10.1.19; stable for x > n."""
        a = np.sin(x) / x
        if self.n == 0:
            return a
        b = (a - np.cos(x)) / x
        for k in range(1, self.n):
            a, b = b, b * (2 * k + 1) / x - a
        return b

    def backward(self, gy, x):
        n, after = self.n, SphericalJ(self.n + 1)(x)
        if n == 0:
            return -gy * after
        return gy * (SphericalJ(n - 1)(x) * (n / (2 * n + 1)) - after * ((n + 1) / (2 * n + 1)))


@lru_cache
def _spherical_terms(n: int) -> tuple[float, ...]:
    return tuple(
        [
            (-0.5) ** k / (factorial(k) * prod(range(1, 2 * n + 2 * k + 2, 2)))
            for k in range(20 + n, -1, -1)
        ]
    )


def sinc(x: ArrayLike) -> Variable:
    """The normalized sinc, elementwise: ``y = sin(πx) / (πx)``, and 1 at 0.

    Args:
        x: any shape, floating.
    Returns:
        Shape and dtype of ``x``. Derivatives of every order exist everywhere.
    Source:
        M. Abramowitz and I. Stegun, "Handbook of Mathematical Functions", 1964: 10.1.11, the
        spherical Bessel function j₀; 10.1.20 for its derivatives.
    Example:
        >>> sinc([0.0, 0.5])
        Variable([1.        , 0.63661977], float64)
    """
    return SphericalJ(0)(as_floating(x, "sinc") * pi)
