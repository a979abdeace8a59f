"""Losses: how far a result is from what it should be, as one number."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Function, Variable
from ..errors import RangeError, ShapeError
from .operand import as_variable

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["mean_squared_error"]

REDUCTIONS = ("mean", "sum", "none")


def _reduction(name: Any, loss: str) -> str:
    if name not in REDUCTIONS:
        raise RangeError(f"{loss}: reduction should be 'mean', 'sum' or 'none', got {name!r}")
    return name


def _same_shape(x: Variable, t: Variable, loss: str) -> None:
    if x.shape == t.shape:
        return
    hint = "make them equal, or one would be broadcast against the other"
    if prod(x.shape) == prod(t.shape):
        hint = f"t.reshape{x.shape} makes them equal"
    raise ShapeError(f"{loss}: x and t should have one shape, got {x.shape} and {t.shape}; {hint}")


class SquaredError(Function):
    """``(x - t)²``, reduced. One operator for speed: it is the loss of small networks."""

    reduction: str

    def forward(self, x, t):
        d = x - t
        y = d * d
        if self.reduction == "none":
            return y
        return y.sum() if self.reduction == "sum" else y.mean()

    def backward(self, gy, x, t):
        scale = 2.0 / max(x.size, 1) if self.reduction == "mean" else 2.0
        gx = (x - t) * (gy * scale)
        return gx, (lambda: -gx)


def mean_squared_error(x: ArrayLike, t: ArrayLike, reduction: str = "mean") -> Variable:
    """Mean squared error, ``mean((x - t)²)`` over *all* elements, not only over samples.

    Args:
        x: any shape, floating.
        t: the same shape.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
    Returns:
        One number, or the shape of ``x`` for ``"none"``.
    Raises:
        ShapeError: if the shapes differ: (n, 1) against (n,) would broadcast to (n, n).
    Example:
        >>> mean_squared_error([1.0, 2.0], [1.0, 4.0])
        Variable(2., float64)
    """
    a, b = as_variable(x, "mean_squared_error"), as_variable(t, "mean_squared_error")
    if a.shape != b.shape:
        _same_shape(a, b, "mean_squared_error")
    return SquaredError(_reduction(reduction, "mean_squared_error"))(a, b)
