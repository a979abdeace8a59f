"""Reductions over axes: sums, means, variances, products, extremes and where they are."""

from __future__ import annotations

from functools import lru_cache
from math import prod as product
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from ..core import Function, Variable
from ..core.variable import Shape, result
from ..errors import RangeError, ShapeError
from .compare import where
from .operand import as_axes, as_axis, as_variable, register
from .shape import BroadcastTo, Reshape, moveaxis
from .unary import exp, sqrt

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "sum",
    "mean",
    "var",
    "std",
    "max",
    "min",
    "prod",
    "logsumexp",
    "argmax",
    "argmin",
    "all",
    "any",
]

Axes: TypeAlias = int | tuple[int, ...] | None


class Reduction(Function):
    """Over ``axis``. ``source`` is the shape of x: so x itself need not be kept."""

    axis: tuple[int, ...]
    keepdims: bool
    source: Shape

    @property
    def count(self) -> int:
        """How many numbers become one."""
        return product([self.source[i] for i in self.axis])

    @property
    def shape(self) -> Shape:
        """The result's."""
        lengths = [1 if i in self.axis else n for i, n in enumerate(self.source)]
        return tuple([n for i, n in enumerate(lengths) if self.keepdims or i not in self.axis])

    def spread(self, y: Variable) -> Variable:
        """A result laid over what it was made from."""
        return BroadcastTo(self.source)(self.aligned(y))

    def aligned(self, y: Variable) -> Variable:
        """A result with the reduced axes in place, where broadcasting needs them."""
        if self.keepdims or self.axis == tuple(range(len(self.axis))):
            return y
        kept = tuple([1 if i in self.axis else n for i, n in enumerate(self.source)])
        return Reshape(kept, y.shape)(y)


def over(operation: str, kind: type, v: Variable, axis: Axes, keepdims: bool, *fields: Any) -> Any:
    """The operator ``kind`` for this shape and these axes."""
    if type(axis) is list:
        axis = tuple(axis)
    if type(axis) is tuple and {*map(type, axis)} != {int}:
        axis = as_axes(axis, v.ndim, f"{operation} of {v.shape}")  # (0, 1.0) equals (0, 1)
    return _made(operation, kind, axis, keepdims, v.shape, *fields)


@lru_cache(maxsize=4096, typed=True)  # to make an operator takes as long as to apply it
def _made(
    operation: str, kind: type, axis: Axes, keepdims: bool, source: Shape, *fields: Any
) -> Any:
    ndim = len(source)
    axes = tuple(range(ndim)) if axis is None else as_axes(axis, ndim, f"{operation} of {source}")
    return kind(axes, keepdims, source, *fields)


def _filled(operator: Reduction, operation: str) -> Reduction:
    """For what is not defined on nothing."""
    if not operator.count:
        raise ShapeError(
            f"{operation} of {operator.source}: over axes {operator.axis} there is nothing"
        )
    return operator


class Sum(Reduction):
    """Sum over axes."""

    def forward(self, x):
        return x.sum(self.axis, keepdims=self.keepdims)

    def backward(self, gy):
        return self.spread(gy)


