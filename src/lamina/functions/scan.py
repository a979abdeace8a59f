"""Along one axis, each result made from all elements so far: cumsum, cumprod."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..core import Function, Variable
from .join import concatenate
from .operand import as_axis, as_variable
from .shape import ravel

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["cumsum", "cumprod"]


class CumSum(Function):
    """Sums from the start of ``axis`` to each place, or from each place to the end: one is the
    transpose of the other.
    """

    axis: int
    from_end: bool = False

    def forward(self, x):
        if self.from_end:
            return np.flip(np.cumsum(np.flip(x, self.axis), self.axis), self.axis)
        return np.cumsum(x, self.axis)

    def backward(self, gy):
        return CumSum(self.axis, not self.from_end)(gy)


def cumsum(x: ArrayLike, axis: int | None = None) -> Variable:
    """Sum of all elements up to each, itself included, along an axis.

    Args:
        x: any shape and dtype.
        axis: None means: of ``x`` flattened.
    Returns:
        Shape of ``x``, or one axis, and its dtype; bools and small integers become int64.
    Raises:
        RangeError: if there is no such axis.
    Example:
        >>> cumsum([1.0, 2.0, 3.0])
        Variable([1., 3., 6.], float64)
    """
    v, i = _line(x, axis, "cumsum")
    return CumSum(i)(v)


def cumprod(x: ArrayLike, axis: int | None = None) -> Variable:
    """Product of all elements up to each, itself included, along an axis.

    Made by doubling, products of 2, 4, 8, ... at a time, so that derivatives of every order are
    right where there are zeros.

    Args:
        x: any shape and dtype.
        axis: None means: of ``x`` flattened.
    Returns:
        Shape of ``x``, or one axis, and its dtype; bools and small integers become int64.
    Raises:
        RangeError: if there is no such axis.
    Source:
        W. D. Hillis and G. L. Steele, "Data Parallel Algorithms", 1986: all partial sums.
    Example:
        >>> cumprod([1.0, 2.0, 3.0])
        Variable([1., 2., 6.], float64)
    """
    v, i = _line(x, axis, "cumprod")
    if v.dtype.kind in "biu":
        v = v.astype(np.ones(0, v.dtype).prod().dtype)
    y, done = v.swapaxes(0, i), 1
    while done < y.shape[0]:
        y = concatenate([y[:done], y[done:] * y[:-done]])
        done *= 2
    return y.swapaxes(0, i)


def _line(x: ArrayLike, axis: int | None, operation: str) -> tuple[Variable, int]:
    v = as_variable(x, operation)
    if axis is None:
        return ravel(v), 0
    return v, as_axis(axis, v.ndim, f"{operation} of {v.shape}")
