"""Reductions over groups of rows: each row says to which segment it belongs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..core import Function, Variable
from ..errors import DTypeError, RangeError, ShapeError
from .compare import where
from .embed import CheckRows
from .index import get_item, scatter_add
from .operand import as_floating, as_integer, as_variable, beside
from .unary import exp

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["segment_sum", "segment_mean", "segment_max", "segment_min", "segment_softmax"]


class CheckSegments(CheckRows):
    """The numbers themselves, once all are found to be those of segments."""

    def found(self, t, bad):
        """The error that names the first bad number."""
        n = int(bad.argmax())
        return RangeError(
            f"{self.operation}: row {n} belongs to segment {int(t[n])}, outside "
            f"0..{self.classes - 1} ({self.classes} segments)"
        )


def segment_sum(x: ArrayLike, segments: ArrayLike, count: int) -> Variable:
    """The sum of the rows of each segment.

    Args:
        x: (n, ...), floating.
        segments: (n,), integers in 0..count - 1, in any order.
        count: how many segments there are.
    Returns:
        (count, ...), the dtype of ``x``. A segment without rows has 0.
    Raises:
        ShapeError: if there are not as many numbers as rows.
        DTypeError: if ``segments`` are not integers.
        RangeError: naming the first row whose segment is not there.
    Example:
        >>> segment_sum([1.0, 2.0, 4.0], [0, 2, 0], 3)
        Variable([5., 0., 2.], float64)
    """
    v, ids, n = _checked(x, segments, count, "segment_sum")
    return scatter_add(v, ids, (n, *v.shape[1:]))


def segment_mean(x: ArrayLike, segments: ArrayLike, count: int) -> Variable:
    """The mean of the rows of each segment, 0 where there are none: as `segment_sum`."""
    v, ids, n = _checked(x, segments, count, "segment_mean")
    rows = _sizes(v, ids, n)
    return scatter_add(v, ids, (n, *v.shape[1:])) / where(rows == 0, 1, rows)


def _sizes(v: Variable, ids: Variable, n: int) -> Variable:
    """How many rows each segment has: (n, 1, ...)."""
    ones = beside(np.ones(ids.shape, v.dtype), ids.data)
    return scatter_add(ones, ids, (n,)).reshape(n, *[1] * (v.ndim - 1))


class SegmentExtreme(Function):
    """The largest, or the smallest, of the rows of each segment; all that are equal to it share
    the gradient. A kernel: NumPy's unbuffered maximum.
    """

    largest: bool
    count: int

    def forward(self, x, ids):
        y = np.full(
            (self.count, *x.shape[1:]), -np.inf if self.largest else np.inf, x.dtype, like=x
        )
        (np.maximum if self.largest else np.minimum).at(y, ids, x)
        return y

    def backward(self, gy, x, ids, y):
        beaten = x != get_item(y, ids)
        winners = scatter_add(where(beaten, 0, 1).astype(gy.dtype), ids, gy.shape)
        share = gy / where(winners == 0, 1, winners)
        return where(beaten, 0, get_item(share, ids)), None

    def spec(self, x, ids):
        return (self.count, *x.shape[1:]), x.dtype


def segment_max(x: ArrayLike, segments: ArrayLike, count: int) -> Variable:
    """The largest of the rows of each segment; minus infinity where there are none.

    Several that are equal and largest share the gradient. Arguments and errors as in
    `segment_sum`.

    Example:
        >>> segment_max([1.0, 2.0, 4.0], [0, 1, 0], 2)
        Variable([4., 2.], float64)
    """
    v, ids, n = _checked(x, segments, count, "segment_max")
    return SegmentExtreme(True, n)(v, ids)


def segment_min(x: ArrayLike, segments: ArrayLike, count: int) -> Variable:
    """The smallest of the rows of each segment; infinity where there are none: `segment_max`."""
    v, ids, n = _checked(x, segments, count, "segment_min")
    return SegmentExtreme(False, n)(v, ids)


def segment_softmax(x: ArrayLike, segments: ArrayLike, count: int) -> Variable:
    """Shares that add up to 1 over the rows of each segment: ``y = e**x / Σ e**x``.

    Args:
        x: (n, ...), floating.
        segments: (n,), integers in 0..count - 1, in any order.
        count: how many segments there are.
    Returns:
        Shape and dtype of ``x``, in [0, 1].
    Raises:
        ShapeError: if there are not as many numbers as rows.
        DTypeError: if ``segments`` are not integers.
        RangeError: naming the first row whose segment is not there.
    Source:
        P. Veličković et al., "Graph Attention Networks", 2018.
    Example:
        >>> segment_softmax([0.0, 5.0, 0.0], [0, 1, 0], 2)
        Variable([0.5, 1. , 0.5], float64)
    """
    v, ids, n = _checked(x, segments, count, "segment_softmax")
    top = SegmentExtreme(True, n)(v.detach(), ids)  # cancels: softmax is the same without it
    e = exp(v - get_item(top, ids))
    return e / get_item(scatter_add(e, ids, (n, *v.shape[1:])), ids)


def _checked(
    x: ArrayLike, segments: ArrayLike, count: int, operation: str
) -> tuple[Variable, Variable, int]:
    v, ids = as_floating(x, operation), as_variable(segments, f"{operation}: segments")
    n = as_integer(count, f"{operation}: count")
    if n < 0:
        raise RangeError(f"{operation}: count should be 0 or more, got {n}")
    if not v.ndim or ids.shape != v.shape[:1]:
        raise ShapeError(
            f"{operation}: x of shape {v.shape} needs one segment a row, got shape {ids.shape}"
        )
    if ids.dtype.kind not in "iu":
        raise DTypeError(f"{operation}: segments should be integers, got {ids.dtype}")
    return v, CheckSegments(n, None, operation)(ids), n
