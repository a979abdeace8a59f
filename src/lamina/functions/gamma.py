"""The gamma function's logarithm and its derivatives; beta."""

from __future__ import annotations

from functools import lru_cache
from math import factorial, log, pi
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Function, Variable
from ..errors import RangeError
from .operand import as_floating, as_floating_pair, as_integer, in_single
from .series import Elementwise, polynomial, whole_power
from .unary import exp

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["lgamma", "digamma", "polygamma", "multigammaln", "lbeta", "beta"]

EULER = 0.57721566490153286061
"""Euler's constant γ = lim (1 + 1/2 + ... + 1/n - log n)."""

BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798)
"""The numbers B₂, B₄, ..., B₁₈: M. Abramowitz and I. Stegun, "Handbook", 1964, table 23.2."""

WHOLE = 2.0**52
"""From here on all float64 are whole numbers."""


def _zeta_beyond_one(s: int) -> float:
    """``ζ(s) - 1``, by Euler and Maclaurin from 16 on: Handbook 23.2.9."""
    n, tail = 16, 0.0
    for j, b in enumerate(BERNOULLI[:6], 1):
        rising = factorial(s + 2 * j - 2) // factorial(s - 1)
        tail += b / factorial(2 * j) * rising * n ** (1.0 - s - 2 * j)
    whole = sum([float(k) ** -s for k in range(n - 1, 1, -1)])
    return whole + n ** (1.0 - s) / (s - 1) + n ** float(-s) / 2 + tail


SERIES = (
    *[(-1) ** k * _zeta_beyond_one(k) / k for k in range(27, 1, -1)],
    1 - EULER,
)
"""Of ``lgamma(2 + w) / w`` in w, highest power first: Handbook 6.1.33. For |w| <= 1/2 what
follows is below 1e-18."""

STIRLING = tuple([b / (2 * k * (2 * k - 1)) for k, b in enumerate(BERNOULLI[:8], 1)][::-1])
"""Of Stirling's remainder, times x, in 1/x²: Handbook 6.1.40."""

DIGAMMA = tuple([b / (2 * k) for k, b in enumerate(BERNOULLI, 1)][::-1])
"""Of ``log x - 1/(2x) - ψ(x)``, times x², in 1/x²: Handbook 6.3.18."""


def _stirling_rest(x: Any) -> Any:
    """What Stirling's formula leaves, for x >= 8: exact to a rounding of lgamma(8)."""
    inverse = 1 / x
    return inverse * polynomial(inverse * inverse, STIRLING)


def _log_gamma(x: Any) -> Any:
    """``log Γ(x)`` for x > 0: a series about 2, recurrence down to it, Stirling's beyond 8."""
    up = np.where(x < 0.5, x * (x + 1), np.where(x < 1.5, x, 1))
    w = np.where(x < 0.5, x, np.where(x < 1.5, x - 1, np.minimum(x, 8) - 2))
    down = np.ones_like(x)
    for _ in range(6):
        above = w > 0.5
        down = np.where(above, down * (w + 1), down)
        w = np.where(above, w - 1, w)
    near = w * polynomial(w, SERIES) + np.log(down) - np.log(up)
    far = np.maximum(x, 8)
    far = (far - 0.5) * (np.log(far) - 1) + _stirling_rest(far) + (log(2 * pi) - 1) / 2
    return np.where(x < 8, near, far)


def _reflected(x: Any) -> tuple[Any, Any]:
    """``1 - x`` where x <= 0, else x; and x less the nearest whole number where x <= 0, else 1/4.

    Very large negative numbers are whole.
    """
    left = x <= 0
    bounded = np.maximum(np.where(left, x, 0.25), -WHOLE)
    return np.where(left, 1 - bounded, x), np.where(left, bounded - np.rint(bounded), 0.25)


class LGamma(Elementwise):
    """``log |Γ(x)|``. A primitive, as NumPy has none; left of 0 by reflection, Handbook 6.1.17."""

    def forward(self, x):
        return in_single(self.formula, x)

    def formula(self, x):
        mirrored, t = _reflected(x)
        y = _log_gamma(mirrored)
        wave = np.abs(np.sin(t * pi))
        left = log(pi) - np.log(np.where(wave == 0, 1, wave)) - y
        return np.where(x > 0, y, np.where(t == 0, np.inf, left))

    def backward(self, gy, x):
        return gy * Polygamma(0)(x)


