"""What operators are given, made uniform: operands, axes, lengths; errors name the operation."""

from __future__ import annotations

from collections.abc import Iterable
from operator import index
from typing import Any

import numpy as np

from ..arrays import Array, as_array
from ..core.function import NUMBERS
from ..core.variable import Shape, Variable, result
from ..errors import DTypeError, RangeError


def as_variable(x: Any, operation: str) -> Variable:
    """``x`` if it is a Variable, else a constant around it."""
    return x if isinstance(x, Variable) else result(as_array(x, operation))


def as_floating(x: Any, operation: str) -> Variable:
    """``x`` as a Variable; integers and bools in float64."""
    v = as_variable(x, operation)
    return v.astype(np.float64) if v.dtype.kind in "biu" else v


def as_pair(a: Any, b: Any, operation: str) -> tuple[Variable, Variable]:
    """Two operands as Variables; a Python number takes the dtype in which it meets the other."""
    if type(a) in NUMBERS and type(b) not in NUMBERS:
        w, v = as_pair(b, a, operation)
        return v, w
    v = as_variable(a, operation)
    if type(b) in NUMBERS:
        b = beside(np.asarray(b, np.result_type(v.dtype, b)), v.data)
    return v, as_variable(b, operation)


def as_floating_pair(a: Any, b: Any, operation: str) -> tuple[Variable, Variable]:
    """`as_pair`, with integers and bools in float64."""
    wide_a, wide_b = [x if type(x) in NUMBERS else as_floating(x, operation) for x in (a, b)]
    v, w = as_pair(wide_a, wide_b, operation)
    return as_floating(v, operation), as_floating(w, operation)


def in_single(formula: Any, *xs: Any) -> Any:
    """``formula(*xs)``; of float16 in float32, for formulas of many steps."""
    if not all([x.dtype == np.float16 for x in xs]):
        return formula(*xs)
    y = formula(*[x.astype(np.float32) for x in xs])
    if isinstance(y, tuple):
        return tuple([part.astype(np.float16) for part in y])
    return y.astype(np.float16)


def register(**methods: Any) -> None:
    """Make functions methods of Variable, under these names."""
    for name, method in methods.items():
        setattr(Variable, name, method)


def beside(array: Array, x: Any) -> Any:
    """``array``, made by NumPy, as the kind of array that ``x`` is, on the same device.

    For an ``x`` that is not there yet it stays a constant of NumPy's.
    """
    if type(x) is np.ndarray or hasattr(x, "__hear__"):
        return array
    return np.asarray(array, like=x)


def as_integer(n: Any, what: str) -> int:
    """``n`` as a Python int.

    Raises:
        DTypeError: for anything but an integer.
    """
    try:
        return index(n)
    except TypeError:
        raise DTypeError(f"{what} should be an integer, got {n!r}") from None


def as_axis(axis: Any, ndim: int, operation: str) -> int:
    """``axis`` counted from the front.

    Raises:
        RangeError: if there is no such axis.
    """
    n = as_integer(axis, f"{operation}: axis")
    if not -ndim <= n < ndim:
        raise RangeError(f"{operation}: axis {n} is outside an array of {_count(ndim)}")
    return n + ndim if n < 0 else n


def as_axes(axes: Any, ndim: int, operation: str) -> tuple[int, ...]:
    """One axis or several, counted from the front.

    Raises:
        RangeError: if there is no such axis, or one is named twice.
    """
    given = tuple(axes) if isinstance(axes, Iterable) else (axes,)
    counted = tuple([as_axis(axis, ndim, operation) for axis in given])
    if len(set(counted)) != len(counted):
        raise RangeError(f"{operation}: axes {given} name one axis twice")
    return counted


def as_shape(shape: Any, operation: str) -> Shape:
    """Lengths as a tuple of ints; one length stands for a shape of one axis."""
    given = tuple(shape) if isinstance(shape, Iterable) else (shape,)
    return tuple([as_integer(n, f"{operation}: a length") for n in given])


def _count(ndim: int) -> str:
    return f"{ndim} axis" if ndim == 1 else f"{ndim} axes"
