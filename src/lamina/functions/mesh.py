"""Arrays laid out side by side or over one another: meshgrid, hstack, unstack, rot90, ..."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..core import Variable
from ..errors import RangeError, ShapeError
from .arrange import flip
from .index import get_item
from .join import concatenate, split
from .operand import as_axes, as_axis, as_integer, as_variable
from .shape import broadcast_to, swapaxes

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "meshgrid",
    "broadcast_arrays",
    "rot90",
    "hstack",
    "vstack",
    "dstack",
    "unstack",
    "chunk",
    "atleast_1d",
    "atleast_2d",
]


def meshgrid(*xs: ArrayLike, indexing: str = "xy") -> tuple[Variable, ...]:
    """The coordinates of the points of a grid, from those along its axes.

    Args:
        xs: each (n,) or (), any dtype.
        indexing: ``"xy"``, NumPy's: the first coordinate runs along the second axis, as x does in
            pictures; ``"ij"``: along the first, as in PyTorch.
    Returns:
        One array for each of ``xs``, all of the grid's shape; views that cannot be written to.
    Raises:
        ShapeError: if one has more than one axis.
        RangeError: if ``indexing`` is neither.
    Example:
        >>> x, y = meshgrid([1.0, 2.0, 3.0], [0.0, 1.0])
        >>> x
        Variable([[1., 2., 3.],
                  [1., 2., 3.]], float64)
    """
    if indexing not in ("xy", "ij"):
        raise RangeError(f"meshgrid: indexing should be 'xy' or 'ij', got {indexing!r}")
    lines = [atleast_1d(x) for x in xs]
    for line in lines:
        if line.ndim != 1:
            raise ShapeError(f"meshgrid: each should have one axis, got {line.shape}")
    count = len(lines)
    order = [1, 0, *range(2, count)] if indexing == "xy" and count > 1 else [*range(count)]
    laid = [
        line.reshape(-1 if k == place else 1 for k in range(count))
        for line, place in zip(lines, order)
    ]
    return broadcast_arrays(*laid)


def broadcast_arrays(*xs: ArrayLike) -> tuple[Variable, ...]:
    """Arrays in the shape that they have together when they broadcast.

    Args:
        xs: any shapes that broadcast with one another.
    Returns:
        One array for each, all of one shape; views that cannot be written to.
    Raises:
        ShapeError: if they do not broadcast.
    """
    vs = [as_variable(x, "broadcast_arrays") for x in xs]
    try:
        shape = np.broadcast_shapes(*[v.shape for v in vs])
    except ValueError:
        shapes = ", ".join([str(v.shape) for v in vs])
        raise ShapeError(f"broadcast_arrays: shapes {shapes} do not broadcast") from None
    return tuple([broadcast_to(v, shape) for v in vs])


def rot90(x: ArrayLike, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Variable:
    """Turned by a right angle, ``k`` times, from the first of two axes towards the second.

    Args:
        x: two axes or more, any dtype.
        k: how often; negative turns the other way round.
        axes: the plane in which it is turned.
    Returns:
        A view of ``x``; for odd ``k`` the lengths of the two axes are exchanged.
    Raises:
        RangeError: if there is no such axis, or both are one.
        ShapeError: if there are not two axes.
    Example:
        >>> rot90([[1.0, 2.0], [3.0, 4.0]])
        Variable([[2., 4.],
                  [1., 3.]], float64)
    """
    v, turns = as_variable(x, "rot90"), as_integer(k, "rot90: k") % 4
    if len(axes) != 2:
        raise ShapeError(f"rot90: axes should be two, got {axes}")
    a, b = as_axes(axes, v.ndim, f"rot90 of {v.shape}")
    if turns == 0:
        return get_item(v, ...)
    if turns == 2:
        return flip(v, (a, b))
    return swapaxes(flip(v, b), a, b) if turns == 1 else flip(swapaxes(v, a, b), b)


def hstack(xs: Sequence[ArrayLike]) -> Variable:
    """Arrays side by side: `concatenate` along axis 1, or axis 0 of vectors and numbers."""
    vs = [atleast_1d(x) for x in xs]
    return concatenate(vs, 1 if vs and vs[0].ndim > 1 else 0)


def vstack(xs: Sequence[ArrayLike]) -> Variable:
    """Arrays over one another: `concatenate` along axis 0; a vector is one row."""
    return concatenate([atleast_2d(x) for x in xs], 0)


def dstack(xs: Sequence[ArrayLike]) -> Variable:
    """Arrays behind one another: `concatenate` along axis 2; a matrix is one layer."""
    vs = [atleast_2d(x) for x in xs]
    return concatenate([v.reshape(*v.shape, 1) if v.ndim == 2 else v for v in vs], 2)


def unstack(x: ArrayLike, axis: int = 0) -> tuple[Variable, ...]:
    """The slices along an axis: what `stack` was given.

    Args:
        x: any shape but (), any dtype.
        axis: which disappears.
    Returns:
        As many views as the axis is long.
    Raises:
        RangeError: if there is no such axis.
    """
    v = as_variable(x, "unstack")
    i = as_axis(axis, v.ndim, f"unstack of {v.shape}")
    return tuple([get_item(v, (*[slice(None)] * i, n)) for n in range(v.shape[i])])


def chunk(x: ArrayLike, count: int, axis: int = 0) -> tuple[Variable, ...]:
    """Cut into pieces along an axis, of lengths as equal as can be, longer ones first.

    As `numpy.array_split`; `split` wants equal ones.

    Args:
        x: any shape but (), any dtype.
        count: how many pieces, 1 or more.
        axis: which is cut.
    Returns:
        ``count`` views of ``x``; some are empty if there are fewer elements.
    Raises:
        RangeError: if there is no such axis, or ``count`` is below 1.
    Example:
        >>> [piece.shape for piece in chunk([1, 2, 3, 4, 5], 3)]
        [(2,), (2,), (1,)]
    """
    v, n = as_variable(x, "chunk"), as_integer(count, "chunk: count")
    i = as_axis(axis, v.ndim, f"chunk of {v.shape}")
    if n < 1:
        raise RangeError(f"chunk: count should be 1 or more, got {n}")
    each, more = divmod(v.shape[i], n)
    return split(v, [k * each + min(k, more) for k in range(1, n)], i)


def atleast_1d(x: ArrayLike) -> Variable:
    """``x``, with one axis if it has none: ``()`` becomes ``(1,)``.

    Args:
        x: any shape and dtype.
    Returns:
        A view of ``x``.
    """
    v = as_variable(x, "atleast_1d")
    return v.reshape(1) if not v.ndim else v.reshape(v.shape)


def atleast_2d(x: ArrayLike) -> Variable:
    """``x``, with two axes if it has fewer: ``(n,)`` becomes ``(1, n)``, as `atleast_1d`."""
    v = as_variable(x, "atleast_2d")
    return v.reshape(1, -1) if v.ndim < 2 else v.reshape(v.shape)
