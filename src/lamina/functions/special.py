"""Elementwise mathematics with care for its edges: x log y, log(eᵃ + eᵇ), signs, angles, NaN."""

from __future__ import annotations

from math import log as ln
from math import pi
from typing import TYPE_CHECKING

import numpy as np

from ..core import Function, Variable
from ..errors import DTypeError, RangeError
from .activation import SIGMOID
from .arith import LOG, MAXIMUM, MINIMUM, SIGN
from .compare import ISINF, ISNAN, NOT, Step, clip, where
from .operand import as_floating, as_floating_pair, as_pair, as_variable
from .unary import EXP, EXP2, EXPM1, LOG1P, TRUNC

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "logaddexp",
    "logaddexp2",
    "xlogy",
    "xlog1py",
    "entr",
    "logit",
    "log1mexp",
    "copysign",
    "signbit",
    "heaviside",
    "nan_to_num",
    "fmod",
    "fmax",
    "fmin",
    "deg2rad",
    "rad2deg",
    "lerp",
    "isclose",
    "ldexp",
    "modf",
]


# -- logarithms ----------------------------------------------------------------------------------


class LogAddExp(Function):
    """``log(bᵃ + bᶜ) / log b`` for the base b. A primitive for stability: nothing overflows, and
    the shares of the gradient are sigmoids of the difference, exact for operands of any size.
    """

    base: float

    def forward(self, a, b):
        return np.logaddexp2(a, b) if self.base == 2 else np.logaddexp(a, b)

    def backward(self, gy, a, b):
        same = (a == b) & ISINF(a)  # their difference would be NaN
        ahead = (where(same, 0, a) - where(same, 0, b)) * ln(self.base)
        return (lambda: gy * SIGMOID(ahead)), (lambda: gy * SIGMOID(-ahead))


E, TWO = LogAddExp(np.e), LogAddExp(2.0)


def logaddexp(a: ArrayLike, b: ArrayLike) -> Variable:
    """The logarithm of a sum of exponentials, elementwise: ``y = log(e**a + e**b)``.

    `logsumexp` does the same over an axis.

    Args:
        a: any shape, floating, of any size.
        b: a shape that broadcasts with that of ``a``.
    Returns:
        The broadcast shape, the promoted dtype. Two equal infinities give that infinity.
    Example:
        >>> logaddexp([1000.0, 0.0], [1000.0, 0.0])
        Variable([1.00069315e+03, 6.93147181e-01], float64)
    """
    return E(a, b)


def logaddexp2(a: ArrayLike, b: ArrayLike) -> Variable:
    """``y = log₂(2**a + 2**b)``, elementwise; arguments and result as in `logaddexp`."""
    return TWO(a, b)


def xlogy(x: ArrayLike, y: ArrayLike) -> Variable:
    """``x log y``, elementwise, and 0 where ``x`` is 0, also for ``y = 0``.

    Args:
        x: any shape, floating.
        y: a shape that broadcasts with that of ``x``; not negative, unless ``x`` is 0.
    Returns:
        The broadcast shape, the promoted dtype; NaN where ``y`` is. The derivative by ``x`` is
        ``log y``, taken as 0 where ``x`` and ``y`` are both 0.
    Example:
        >>> xlogy([0.0, 2.0], [0.0, 1.0])
        Variable([0., 0.], float64)
    """
    v, w = as_floating_pair(x, y, "xlogy")
    idle = (v == 0) & ((w <= 0) | ISINF(w))
    return v * LOG(where(idle, 1, w))


def xlog1py(x: ArrayLike, y: ArrayLike) -> Variable:
    """``x log(1 + y)``, elementwise, exact for small ``y``, and 0 where ``x`` is 0: as `xlogy`."""
    v, w = as_floating_pair(x, y, "xlog1py")
    idle = (v == 0) & ((w <= -1) | ISINF(w))
    return v * LOG1P(where(idle, 0, w))


def entr(x: ArrayLike) -> Variable:
    """What one outcome of probability ``x`` adds to the entropy, elementwise: ``y = -x log x``.

    Args:
        x: any shape, floating.
    Returns:
        Shape and dtype of ``x``; 0 at 0, and minus infinity below. The derivative at 0, which is
        infinite, is taken as 0.
    """
    v = as_floating(x, "entr")
    return where(v < 0, -np.inf, -xlogy(v, where(v < 0, 1, v)))


