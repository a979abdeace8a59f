"""What Layers are given, checked: sizes, dtypes, inputs; errors name the Layer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..arrays import DType, as_array, is_floating
from ..core import Variable
from ..errors import DTypeError, RangeError
from ..parameter import Parameter


def as_size(value: Any, what: str) -> int:
    """A length as a Python int; ``what`` is such as ``"Linear: out_size"``.

    Raises:
        RangeError: for anything but an integer of 1 or more.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise RangeError(f"{what} should be an integer of 1 or more, got {value!r}")
    return int(value)


def as_switch(value: Any, what: str) -> bool:
    """A bool.

    Raises:
        DTypeError: for anything else, such as a size in its place.
    """
    if not isinstance(value, (bool, np.bool_)):
        raise DTypeError(f"{what} should be True or False, got {value!r}")
    return bool(value)


def as_floating(dtype: Any, layer: str) -> DType:
    """A real floating dtype.

    Raises:
        DTypeError: for another.
    """
    chosen = np.dtype(dtype)
    if chosen.kind != "f":
        raise DTypeError(f"{layer}: dtype should be floating, got {chosen}")
    return chosen


def as_input(x: Any, dtype: DType, layer: str) -> Any:
    """``x`` in the dtype of the Layer: a Layer computes in its own.

    Raises:
        DTypeError: for complex numbers, or what is no array.
    """
    if not isinstance(x, Variable):
        x = as_array(x, f"{layer}: x")
    if x.dtype == dtype:
        return x
    if is_floating(x.dtype) and x.dtype.kind != dtype.kind:
        raise DTypeError(f"{layer}: x is {x.dtype} and the layer {dtype}; take x.real")
    return x.astype(dtype)


def as_number(value: Any, what: str) -> float:
    """A finite Python float.

    Raises:
        DTypeError: for what is no number.
        RangeError: for NaN and infinities.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise DTypeError(f"{what} should be a number, got {value!r}")
    if not np.isfinite(value):
        raise RangeError(f"{what} should be finite, got {value!r}")
    return float(value)


def as_share(value: Any, what: str) -> float:
    """A number in [0, 1].

    Raises:
        DTypeError: for what is no number.
        RangeError: for another number.
    """
    if isinstance(value, (int, float)) and not 0 <= value <= 1:  # NaN too
        raise RangeError(f"{what} should be from 0 to 1, got {value!r}")
    return as_number(value, what)


def as_choice(value: Any, choices: Iterable[str], what: str) -> str:
    """One of some words.

    Raises:
        RangeError: for another.
    """
    if value not in tuple(choices):
        raise RangeError(f"{what} should be one of {', '.join(choices)}, got {value!r}")
    return value


def is_lazy(W: Any) -> bool:
    """Whether a weight has no shape yet; what is computed from a Parameter has one."""
    return isinstance(W, Parameter) and W.state == "lazy"
