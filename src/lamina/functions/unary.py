"""Functions of one number, elementwise: exponentials, logarithms, roots, angles, rounding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..core import Function, Variable
from .arith import LOG

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["exp", "log", "sqrt"]


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
    """
    return EXP(x)


def log(x: ArrayLike) -> Variable:
    """Natural logarithm, elementwise: ``y = log x``.

    Args:
        x: any shape, floating, positive.
    Returns:
        Shape and dtype of ``x``.
    """
    return LOG(x)


class Sqrt(Function):
    """``√x``."""

    def forward(self, x):
        return np.sqrt(x)

    def backward(self, gy, y):
        return gy / (2.0 * y)


def sqrt(x: ArrayLike) -> Variable:
    """Square root, elementwise: ``y = √x``. The derivative at 0 is infinite.

    Args:
        x: any shape, floating, not negative.
    Returns:
        Shape and dtype of ``x``.
    """
    return SQRT(x)


EXP, SQRT = Exp(), Sqrt()
