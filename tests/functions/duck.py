"""Duck: an array that is no NumPy array and cannot become one by accident; CuPy without a GPU.

It answers to NumPy's two protocols (NEP 13, NEP 18) and refuses ``__array__``. Like CuPy, it
refuses to meet a NumPy array in one operation, except where NumPy's ``like=`` asks it to make one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

METHODS = frozenset(
    "all any argmax argmin argsort astype clip conj copy cumprod cumsum diagonal dot fill flatten "
    "item max mean min nonzero prod ptp put ravel repeat reshape round searchsorted sort squeeze "
    "std sum swapaxes take tobytes tolist trace transpose var view T real imag flags strides "
    "nbytes itemsize".split()
)
"""What CuPy's arrays have as well."""

CREATION = (np.asarray, np.array, np.full, np.asanyarray, np.ascontiguousarray)
"""With ``like=`` they bring numbers from NumPy over."""


class Duck(NDArrayOperatorsMixin):
    """Wraps a NumPy array and shows it to no one."""

    def __init__(self, array: Any):
        self._array = np.asarray(array)

    shape = property(lambda self: self._array.shape)
    dtype = property(lambda self: self._array.dtype)
    ndim = property(lambda self: self._array.ndim)
    size = property(lambda self: self._array.size)
    base = property(lambda self: None if self._array.base is None else Duck(self._array.base))

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise TypeError("Duck: an operator made a NumPy array of it")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return _call(getattr(ufunc, method), inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func in CREATION:
            return Duck(func(*[_quietly(x) for x in args], **_opened(kwargs)))
        return _call(func, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        if name not in METHODS:
            raise AttributeError(f"Duck has no {name}, and CuPy's arrays have none either")
        value = getattr(self._array, name)
        if not callable(value):
            return _closed(value)
        return lambda *args, **kwargs: _call(value, args, kwargs)

    def __getitem__(self, index: Any) -> Any:
        return _closed(self._array[_opened(index)], scalars=True)

    def __setitem__(self, index: Any, value: Any) -> None:
        self._array[_opened(index)] = _opened(value)

    def __len__(self) -> int:
        return len(self._array)

    def __bool__(self) -> bool:
        return bool(self._array)

    def __float__(self) -> float:
        return float(self._array)

    def __int__(self) -> int:
        return int(self._array)

    def __repr__(self) -> str:
        return f"Duck({self._array!r})"


def _call(function: Any, args: Any, kwargs: Any) -> Any:
    result = function(*_opened(args), **_opened(kwargs))
    return _closed(result, scalars=getattr(function, "__name__", "") not in ("item", "tolist"))


def _opened(x: Any) -> Any:
    """The NumPy arrays inside, wherever they are; a bare one is refused."""
    if isinstance(x, Duck):
        return x._array
    if isinstance(x, np.ndarray) and x.ndim:
        raise TypeError(f"Duck: meets a NumPy array of shape {x.shape}")
    if isinstance(x, dict):
        return {key: _opened(value) for key, value in x.items()}
    if isinstance(x, (tuple, list)):
        return type(x)(_opened(item) for item in x)
    return x


def _quietly(x: Any) -> Any:
    return x if isinstance(x, np.ndarray) else _opened(x)


def _closed(x: Any, scalars: bool = False) -> Any:
    """Results are Ducks again; a NumPy number too, for CuPy gives an array of shape ()."""
    if isinstance(x, np.ndarray) or (scalars and isinstance(x, np.generic)):
        return Duck(x)
    kinds = (np.ndarray, np.generic) if scalars else np.ndarray
    if isinstance(x, (tuple, list)) and any(isinstance(item, kinds) for item in x):
        return tuple(Duck(item) for item in x)
    return x


def open_duck(x: Any) -> Any:
    """The NumPy array inside, for comparison in tests."""
    return x._array
