"""Elements by their order: sort, topk, median, quantile; each a choice among them."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, prod
from typing import TYPE_CHECKING

import numpy as np

from ..core import Function, Variable
from ..core.variable import Shape
from ..errors import RangeError, ShapeError
from .compare import ISNAN, where
from .index import get_item, take_along_axis
from .join import stack
from .operand import as_axes, as_axis, as_floating, as_integer, as_variable
from .reduce import Axes

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["sort", "argsort", "topk", "median", "quantile"]

METHODS = ("linear", "lower", "higher", "nearest", "midpoint")


class ArgSort(Function):
    """The places of the elements in rising or falling order; equal ones keep their order."""

    axis: int
    falling: bool

    def forward(self, x):
        if not self.falling:
            return np.argsort(x, axis=self.axis, kind="stable")
        turned = np.argsort(np.flip(x, self.axis), axis=self.axis, kind="stable")
        return x.shape[self.axis] - 1 - np.flip(turned, self.axis)

    def backward(self, gy):
        return None


def argsort(x: ArrayLike, axis: int = -1, descending: bool = False) -> Variable:
    """The places of the elements in their order along an axis; equal ones keep their order.

    Args:
        x: any shape but (), real.
        axis: along which.
        descending: the largest first.
    Returns:
        Shape of ``x``, int64; for `take_along_axis`. NaN counts as larger than all. No gradient.
    Raises:
        RangeError: if there is no such axis.
    Example:
        >>> argsort([3.0, 1.0, 2.0])
        Variable([1, 2, 0], int64)
    """
    v = as_variable(x, "argsort")
    return ArgSort(as_axis(axis, v.ndim, f"argsort of {v.shape}"), descending)(v)


def sort(x: ArrayLike, axis: int = -1, descending: bool = False) -> Variable:
    """The elements in their order along an axis.

    Args:
        x: any shape but (), real.
        axis: along which.
        descending: the largest first.
    Returns:
        Shape and dtype of ``x``. NaN counts as larger than all. Each gradient returns to where the
        element came from; of equal ones, the first is the first.
    Raises:
        RangeError: if there is no such axis.
    Example:
        >>> sort([3.0, 1.0, 2.0])
        Variable([1., 2., 3.], float64)
    """
    v = as_variable(x, "sort")
    i = as_axis(axis, v.ndim, f"sort of {v.shape}")
    return take_along_axis(v, ArgSort(i, descending)(v), i)


def topk(x: ArrayLike, k: int, axis: int = -1, largest: bool = True) -> tuple[Variable, Variable]:
    """The ``k`` largest along an axis, largest first, and their places.

    Args:
        x: any shape but (), real.
        k: how many, 0 to the length of ``axis``.
        axis: along which.
        largest: False for the smallest, smallest first.
    Returns:
        Two of the shape of ``x`` with ``k`` for the length of ``axis``: the elements, and their
        places, int64. Of equal ones the first come first; NaN counts as larger than all.
    Raises:
        RangeError: if there is no such axis, or ``k`` is outside its length.
    Example:
        >>> values, places = topk([3.0, 1.0, 2.0], 2)
        >>> values
        Variable([3., 2.], float64)
    """
    v, count = as_variable(x, "topk"), as_integer(k, "topk: k")
    i = as_axis(axis, v.ndim, f"topk of {v.shape}")
    if not 0 <= count <= v.shape[i]:
        raise RangeError(f"topk: k should be 0..{v.shape[i]}, the length of axis {i}, got {count}")
    places = get_item(ArgSort(i, largest)(v), (*[slice(None)] * i, slice(count)))
    return take_along_axis(v, places, i), places


def median(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Variable:
    """The middle one in order over axes; the mean of the two in the middle of an even number.

    As in NumPy; PyTorch gives the lower of the two. Arguments, result and errors as in
    `quantile`, which this is for 0.5.

    Example:
        >>> median([3.0, 1.0, 2.0, 10.0])
        Variable(2.5, float64)
    """
    return _quantiles("median", x, 0.5, axis, keepdims, "linear")


def quantile(
    x: ArrayLike,
    q: float | Sequence[float] | np.ndarray,
    axis: Axes = None,
    keepdims: bool = False,
    method: str = "linear",
) -> Variable:
    """What the share ``q`` of the elements over axes is not above.

    Args:
        x: any shape, real.
        q: one number in 0..1, or several.
        axis: one axis or several; None means all.
        keepdims: keep them, with length 1.
        method: where q falls between two elements: ``"linear"`` between them in proportion,
            ``"lower"``, ``"higher"``, ``"nearest"`` (the one at an even place if both are as near)
            or ``"midpoint"``.
    Returns:
        Shape of ``x`` without those axes, its dtype; several ``q`` stand on a new first axis.
        NaN if there is one. The gradient goes to the elements that were taken.
    Raises:
        RangeError: if there is no such axis, one is named twice, q is outside 0..1, or there is
            no such method.
        ShapeError: if the axes are empty.
    Source:
        R. Hyndman and Y. Fan, "Sample Quantiles in Statistical Packages", 1996: definition 7.
    Example:
        >>> quantile([0.0, 1.0, 2.0, 3.0], [0.5, 1.0])
        Variable([1.5, 3. ], float64)
    """
    if method not in METHODS:
        raise RangeError(f"quantile: method should be one of {', '.join(METHODS)}, got {method!r}")
    if isinstance(q, (int, float)):
        return _quantiles("quantile", x, q, axis, keepdims, method)
    return stack([_quantiles("quantile", x, float(one), axis, keepdims, method) for one in q])


def _quantiles(
    operation: str, x: ArrayLike, q: float, axis: Axes, keepdims: bool, method: str
) -> Variable:
    if not 0 <= q <= 1:
        raise RangeError(f"{operation}: q should be 0..1, got {q}")
    lines, shape = _lines(as_floating(x, operation), axis, keepdims, operation)
    n = lines.shape[-1]
    order = ArgSort(lines.ndim - 1, False)(lines)
    last = take_along_axis(lines, order[..., n - 1 :], -1)
    first, *more = [
        take_along_axis(lines, order[..., place : place + 1], -1) * weight
        for place, weight in _taken(q * (n - 1), method)
    ]
    y = first + more[0] if more else first
    return where(ISNAN(last), np.nan, y).reshape(shape)


def _taken(place: float, method: str) -> list[tuple[int, float]]:
    """Places in the order and their weights."""
    low, high = floor(place), ceil(place)
    if low == high or method == "lower":
        return [(low, 1.0)]
    if method == "higher":
        return [(high, 1.0)]
    if method == "nearest":
        return [(round(place), 1.0)]
    weight = 0.5 if method == "midpoint" else place - low
    return [(low, 1 - weight), (high, weight)]


def _lines(v: Variable, axis: Axes, keepdims: bool, operation: str) -> tuple[Variable, Shape]:
    """``v`` with the axes made one, the last; and the shape of a result over them."""
    axes = range(v.ndim) if axis is None else as_axes(axis, v.ndim, f"{operation} of {v.shape}")
    rest = [i for i in range(v.ndim) if i not in axes]
    n, kept = prod([v.shape[i] for i in axes]), [v.shape[i] for i in rest]
    if not n:
        raise ShapeError(f"{operation} of {v.shape}: over axes {tuple(axes)} there is nothing")
    whole = [1 if i in axes else length for i, length in enumerate(v.shape)]
    lines = v.transpose((*rest, *sorted(axes))).reshape(*kept, n)
    return lines, tuple(whole if keepdims else kept)