class Polygamma(Elementwise):
    """``ψ⁽ⁿ⁾(x)``, the derivative of log Γ of order n + 1. A primitive, as NumPy has none."""

    order: int

    def forward(self, x):
        return in_single(self.formula, x)

    def formula(self, x):
        mirrored, t = _reflected(x)
        y = _digamma(mirrored) if self.order == 0 else _hurwitz(mirrored, self.order)
        cot = 1 / np.tan(np.where(t == 0, 0.25, t) * pi)
        left = (-1) ** self.order * y - polynomial(cot, _cotangent(self.order))
        return np.where(x > 0, y, np.where(t == 0, self.pole(x), left))

    def pole(self, x):
        """At 0, -1, -2, ... : infinite where both sides agree on the sign."""
        if self.order % 2:
            return np.inf
        return np.where(x == 0, np.copysign(np.inf, -x), np.nan)

    def backward(self, gy, x):
        return gy * Polygamma(self.order + 1)(x)


def _digamma(x: Any) -> Any:
    """``ψ(x)`` for x > 0: recurrence up to 8, then its asymptotic series."""
    lost = np.zeros_like(x)
    for _ in range(8):
        small = x < 8
        lost = np.where(small, lost + 1 / x, lost)
        x = np.where(small, x + 1, x)
    inverse = 1 / x
    square = inverse * inverse
    return np.log(x) - inverse / 2 - square * polynomial(square, DIGAMMA) - lost


def _hurwitz(x: Any, n: int) -> Any:
    """``ψ⁽ⁿ⁾(x) = (-1)ⁿ⁺¹ n! Σ (x + k)⁻ⁿ⁻¹`` for x > 0: ten terms, the rest by Euler-Maclaurin."""
    total = whole_power(1 / x, n + 1)
    for k in range(1, 10):
        total = total + whole_power(1 / (x + k), n + 1)
    inverse = 1 / (x + 10)
    rest = polynomial(inverse * inverse, _corrections(n)) * inverse + 0.5
    total = total + whole_power(inverse, n) * (inverse * rest + 1 / n)
    return total * ((-1) ** (n + 1) * float(factorial(n)))


@lru_cache
def _corrections(n: int) -> tuple[float, ...]:
    """``B₂ⱼ (n + 2j - 1)! / ((2j)! n!)``: of Euler's and Maclaurin's formula, Handbook 23.1.30."""
    rising = [
        b * factorial(n + 2 * j - 1) / (factorial(2 * j) * factorial(n))
        for j, b in enumerate(BERNOULLI, 1)
    ]
    return tuple(rising[::-1])


@lru_cache
def _cotangent(n: int) -> tuple[float, ...]:
    """``π d/dxⁿ cot(πx)`` as a polynomial in c = cot(πx), highest power first: c' = -π(1 + c²)."""
    powers = [0, 1]
    for _ in range(n):
        slope = [k * p for k, p in enumerate(powers)][1:]
        powers = [-a - b for a, b in zip([*slope, 0, 0], [0, 0, *slope])]
    return tuple([pi ** (n + 1) * p for p in powers[::-1]])


LGAMMA, PSI = LGamma(), Polygamma(0)


def lgamma(x: ArrayLike) -> Variable:
    """The logarithm of the gamma function, elementwise: ``y = log |Γ(x)|``, Γ(n) = (n - 1)!.

    Args:
        x: any shape, floating; at 0, -1, -2, ... the result is infinite.
    Returns:
        Shape and dtype of ``x``. A few roundings off for x > 0; left of it, of the larger of
        1 and |y|. The derivative is `digamma`.
    Source:
        M. Abramowitz and I. Stegun, "Handbook of Mathematical Functions", 1964: 6.1.33 about 2,
        6.1.40 beyond 8, 6.1.17 left of 0.
    Example:
        >>> lgamma([1.0, 5.0])
        Variable([0.        , 3.17805383], float64)
    """
    return LGAMMA(as_floating(x, "lgamma"))


def digamma(x: ArrayLike) -> Variable:
    """The derivative of log Γ, elementwise: ``y = ψ(x) = Γ'(x) / Γ(x)``.

    Args:
        x: any shape, floating; infinite at 0, NaN at -1, -2, ....
    Returns:
        Shape and dtype of ``x``. A few roundings off, of the larger of 1 and |y|.
    Source:
        M. Abramowitz and I. Stegun, "Handbook of Mathematical Functions", 1964: 6.3.18 from 8 on,
        6.3.5 below, 6.3.7 left of 0.
    Example:
        >>> digamma([1.0, 2.0])
        Variable([-0.57721566,  0.42278434], float64)
    """
    return PSI(as_floating(x, "digamma"))


