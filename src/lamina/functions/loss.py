"""Losses between numbers: squared, absolute and Huber's error. Of classes: see `entropy`."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Function, Variable
from ..errors import RangeError, ShapeError
from .arith import abs
from .bound import positive
from .compare import clip
from .operand import as_variable

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["mean_squared_error", "mean_absolute_error", "huber_loss"]

REDUCTIONS = ("mean", "sum", "none")


def check_reduction(reduction: Any, shape: tuple[int, ...], loss: str) -> None:
    """Raise what is wrong with a ``reduction`` over elements of ``shape``.

    Raises:
        RangeError: it is none of `REDUCTIONS`.
        ShapeError: a mean over nothing.
    """
    if reduction not in REDUCTIONS:
        raise RangeError(f"{loss}: reduction should be 'mean', 'sum' or 'none', got {reduction!r}")
    if reduction == "mean" and 0 in shape:
        raise ShapeError(
            f"{loss}: x of shape {shape} is empty and has no mean; leave out empty batches, or use "
            "reduction='sum'"
        )


def reduced(y: Variable, reduction: str) -> Variable:
    """The losses of elements as one number, or as they are."""
    if reduction == "none":
        return y
    return y.sum() if reduction == "sum" else y.mean()


def paired(x: Any, t: Any, reduction: str, loss: str) -> tuple[Variable, Variable]:
    """``x`` and ``t`` as Variables of one shape, checked.

    Raises:
        ShapeError: if their shapes differ, with what makes them equal.
    """
    a, b = as_variable(x, loss), as_variable(t, loss)
    if a.shape != b.shape:
        raise ShapeError(
            f"{loss}: x and t should have one shape, got {a.shape} and {b.shape}; {_hint(a, b)}"
        )
    check_reduction(reduction, a.shape, loss)
    return a, b


def _hint(a: Variable, b: Variable) -> str:
    if prod(a.shape) == prod(b.shape):
        return f"t.reshape{a.shape} makes them equal"
    return "one would be broadcast over the other, which is seldom meant"


class SquaredError(Function):
    """``(x - t)²``, reduced. One operator for speed: it is the loss of small networks."""

    reduction: str

    def forward(self, x, t):
        d = x - t
        d = d * d
        if self.reduction == "none":
            return d
        if self.reduction == "sum" or d.dtype == np.float16:  # whose mean is summed in float32
            return d.sum() if self.reduction == "sum" else d.mean()
        return d.sum() / d.size

    def backward(self, gy, x, t):
        scale = 2.0 / x.size if self.reduction == "mean" else 2.0
        gx = SquaredErrorGradient(scale)(gy, x, t)
        return gx, lambda: -gx


class SquaredErrorGradient(Function):
    """``scale gy (x - t)``. One operator in place of three, for speed: benchmarks/eager.py."""

    scale: float

    def forward(self, gy, x, t):
        return (x - t) * (gy * self.scale)

    def backward(self, ggx, gy, x, t):
        scaled = ggx * self.scale
        return (lambda: scaled * (x - t)), (lambda: scaled * gy), (lambda: -scaled * gy)


def mean_squared_error(x: ArrayLike, t: ArrayLike, *, reduction: str = "mean") -> Variable:
    """Mean squared error, ``mean((x - t)²)`` over *all* elements, not only over samples.

    Args:
        x: any shape, floating.
        t: the same shape.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
    Returns:
        One number, or the shape of ``x`` for ``"none"``.
    Raises:
        ShapeError: if the shapes differ ((n, 1) against (n,) would broadcast to (n, n)), or the
            mean would be over nothing.
        RangeError: if ``reduction`` is none of the three.
    Example:
        >>> mean_squared_error([1.0, 2.0], [1.0, 4.0])
        Variable(2., float64)
    """
    return SquaredError(reduction)(*paired(x, t, reduction, "mean_squared_error"))


def mean_absolute_error(x: ArrayLike, t: ArrayLike, *, reduction: str = "mean") -> Variable:
    """Mean absolute error, ``mean(|x - t|)`` over all elements; the derivative at 0 is 0.

    Arguments, result and errors as in `mean_squared_error`.

    Example:
        >>> mean_absolute_error([1.0, 2.0], [1.0, 4.0])
        Variable(1., float64)
    """
    a, b = paired(x, t, reduction, "mean_absolute_error")
    return reduced(abs(a - b), reduction)


def huber_loss(
    x: ArrayLike, t: ArrayLike, *, delta: float = 1.0, reduction: str = "mean"
) -> Variable:
    """Half the squared error up to ``delta``, linear beyond: outliers pull no harder than delta.

    With ``d = x - t``: ``d² / 2`` where ``|d| <= delta``, else ``delta (|d| - delta / 2)``.

    Args:
        x: any shape, floating.
        t: the same shape.
        delta: a number above 0.
        reduction: ``"mean"`` over all elements, ``"sum"`` or ``"none"``.
    Returns:
        One number, or the shape of ``x`` for ``"none"``.
    Raises:
        ShapeError: if the shapes differ, or the mean would be over nothing.
        RangeError: if ``delta`` is not above 0, or ``reduction`` is none of the three.
    Source:
        P. Huber, "Robust Estimation of a Location Parameter", 1964.
    Example:
        >>> huber_loss([0.5, 3.0], [0.0, 0.0], reduction="none")
        Variable([0.125, 2.5  ], float64)
    """
    a, b = paired(x, t, reduction, "huber_loss")
    positive(delta, "huber_loss: delta")
    d = a - b
    c = clip(d, -delta, delta)
    return reduced(c * (d - c * 0.5), reduction)
