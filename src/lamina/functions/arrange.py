"""Elements repeated, turned round, surrounded or left out; each a composition of indexing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Function, Variable
from ..core.variable import Shape
from ..errors import RangeError, ShapeError
from .index import PutItem, get_item, scatter_add, take
from .join import concatenate
from .operand import as_axes, as_axis, as_integer, as_shape, as_variable
from .shape import broadcast_to, ravel, reshape

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["pad", "flip", "roll", "repeat", "tile", "tril", "triu", "diag"]

PADDING = ("constant", "edge", "reflect", "symmetric", "wrap")


def pad(x: ArrayLike, width: Any, mode: str = "constant", value: float = 0) -> Variable:
    """Elements put around ``x``, as `numpy.pad` does.

    Args:
        x: any shape and dtype.
        width: how many: one number for all sides, (before, after) for all axes, or one such pair
            an axis.
        mode: ``"constant"``; or what is repeated from ``x``: ``"edge"`` its last element,
            ``"reflect"`` its mirror image without and ``"symmetric"`` with the last element,
            ``"wrap"`` its other side.
        value: of the new elements in mode ``"constant"``.
    Returns:
        Each axis is longer by before + after.
    Raises:
        RangeError: if a width is negative or the mode is none of these.
        ShapeError: if there is not one pair an axis, or an empty axis would have to be repeated.
    Example:
        >>> pad([1.0, 2.0, 3.0], (2, 1), "reflect")
        Variable([3., 2., 1., 2., 3., 2.], float64)
    """
    v = as_variable(x, "pad")
    widths = _widths(width, v.shape)
    if mode not in PADDING:
        raise RangeError(f"pad: mode should be one of {', '.join(PADDING)}, got {mode!r}")
    if mode == "constant":
        shape = tuple([before + n + after for n, (before, after) in zip(v.shape, widths)])
        inside = tuple([slice(before, before + n) for n, (before, _) in zip(v.shape, widths)])
        return PutItem(inside, shape, value)(v)
    for axis, (n, sides) in enumerate(zip(v.shape, widths)):
        if n == 0 and sides != (0, 0):
            raise ShapeError(f"pad: axis {axis} of {v.shape} is empty, {mode!r} has no source")
    for axis, (n, sides) in enumerate(zip(v.shape, widths)):
        if sides != (0, 0):
            v = take(v, np.pad(np.arange(n), sides, mode=mode), axis)  # pyright: ignore[reportCallIssue, reportArgumentType] (the mode was checked)
    return v


def _widths(width: Any, shape: Shape) -> list[tuple[int, int]]:
    """(before, after) for each axis."""
    try:
        pairs = np.broadcast_to(np.asarray(width), (len(shape), 2)).tolist()
    except ValueError:
        raise ShapeError(
            f"pad: width should be a number, (before, after), or {len(shape)} such pairs for "
            f"{shape}, got {width!r}"
        ) from None
    widths = [(as_integer(a, "pad: width"), as_integer(b, "pad: width")) for a, b in pairs]
    if any(n < 0 for pair in widths for n in pair):
        raise RangeError(f"pad: widths should be 0 or more, got {width!r}; cut with x[a:b]")
    return widths


def flip(x: ArrayLike, axis: Any = None) -> Variable:
    """The order of elements turned round along axes.

    Args:
        x: any shape and dtype.
        axis: one axis or several; None means all.
    Returns:
        A view of ``x``.
    Raises:
        RangeError: if there is no such axis.
    """
    v = as_variable(x, "flip")
    axes = range(v.ndim) if axis is None else as_axes(axis, v.ndim, "flip")
    turned = slice(None, None, -1)
    return get_item(v, tuple([turned if i in axes else slice(None) for i in range(v.ndim)]))


def roll(x: ArrayLike, shift: Any, axis: Any = None) -> Variable:
    """Elements moved on by ``shift`` places; those that leave at the end return at the beginning.

    Args:
        x: any shape and dtype.
        shift: an integer, or one an axis.
        axis: one axis or several; None moves all elements in their order.
    Returns:
        The shape of ``x``.
    Raises:
        RangeError: if there is no such axis.
        ShapeError: if there are not as many shifts as axes.
    Example:
        >>> roll([1, 2, 3, 4], 1)
        Variable([4, 1, 2, 3], int64)
    """
    v = as_variable(x, "roll")
    if axis is None:
        return reshape(roll(ravel(v), shift, 0), v.shape)
    axes = axis if isinstance(axis, Iterable) else (axis,)
    axes = [as_axis(i, v.ndim, "roll") for i in axes]
    shifts = as_shape(shift, "roll")
    if len(shifts) == 1:
        shifts *= len(axes)
    if len(shifts) != len(axes):
        raise ShapeError(f"roll: {len(axes)} axes need as many shifts, got {shifts}")
    for i, places in zip(axes, shifts):
        v = _rolled(v, places, i)
    return v


def _rolled(v: Variable, places: int, axis: int) -> Variable:
    length = v.shape[axis]
    cut = -places % length if length else 0
    lead = (slice(None),) * axis
    pieces = [get_item(v, (*lead, slice(cut, None))), get_item(v, (*lead, slice(None, cut)))]
    return concatenate(pieces, axis)


def repeat(x: ArrayLike, repeats: Any, axis: int | None = None) -> Variable:
    """Each element, or each slice along an axis, several times in a row.

    Args:
        x: any shape and dtype.
        repeats: how often: one integer, or one for each place along the axis.
        axis: None repeats all elements in their order.
    Returns:
        An array that is longer along the axis.
    Raises:
        RangeError: if there is no such axis, or ``repeats`` is negative.
        ShapeError: if there are not as many ``repeats`` as places.
    Example:
        >>> repeat([1.0, 2.0], 2)
        Variable([1., 1., 2., 2.], float64)
    """
    v = as_variable(x, "repeat")
    if axis is None:
        v, axis = ravel(v), 0
    i = as_axis(axis, v.ndim, "repeat")
    counts = as_shape(repeats, "repeat")
    if any(count < 0 for count in counts):
        raise RangeError(f"repeat: repeats should be 0 or more, got {repeats!r}")
    lead, length, rest = v.shape[:i], v.shape[i], v.shape[i + 1 :]
    if len(counts) == 1:
        wide = broadcast_to(reshape(v, (*lead, length, 1, *rest)), (*lead, length, *counts, *rest))
        return reshape(wide, (*lead, length * counts[0], *rest))
    if len(counts) != length:
        raise ShapeError(f"repeat: axis {i} of {v.shape} needs {length} repeats, got {len(counts)}")
    return take(v, np.repeat(np.arange(length), counts), i)


def tile(x: ArrayLike, repeats: Any) -> Variable:
    """``x`` laid side by side.

    Args:
        x: any shape and dtype.
        repeats: how often along each axis, the last number for the last axis; more numbers than
            axes make new axes in front.
    Returns:
        Lengths multiplied by ``repeats``.
    Raises:
        RangeError: if a number is negative.
    Example:
        >>> tile([1.0, 2.0], (2, 2))
        Variable([[1., 2., 1., 2.],
                  [1., 2., 1., 2.]], float64)
    """
    v = as_variable(x, "tile")
    counts = as_shape(repeats, "tile")
    if any(count < 0 for count in counts):
        raise RangeError(f"tile: repeats should be 0 or more, got {repeats!r}")
    ndim = max(v.ndim, len(counts))
    counts = (1,) * (ndim - len(counts)) + counts
    shape = (1,) * (ndim - v.ndim) + v.shape
    narrow = reshape(v, tuple([m for n in shape for m in (1, n)]))
    wide = broadcast_to(narrow, tuple([m for pair in zip(counts, shape) for m in pair]))
    return reshape(wide, tuple([count * n for count, n in zip(counts, shape)]))


class Triangle(Function):
    """The elements of matrices on and below the ``k``-th diagonal, or on and above it; else zero.

    A kernel, because a product with a mask would make NaN of an infinity that is left out.
    """

    k: int
    lower: bool

    def forward(self, x):
        return np.tril(x, self.k) if self.lower else np.triu(x, self.k)

    def backward(self, gy):
        return self(gy)

    def spec(self, x):
        return x.shape, x.dtype


def tril(x: ArrayLike, k: int = 0) -> Variable:
    """The lower triangle of matrices: zero above the ``k``-th diagonal.

    Args:
        x: (..., m, n).
        k: 0 is the main diagonal, 1 the one above it.
    Returns:
        The shape of ``x``.
    Raises:
        ShapeError: if ``x`` has fewer than two axes.
    """
    return _triangle(x, k, True, "tril")


def triu(x: ArrayLike, k: int = 0) -> Variable:
    """The upper triangle of matrices: zero below the ``k``-th diagonal. Arguments as in `tril`."""
    return _triangle(x, k, False, "triu")


def _triangle(x: Any, k: int, lower: bool, operation: str) -> Variable:
    v = as_variable(x, operation)
    if v.ndim < 2:
        raise ShapeError(f"{operation}: x should be (..., m, n), got {v.shape}")
    return Triangle(as_integer(k, f"{operation}: k"), lower)(v)


def diag(x: ArrayLike, k: int = 0) -> Variable:
    """The ``k``-th diagonal of a matrix; or a matrix that has ``x`` there and zeros elsewhere.

    Args:
        x: (m, n), or (n,).
        k: 0 is the main diagonal, 1 the one above it.
    Returns:
        A vector for a matrix, a square matrix for a vector.
    Raises:
        ShapeError: if ``x`` has neither one axis nor two.
    Example:
        >>> diag([[1.0, 2.0], [3.0, 4.0]])
        Variable([1., 4.], float64)
    """
    v = as_variable(x, "diag")
    down, right = max(-k, 0), max(k, 0)
    if v.ndim == 1:
        places = np.arange(v.size)
        n = v.size + abs(k)
        return scatter_add(v, (places + down, places + right), (n, n))
    if v.ndim != 2:
        raise ShapeError(f"diag: x should be (n,) or (m, n), got {v.shape}")
    m, n = v.shape
    places = np.arange(max(0, min(m - down, n - right)))
    return get_item(v, (places + down, places + right))
