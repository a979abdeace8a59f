"""Counting: where numbers fall among others, and how many fall there."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Function, Variable
from ..errors import DTypeError, RangeError, ShapeError
from .compare import where
from .index import scatter_add
from .label import CheckLabels
from .operand import as_floating, as_integer, as_variable, beside
from .reduce import max as largest
from .reduce import min as smallest
from .shape import ravel

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["searchsorted", "bincount", "histogram"]


class SearchSorted(Function):
    """How many of ``a``, in rising order, stand before each of ``x``. A kernel: a binary search."""

    right: bool

    def forward(self, a, x):
        return np.searchsorted(a, x, side="right" if self.right else "left")

    def backward(self, gy):
        return None, None

    def spec(self, a, x):
        return x.shape, np.dtype(np.intp)


def searchsorted(a: ArrayLike, x: ArrayLike, side: str = "left") -> Variable:
    """Where numbers belong in a list that is in order: how many of ``a`` are smaller.

    Args:
        a: (n,), real, in rising order.
        x: any shape, real.
        side: ``"left"``, or ``"right"``, which counts those that are equal as well.
    Returns:
        Shape of ``x``, int64, 0..n. No gradient.
    Raises:
        ShapeError: if ``a`` has not one axis.
        RangeError: if ``side`` is neither.
    Example:
        >>> searchsorted([1.0, 2.0, 3.0], [0.0, 2.0, 9.0])
        Variable([0, 1, 3], int64)
    """
    line, v = as_variable(a, "searchsorted: a"), as_variable(x, "searchsorted: x")
    if line.ndim != 1:
        raise ShapeError(f"searchsorted: a should have one axis, got {line.shape}")
    if side not in ("left", "right"):
        raise RangeError(f"searchsorted: side should be 'left' or 'right', got {side!r}")
    return SearchSorted(side == "right")(line, v)


class CheckCounted(CheckLabels):
    """The numbers themselves, once all are found to be 0..length - 1."""

    def found(self, t: Any, bad: Any) -> RangeError:
        """The error that names the first bad number."""
        number = int(t.reshape(-1)[int(bad.argmax())])
        return RangeError(f"{self.operation}: {number} is outside 0..{self.classes - 1}")


def bincount(x: ArrayLike, weights: ArrayLike | None = None, length: int | None = None) -> Variable:
    """How often each of 0, 1, 2, ... occurs; or the sum of the weights there.

    Args:
        x: any shape, integers, none negative.
        weights: of the shape of ``x``; they get a gradient. None counts each as 1.
        length: of the result; what is in ``x`` must be below. None means: the largest in ``x`` and
            1, which cannot be compiled, as it is not known before.
    Returns:
        (length,), int64, or the dtype of ``weights``.
    Raises:
        DTypeError: if ``x`` does not hold integers.
        RangeError: if a number is negative, or not below ``length``.
        ShapeError: if the weights have another shape.
    Example:
        >>> bincount([0, 2, 2])
        Variable([1, 0, 2], int64)
    """
    v = as_variable(x, "bincount")
    if v.dtype.kind not in "iu" and v.size:
        raise DTypeError(f"bincount: x should hold integers, got {v.dtype}")
    v = v.astype(np.intp)
    w = beside(np.ones(v.shape, np.int64), v.data) if weights is None else weights
    w = as_variable(w, "bincount: weights")
    if w.shape != v.shape:
        raise ShapeError(f"bincount: x of {v.shape} needs as many weights, got {w.shape}")
    if length is None:
        length = int(v.data.max()) + 1 if v.size else 0
    count = as_integer(length, "bincount: length")
    if count < 0:
        raise RangeError(f"bincount: length should be 0 or more, got {count}")
    return scatter_add(ravel(w), ravel(CheckCounted(count, None, "bincount")(v)), (count,))


def histogram(
    x: ArrayLike,
    bins: int | Sequence[float] = 10,
    range: tuple[float, float] | None = None,
    weights: ArrayLike | None = None,
) -> tuple[Variable, Variable]:
    """How many elements fall between neighbouring edges, and the edges.

    Args:
        x: any shape, real. It gets no gradient: the counts are constant between jumps.
        bins: how many of equal breadth, or the edges in rising order, two or more.
        range: the first and the last edge, for a number of bins; None means the smallest and the
            largest of ``x``. What lies outside is not counted.
        weights: of the shape of ``x``; what each counts for. They get a gradient.
    Returns:
        (bins,), int64 or the dtype of ``weights``: each bin holds its lower edge, the last also
        its upper. (bins + 1,), the edges, in the dtype of ``x``, or float64.
    Raises:
        RangeError: if the edges do not rise, or there are no bins.
        ShapeError: if the weights have another shape, or there is nothing and no range.
    Example:
        >>> counts, edges = histogram([0.0, 0.5, 1.5, 2.0], bins=2)
        >>> counts
        Variable([2, 2], int64)
    """
    v = as_floating(x, "histogram").detach()
    edges = _edges(v, bins, range)
    count = edges.shape[0] - 1
    place = SearchSorted(True)(edges, v) - 1
    place = where(v == edges[count], count - 1, place)
    place = where((place < 0) | (place >= count), count, place)  # outside, and NaN: one bin more
    return bincount(place, weights, count + 1)[:count], edges


def _edges(v: Variable, bins: Any, limits: tuple[float, float] | None) -> Variable:
    if isinstance(bins, Sequence):
        if len(bins) < 2 or any(a >= b for a, b in pairwise(bins)):
            raise RangeError(f"histogram: two edges or more should rise, got {bins}")
        return as_variable(beside(np.array(bins, v.dtype), v.data), "histogram")
    n = as_integer(bins, "histogram: bins")
    if n < 1:
        raise RangeError(f"histogram: bins should be 1 or more, got {n}")
    if limits is None:
        low, high = smallest(v), largest(v)
        equal = low == high
        low, high = where(equal, low - 0.5, low), where(equal, high + 0.5, high)
    else:
        if not limits[1] > limits[0]:
            raise RangeError(f"histogram: the range should rise, got {limits}")
        low, high = (as_variable(beside(np.array(x, v.dtype), v.data), "") for x in limits)
    steps = as_variable(beside(np.arange(n + 1).astype(v.dtype), v.data), "histogram")
    return where(steps == n, high, steps * ((high - low) / n) + low)
