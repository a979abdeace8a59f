"""Arithmetic of two operands, elementwise: + - * / ** % //, larger and smaller of two, casts.

Operands broadcast. A Python number takes the dtype of the array it meets; arrays promote each other
by NumPy's rules.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import DType
from ..core import Function, Variable
from ..core.function import NUMBERS
from ..errors import DTypeError
from .compare import Step, where
from .operand import as_variable, register

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "add",
    "sub",
    "mul",
    "div",
    "neg",
    "pos",
    "abs",
    "pow",
    "square",
    "reciprocal",
    "mod",
    "floordiv",
    "maximum",
    "minimum",
    "astype",
]


class Add(Function):
    """``a + b``."""

    def forward(self, a, b):
        return a + b

    def backward(self, gy):
        return gy, gy


def add(a: ArrayLike, b: ArrayLike) -> Variable:
    """Sum, elementwise: ``y = a + b``.

    Args:
        a: any shape and dtype.
        b: a shape that broadcasts with that of ``a``.
    Returns:
        The broadcast shape, the promoted dtype.
    Example:
        >>> add(Variable([1.0, 2.0]), 10)
        Variable([11., 12.], float64)
    """
    return ADD(a, b)


class Sub(Function):
    """``a - b``."""

    def forward(self, a, b):
        return a - b

    def backward(self, gy):
        return gy, lambda: -gy


def sub(a: ArrayLike, b: ArrayLike) -> Variable:
    """Difference, elementwise: ``y = a - b``. Arguments and result as in `add`."""
    return SUB(a, b)


class Mul(Function):
    """``a b``."""

    def forward(self, a, b):
        return a * b

    def backward(self, gy, a, b):
        return (lambda: gy * b), (lambda: gy * a)


class Scale(Function):
    """``c x``, or ``x / c``, with a Python number c. For speed and memory: unlike `Mul`,
    it does not keep x.
    """

    divide: bool = False

    def forward(self, x, c):
        return x / c if self.divide else x * c

    def backward(self, gy, c):
        return self(gy, c), None


def mul(a: ArrayLike, b: ArrayLike) -> Variable:
    """Product, elementwise: ``y = a b``. Arguments and result as in `add`."""
    return SCALE(a, b) if type(b) in NUMBERS else MUL(a, b)


class Div(Function):
    """``a / b``."""

    def forward(self, a, b):
        return a / b

    def backward(self, gy, b, y):
        ga = gy / b
        return ga, lambda: -ga * y


def div(a: ArrayLike, b: ArrayLike) -> Variable:
    """Quotient, elementwise: ``y = a / b``. Integers give floating numbers, as in Python.

    Arguments and shape as in `add`.

    Example:
        >>> div([1, 2, 3], 2)
        Variable([0.5, 1. , 1.5], float64)
    """
    return DIVIDE(a, b) if type(b) in NUMBERS else DIV(a, b)


class Neg(Function):
    """``-x``."""

    def forward(self, x):
        return -x

    def backward(self, gy):
        return -gy


def neg(x: ArrayLike) -> Variable:
    """Negative, elementwise: ``y = -x``.

    Args:
        x: any shape, any dtype but bool.
    Returns:
        Shape and dtype of ``x``.
    """
    return NEG(x)


class Pos(Function):
    """``+x``."""

    def forward(self, x):
        return +x

    def backward(self, gy):
        return gy


def pos(x: ArrayLike) -> Variable:
    """``y = +x``: a copy. Arguments and result as in `neg`."""
    return POS(x)


class Abs(Function):
    """``|x|``."""

    def forward(self, x):
        return np.abs(x)

    def backward(self, gy, x):
        return gy * SIGN(x)


class Modulus(Function):
    """``|x|`` of complex numbers."""

    def forward(self, x):
        return np.abs(x)

    def backward(self, gy, x, y):
        return gy * x.conj() / where(y == 0, 1, y)


def abs(x: ArrayLike) -> Variable:
    """Absolute value, elementwise: ``y = |x|``. The derivative at 0 is 0.

    Args:
        x: any shape and dtype.
    Returns:
        Shape and dtype of ``x``; of complex numbers the dtype of their parts.
    """
    if isinstance(x, Variable) and x.dtype.kind != "c":
        return ABS(x)
    v = as_variable(x, "abs")
    return MODULUS(v) if v.dtype.kind == "c" else ABS(v)


class Pow(Function):
    """``a ** b``: ∂a = b a**(b-1) and ∂b = y log a."""

    def forward(self, a, b):
        return a**b

    def backward(self, gy, a, b, y):
        return (lambda: gy * _by_base(a, b)), (lambda: gy * y * _log(a))


def _by_base(a: Any, b: Any) -> Variable:
    # 0 ** 0: without where, 0 * 0 ** -1 = NaN in place of 0
    return b * a ** where((a == 0) & (b == 0), 0, b - 1)


def _log(a: Any) -> Any:
    """Log a, but 0 for a = 0, so that y log a is its limit for b > 0."""
    if type(a) in NUMBERS:
        return math.log(a or 1) if a >= 0 else math.nan
    return LOG(where(a == 0, 1, a))


class Log(Function):
    """``log x``."""

    def forward(self, x):
        return np.log(x)

    def backward(self, gy, x):
        return gy / x


class Power(Function):
    """``x ** n`` with a Python number n. A primitive for speed and memory: unlike `Pow`, it keeps
    only x, and a derivative of a polynomial is a polynomial.
    """

    def forward(self, x, n):
        return x**n

    def backward(self, gy, x, n):
        if n == 0:
            return gy * 0, None
        if n == 1:
            return gy, None
        return gy * (n * (x if n == 2 else POWER(x, n - 1))), None


def pow(a: ArrayLike, b: ArrayLike) -> Variable:
    """Power, elementwise: ``y = a ** b``.

    Args:
        a: any shape and dtype. The derivative by ``b`` is NaN where a < 0.
        b: a shape that broadcasts. Cheapest as a Python number.
    Returns:
        The broadcast shape, the promoted dtype. ``0 ** 0`` is 1; its derivatives are taken as 0,
        as is the derivative of ``0 ** b`` by ``b``.
    Example:
        >>> x = Variable([3.0, 0.0])
        >>> (x**2).sum().backward()
        >>> x.grad
        Variable([6., 0.], float64)
    """
    return POWER(a, b) if type(b) in NUMBERS else POW(a, b)


def square(x: ArrayLike) -> Variable:
    """``y = x²``, elementwise, in shape and dtype of ``x``."""
    return POWER(x, 2)


def reciprocal(x: ArrayLike) -> Variable:
    """``y = 1 / x``, elementwise; integers give floating numbers, unlike `numpy.reciprocal`."""
    return DIV(1, x)


class Mod(Function):
    """``a % b = a - b floor(a / b)``."""

    def forward(self, a, b):
        return a % b

    def backward(self, gy, a, b):
        return gy, lambda: -gy * FLOORDIV(a, b)


def mod(a: ArrayLike, b: ArrayLike) -> Variable:
    """Remainder, elementwise: ``y = a - b floor(a / b)``, with the sign of ``b``.

    Arguments and result as in `add`. The derivatives are those between the jumps.
    """
    return MOD(a, b)


class FloorDiv(Function):
    """``floor(a / b)``; constant but for the jumps."""

    def forward(self, a, b):
        return a // b

    def backward(self, gy):
        return None, None


def floordiv(a: ArrayLike, b: ArrayLike) -> Variable:
    """Quotient rounded down, elementwise: ``y = floor(a / b)``. No gradient.

    Arguments and result as in `add`.
    """
    return FLOORDIV(a, b)


class Extremum(Function):
    """The larger, or the smaller, of two. The gradient goes where it came from; half of it to each
    where both are equal.
    """

    largest: bool

    def forward(self, a, b):
        return np.maximum(a, b) if self.largest else np.minimum(a, b)

    def backward(self, gy, a, b):
        wins, loses = (a > b, a < b) if self.largest else (a < b, a > b)
        half = where(wins | loses, 0, 0.5 * gy)
        return (lambda: where(wins, gy, half)), (lambda: where(loses, gy, half))


def maximum(a: ArrayLike, b: ArrayLike) -> Variable:
    """The larger of two, elementwise; NaN if one is.

    Arguments and result as in `add`. Where both are equal, each takes half of the gradient.

    Example:
        >>> maximum([1.0, 5.0], 3)
        Variable([3., 5.], float64)
    """
    return MAXIMUM(a, b)


def minimum(a: ArrayLike, b: ArrayLike) -> Variable:
    """The smaller of two, elementwise: as `maximum`."""
    return MINIMUM(a, b)


class AsType(Function):
    """The same numbers in ``dtype``. The walk casts the gradient back."""

    dtype: DType

    def forward(self, x):
        return x.astype(self.dtype)

    def backward(self, gy):
        return gy


def astype(x: ArrayLike, dtype: Any) -> Variable:
    """``x`` with its numbers in another dtype; differentiable between floating dtypes.

    Args:
        x: any shape and dtype.
        dtype: as `numpy.dtype` takes it.
    Returns:
        Shape of ``x``; a copy, also if it has that dtype already.
    Raises:
        DTypeError: if ``dtype`` does not hold numbers or bools.
    Example:
        >>> astype([1, 2], np.float32)
        Variable([1., 2.], float32)
    """
    v = as_variable(x, "astype")
    target = np.dtype(dtype)
    if target.kind not in "biufc":
        raise DTypeError(f"astype: dtype should hold numbers or bools, got {target}")
    return AsType(target)(v)


ADD, SUB, MUL, DIV, NEG, POS, ABS = Add(), Sub(), Mul(), Div(), Neg(), Pos(), Abs()
SCALE, DIVIDE = Scale(), Scale(divide=True)
SIGN = Step("sign")
POW, POWER, LOG, MOD, FLOORDIV = Pow(), Power(), Log(), Mod(), FloorDiv()
MODULUS = Modulus()
MAXIMUM, MINIMUM = Extremum(largest=True), Extremum(largest=False)


register(
    __add__=add,
    __radd__=add,
    __sub__=sub,
    __rsub__=lambda self, other: SUB(other, self),
    __mul__=mul,
    __rmul__=mul,
    __truediv__=div,
    __rtruediv__=lambda self, other: DIV(other, self),
    __floordiv__=floordiv,
    __rfloordiv__=lambda self, other: FLOORDIV(other, self),
    __mod__=mod,
    __rmod__=lambda self, other: MOD(other, self),
    __pow__=pow,
    __rpow__=lambda self, other: POW(other, self),
    __neg__=neg,
    __pos__=pos,
    __abs__=abs,
    astype=astype,
)