def polygamma(n: int, x: ArrayLike) -> Variable:
    """The derivative of order ``n`` of `digamma`: ``y = (-1)**(n+1) n! Σ 1 / (x + k)**(n+1)``.

    Args:
        n: 0, 1, ..., 30; 0 is digamma itself.
        x: any shape, floating; at 0, -1, -2, ... the result is infinite, or NaN for even n.
    Returns:
        Shape and dtype of ``x``.
    Raises:
        RangeError: if ``n`` is none of these.
    Source:
        M. Abramowitz and I. Stegun, "Handbook of Mathematical Functions", 1964: 6.4.10, summed by
        23.1.30; 6.4.7 left of 0.
    Example:
        >>> polygamma(1, [1.0])  # π²/6
        Variable([1.64493407], float64)
    """
    order = as_integer(n, "polygamma: n")
    if not 0 <= order <= 30:
        raise RangeError(f"polygamma: n should be 0..30, got {order}")
    return Polygamma(order)(as_floating(x, "polygamma"))


def multigammaln(x: ArrayLike, d: int) -> Variable:
    """The logarithm of the gamma function of dimension ``d``, elementwise:
    ``y = d(d - 1)/4 log π + Σ log Γ(x - j/2)`` for j = 0 ... d - 1.

    Args:
        x: any shape, floating, above ``(d - 1) / 2``.
        d: the dimension, 1 or more.
    Returns:
        Shape and dtype of ``x``.
    Raises:
        RangeError: if ``d`` is below 1.
    Source:
        A. T. James, "Distributions of Matrix Variates and Latent Roots Derived from Normal
        Samples", 1964.
    """
    count = as_integer(d, "multigammaln: d")
    if count < 1:
        raise RangeError(f"multigammaln: d should be 1 or more, got {count}")
    v = as_floating(x, "multigammaln")
    y = LGAMMA(v) + count * (count - 1) / 4 * log(pi)
    for j in range(1, count):
        y = y + LGAMMA(v - j / 2)
    return y


class LogBeta(Function):
    """``log Γ(a) + log Γ(b) - log Γ(a + b)``. A primitive for precision: for large numbers the
    three cancel, and Stirling's formulas are subtracted from one another first.
    """

    def forward(self, a, b):
        return in_single(self.formula, a, b)

    def formula(self, a, b):
        a, b = np.minimum(a, b), np.maximum(a, b)
        low, large_a, large_b = np.minimum(a, 8), np.maximum(a, 8), np.maximum(b, 8)
        gamma_low = _log_gamma(low)
        near = _log_gamma(np.minimum(b, 8)) - _log_gamma(low + np.minimum(b, 8)) + gamma_low
        y = np.where(b < 8, near, gamma_low + _quotient_of_gammas(low, large_b))
        return np.where(a < 8, y, _large_beta(large_a, np.maximum(large_a, large_b)))

    def spec(self, a, b):
        return np.broadcast_shapes(a.shape, b.shape), np.result_type(a.dtype, b.dtype)

    def backward(self, gy, a, b):
        both = PSI(a + b)
        return (lambda: gy * (PSI(a) - both)), (lambda: gy * (PSI(b) - both))


def _quotient_of_gammas(a: Any, b: Any) -> Any:
    """``log Γ(b) / Γ(a + b)`` for b >= 8."""
    rest = _stirling_rest(b) - _stirling_rest(a + b)
    return rest - (a + b - 0.5) * np.log1p(a / b) - a * (np.log(b) - 1)


def _large_beta(a: Any, b: Any) -> Any:
    """``log B(a, b)`` for b >= a >= 8."""
    rest = _stirling_rest(a) + _stirling_rest(b) - _stirling_rest(a + b)
    ratio = a / b
    powers = (a - 0.5) * np.log(ratio / (1 + ratio)) - b * np.log1p(ratio)
    return rest + powers - np.log(b) / 2 + log(2 * pi) / 2


def lbeta(a: ArrayLike, b: ArrayLike) -> Variable:
    """The logarithm of the beta function, elementwise: ``y = log Γ(a) Γ(b) / Γ(a + b)``.

    Args:
        a: any shape, floating, positive.
        b: a shape that broadcasts with that of ``a``; positive.
    Returns:
        The broadcast shape, the promoted dtype.
    Source:
        A. Didonato and A. Morris, "Algorithm 708: Significant Digit Computation of the Incomplete
        Beta Function Ratios", 1992: large numbers.
    Example:
        >>> lbeta(1.0, [1.0, 2.0])
        Variable([ 0.        , -0.69314718], float64)
    """
    return LogBeta()(*as_floating_pair(a, b, "lbeta"))


def beta(a: ArrayLike, b: ArrayLike) -> Variable:
    """The beta function, elementwise: ``y = Γ(a) Γ(b) / Γ(a + b)``; arguments as in `lbeta`."""
    return exp(lbeta(a, b))
