"""The normal distribution: integrals, tails and inverses: erfc, erfcx, erfinv, ndtr, ..."""

from __future__ import annotations

from math import pi, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Function, Variable
from .gauss import FAR, NEAR
from .operand import as_floating, in_single
from .series import Elementwise, quotient
from .unary import exp

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["erfc", "erfcx", "erfinv", "ndtr", "ndtri", "log_ndtr"]

TAIL = (
    (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1,
     1.25781726111229246e-1, 1.60837851487422766e-2, 6.58749161529837803e-4),
    (1.0, 2.56852019228982242, 1.87295284992346725, 5.27905102951428412e-1,
     6.05183413124413191e-2, 2.33520497626869185e-3),
)  # fmt: skip
"""Of ``(1/√π - x erfc(x) e**x²) x²`` in 1/x², highest power first, for x > 4: Cody, 1969."""

MIDDLE = (
    (2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4,
     4.5921953931549871457e4, 1.3731693765509461125e4, 1.9715909503065514427e3,
     1.3314166789178437745e2, 3.3871328727963666080),
    (5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4,
     2.1213794301586595867e4, 5.3941960214247511077e3, 6.8718700749205790830e2,
     4.2313330701600911252e1, 1.0),
)  # fmt: skip
"""Of the normal quantile over q = p - 1/2, in 0.180625 - q², for |q| <= 0.425: Wichura, 1988."""

SIDE = (
    (7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1,
     1.27045825245236838258, 3.64784832476320460504, 5.76949722146069140550,
     4.63033784615654529590, 1.42343711074968357734),
    (1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2,
     1.48103976427480074590e-1, 6.89767334985100004550e-1, 1.67638483018380384940,
     2.05319162663775882187, 1.0),
)  # fmt: skip
"""Those in r - 1.6, for r = √-log p up to 5."""

END = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3,
     2.65321895265761230930e-2, 2.96560571828504891230e-1, 1.78482653991729133580,
     5.46378491116411436990, 6.65790464350110377720),
    (2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5,
     7.86869131145613259100e-4, 1.48753612908506148525e-2, 1.36929880922735805310e-1,
     5.99832206555887937690e-1, 1.0),
)  # fmt: skip
"""Those in r - 5, beyond."""


# -- tails ---------------------------------------------------------------------------------------


def _scaled(x: Any) -> Any:
    """``erfc(x) e**x²`` for x >= 0."""
    near = np.minimum(x, 0.5)
    inverse = 1 / np.maximum(x, 4)
    square = inverse * inverse
    far = (1 / sqrt(pi) - square * quotient(square, *TAIL)) * inverse
    middle = np.where(x <= 4, quotient(np.clip(x, 0.25, 4), *FAR), far)
    below = np.exp(near * near) * (1 - near * quotient(near * near, *NEAR))
    return np.where(x <= 0.46875, below, middle)


def _bell(x: Any) -> Any:
    """``e**-x²``. The square is cut in two so that its rounding is not multiplied: Cody's code."""
    rough = np.trunc(x * 16) / 16
    return np.exp(-rough * rough) * np.exp(-(x - rough) * (x + rough))


def _complement(x: Any) -> Any:
    """``erfc(x)``; 0 beyond 30, also in float64."""
    size = np.minimum(np.abs(x), 30)
    tail = _bell(size) * _scaled(size)
    small = np.clip(x, -0.5, 0.5)
    near = 1 - small * quotient(small * small, *NEAR)
    return np.where(size <= 0.46875, near, np.where(x < 0, 2 - tail, tail))


class Erfc(Function):
    """``2/√π ∫ e**-t² dt`` from x on. A primitive for precision: ``1 - erf(x)`` is 0 beyond 6."""

    def forward(self, x):
        return in_single(_complement, x)

    def backward(self, gy, x):
        return gy * (exp(-(x * x)) * (-2 / sqrt(pi)))


class Erfcx(Elementwise):
    """``e**x² erfc(x)``. A primitive for range: the one factor overflows, the other is 0."""

    def forward(self, x):
        return in_single(self.formula, x)

    def formula(self, x):
        below = np.minimum(x, 0)
        tail = _scaled(np.abs(x))
        return np.where(x < 0, 2 / _bell(below) - tail, tail)

    def backward(self, gy, x, y):
        return gy * (2.0 * x * y - 2 / sqrt(pi))


class LogNdtr(Elementwise):
    """``log Φ(x)``. A primitive for range: Φ is 0 below -38, and rounds to 1 above 8."""

    def forward(self, x):
        return in_single(self.formula, x)

    def formula(self, x):
        x = x * sqrt(0.5)
        low = np.log(_scaled(np.maximum(-x, 0)) / 2) - np.square(np.minimum(x, 0))
        return np.where(x < -0.75, low, np.log1p(_complement(np.maximum(x, -1)) / -2))

    def backward(self, gy, x):
        return gy * MILLS(x)


class Mills(Elementwise):
    """``φ(x) / Φ(x)``, the derivative of log Φ. A primitive for range, as `LogNdtr`."""

    def forward(self, x):
        return in_single(self.formula, x)

    def formula(self, x):
        x = x * sqrt(0.5)
        size = np.minimum(np.abs(x), 30)
        high = _bell(size) / (1 - _bell(size) * _scaled(size) / 2) / 2
        return np.where(x < 0, 1 / _scaled(np.maximum(-x, 0)), high) * sqrt(2 / pi)

    def backward(self, gy, x, y):
        return gy * (-y * (x + y))


