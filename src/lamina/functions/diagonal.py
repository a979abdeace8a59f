"""Diagonals of matrices, and matrices made of them: diagonal, trace, diag_embed, block_diag, ..."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..core import Variable
from ..errors import ShapeError
from .compare import where
from .index import PutItem, get_item
from .operand import as_axes, as_integer, as_variable, beside
from .shape import moveaxis

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["diagonal", "trace", "diag_embed", "fill_diagonal", "block_diag"]


def _line(m: int, n: int, offset: int) -> slice:
    """Where the diagonal lies among the m n elements of a matrix."""
    down, right = max(-offset, 0), max(offset, 0)
    count = min(m - down, n - right)
    start = down * n + right
    return slice(start, start + (count - 1) * (n + 1) + 1, n + 1) if count > 0 else slice(0, 0)


def diagonal(x: ArrayLike, offset: int = 0, axis1: int = -2, axis2: int = -1) -> Variable:
    """The diagonals of matrices.

    Args:
        x: (..., m, n), any dtype; or with the two axes elsewhere.
        offset: 0 is the main diagonal, 1 the one above it.
        axis1: the axis of rows. NumPy's default is 0 and 1, the same for one matrix.
        axis2: that of columns.
    Returns:
        The other axes and one more, as long as the diagonal. A view where that is possible.
    Raises:
        RangeError: if there is no such axis, or both are one.
    Example:
        >>> diagonal([[1.0, 2.0], [3.0, 4.0]])
        Variable([1., 4.], float64)
    """
    v = as_variable(x, "diagonal")
    axes = as_axes((axis1, axis2), v.ndim, f"diagonal of {v.shape}")
    v = moveaxis(v, axes, (-2, -1))
    *lead, m, n = v.shape
    line = _line(m, n, as_integer(offset, "diagonal: offset"))
    return get_item(v.reshape(*lead, m * n), (..., line))


def trace(x: ArrayLike, offset: int = 0, axis1: int = -2, axis2: int = -1) -> Variable:
    """The sum of the diagonal of matrices: ``y = Σ x[i, i]``; arguments as in `diagonal`."""
    return diagonal(x, offset, axis1, axis2).sum(-1)


def diag_embed(x: ArrayLike, offset: int = 0) -> Variable:
    """Matrices with ``x`` on the diagonal and zeros elsewhere.

    Args:
        x: (..., n), any dtype.
        offset: 0 is the main diagonal, 1 the one above it.
    Returns:
        (..., n + |offset|, n + |offset|), the dtype of ``x``.
    Raises:
        ShapeError: if ``x`` has no axis.
    Example:
        >>> diag_embed([1.0, 2.0])
        Variable([[1., 0.],
                  [0., 2.]], float64)
    """
    v, k = as_variable(x, "diag_embed"), as_integer(offset, "diag_embed: offset")
    if not v.ndim:
        raise ShapeError("diag_embed: x should be (..., n), got ()")
    *lead, length = v.shape
    n = length + abs(k)
    return PutItem((..., _line(n, n, k)), (*lead, n * n))(v).reshape(*lead, n, n)


def fill_diagonal(x: ArrayLike, value: ArrayLike) -> Variable:
    """Matrices with another main diagonal.

    Args:
        x: (..., m, n), any dtype.
        value: a number, or what broadcasts to (..., m, n).
    Returns:
        Shape of ``x``, the promoted dtype.
    Raises:
        ShapeError: if ``x`` has fewer than two axes.
    """
    v = as_variable(x, "fill_diagonal")
    if v.ndim < 2:
        raise ShapeError(f"fill_diagonal: x should be (..., m, n), got {v.shape}")
    return where(beside(np.eye(*v.shape[-2:], dtype=np.bool_), v.data), value, v)


def block_diag(xs: Sequence[ArrayLike]) -> Variable:
    """Matrices along the diagonal of one, with zeros elsewhere.

    Args:
        xs: one or more, each (m, n).
    Returns:
        (Σ m, Σ n), the promoted dtype.
    Raises:
        ShapeError: if there is none, or one is no matrix.
    Example:
        >>> block_diag([[[1.0]], [[2.0, 3.0]]])
        Variable([[1., 0., 0.],
                  [0., 2., 3.]], float64)
    """
    vs = [as_variable(x, "block_diag") for x in xs]
    if not vs or any(v.ndim != 2 for v in vs):
        shapes = ", ".join([str(v.shape) for v in vs]) or "none"
        raise ShapeError(f"block_diag: needs one matrix or more, got {shapes}")
    shape = (sum([v.shape[0] for v in vs]), sum([v.shape[1] for v in vs]))
    parts, row, column = [], 0, 0
    for v in vs:
        m, n = v.shape
        parts.append(PutItem((slice(row, row + m), slice(column, column + n)), shape)(v))
        row, column = row + m, column + n
    return sum(parts[1:], parts[0])
