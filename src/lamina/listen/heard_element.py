"""NumPy's elementwise functions that are no ufuncs, those that make arrays, and those that ask."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from .heard import emit, heard, values
from .heard_index import counted
from .heard_shape import reshaped
from .ir import Program, Value
from .place import trace_error


@heard(np.where)
def _where(condition: Any, x: Any = None, y: Any = None) -> Any:
    if x is None or y is None:
        raise trace_error(
            "np.where: with a condition only, the length of the result depends on numbers",
            "use lamina.where(condition, a, b)",
        )
    return emit("where", condition, x, y)


@heard(np.clip)
def _clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    low, high = (min if a_min is None else a_min), (max if a_max is None else a_max)
    if low is None and high is None:
        return emit("copy", a)
    y = a if low is None else np.maximum(a, low)
    return y if high is None else np.minimum(y, high)


@heard(np.round, np.around)
def _round(a: Any, decimals: int = 0) -> Any:
    if a.dtype.kind in "iu" and decimals >= 0:
        return emit("copy", a)
    if not decimals or a.dtype.kind not in "fc":
        return np.rint(a)
    scale = 10.0 ** abs(decimals)
    before, after = (np.multiply, np.divide) if decimals > 0 else (np.divide, np.multiply)
    return after(np.rint(before(a, scale)), scale)


@heard(np.nan_to_num)
def _nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    if x.dtype.kind != "f":
        return emit("copy", x)
    finite = np.finfo(x.dtype)
    kind = x.dtype.type
    x = np.where(np.isnan(x), kind(nan), x)
    x = np.where(np.equal(x, np.inf), kind(finite.max if posinf is None else posinf), x)
    return np.where(np.equal(x, -np.inf), kind(finite.min if neginf is None else neginf), x)


@heard(np.copy)
def _copy(a: Any) -> Any:
    return emit("copy", a)


@heard(np.real)
def _real(val: Any) -> Any:
    if val.dtype.kind == "c":
        raise trace_error("np.real: complex numbers are not heard", "compute the parts apart")
    return val


# -- from nothing --------------------------------------------------------------------------------


@heard(np.full, like=True)
def _full(shape: Any, fill_value: Any, dtype: Any = None, *, program: Program) -> Any:
    shape = tuple(shape) if np.ndim(shape) else (int(shape),)
    if not isinstance(fill_value, Value) and np.ndim(fill_value) == 0:
        number = np.asarray(fill_value, dtype)
        return program.emit("full", shape=shape, value=number.item(), dtype=number.dtype)
    filling = fill_value if isinstance(fill_value, Value) else program.capture(fill_value)
    wanted = filling.dtype if dtype is None else dtype
    return np.broadcast_to(filling.astype(wanted, copy=False), shape)


def _filled(number: int, shape: Any, dtype: Any = float, *, program: Program) -> Any:
    return _full(shape, number, np.float64 if dtype is None else dtype, program=program)


heard(np.zeros, np.empty, like=True)(partial(_filled, 0))
heard(np.ones, like=True)(partial(_filled, 1))


@heard(np.full_like)
def _full_like(a: Any, fill_value: Any, dtype: Any = None, *, shape: Any = None) -> Any:
    program = values(a, fill_value)[0].program if isinstance(a, Value) else fill_value.program
    wanted = a.dtype if dtype is None else dtype
    return _full(a.shape if shape is None else shape, fill_value, wanted, program=program)


def _filled_like(number: int, a: Any, dtype: Any = None, *, shape: Any = None) -> Any:
    return _full_like(a, number, dtype, shape=shape)


heard(np.zeros_like, np.empty_like)(partial(_filled_like, 0))
heard(np.ones_like)(partial(_filled_like, 1))


@heard(np.arange, like=True)
def _arange(
    start: Any, stop: Any = None, step: Any = 1, dtype: Any = None, *, program: Program
) -> Any:
    if stop is None:
        start, stop = 0 * start, start
    empty: Any = np.arange(start, start + 0 * stop, step, dtype=dtype)  # to ask for the dtype
    return program.emit("arange", start=start, stop=stop, step=step, dtype=empty.dtype)


@heard(np.eye, like=True)
def _eye(N: int, M: int | None = None, k: int = 0, dtype: Any = float, *, program: Program) -> Any:
    zero = program.emit("full", shape=(), value=0, dtype=np.dtype(np.intp))
    rows = reshaped(counted(zero, k, N + k), (N, 1))
    return np.equal(rows, counted(zero, 0, N if M is None else M)).astype(dtype, copy=False)


@heard(np.asarray, np.array, np.asanyarray, np.ascontiguousarray, like=True)
def _asarray(a: Any, dtype: Any = None, *, copy: Any = None, program: Program) -> Any:
    if isinstance(a, Value):
        return a.astype(a.dtype if dtype is None else dtype, copy=False)
    return program.capture(np.asarray(a, dtype))


# -- questions -----------------------------------------------------------------------------------


@heard(np.shape)
def _shape(a: Any) -> tuple[int, ...]:
    return a.shape


@heard(np.ndim)
def _ndim(a: Any) -> int:
    return a.ndim


@heard(np.size)
def _size(a: Any, axis: int | None = None) -> int:
    return a.size if axis is None else a.shape[axis]


@heard(np.result_type)
def _result_type(*arrays_and_dtypes: Any) -> Any:
    return np.result_type(*[x.dtype if isinstance(x, Value) else x for x in arrays_and_dtypes])


@heard(np.iscomplexobj)
def _iscomplexobj(x: Any) -> bool:
    return x.dtype.kind == "c"


@heard(np.isrealobj)
def _isrealobj(x: Any) -> bool:
    return x.dtype.kind != "c"
