"""Embedding: rows of a table, by number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Variable
from ..errors import DTypeError, RangeError, ShapeError
from .compare import where
from .index import get_item
from .label import CheckLabels
from .operand import as_integer, as_variable

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["embedding"]


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
