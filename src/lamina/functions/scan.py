"""Along one axis, each result made from all elements so far, or from two: cumsum, diff, ..."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ..core import Function, Variable
from ..errors import RangeError
from .arith import POS
from .compare import ISNAN, NE, where
from .index import get_item
from .join import concatenate
from .operand import as_axis, as_floating, as_integer, as_variable
from .shape import ravel
from .special import logaddexp

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["cumsum", "cumprod", "logcumsumexp", "cummax", "cummin", "diff"]


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
    return _doubled(lambda a, b: a * b, v, i)


def logcumsumexp(x: ArrayLike, axis: int | None = None) -> Variable:
    """The logarithm of the sum of exponentials up to each element: ``y = log cumsum(e**x)``.

    Made by doubling, as `cumprod`; nothing overflows.

    Args:
        x: any shape, floating, of any size.
        axis: None means: of ``x`` flattened.
    Returns:
        Shape of ``x``, or one axis, and its dtype.
    Raises:
        RangeError: if there is no such axis.
    Example:
        >>> logcumsumexp([1000.0, 1000.0])
        Variable([1000.        , 1000.69314718], float64)
    """
    v, i = _line(as_floating(x, "logcumsumexp"), axis, "logcumsumexp")
    return _doubled(logaddexp, v, i)


def cummax(x: ArrayLike, axis: int | None = None) -> Variable:
    """The largest of all elements up to each, itself included, along an axis.

    Args:
        x: any shape and real dtype.
        axis: None means: of ``x`` flattened.
    Returns:
        Shape of ``x``, or one axis, and its dtype; NaN from the first NaN on. The gradient goes to
        the largest; to the last of several that are equal.
    Raises:
        RangeError: if there is no such axis.
    Example:
        >>> cummax([1.0, 3.0, 2.0])
        Variable([1., 3., 3.], float64)
    """
    v, i = _line(x, axis, "cummax")
    return _doubled(lambda a, b: where((a >= b) | ISNAN(a), a, b), v, i)


def cummin(x: ArrayLike, axis: int | None = None) -> Variable:
    """The smallest of all elements up to each, as `cummax`."""
    v, i = _line(x, axis, "cummin")
    return _doubled(lambda a, b: where((a <= b) | ISNAN(a), a, b), v, i)


def _doubled(combine: Callable[[Variable, Variable], Variable], v: Variable, axis: int) -> Variable:
    """``combine`` over all elements up to each, 2, 4, 8, ... at a time; the later comes first."""
    y, done = v.swapaxes(0, axis), 1
    while done < y.shape[0]:
        y = concatenate([y[:done], combine(y[done:], y[:-done])])
        done *= 2
    return y.swapaxes(0, axis)


def diff(x: ArrayLike, n: int = 1, axis: int = -1) -> Variable:
    """Each element less the one before it along an axis: ``y[i] = x[i + 1] - x[i]``.

    Args:
        x: any shape but (), any dtype; of bools, where they change.
        n: how many times.
        axis: along which.
    Returns:
        Shape of ``x`` with ``axis`` shorter by ``n``, but not below 0; its dtype.
    Raises:
        RangeError: if there is no such axis, or ``n`` is negative.
    Example:
        >>> diff([1.0, 4.0, 9.0])
        Variable([3., 5.], float64)
    """
    v = as_variable(x, "diff")
    i, count = as_axis(axis, v.ndim, f"diff of {v.shape}"), as_integer(n, "diff: n")
    if count < 0:
        raise RangeError(f"diff: n should be 0 or more, got {count}")
    lead = (slice(None),) * i
    for _ in range(count):
        late, early = get_item(v, (*lead, slice(1, None))), get_item(v, (*lead, slice(None, -1)))
        v = NE(late, early) if v.dtype.kind == "b" else late - early
    return v if count else POS(v)


def _line(x: ArrayLike, axis: int | None, operation: str) -> tuple[Variable, int]:
    v = as_variable(x, operation)
    if axis is None:
        return ravel(v), 0
    return v, as_axis(axis, v.ndim, f"{operation} of {v.shape}")