def sum(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Variable:
    """Sum over axes.

    Args:
        x: any shape and dtype.
        axis: one axis or several; None means all.
        keepdims: keep them, with length 1.
    Returns:
        Shape of ``x`` without those axes, its dtype; bools and small integers become int64. 0 for
        an empty axis.
    Raises:
        RangeError: if there is no such axis, or one is named twice.
    Example:
        >>> sum([[1.0, 2.0], [3.0, 4.0]], axis=1)
        Variable([3., 7.], float64)
    """
    v = as_variable(x, "sum")
    return over("sum", Sum, v, axis, keepdims)(v)


class Mean(Reduction):
    """Mean over axes. A primitive for precision: float16 is summed in float32."""

    def forward(self, x):
        return x.mean(self.axis, keepdims=self.keepdims)

    def backward(self, gy):
        return self.spread(gy * (1.0 / self.count))


def mean(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Variable:
    """Arithmetic mean over axes.

    Args:
        x: any shape and dtype.
        axis: one axis or several; None means all.
        keepdims: keep them, with length 1.
    Returns:
        Shape of ``x`` without those axes, its dtype; float64 for integers.
    Raises:
        RangeError: if there is no such axis, or one is named twice.
        ShapeError: if they are empty (NumPy gives NaN and a warning).
    Example:
        >>> mean([[1.0, 2.0], [3.0, 4.0]], axis=0)
        Variable([2., 3.], float64)
    """
    v = as_variable(x, "mean")
    return _filled(over("mean", Mean, v, axis, keepdims), "mean")(v)


def var(x: ArrayLike, axis: Axes = None, keepdims: bool = False, ddof: int = 0) -> Variable:
    """Variance over axes: ``y = Σ (x - mean)² / (n - ddof)``.

    Args:
        x: any shape and real dtype.
        axis: one axis or several; None means all.
        keepdims: keep them, with length 1.
        ddof: 0 for the variance of these n numbers (as NumPy), 1 for an unbiased estimate of that
            of what they were drawn from (as PyTorch).
    Returns:
        Shape of ``x`` without those axes, its dtype; float64 for integers.
    Raises:
        RangeError: if there is no such axis, one is named twice, or n is not above ``ddof``.
        ShapeError: if they are empty.
    Example:
        >>> var([1.0, 2.0, 3.0], ddof=1)
        Variable(1., float64)
    """
    return _variance("var", as_variable(x, "var"), axis, keepdims, ddof)


def _variance(operation: str, v: Variable, axis: Axes, keepdims: bool, ddof: int) -> Variable:
    each = _filled(over(operation, Mean, v, axis, True), operation)
    if each.count <= ddof:
        raise RangeError(f"{operation}: ddof={ddof} needs more than {each.count} numbers")
    # the mean and not the sum of squares, which would overflow in float16
    y = over(operation, Mean, v, axis, keepdims)((v - each(v)) ** 2)
    return y * (each.count / (each.count - ddof)) if ddof else y


def std(x: ArrayLike, axis: Axes = None, keepdims: bool = False, ddof: int = 0) -> Variable:
    """Standard deviation over axes: ``y = √var``.

    Arguments, result and errors as in `var`. Where all numbers are equal the derivative, which
    does not exist, is taken as 0.

    Example:
        >>> std([1.0, 1.0, 3.0, 3.0])
        Variable(1., float64)
    """
    y = _variance("std", as_variable(x, "std"), axis, keepdims, ddof)
    equal = y == 0
    return where(equal, 0, sqrt(where(equal, 1, y)))


class Extreme(Reduction):
    """Largest or smallest over axes; all that are equal to it share the gradient."""

    largest: bool

    def forward(self, x):
        reduced = x.max if self.largest else x.min
        return reduced(self.axis, keepdims=self.keepdims)

    def backward(self, gy, x, y):
        top = self.aligned(y)
        # beaten, and not unequal: if there is a NaN, all share
        beaten = x < top if self.largest else x > top
        winners = self.count - beaten.sum(self.axis, keepdims=self.keepdims)
        return where(beaten, 0, self.aligned((gy / winners).astype(gy.dtype)))


def max(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Variable:
    """Largest over axes.

    Args:
        x: any shape and real dtype.
        axis: one axis or several; None means all.
        keepdims: keep them, with length 1.
    Returns:
        Shape of ``x`` without those axes, its dtype; NaN if there is one. The gradient goes to the
        largest; several that are equal share it equally.
    Raises:
        RangeError: if there is no such axis, or one is named twice.
        ShapeError: if they are empty.
    Example:
        >>> x = Variable([1.0, 3.0, 3.0])
        >>> max(x).backward()
        >>> x.grad
        Variable([0. , 0.5, 0.5], float64)
    """
    v = as_variable(x, "max")
    return _filled(over("max", Extreme, v, axis, keepdims, True), "max")(v)


def min(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Variable:
    """Smallest over axes, as `max`."""
    v = as_variable(x, "min")
    return _filled(over("min", Extreme, v, axis, keepdims, False), "min")(v)


def prod(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Variable:
    """Product over axes, made by halves: so derivatives of every order are right where there are
    zeros, which ``y / x`` would not be.

    Args:
        x: any shape and dtype.
        axis: one axis or several; None means all.
        keepdims: keep them, with length 1.
    Returns:
        Shape of ``x`` without those axes, its dtype; bools and small integers become int64. 1 for
        an empty axis.
    Raises:
        RangeError: if there is no such axis, or one is named twice.
    Example:
        >>> x = Variable([2.0, 0.0, 5.0])
        >>> prod(x).backward()
        >>> x.grad
        Variable([ 0., 10.,  0.], float64)
    """
    v = as_variable(x, "prod")
    if v.dtype.kind in "biu":
        v = v.astype(np.ones(0, v.dtype).prod().dtype)
    product_over = over("prod", Sum, v, axis, keepdims)
    y = moveaxis(v, product_over.axis, tuple(range(len(product_over.axis))))
    y = y.reshape(product_over.count, *y.shape[len(product_over.axis) :])
    return _halved(y).reshape(product_over.shape)


def _halved(v: Variable) -> Variable:
    """The product over the first axis: of its first half with its second, again and again."""
    n = v.shape[0]
    if not n:
        return result(np.ones(v.shape[1:], v.dtype, like=v.data))
    y = None  # what had no partner
    while n > 1:
        if n % 2:
            y = v[n - 1] if y is None else y * v[n - 1]
        n //= 2
        v = v[:n] * v[n : 2 * n]
    return v[0] if y is None else y * v[0]


class LogSumExp(Reduction):
    """``log Σ e**x`` over axes. A primitive for stability: the largest is taken out first."""

    def forward(self, x):
        top = x.max(self.axis, keepdims=True)
        top = np.where(np.isfinite(top), top, 0)
        total = np.exp(x - top).sum(self.axis, keepdims=self.keepdims)
        # 0 if all are minus infinity: then so is the result, and that is no reason to warn
        y = np.log(np.where(total == 0, 1, total)) + top.reshape(total.shape)
        return np.where(total == 0, -np.inf, y)

    def backward(self, gy, x, y):
        top = y.detach()  # cancels from the shares, but for its rounding
        share = exp(x - self.aligned(where(top == -np.inf, 0, top)))
        total = share.sum(self.axis, keepdims=True)
        return self.aligned(gy) * (share / where(total == 0, 1, total))


def logsumexp(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Variable:
    """``y = log Σ e**x`` over axes, for ``x`` of any size.

    Args:
        x: any shape, floating.
        axis: one axis or several; None means all.
        keepdims: keep them, with length 1.
    Returns:
        Shape of ``x`` without those axes, its dtype. Minus infinity, with derivatives 0, where all
        ``x`` are.
    Raises:
        RangeError: if there is no such axis, or one is named twice.
        ShapeError: if they are empty.
    Example:
        >>> logsumexp([1000.0, 1000.0])
        Variable(1000.69314718, float64)
    """
    v = as_variable(x, "logsumexp")
    return _filled(over("logsumexp", LogSumExp, v, axis, keepdims), "logsumexp")(v)


class Place(Function):
    """Where the largest or the smallest is; the first of equals."""

    largest: bool
    axis: int | None
    keepdims: bool

    def forward(self, x):
        place = np.argmax if self.largest else np.argmin
        return place(x, axis=self.axis, keepdims=self.keepdims)

    def backward(self, gy):
        return None


def argmax(x: ArrayLike, axis: int | None = None, keepdims: bool = False) -> Variable:
    """Where the largest is: the first of equals, or the first NaN.

    Args:
        x: any shape and real dtype.
        axis: along which; None means: in ``x`` flattened.
        keepdims: keep that axis, or all, with length 1.
    Returns:
        Shape of ``x`` without that axis, int64.
    Raises:
        RangeError: if there is no such axis.
        ShapeError: if it is empty.
    Example:
        >>> argmax([[1.0, 5.0, 5.0], [7.0, 0.0, 2.0]], axis=1)
        Variable([1, 0], int64)
    """
    return _place("argmax", True, as_variable(x, "argmax"), axis, keepdims)


def argmin(x: ArrayLike, axis: int | None = None, keepdims: bool = False) -> Variable:
    """Where the smallest is, as `argmax`."""
    return _place("argmin", False, as_variable(x, "argmin"), axis, keepdims)


def _place(
    operation: str, largest: bool, v: Variable, axis: int | None, keepdims: bool
) -> Variable:
    if axis is not None:
        axis = as_axis(axis, v.ndim, f"{operation} of {v.shape}")
    _filled(over(operation, Sum, v, axis, keepdims), operation)
    return Place(largest, axis, keepdims)(v)


class Holds(Reduction):
    """Whether all, or any, are true."""

    every: bool

    def forward(self, x):
        return (np.all if self.every else np.any)(x, axis=self.axis, keepdims=self.keepdims)

    def backward(self, gy):
        return None


def all(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Variable:
    """Whether all are true (or not 0) over axes; True for an empty axis.

    Args:
        x: any shape and dtype.
        axis: one axis or several; None means all.
        keepdims: keep them, with length 1.
    Returns:
        Shape of ``x`` without those axes, bool.
    Raises:
        RangeError: if there is no such axis, or one is named twice.
    """
    v = as_variable(x, "all")
    return over("all", Holds, v, axis, keepdims, True)(v)


def any(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Variable:
    """Whether at least one is true (or not 0) over axes, as `all`; False for an empty axis."""
    v = as_variable(x, "any")
    return over("any", Holds, v, axis, keepdims, False)(v)


register(
    sum=sum,
    mean=mean,
    var=var,
    std=std,
    max=max,
    min=min,
    prod=prod,
    argmax=argmax,
    argmin=argmin,
    all=all,
    any=any,
)
