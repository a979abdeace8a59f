"""What losses may be given: numbers in an interval, signs, floating numbers; checked by operators.

Operators and not lines of Python, so that a compiled program checks as well.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import Function, Variable
from ..errors import DTypeError, RangeError
from .operand import as_variable


class CheckBetween(Function):
    """The numbers themselves, once all are found to lie in [low, high]; NaN passes."""

    views = acts = True
    what: str
    low: float
    high: float
    hint: str = ""

    def forward(self, x):
        bad = (x < self.low) | (x > self.high)
        if bad.any():
            found = x.reshape(-1)[int(bad.argmax())].item()
            raise RangeError(f"{self.what} should be {self.interval}, got {found:.6g}{self.hint}")
        return x

    def backward(self, gx):
        return gx

    def spec(self, x):
        return x.shape, x.dtype

    @property
    def interval(self) -> str:
        """The interval in words."""
        if self.high == np.inf:
            return f"{self.low:g} or more"
        return f"from {self.low:g} to {self.high:g}"


class CheckSigns(Function):
    """The numbers themselves, once each is found to be -1 or 1."""

    views = acts = True
    operation: str

    def forward(self, t):
        bad = (t != 1) & (t != -1)
        if bad.any():
            raise RangeError(
                f"{self.operation}: labels t should be -1 or 1, got "
                f"{t.reshape(-1)[int(bad.argmax())].item():.6g}; 2 * t - 1 makes them of 0 and 1"
            )
        return t

    def backward(self, gt):
        return gt

    def spec(self, t):
        return t.shape, t.dtype


def probabilities(p: Variable, operation: str, hint: str = "") -> Variable:
    """``p``, of which each is in [0, 1].

    Raises:
        RangeError: naming the first that is not, when its number is there.
    """
    return CheckBetween(f"{operation}: probabilities", 0, 1, hint)(p)


def floating(x: Any, what: str) -> Variable:
    """``x`` as a Variable of floating numbers.

    Raises:
        DTypeError: if it holds others.
    """
    v = as_variable(x, what)
    if v.dtype.kind != "f":
        raise DTypeError(f"{what} should be floating, got {v.dtype}")
    return v


def signs(t: Any, like: Variable, operation: str) -> Variable:
    """``t``, of which each is -1 or 1, in the dtype of ``like``.

    Raises:
        RangeError: naming the first that is not, when its number is there.
    """
    v = CheckSigns(operation)(as_variable(t, operation))
    return v if v.dtype == like.dtype else v.astype(like.dtype)


def positive(value: Any, what: str) -> float:
    """``value`` as a float above 0.

    Raises:
        RangeError: if it is not.
    """
    if not value > 0:
        raise RangeError(f"{what} should be above 0, got {value!r}")
    return float(value)


def not_negative(value: Any, what: str) -> float:
    """``value`` as a float of 0 or more.

    Raises:
        RangeError: if it is not.
    """
    if not value >= 0:
        raise RangeError(f"{what} should be 0 or more, got {value!r}")
    return float(value)


def wide(x: Variable) -> Variable:
    """float16 as float32: its sums of squares overflow from 256 on."""
    return x.astype(np.float32) if x.dtype == np.float16 else x
