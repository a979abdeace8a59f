"""Reductions made of others: without NaN, with weights, several at once; lengths of vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..core import Variable
from ..errors import RangeError, ShapeError
from . import reduce as whole
from .compare import ISNAN, NE, NOT, where
from .index import get_item
from .operand import as_axis, as_floating, as_integer, as_variable, in_single
from .reduce import Axes, Reduction
from .shape import broadcast_to, expand_dims
from .unary import sqrt

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "var_mean",
    "average",
    "ptp",
    "count_nonzero",
    "nansum",
    "nanprod",
    "nanmean",
    "nanvar",
    "nanstd",
    "nanmax",
    "nanmin",
    "cov",
    "corrcoef",
    "vector_norm",
]


def var_mean(
    x: ArrayLike, axis: Axes = None, keepdims: bool = False, ddof: int = 0
) -> tuple[Variable, Variable]:
    """The variance and the mean over axes: `var` and `mean` at once.

    Args:
        x: any shape and real dtype.
        axis: one axis or several; None means all.
        keepdims: keep them, with length 1.
        ddof: as in `var`, 0; PyTorch's default is 1.
    Returns:
        Two of the shape of ``x`` without those axes, in its dtype; float64 for integers.
    Raises:
        RangeError: if there is no such axis, one is named twice, or n is not above ``ddof``.
        ShapeError: if they are empty.
    """
    v = as_floating(x, "var_mean")
    return whole.var(v, axis, keepdims, ddof), whole.mean(v, axis, keepdims)


def average(
    x: ArrayLike, axis: Axes = None, weights: ArrayLike | None = None, keepdims: bool = False
) -> Variable:
    """The mean over axes, each element counted with its weight: ``y = Σ w x / Σ w``.

    Args:
        x: any shape, real.
        axis: one axis or several; None means all.
        weights: of the shape of ``x``, or for one axis of its length; None means equal ones. Their
            sum should not be 0.
        keepdims: keep the axes, with length 1.
    Returns:
        Shape of ``x`` without those axes, the promoted dtype.
    Raises:
        RangeError: if there is no such axis, or one is named twice.
        ShapeError: if there is nothing, or the weights have another shape.
    Example:
        >>> average([1.0, 2.0], weights=[3.0, 1.0])
        Variable(1.25, float64)
    """
    v = as_floating(x, "average")
    if weights is None:
        return whole.mean(v, axis, keepdims)
    if not v.size:
        raise ShapeError(f"average of {v.shape}: there is nothing")
    w = as_floating(weights, "average: weights")
    if w.shape != v.shape:
        w = _along_axis(w, v, axis)
    return whole.mean(v * w, axis, keepdims) / whole.mean(w, axis, keepdims)


def _along_axis(w: Variable, v: Variable, axis: Axes) -> Variable:
    """Weights for one axis, laid over the others."""
    if isinstance(axis, tuple) or axis is None or w.ndim != 1:
        raise ShapeError(
            f"average: x of shape {v.shape} needs weights of that shape, or of one axis and an "
            f"axis to lie along, got weights of shape {w.shape} and axis={axis}"
        )
    i = as_axis(axis, v.ndim, f"average of {v.shape}")
    if w.shape[0] != v.shape[i]:
        raise ShapeError(f"average: axis {i} of {v.shape} needs as many weights, got {w.shape}")
    return broadcast_to(w.reshape(-1, *[1] * (v.ndim - 1 - i)), v.shape)


def ptp(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Variable:
    """From peak to peak: the largest less the smallest over axes; arguments as in `max`."""
    v = as_variable(x, "ptp")
    return whole.max(v, axis, keepdims) - whole.min(v, axis, keepdims)


def count_nonzero(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Variable:
    """How many are not 0 over axes; NaN is not.

    Args:
        x: any shape and dtype.
        axis: one axis or several; None means all.
        keepdims: keep them, with length 1.
    Returns:
        Shape of ``x`` without those axes, int64. No gradient.
    Raises:
        RangeError: if there is no such axis, or one is named twice.
    """
    return whole.sum(NE(as_variable(x, "count_nonzero"), 0), axis, keepdims)


# -- without NaN ---------------------------------------------------------------------------------


def nansum(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Variable:
    """Sum over axes of what is not NaN; 0 where all is. Arguments as in `sum`.

    Example:
        >>> nansum([1.0, np.nan, 2.0])
        Variable(3., float64)
    """
    v = as_variable(x, "nansum")
    return whole.sum(where(ISNAN(v), 0, v), axis, keepdims)


def nanprod(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Variable:
    """Product over axes of what is not NaN; 1 where all is. Arguments as in `prod`."""
    v = as_variable(x, "nanprod")
    return whole.prod(where(ISNAN(v), 1, v), axis, keepdims)


def nanmean(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Variable:
    """Mean over axes of what is not NaN; NaN where all is, or there is nothing. As `mean`.

    Example:
        >>> nanmean([1.0, np.nan, 2.0])
        Variable(1.5, float64)
    """
    v = as_floating(x, "nanmean")
    return _mean_of_present(v, ISNAN(v), axis, keepdims)


def _mean_of_present(
    v: Variable, missing: Variable, axis: Axes, keepdims: bool, ddof: int = 0
) -> Variable:
    """The sum of what is there over its number less ``ddof``; NaN where that is not positive."""
    if v.dtype == np.float16:  # neither the sum nor the number may fit
        wide = _mean_of_present(v.astype(np.float32), missing, axis, keepdims, ddof)
        return wide.astype(np.float16)
    count = whole.sum(NOT(missing).astype(v.dtype), axis, keepdims) - ddof
    y = whole.sum(where(missing, 0, v), axis, keepdims) / where(count > 0, count, 1)
    return where(count > 0, y, np.nan)


def nanvar(x: ArrayLike, axis: Axes = None, keepdims: bool = False, ddof: int = 0) -> Variable:
    """Variance over axes of what is not NaN; NaN where ``ddof`` or fewer are. As `var`."""
    v = as_floating(x, "nanvar")
    missing = ISNAN(v)
    mean = _mean_of_present(v, missing, axis, True)
    apart = where(missing, 0, v) - where(missing, 0, mean)
    return _mean_of_present(apart**2, missing, axis, keepdims, ddof)


def nanstd(x: ArrayLike, axis: Axes = None, keepdims: bool = False, ddof: int = 0) -> Variable:
    """Standard deviation over axes of what is not NaN: the root of `nanvar`. As `std`."""
    y = nanvar(x, axis, keepdims, ddof)
    equal = y == 0
    return where(equal, 0, sqrt(where(equal, 1, y)))


def nanmax(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Variable:
    """Largest over axes of what is not NaN; NaN where all is. As `max`."""
    return _nanextreme(x, axis, keepdims, "nanmax")


def nanmin(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Variable:
    """Smallest over axes of what is not NaN; NaN where all is. As `min`."""
    return _nanextreme(x, axis, keepdims, "nanmin")


def _nanextreme(x: ArrayLike, axis: Axes, keepdims: bool, operation: str) -> Variable:
    v = as_floating(x, operation)
    missing = ISNAN(v)
    largest = operation == "nanmax"
    filled = where(missing, -np.inf if largest else np.inf, v)
    y = (whole.max if largest else whole.min)(filled, axis, keepdims)
    return where(whole.all(missing, axis, keepdims), np.nan, y)


# -- together ------------------------------------------------------------------------------------


def cov(x: ArrayLike, ddof: int = 1) -> Variable:
    """The covariances of variables: ``y[i, j] = Σ (x[i] - mean)(x[j] - mean) / (n - ddof)``.

    Args:
        x: (m, n) or (n,), real: one variable a row, one observation a column.
        ddof: 1 for an unbiased estimate, 0 for the covariance of these n numbers.
    Returns:
        (m, m) or (), the dtype of ``x``; float64 for integers.
    Raises:
        ShapeError: if ``x`` has neither one axis nor two.
        RangeError: if n is not above ``ddof``.
    Example:
        >>> cov([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]])
        Variable([[ 1., -1.],
                  [-1.,  1.]], float64)
    """
    v, less = as_floating(x, "cov"), as_integer(ddof, "cov: ddof")
    if v.ndim not in (1, 2):
        raise ShapeError(f"cov: x should be (m, n) or (n,), got {v.shape}")
    n = v.shape[-1]
    if n <= max(less, 0):
        raise RangeError(f"cov: ddof={less} needs more than {n} observations")
    rows = v.reshape(-1, n)
    centred = rows - whole.mean(rows, 1, True)
    y = centred @ centred.T / (n - less)
    return y if v.ndim == 2 else y.reshape(())


def corrcoef(x: ArrayLike) -> Variable:
    """The correlations of variables: ``y[i, j] = cov[i, j] / √(cov[i, i] cov[j, j])``.

    Args:
        x: (m, n) or (n,), real: one variable a row, n at least 2; none is constant.
    Returns:
        (m, m) or (), the dtype of ``x``; float64 for integers.
    Raises:
        ShapeError: if ``x`` has neither one axis nor two.
        RangeError: if n is below 2.
    """
    y = cov(x)
    if not y.ndim:
        return y / y
    places = np.arange(y.shape[0])
    spread = sqrt(get_item(y, (places, places)))
    return y / expand_dims(spread, 1) / spread


# -- lengths -------------------------------------------------------------------------------------


class Euclidean(Reduction):
    """``√Σ x²`` over axes. A primitive for range and for its derivative: squares of large numbers
    overflow, and √ has no derivative at 0, where that of the length is taken as 0.
    """

    def forward(self, x):
        return in_single(self.formula, x)

    def formula(self, x):
        top = np.abs(x).max(self.axis, keepdims=True)
        top = np.where((top == 0) | np.isinf(top), 1, top)
        y = np.sqrt(np.square(x / top).sum(self.axis, keepdims=True)) * top
        return y.reshape(self.shape)

    def backward(self, gy, x, y):
        none = y == 0
        direction = x / self.aligned(where(none, 1, y))
        return self.aligned(where(none, 0, gy)) * direction


def vector_norm(
    x: ArrayLike, ord: float = 2, axis: Axes = None, keepdims: bool = False
) -> Variable:
    """The length of vectors over axes: ``y = (Σ |x|**ord)**(1/ord)``.

    Args:
        x: any shape, real.
        ord: 2 for the usual length; any positive number; infinity for the largest ``|x|``, minus
            infinity for the smallest; 0 counts what is not 0, and has no gradient.
        axis: one axis or several; None means all.
        keepdims: keep them, with length 1.
    Returns:
        Shape of ``x`` without those axes, its dtype; float64 for integers. Nothing overflows. The
        derivative at 0, which does not exist, is taken as 0.
    Raises:
        RangeError: if there is no such axis, one is named twice, or ``ord`` is negative.
        ShapeError: if they are empty and ``ord`` is infinite.
    Example:
        >>> vector_norm([[3.0, 4.0], [0.0, 0.0]], axis=1)
        Variable([5., 0.], float64)
    """
    v = as_floating(x, "vector_norm")
    v = abs(v) if v.dtype.kind == "c" else v
    if ord in (np.inf, -np.inf):
        return (whole.max if ord > 0 else whole.min)(abs(v), axis, keepdims)
    if ord == 0:
        return whole.sum(NE(v, 0).astype(v.dtype), axis, keepdims)
    if not ord > 0:
        raise RangeError(f"vector_norm: ord should be positive, 0 or infinite, got {ord}")
    over = whole.over("vector_norm", Euclidean, v, axis, keepdims)
    if ord == 1 or not over.count:
        return whole.sum(abs(v), axis, keepdims)
    return over(v) if ord == 2 else _power_norm(v, ord, axis, keepdims)


def _power_norm(v: Variable, p: float, axis: Axes, keepdims: bool) -> Variable:
    """Of any order; the largest is taken out first, and cancels from the derivative."""
    size = abs(v)
    top = whole.max(size.detach(), axis, True)
    top = where((top == 0) | (top == np.inf), 1, top)
    part = size / top
    none = part == 0  # 0 ** p has an infinite derivative for p < 1
    total = whole.sum(where(none, 0, where(none, 1, part) ** p), axis, True)
    y = where(total == 0, 0, where(total == 0, 1, total) ** (1 / p)) * top
    return y if keepdims else whole.sum(y, axis)
