"""Angles: trigonometric and hyperbolic functions, and their inverses, elementwise, in radians."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..core import Function, Variable
from .compare import where
from .unary import sqrt

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "sin",
    "cos",
    "tan",
    "arcsin",
    "arccos",
    "arctan",
    "arctan2",
    "hypot",
    "sinh",
    "cosh",
    "arcsinh",
    "arccosh",
    "arctanh",
]


class Sin(Function):
    """``sin x``."""

    def forward(self, x):
        return np.sin(x)

    def backward(self, gy, x):
        return gy * COS(x)


def sin(x: ArrayLike) -> Variable:
    """Sine, elementwise: ``y = sin x``.

    Args:
        x: any shape, floating, in radians.
    Returns:
        Shape and dtype of ``x``.
    """
    return SIN(x)


class Cos(Function):
    """``cos x``."""

    def forward(self, x):
        return np.cos(x)

    def backward(self, gy, x):
        return -gy * SIN(x)


def cos(x: ArrayLike) -> Variable:
    """Cosine, elementwise: ``y = cos x``. As `sin`."""
    return COS(x)


class Tan(Function):
    """``tan x``."""

    def forward(self, x):
        return np.tan(x)

    def backward(self, gy, y):
        return gy * (y * y + 1)


def tan(x: ArrayLike) -> Variable:
    """Tangent, elementwise: ``y = tan x``. As `sin`."""
    return TAN(x)


class Arcsin(Function):
    """``arcsin x``."""

    def forward(self, x):
        return np.arcsin(x)

    def backward(self, gy, x):
        return gy / _leg(x)


def _leg(x: Variable) -> Variable:
    """``√(1 - x²)``, without the loss of digits near ±1."""
    return sqrt((1 - x) * (1 + x))


def arcsin(x: ArrayLike) -> Variable:
    """The angle in [-π/2, π/2] whose sine is ``x``, elementwise.

    Args:
        x: any shape, floating, in [-1, 1]: outside the result is NaN.
    Returns:
        Shape and dtype of ``x``. The derivative at ±1 is infinite.
    """
    return ARCSIN(x)


class Arccos(Function):
    """``arccos x``."""

    def forward(self, x):
        return np.arccos(x)

    def backward(self, gy, x):
        return -gy / _leg(x)


def arccos(x: ArrayLike) -> Variable:
    """The angle in [0, π] whose cosine is ``x``, elementwise. As `arcsin`."""
    return ARCCOS(x)


class Arctan(Function):
    """``arctan x``."""

    def forward(self, x):
        return np.arctan(x)

    def backward(self, gy, x):
        return gy / (x * x + 1)


def arctan(x: ArrayLike) -> Variable:
    """The angle in (-π/2, π/2) whose tangent is ``x``, elementwise.

    Args:
        x: any shape, floating.
    Returns:
        Shape and dtype of ``x``.
    """
    return ARCTAN(x)


class Arctan2(Function):
    """The angle of the point (b, a): ∂a = b / r², ∂b = -a / r², r² = a² + b²."""

    def forward(self, a, b):
        return np.arctan2(a, b)

    def backward(self, gy, a, b):
        r = HYPOT(a, b)
        r = where(r == 0, 1, r)
        gangle = gy / r  # divided twice: r² may overflow where r does not
        return (lambda: gangle * (b / r)), (lambda: -gangle * (a / r))


def arctan2(a: ArrayLike, b: ArrayLike) -> Variable:
    """The angle of the point with height ``a`` and breadth ``b``, in [-π, π], elementwise.

    Args:
        a: any shape, floating.
        b: a shape that broadcasts with that of ``a``.
    Returns:
        The broadcast shape, the promoted dtype. The derivatives at (0, 0) are taken as 0.
    Example:
        >>> arctan2([0.0, 1.0], [-1.0, 0.0])
        Variable([3.14159265, 1.57079633], float64)
    """
    return ARCTAN2(a, b)


class Hypot(Function):
    """``√(a² + b²)``. A primitive for range: the squares may overflow where the result does not."""

    def forward(self, a, b):
        return np.hypot(a, b)

    def backward(self, gy, a, b, y):
        gr = gy / where(y == 0, 1, y)
        return (lambda: gr * a), (lambda: gr * b)


def hypot(a: ArrayLike, b: ArrayLike) -> Variable:
    """The distance of the point (a, b) from the origin, elementwise: ``y = √(a² + b²)``.

    Args:
        a: any shape, floating.
        b: a shape that broadcasts with that of ``a``.
    Returns:
        The broadcast shape, the promoted dtype. The derivatives at (0, 0) are taken as 0.
    Example:
        >>> hypot(3.0, [4.0, 0.0])
        Variable([5., 3.], float64)
    """
    return HYPOT(a, b)


class Sinh(Function):
    """``sinh x``."""

    def forward(self, x):
        return np.sinh(x)

    def backward(self, gy, x):
        return gy * COSH(x)


def sinh(x: ArrayLike) -> Variable:
    """Hyperbolic sine, elementwise: ``y = (e**x - e**-x) / 2``.

    Args:
        x: any shape, floating.
    Returns:
        Shape and dtype of ``x``.
    """
    return SINH(x)


class Cosh(Function):
    """``cosh x``."""

    def forward(self, x):
        return np.cosh(x)

    def backward(self, gy, x):
        return gy * SINH(x)


def cosh(x: ArrayLike) -> Variable:
    """Hyperbolic cosine, elementwise: ``y = (e**x + e**-x) / 2``. As `sinh`."""
    return COSH(x)


class Arcsinh(Function):
    """``arcsinh x``."""

    def forward(self, x):
        return np.arcsinh(x)

    def backward(self, gy, x):
        return gy / HYPOT(x, 1)


def arcsinh(x: ArrayLike) -> Variable:
    """Inverse of `sinh`, elementwise: ``y = log(x + √(x² + 1))``. As `sinh`."""
    return ARCSINH(x)


class Arccosh(Function):
    """``arccosh x``."""

    def forward(self, x):
        return np.arccosh(x)

    def backward(self, gy, x):
        return gy / (sqrt(x - 1) * sqrt(x + 1))


def arccosh(x: ArrayLike) -> Variable:
    """Inverse of `cosh`, elementwise: ``y = log(x + √(x² - 1))``.

    Args:
        x: any shape, floating, not below 1: there the result is NaN.
    Returns:
        Shape and dtype of ``x``. The derivative at 1 is infinite.
    """
    return ARCCOSH(x)


class Arctanh(Function):
    """``arctanh x``."""

    def forward(self, x):
        return np.arctanh(x)

    def backward(self, gy, x):
        return gy / ((1 - x) * (1 + x))


def arctanh(x: ArrayLike) -> Variable:
    """Inverse of `tanh`, elementwise: ``y = log((1 + x) / (1 - x)) / 2``.

    Args:
        x: any shape, floating, in (-1, 1): at ±1 the result is infinite, outside NaN.
    Returns:
        Shape and dtype of ``x``.
    """
    return ARCTANH(x)


SIN, COS, TAN = Sin(), Cos(), Tan()
ARCSIN, ARCCOS, ARCTAN = Arcsin(), Arccos(), Arctan()
ARCTAN2, HYPOT = Arctan2(), Hypot()
SINH, COSH = Sinh(), Cosh()
ARCSINH, ARCCOSH, ARCTANH = Arcsinh(), Arccosh(), Arctanh()
