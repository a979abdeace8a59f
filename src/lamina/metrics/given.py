"""What metrics are given, made NumPy arrays and checked; errors name the metric."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array, as_array
from ..core import Variable
from ..errors import DTypeError, RangeError, ShapeError


def numbers(x: Any, what: str) -> Array:
    """``x`` as a NumPy array, wherever it was."""
    return (x if isinstance(x, Variable) else Variable(as_array(x, what))).numpy()


def real(x: Any, what: str) -> Array:
    """``x`` as float64, without NaN.

    Raises:
        DTypeError: if it is complex.
        RangeError: if there is a NaN: it is neither less nor more than anything.
    """
    array = numbers(x, what)
    if array.dtype.kind not in "fiub":
        raise DTypeError(f"{what} should be real, got {array.dtype}")
    wide = array.astype(np.float64)
    if np.isnan(wide).any():
        raise RangeError(f"{what} should be without NaN, got {int(np.isnan(wide).sum())} of them")
    return wide


def labels(t: Any, what: str, classes: int | None = None) -> Array:
    """``t`` as int64: integers or bools, none of them negative.

    Raises:
        DTypeError: if it holds others.
        RangeError: naming the first that is no class.
    """
    array = numbers(t, what)
    if array.dtype.kind not in "iub" and array.size:
        raise DTypeError(f"{what} should be integers, got {array.dtype}")
    whole = array.astype(np.int64)
    bad = (whole < 0) | (whole >= (np.inf if classes is None else classes))
    if bad.any():
        top = "0 or more" if classes is None else f"in 0..{classes - 1}"
        raise RangeError(f"{what} should be {top}, got {int(whole[bad][0])}")
    return whole


def predicted(y: Any, t: Any, name: str, classes: int | None = None) -> tuple[Array, Array]:
    """Predicted and true labels, flat. Scores, with classes as axis 1, become the best of them.

    Raises:
        ShapeError: if the shapes do not fit, or there are none.
        DTypeError: if labels are not integers.
        RangeError: naming the first label that is no class.
    """
    given, right = numbers(y, f"{name}: y"), labels(t, f"{name}: labels t", classes)
    if given.dtype.kind == "f" and given.ndim == right.ndim + 1:
        if given.shape[:1] + given.shape[2:] != right.shape or not given.shape[1]:
            raise _misfit(given, right, name)
        given = real(given, f"{name}: scores y").argmax(1)  # of equal ones the first
    if given.shape != right.shape:
        raise _misfit(given, right, name)
    filled(right, name)
    return labels(given, f"{name}: predictions y", classes).ravel(), right.ravel()


def _misfit(y: Array, t: Array, name: str) -> ShapeError:
    return ShapeError(
        f"{name}: y should have the shape of the labels t, or one axis more, axis 1, of scores, "
        f"got {y.shape} and {t.shape}"
    )


def paired(x: Any, t: Any, name: str) -> tuple[Array, Array]:
    """Two arrays of real numbers of one shape, not empty.

    Raises:
        ShapeError: if the shapes differ, or there is nothing.
        DTypeError: if one is complex.
        RangeError: if there is a NaN.
    """
    a, b = real(x, f"{name}: x"), real(t, f"{name}: t")
    if a.shape != b.shape:
        raise ShapeError(f"{name}: x and t should have one shape, got {a.shape} and {b.shape}")
    filled(a, name)
    return a, b


def filled(x: Array, name: str) -> None:
    """Raise ShapeError if there is nothing to judge."""
    if not x.size:
        raise ShapeError(f"{name}: there is nothing to judge, got shape {x.shape}")


def ratio(a: Array, b: Array, nothing: float = 0.0) -> Array:
    """``a / b``, but ``nothing`` where b is 0."""
    return np.divide(a, b, out=np.full(np.shape(b), nothing), where=np.asarray(b) != 0)
