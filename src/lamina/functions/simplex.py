"""Scores made into shares that add up to 1: softmin, and sparsemax, whose shares may be 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..core import Function, Variable
from ..errors import ShapeError
from .activation import softmax
from .compare import where
from .operand import as_axis, as_variable, beside

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["softmin", "sparsemax"]


def softmin(x: ArrayLike, axis: int | tuple[int, ...] = -1) -> Variable:
    """`softmax` of the negative: ``y = e**-x / Σ e**-x``, the largest share to the smallest ``x``.

    Args:
        x: any shape, floating.
        axis: one axis or several.
    Returns:
        Shape and dtype of ``x``, in [0, 1].
    Raises:
        RangeError: if there is no such axis.
        ShapeError: if it is empty.
    """
    return softmax(-as_variable(x, "softmin"), axis)


class Sparsemax(Function):
    """``max(x - τ, 0)``, with the τ that makes the sum over ``axis`` 1. A primitive for precision
    and for its derivative: by way of sort and max that would be wrong where numbers are equal.

    τ is the largest of ``(Σ of the k largest - 1) / k``; below the largest less 1 nothing counts.
    """

    axis: int

    def forward(self, x):
        half = x.dtype == np.float16
        y = self.shares(x.astype(np.float32) if half else x)
        return y.astype(np.float16) if half else y

    def shares(self, x):
        x = np.maximum(x - x.max(self.axis, keepdims=True), -1)
        falling = -np.sort(-x, axis=self.axis)
        count = np.arange(1, x.shape[self.axis] + 1).astype(x.dtype)
        count = beside(count.reshape(-1, *[1] * (x.ndim - 1 - self.axis)), x)
        level = (np.cumsum(falling, self.axis) - 1) / count
        return np.maximum(x - level.max(self.axis, keepdims=True), 0)

    def backward(self, gy, y):
        support = y > 0
        count = support.sum(self.axis, keepdims=True).astype(gy.dtype)
        mean = where(support, gy, 0).sum(self.axis, keepdims=True) / count
        return where(support, gy - mean, 0)


def sparsemax(x: ArrayLike, axis: int = -1) -> Variable:
    """The nearest point to ``x`` among shares that add up to 1: ``y = max(x - τ, 0)``.

    Like `softmax`, but low scores get exactly 0.

    Args:
        x: any shape but (), floating and finite.
        axis: along which the shares add up to 1.
    Returns:
        Shape and dtype of ``x``, in [0, 1].
    Raises:
        RangeError: if there is no such axis.
        ShapeError: if it is empty.
    Source:
        A. Martins and R. Astudillo, "From Softmax to Sparsemax", 2016, proposition 1.
    Example:
        >>> sparsemax([1.0, 0.5, -1.0])
        Variable([0.75, 0.25, 0.  ], float64)
    """
    v = as_variable(x, "sparsemax")
    i = as_axis(axis, v.ndim, f"sparsemax of {v.shape}")
    if not v.shape[i]:
        raise ShapeError(f"sparsemax: axis {i} of {v.shape} is empty")
    return Sparsemax(i)(v)