def logit(x: ArrayLike, eps: float | None = None) -> Variable:
    """The inverse of `sigmoid`, elementwise: ``y = log(x / (1 - x))``.

    Args:
        x: any shape, floating, in [0, 1]: at the ends the result is infinite, outside NaN.
        eps: brings ``x`` into [eps, 1 - eps] first; 0 to 0.5.
    Returns:
        Shape and dtype of ``x``.
    Raises:
        RangeError: if ``eps`` is outside 0..0.5.
    Example:
        >>> logit([0.5, 0.9])
        Variable([0.        , 2.19722458], float64)
    """
    v = as_floating(x, "logit")
    if eps is not None:
        if not 0 <= eps <= 0.5:
            raise RangeError(f"logit: eps should be 0..0.5, got {eps}")
        v = clip(v, eps, 1 - eps)
    return LOG(v) - LOG1P(-v)


def log1mexp(x: ArrayLike) -> Variable:
    """The logarithm of a complement, elementwise: ``y = log(1 - e**x)`` for negative ``x``.

    Args:
        x: any shape, floating, below 0: at 0 the result is minus infinity, above it NaN.
    Returns:
        Shape and dtype of ``x``, not above 0; exact for small and for large ``|x|``.
    Source:
        M. Mächler, "Accurately Computing log(1 - exp(-|a|))", 2012.
    Example:
        >>> log1mexp([-1e-10, -50.0])
        Variable([-2.30258509e+01, -1.92874985e-22], float64)
    """
    v = as_floating(x, "log1mexp")
    near = v > -ln(2)
    close = LOG(-EXPM1(where(near, v, -1)))
    return where(near, close, LOG1P(-EXP(where(near, -1, v))))


# -- signs and jumps -----------------------------------------------------------------------------

SIGNBIT = Step("signbit")


def signbit(x: ArrayLike) -> Variable:
    """Which elements have a minus sign, -0.0 among them: bool, in the shape of ``x``.

    Args:
        x: any shape, real.
    Returns:
        Shape of ``x``, bool.
    """
    return SIGNBIT(as_floating(x, "signbit"))


def copysign(a: ArrayLike, b: ArrayLike) -> Variable:
    """The size of ``a`` with the sign of ``b``, elementwise.

    Args:
        a: any shape, floating.
        b: a shape that broadcasts with that of ``a``, real; -0.0 is negative. It gets no gradient.
    Returns:
        The broadcast shape, the promoted dtype. The derivative at ``a = 0`` is 0, as of `abs`.
    Example:
        >>> copysign([1.0, -2.0], [-0.0, 3.0])
        Variable([-1.,  2.], float64)
    """
    v, w = as_floating_pair(a, b, "copysign")
    size = abs(v.astype(np.result_type(v.dtype, w.dtype)))
    return where(SIGNBIT(w), -size, size)


def heaviside(x: ArrayLike, at_zero: ArrayLike) -> Variable:
    """A step, elementwise: 0 for x < 0, 1 for x > 0, ``at_zero`` at 0; NaN for NaN.

    Args:
        x: any shape, floating. It gets no gradient.
        at_zero: a shape that broadcasts with that of ``x``.
    Returns:
        The broadcast shape, the promoted dtype.
    Example:
        >>> heaviside([-1.0, 0.0, 2.0], 0.5)
        Variable([0. , 0.5, 1. ], float64)
    """
    v, middle = as_floating_pair(x, at_zero, "heaviside")
    return where(v == 0, middle, (SIGN(v) + 1) * 0.5)


