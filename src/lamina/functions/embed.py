"""Embedding: rows of a table, by number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Variable
from ..errors import DTypeError, RangeError, ShapeError
from .compare import NE, where
from .index import get_item
from .label import CheckLabels
from .operand import as_integer, as_variable
from .reduce import any as any_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["embedding", "embedding_bag"]


class CheckRows(CheckLabels):
    """The numbers themselves, once all are found to be those of rows, or to be ``ignore``."""

    def found(self, t: Any, bad: Any) -> RangeError:
        """The error that names the first bad number."""
        place = tuple([int(i) for i in np.unravel_index(int(bad.argmax()), t.shape)])
        at = f" at {place[0] if len(place) == 1 else place}" if place else ""
        return RangeError(
            f"{self.operation}: {int(t[place])}{at} is outside 0..{self.classes - 1}, "
            f"the rows of a table of {self.classes}"
        )


def embedding(x: ArrayLike, W: ArrayLike, padding: int | None = None) -> Variable:
    """Rows of a table: ``y[..., :] = W[x[...], :]``.

    The gradient of ``W`` adds up over the places that took the same row.

    Args:
        x: any shape, integers in 0..rows - 1.
        W: (rows, size), floating.
        padding: a number that stands for nothing: it gives zeros, and no gradient to any row. It
            need not be a row's.
    Returns:
        The shape of ``x`` and ``size``, in the dtype of ``W``.
    Raises:
        DTypeError: if ``x`` does not hold integers.
        RangeError: naming the first number that is no row, and its place.
        ShapeError: if ``W`` is no table.
    Example:
        >>> embedding([1, -1, 1], [[1.0, 2.0], [3.0, 4.0]], padding=-1)
        Variable([[3., 4.],
                  [0., 0.],
                  [3., 4.]], float64)
    """
    table, numbers = as_variable(W, "embedding: W"), as_variable(x, "embedding: x")
    if table.ndim != 2:
        raise ShapeError(f"embedding: W should have shape (rows, size), got {table.shape}")
    if numbers.dtype.kind not in "iu":
        raise DTypeError(f"embedding: x should hold integers, got {numbers.dtype}")
    ignore = None if padding is None else as_integer(padding, "embedding: padding")
    numbers = CheckRows(table.shape[0], ignore, "embedding")(numbers)
    if ignore is None:
        return get_item(table, numbers)
    nothing = numbers == ignore
    rows = get_item(table, where(nothing, 0, numbers))
    return where(nothing.reshape(*numbers.shape, 1), 0, rows)


def embedding_bag(
    x: ArrayLike,
    W: ArrayLike,
    reduction: str = "mean",
    padding: int | None = None,
    weights: ArrayLike | None = None,
) -> Variable:
    """Rows of a table, reduced over bags: ``y[i, :]`` is the mean of ``W[x[i, k], :]`` over k.

    Args:
        x: (..., k), integers in 0..rows - 1: one bag a line.
        W: (rows, size), floating.
        reduction: ``"mean"``, ``"sum"`` or ``"max"``.
        padding: a number that stands for nothing: it is not counted. It need not be a row's.
        weights: (..., k), what each row counts for in a sum; they get a gradient.
    Returns:
        (..., size), in the dtype of ``W``. A bag of nothing gives 0.
    Raises:
        DTypeError: if ``x`` does not hold integers.
        RangeError: naming the first number that is no row; or if there is no such reduction.
        ShapeError: if ``W`` is no table, ``x`` has no axis, or the weights have another shape.
    Example:
        >>> embedding_bag([[0, 1], [1, 1]], [[1.0, 2.0], [3.0, 4.0]], "sum")
        Variable([[4., 6.],
                  [6., 8.]], float64)
    """
    if reduction not in ("mean", "sum", "max"):
        raise RangeError(f"embedding_bag: reduction should be mean, sum or max, got {reduction!r}")
    numbers = as_variable(x, "embedding_bag: x")
    if not numbers.ndim:
        raise ShapeError("embedding_bag: x should be (..., k), got ()")
    rows = embedding(numbers, W, padding)
    if weights is not None:
        rows = rows * _row_weights(weights, numbers, reduction)
    present = NE(numbers, -1 if padding is None else padding).reshape(*numbers.shape, 1)
    if reduction == "max":
        return _largest(rows, present) if numbers.shape[-1] else rows.sum(-2)
    if reduction == "sum":
        return rows.sum(-2)
    count = present.sum(-2)
    return rows.sum(-2) / where(count == 0, 1, count).astype(rows.dtype)


def _row_weights(weights: ArrayLike, numbers: Variable, reduction: str) -> Variable:
    w = as_variable(weights, "embedding_bag: weights")
    if reduction != "sum" or w.shape != numbers.shape:
        raise ShapeError(
            f"embedding_bag: x of shape {numbers.shape} needs as many weights, for a sum, got "
            f"{w.shape} for {reduction}"
        )
    return w.reshape(*w.shape, 1)


def _largest(rows: Variable, present: Variable) -> Variable:
    """The largest of what is present; 0 where nothing is."""
    y = where(present, rows, -np.inf).max(-2)
    return where(any_of(present, -2), y, 0)