ERFC, ERFCX, LOG_NDTR, MILLS = Erfc(), Erfcx(), LogNdtr(), Mills()


def erfc(x: ArrayLike) -> Variable:
    """One less the error function, elementwise: ``y = 1 - erf(x)``, exact also where it is tiny.

    Args:
        x: any shape, floating.
    Returns:
        Shape and dtype of ``x``, in [0, 2]. The relative error is a few roundings up to 26.5,
        where float64 ends.
    Source:
        W. J. Cody, "Rational Chebyshev Approximations for the Error Function", 1969.
    Example:
        >>> erfc([0.0, 10.0])
        Variable([1.00000000e+00, 2.08848758e-45], float64)
    """
    return ERFC(as_floating(x, "erfc"))


def erfcx(x: ArrayLike) -> Variable:
    """The scaled complement of the error function, elementwise: ``y = e**x² erfc(x)``.

    Args:
        x: any shape, floating; below -26.7 (float64) or -9.4 (float32) the result is infinite.
    Returns:
        Shape and dtype of ``x``, positive. The derivative ``2 x y - 2/√π`` loses digits as x²
        grows: it is off by a rounding of 1.
    Source:
        W. J. Cody, "Rational Chebyshev Approximations for the Error Function", 1969.
    Example:
        >>> erfcx([0.0, 1000.0])
        Variable([1.00000000e+00, 5.64189301e-04], float64)
    """
    return ERFCX(as_floating(x, "erfcx"))


def ndtr(x: ArrayLike) -> Variable:
    """The share of the standard normal distribution below ``x``, elementwise: ``y = Φ(x)``.

    Args:
        x: any shape, floating.
    Returns:
        Shape and dtype of ``x``, in [0, 1]; where it is tiny, off by x² of its roundings.
    Example:
        >>> ndtr([-1.0, 0.0, 1.0])
        Variable([0.15865525, 0.5       , 0.84134475], float64)
    """
    return ERFC(as_floating(x, "ndtr") * -sqrt(0.5)) * 0.5


def log_ndtr(x: ArrayLike) -> Variable:
    """The logarithm of `ndtr`, for ``x`` of any size: ``y = log Φ(x)``.

    Args:
        x: any shape, floating.
    Returns:
        Shape and dtype of ``x``, not above 0.
    Source:
        W. J. Cody, "Rational Chebyshev Approximations for the Error Function", 1969.
    Example:
        >>> log_ndtr([-100.0, 0.0])
        Variable([-5.00552421e+03, -6.93147181e-01], float64)
    """
    return LOG_NDTR(as_floating(x, "log_ndtr"))


# -- inverses ------------------------------------------------------------------------------------


def _quantile(centred: Any, below: Any) -> Any:
    """The x with Φ(x) = 1/2 + centred; ``below`` is the share outside, ``1/2 - |centred|``."""
    inside = np.clip(centred, -0.425, 0.425)
    middle = inside * quotient(0.180625 - inside * inside, *MIDDLE)
    r = np.sqrt(-np.log(np.where(below > 0, below, 1)))
    side, end = quotient(np.clip(r, 1, 5) - 1.6, *SIDE), quotient(np.maximum(r, 5) - 5, *END)
    out = np.where(r <= 5, side, end)
    out = np.where(below >= 0, np.where(below == 0, np.inf, out), np.nan)
    return np.where(np.abs(centred) <= 0.425, middle, np.copysign(out, centred))


class Erfinv(Elementwise):
    """The inverse of erf. A primitive, as NumPy has none: Wichura's quotients of polynomials."""

    def forward(self, x):
        return in_single(lambda x: _quantile(x / 2, (1 - np.abs(x)) / 2) * sqrt(0.5), x)

    def backward(self, gy, y):
        return gy * (exp(y * y) * (sqrt(pi) / 2))


class Ndtri(Elementwise):
    """The inverse of Φ. A primitive, as `Erfinv`: by way of that, small p would lose digits."""

    def forward(self, p):
        return in_single(lambda p: _quantile(p - 0.5, np.minimum(p, 1 - p)), p)

    def backward(self, gy, y):
        return gy * (exp(y * y * 0.5) * sqrt(2 * pi))


ERFINV, NDTRI = Erfinv(), Ndtri()


def erfinv(x: ArrayLike) -> Variable:
    """The inverse of the error function, elementwise: ``erf(y) = x``.

    Args:
        x: any shape, floating, in [-1, 1]: at ±1 the result is infinite, outside NaN.
    Returns:
        Shape and dtype of ``x``.
    Source:
        M. Wichura, "Algorithm AS 241: The Percentage Points of the Normal Distribution", 1988,
        PPND16: relative error about 1e-16.
    Example:
        >>> erfinv([0.0, 0.5, 1.0])
        Variable([0.        , 0.47693628,        inf], float64)
    """
    return ERFINV(as_floating(x, "erfinv"))


def ndtri(p: ArrayLike) -> Variable:
    """The quantile of the standard normal distribution, the inverse of `ndtr`: ``Φ(y) = p``.

    Args:
        p: any shape, floating, in [0, 1]: at the ends the result is infinite, outside NaN.
    Returns:
        Shape and dtype of ``p``.
    Source:
        M. Wichura, "Algorithm AS 241: The Percentage Points of the Normal Distribution", 1988,
        PPND16: relative error about 1e-16.
    Example:
        >>> ndtri([0.025, 0.5])
        Variable([-1.95996398,  0.        ], float64)
    """
    return NDTRI(as_floating(p, "ndtri"))