def nan_to_num(
    x: ArrayLike, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Variable:
    """NaN and infinities replaced by numbers, elementwise.

    Args:
        x: any shape, floating.
        nan: for NaN.
        posinf: for infinity; None means the largest number of the dtype.
        neginf: for minus infinity; None means the smallest.
    Returns:
        Shape and dtype of ``x``. No gradient passes where something was replaced.
    Example:
        >>> nan_to_num([1.0, np.nan, np.inf], posinf=9.0)
        Variable([1., 0., 9.], float64)
    """
    v = as_floating(x, "nan_to_num")
    if v.dtype.kind != "f":
        raise DTypeError(f"nan_to_num: x should be real, got {v.dtype}")
    info = np.finfo(v.dtype)
    high = float(info.max) if posinf is None else posinf
    low = float(info.min) if neginf is None else neginf
    y = where(v == np.inf, high, where(v == -np.inf, low, v))
    return where(ISNAN(v), nan, y)


class Fmod(Function):
    """``a - b trunc(a / b)``. A primitive for precision: the product would round."""

    def forward(self, a, b):
        return np.fmod(a, b)

    def backward(self, gy, a, b):
        return gy, lambda: -gy * TRUNC(a / b)


def fmod(a: ArrayLike, b: ArrayLike) -> Variable:
    """The remainder of a division that rounds towards 0, elementwise: ``y = a - b trunc(a / b)``.

    It has the sign of ``a``, as in C; `mod` has that of ``b``, as in Python.

    Args:
        a: any shape and real dtype.
        b: a shape that broadcasts with that of ``a``; not 0.
    Returns:
        The broadcast shape, the promoted dtype. The derivatives are those between the jumps.
    Example:
        >>> fmod([-5.0, 5.0], 3.0)
        Variable([-2.,  2.], float64)
    """
    return Fmod()(a, b)


def fmax(a: ArrayLike, b: ArrayLike) -> Variable:
    """The larger of two, elementwise, and the other one where one is NaN: else as `maximum`."""
    v, w = as_floating_pair(a, b, "fmax")
    return MAXIMUM(where(ISNAN(v), w, v), where(ISNAN(w), v, w))


def fmin(a: ArrayLike, b: ArrayLike) -> Variable:
    """The smaller of two, elementwise, and the other one where one is NaN: else as `minimum`."""
    v, w = as_floating_pair(a, b, "fmin")
    return MINIMUM(where(ISNAN(v), w, v), where(ISNAN(w), v, w))


def isclose(
    a: ArrayLike, b: ArrayLike, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Variable:
    """Which elements are nearly equal: ``|a - b| <= atol + rtol |b|``. No gradient.

    Args:
        a: any shape, floating.
        b: a shape that broadcasts with that of ``a``.
        rtol: the difference allowed, relative to ``b``.
        atol: that allowed beside it.
        equal_nan: whether NaN is close to NaN.
    Returns:
        The broadcast shape, bool. Infinities are close only to themselves.
    Raises:
        RangeError: if a tolerance is negative.
    """
    if not (rtol >= 0 and atol >= 0):
        raise RangeError(f"isclose: tolerances should be 0 or more, got rtol={rtol}, atol={atol}")
    v, w = as_floating_pair(a, b, "isclose")
    apart = ISINF(v) | ISINF(w)
    v_there, w_there = where(apart, 0, v), where(apart, 0, w)
    near = abs(v_there - w_there) <= abs(w_there) * rtol + atol
    close = (v == w) | (near & NOT(apart))
    return close | (ISNAN(v) & ISNAN(w)) if equal_nan else close


# -- angles and lines ----------------------------------------------------------------------------


def deg2rad(x: ArrayLike) -> Variable:
    """Degrees in radians, elementwise: ``y = π x / 180``, in shape and dtype of ``x``."""
    return as_floating(x, "deg2rad") * (pi / 180)


def rad2deg(x: ArrayLike) -> Variable:
    """Radians in degrees, elementwise: ``y = 180 x / π``, in shape and dtype of ``x``."""
    return as_floating(x, "rad2deg") * (180 / pi)


def lerp(a: ArrayLike, b: ArrayLike, weight: ArrayLike) -> Variable:
    """Between two, elementwise: ``y = a + weight (b - a)``; from the nearer end, so that both ends
    are exact.

    Args:
        a: any shape, floating: the result for weight 0.
        b: a shape that broadcasts with that of ``a``: the result for weight 1.
        weight: a number, or an array that broadcasts with both.
    Returns:
        The broadcast shape, the promoted dtype.
    Example:
        >>> lerp([0.0, 10.0], [1.0, 20.0], 0.5)
        Variable([ 0.5, 15. ], float64)
    """
    v, w = as_floating_pair(a, b, "lerp")
    way = w - v
    way, share = as_pair(way, weight, "lerp")
    return where(share < 0.5, v + way * share, w - way * (1 - share))


def ldexp(x: ArrayLike, n: ArrayLike) -> Variable:
    """``x`` times a power of two, elementwise: ``y = x 2**n``.

    Args:
        x: any shape, floating.
        n: whole numbers; a shape that broadcasts with that of ``x``. It gets no gradient.
    Returns:
        The broadcast shape, the dtype of ``x``.
    Raises:
        DTypeError: if ``n`` does not hold integers.
    """
    v, w = as_floating(x, "ldexp"), as_variable(n, "ldexp: n")
    if w.dtype.kind not in "iu":
        raise DTypeError(f"ldexp: n should hold integers, got {w.dtype}")
    return v * EXP2(w.astype(v.dtype))


def modf(x: ArrayLike) -> tuple[Variable, Variable]:
    """What stands behind the point, and what before it, elementwise; both with the sign of ``x``.

    Args:
        x: any shape, floating.
    Returns:
        Two of shape and dtype of ``x``: ``x - trunc(x)``, whose derivative is 1, and ``trunc(x)``,
        which has none.
    Example:
        >>> modf(-1.5)[0]
        Variable(-0.5, float64)
    """
    v = as_floating(x, "modf")
    finite = where(ISINF(v), 0, v)
    return copysign(finite - TRUNC(finite), v), TRUNC(v)
