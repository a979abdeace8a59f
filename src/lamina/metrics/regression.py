"""Predicted numbers against true ones: errors, and how much of the spread is explained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import ShapeError
from .given import paired

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def mean_squared_error(x: ArrayLike, t: ArrayLike) -> float:
    """``mean((x - t)²)`` over all elements, in float64.

    Args:
        x: any shape, real: predictions.
        t: the same shape, real.
    Returns:
        0 or more.
    Raises:
        ShapeError: if the shapes differ, or there is nothing.
        DTypeError: if one is complex.
        RangeError: if there is a NaN.
    Example:
        >>> mean_squared_error([1.0, 2.0], [1.0, 4.0])
        2.0
    """
    a, b = paired(x, t, "mean_squared_error")
    return float(((a - b) ** 2).mean())


def root_mean_squared_error(x: ArrayLike, t: ArrayLike) -> float:
    """``√mean((x - t)²)``: the root of `mean_squared_error`, whose words hold here."""
    a, b = paired(x, t, "root_mean_squared_error")
    return float(np.sqrt(((a - b) ** 2).mean()))


def mean_absolute_error(x: ArrayLike, t: ArrayLike) -> float:
    """``mean(|x - t|)``; as `mean_squared_error` otherwise."""
    a, b = paired(x, t, "mean_absolute_error")
    return float(np.abs(a - b).mean())


def median_absolute_error(x: ArrayLike, t: ArrayLike) -> float:
    """The median of ``|x - t|``; as `mean_squared_error` otherwise."""
    a, b = paired(x, t, "median_absolute_error")
    return float(np.median(np.abs(a - b)))


def max_error(x: ArrayLike, t: ArrayLike) -> float:
    """The largest ``|x - t|``; as `mean_squared_error` otherwise."""
    a, b = paired(x, t, "max_error")
    return float(np.abs(a - b).max())


def mean_absolute_percentage_error(x: ArrayLike, t: ArrayLike) -> float:
    """``mean(|x - t| / |t|)``, a share and no percentage.

    Where t is 0 the epsilon of float64 stands for it, and the error is large. As
    `mean_squared_error` otherwise.

    Example:
        >>> mean_absolute_percentage_error([1.0, 3.0], [2.0, 4.0])
        0.375
    """
    a, b = paired(x, t, "mean_absolute_percentage_error")
    return float((np.abs(a - b) / np.maximum(np.abs(b), np.finfo(np.float64).eps)).mean())


def r2(x: ArrayLike, t: ArrayLike) -> float:
    """How much of the spread of ``t`` is explained: ``1 - Σ (x - t)² / Σ (t - mean)²``. Also called
    the coefficient of determination.

    Args:
        x: (n,), or (n, outputs): predictions, real.
        t: the same shape, real, two samples or more.
    Returns:
        1 if all is explained, 0 for the mean, less for what is worse; of several outputs the mean.
        Where ``t`` is constant it is 1 for perfect predictions, and else 0.
    Raises:
        ShapeError: if the shapes differ or are others, or there are less than two samples.
        DTypeError: if one is complex.
        RangeError: if there is a NaN.
    Source:
        S. Wright, "Correlation and Causation", 1921; for constant t as in scikit-learn.
    Example:
        >>> r2([1.0, 2.0, 4.0], [1.0, 2.0, 3.0])
        0.5
    """
    a, b = paired(x, t, "r2")
    if a.ndim not in (1, 2) or len(a) < 2:
        raise ShapeError(
            f"r2: x should be (n,) or (n, outputs), of two samples or more, got {a.shape}"
        )
    left, spread = ((a - b) ** 2).sum(0), ((b - b.mean(0)) ** 2).sum(0)
    explained = 1 - left / np.where(spread == 0, 1, spread)
    return float(np.where(spread == 0, left == 0, explained).mean())
