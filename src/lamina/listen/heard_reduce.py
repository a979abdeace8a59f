"""NumPy's functions along axes: sum, max, mean, var, argmax, cumsum, sort, ..."""

from __future__ import annotations

from functools import partial
from math import prod
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from .heard import emit, heard
from .heard_shape import reshaped
from .place import trace_error


def _axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """The axes meant, counted from the front, in order; None means all."""
    return tuple(range(ndim)) if axis is None else tuple(sorted(normalize_axis_tuple(axis, ndim)))


def _reduce(
    opcode: str, a: Any, axis: Any = None, dtype: Any = None, *, keepdims: Any = False
) -> Any:
    named = {} if dtype is None else {"dtype": np.dtype(dtype)}
    return emit(opcode, a, axis=_axes(axis, a.ndim), keepdims=bool(keepdims), **named)


def _choose(opcode: str, a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    return _reduce(opcode, a, axis, keepdims=keepdims)


heard(np.sum)(partial(_reduce, "sum"))
heard(np.prod)(partial(_reduce, "prod"))
heard(np.max, np.amax)(partial(_choose, "max"))
heard(np.min, np.amin)(partial(_choose, "min"))
heard(np.any)(partial(_choose, "any"))
heard(np.all)(partial(_choose, "all"))


@heard(np.count_nonzero)
def _count_nonzero(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    return _reduce("sum", np.not_equal(a, 0), axis, np.intp, keepdims=keepdims)


@heard(np.mean)
def _mean(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: Any = False) -> Any:
    wide = _sum_dtype(a, dtype)
    kept = a.dtype if dtype is None and wide is None else wide
    if dtype is None and a.dtype == np.float16:
        wide = np.float32
    total = _reduce("sum", a, axis, wide, keepdims=keepdims)
    return _divided(total, _count(a, axis)).astype(kept, copy=False)


@heard(np.var)
def _var(
    a: Any, axis: Any = None, dtype: Any = None, *, ddof: Any = 0, keepdims: Any = False
) -> Any:
    if a.dtype.kind == "c":
        raise trace_error("np.var: complex numbers are not heard", "np.mean of squares is")
    wide, count = _sum_dtype(a, dtype), _count(a, axis)
    d = a - _divided(_reduce("sum", a, axis, wide, keepdims=True), count)
    total = _reduce("sum", np.square(d), axis, wide, keepdims=keepdims)
    return _divided(total, max(count - ddof, 0))


def _count(a: Any, axis: Any) -> int:
    return prod([a.shape[i] for i in _axes(axis, a.ndim)])


def _sum_dtype(a: Any, dtype: Any) -> Any:
    """The dtype in which NumPy sums for a mean; None: that of ``a``."""
    return np.float64 if dtype is None and a.dtype.kind in "biu" else dtype


def _divided(total: Any, count: Any) -> Any:
    """``total / count`` in the dtype of ``total``, rounded as NumPy does."""
    if total.dtype.type(count) == count:
        return np.divide(total, count)
    return np.divide(total, np.float64(count)).astype(total.dtype)  # not exact in a short float


@heard(np.std)
def _std(
    a: Any, axis: Any = None, dtype: Any = None, *, ddof: Any = 0, keepdims: Any = False
) -> Any:
    return np.sqrt(_var(a, axis, dtype, ddof=ddof, keepdims=keepdims))


def _arg(opcode: str, a: Any, axis: int | None = None, *, keepdims: Any = False) -> Any:
    if axis is None:
        place = emit(opcode, reshaped(a, (a.size,)), axis=0, keepdims=False)
        return reshaped(place, (1,) * a.ndim) if keepdims else place
    return emit(opcode, a, axis=normalize_axis_index(axis, a.ndim), keepdims=bool(keepdims))


heard(np.argmax)(partial(_arg, "argmax"))
heard(np.argmin)(partial(_arg, "argmin"))


def _accumulate(opcode: str, a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    if axis is None:
        a, axis = reshaped(a, (a.size,)), 0
    named = {} if dtype is None else {"dtype": np.dtype(dtype)}
    return emit(opcode, a, axis=normalize_axis_index(axis, a.ndim), **named)


heard(np.cumsum)(partial(_accumulate, "cumsum"))
heard(np.cumprod)(partial(_accumulate, "cumprod"))


def _order(
    opcode: str, a: Any, axis: int | None = -1, kind: Any = None, *, stable: Any = None
) -> Any:
    if axis is None:
        a, axis = reshaped(a, (a.size,)), 0
    kind = "stable" if stable else kind
    named = {} if kind is None else {"kind": kind}
    return emit(opcode, a, axis=normalize_axis_index(axis, a.ndim), **named)


heard(np.sort)(partial(_order, "sort"))
heard(np.argsort)(partial(_order, "argsort"))


@heard(np.diff)
def _diff(a: Any, n: int = 1, axis: int = -1) -> Any:
    axis = normalize_axis_index(axis, a.ndim)
    subtract = np.not_equal if a.dtype == bool else np.subtract
    for _ in range(n):
        before = (slice(None),) * axis
        a = subtract(a[(*before, slice(1, None))], a[(*before, slice(None, -1))])
    return a
