"""Comparison and logic, elementwise, and choice by a condition: where, clip."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..core import Function, Variable

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["where"]


class Compare(Function):
    """``a < b`` and the like: ``name`` is that of a NumPy ufunc."""

    name: str

    def forward(self, a, b):
        return getattr(np, self.name)(a, b)

    def backward(self, gy):
        return None, None


class Where(Function):
    """``a`` where ``c`` holds, ``b`` elsewhere."""

    def forward(self, c, a, b):
        return np.where(c, a, b)

    def backward(self, gy, c):
        return None, (lambda: where(c, gy, 0)), (lambda: where(c, 0, gy))


def where(condition: ArrayLike, a: ArrayLike, b: ArrayLike) -> Variable:
    """``a`` where the condition holds, ``b`` elsewhere.

    Args:
        condition: bool, any shape.
        a: a shape that broadcasts with it.
        b: a shape that broadcasts with both.
    Returns:
        The broadcast shape, the promoted dtype of ``a`` and ``b``.
    Example:
        >>> where([True, False], Variable([1.0, 2.0]), 0)
        Variable([1., 0.], float64)
    """
    return WHERE(condition, a, b)


WHERE = Where()
LT, LE, GT, GE = (
    Compare("less"),
    Compare("less_equal"),
    Compare("greater"),
    Compare("greater_equal"),
)
EQ, NE = Compare("equal"), Compare("not_equal")
AND, OR, XOR = Compare("bitwise_and"), Compare("bitwise_or"), Compare("bitwise_xor")

Variable.__lt__ = lambda self, other: LT(self, other)
Variable.__le__ = lambda self, other: LE(self, other)
Variable.__gt__ = lambda self, other: GT(self, other)
Variable.__ge__ = lambda self, other: GE(self, other)
Variable.__eq__ = lambda self, other: EQ(self, other)
Variable.__ne__ = lambda self, other: NE(self, other)
Variable.__and__ = Variable.__rand__ = lambda self, other: AND(self, other)
Variable.__or__ = Variable.__ror__ = lambda self, other: OR(self, other)
Variable.__xor__ = Variable.__rxor__ = lambda self, other: XOR(self, other)
