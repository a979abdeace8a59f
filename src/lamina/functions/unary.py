"""Functions of one number, elementwise: exponentials, logarithms, roots, rounding."""

from __future__ import annotations

from math import log as ln
from typing import TYPE_CHECKING

import numpy as np

from ..core import Function, Variable
from .arith import LOG, SIGN
from .compare import Step

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "exp",
    "expm1",
    "exp2",
    "log",
    "log1p",
    "log2",
    "log10",
    "sqrt",
    "cbrt",
    "rsqrt",
    "sign",
    "floor",
    "ceil",
    "round",
    "trunc",
]


class Exp(Function):
    """``e**x``."""

    def forward(self, x):
        return np.exp(x)

    def backward(self, gy, y):
        return gy * y


def exp(x: ArrayLike) -> Variable:
    """Exponential, elementwise: ``y = e**x``.

    Args:
        x: any shape, floating.
    Returns:
        Shape and dtype of ``x``.
    Example:
        >>> exp([0.0, 1.0])
        Variable([1.        , 2.71828183], float64)
    """
    return EXP(x)


class Expm1(Function):
    """``e**x - 1``, exact for small x."""

    def forward(self, x):
        return np.expm1(x)

    def backward(self, gy, y):
        return gy * (y + 1)


def expm1(x: ArrayLike) -> Variable:
    """``y = e**x - 1``, elementwise, exact also for small ``x``. As `exp`."""
    return EXPM1(x)


class Exp2(Function):
    """``2**x``."""

    def forward(self, x):
        return np.exp2(x)

    def backward(self, gy, y):
        return gy * (y * ln(2))


def exp2(x: ArrayLike) -> Variable:
    """Power of two, elementwise: ``y = 2**x``. As `exp`."""
    return EXP2(x)


def log(x: ArrayLike) -> Variable:
    """Natural logarithm, elementwise: ``y = log x``.

    Args:
        x: any shape, floating, positive: below 0 the result is NaN, at 0 minus infinity.
    Returns:
        Shape and dtype of ``x``.
    Example:
        >>> log([1.0, 10.0])
        Variable([0.        , 2.30258509], float64)
    """
    return LOG(x)


class Log1p(Function):
    """``log(1 + x)``, exact for small x."""

    def forward(self, x):
        return np.log1p(x)

    def backward(self, gy, x):
        return gy / (x + 1)


def log1p(x: ArrayLike) -> Variable:
    """``y = log(1 + x)``, elementwise, exact also for small ``x``; ``x`` above -1. As `log`."""
    return LOG1P(x)


class Log2(Function):
    """Logarithm to base 2."""

    def forward(self, x):
        return np.log2(x)

    def backward(self, gy, x):
        return gy / (x * ln(2))


def log2(x: ArrayLike) -> Variable:
    """Logarithm to base 2, elementwise, exact for powers of two. As `log`."""
    return LOG2(x)


class Log10(Function):
    """Logarithm to base 10."""

    def forward(self, x):
        return np.log10(x)

    def backward(self, gy, x):
        return gy / (x * ln(10))


def log10(x: ArrayLike) -> Variable:
    """Logarithm to base 10, elementwise. As `log`."""
    return LOG10(x)


class Sqrt(Function):
    """``√x``."""

    def forward(self, x):
        return np.sqrt(x)

    def backward(self, gy, y):
        return gy / (y * 2)


def sqrt(x: ArrayLike) -> Variable:
    """Square root, elementwise: ``y = √x``.

    Args:
        x: any shape, floating, not negative: below 0 the result is NaN.
    Returns:
        Shape and dtype of ``x``. The derivative at 0 is infinite.
    Example:
        >>> sqrt([4.0, 9.0])
        Variable([2., 3.], float64)
    """
    return SQRT(x)


class Cbrt(Function):
    """``∛x``."""

    def forward(self, x):
        return np.cbrt(x)

    def backward(self, gy, y):
        return gy / (y * y * 3)


def cbrt(x: ArrayLike) -> Variable:
    """Cube root, elementwise, of numbers of either sign: ``y = ∛x``.

    Args:
        x: any shape, floating.
    Returns:
        Shape and dtype of ``x``. The derivative at 0 is infinite.
    """
    return CBRT(x)


class Rsqrt(Function):
    """``1 / √x``. A primitive for speed: backward needs y alone and does not divide."""

    def forward(self, x):
        return 1 / np.sqrt(x)

    def backward(self, gy, y):
        return gy * (y * y * y * -0.5)


def rsqrt(x: ArrayLike) -> Variable:
    """Reciprocal square root, elementwise: ``y = 1 / √x``.

    Args:
        x: any shape, floating, positive: below 0 the result is NaN, at 0 infinity.
    Returns:
        Shape and dtype of ``x``.
    """
    return RSQRT(x)


EXP, EXPM1, EXP2 = Exp(), Expm1(), Exp2()
LOG1P, LOG2, LOG10 = Log1p(), Log2(), Log10()
SQRT, CBRT, RSQRT = Sqrt(), Cbrt(), Rsqrt()
FLOOR, CEIL, RINT, TRUNC = Step("floor"), Step("ceil"), Step("rint"), Step("trunc")


# -- steps ---------------------------------------------------------------------------------------


def sign(x: ArrayLike) -> Variable:
    """-1, 0 or 1, elementwise, by the sign of ``x``. Constant between jumps: no gradient.

    Args:
        x: any shape, real.
    Returns:
        Shape and dtype of ``x``.
    """
    return SIGN(x)


def floor(x: ArrayLike) -> Variable:
    """The next integer below, or ``x`` if it is one, elementwise. No gradient, as `sign`."""
    return FLOOR(x)


def ceil(x: ArrayLike) -> Variable:
    """The next integer above, or ``x`` if it is one, elementwise. No gradient, as `sign`."""
    return CEIL(x)


def round(x: ArrayLike) -> Variable:
    """The nearest integer, elementwise; halves to the even one. No gradient, as `sign`.

    Example:
        >>> round([0.5, 1.5, 2.5, 2.6])
        Variable([0., 2., 2., 3.], float64)
    """
    return RINT(x)


def trunc(x: ArrayLike) -> Variable:
    """The integer towards 0, elementwise. No gradient, as `sign`."""
    return TRUNC(x)
