"""Products of matrices: matmul, linear."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Function, Variable
from ..core.variable import Shape
from ..errors import ShapeError
from .operand import as_variable, register
from .substitute import substitute

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["matmul", "linear"]


class MatMul(Function):
    """``a @ b`` of stacks of matrices, either transposed first (its last two axes).

    With the fields, the products that are its gradients are of the same class, and one operator.
    """

    left: bool = False
    right: bool = False

    def forward(self, a, b):
        try:
            return _product(_turned(a, self.left), _turned(b, self.right))
        except ValueError:
            raise self.misfit(a, b) from None

    def backward(self, gy, a, b):
        return (lambda: self.left_gradient(gy, b)), (lambda: self.right_gradient(gy, a, b))

    def left_gradient(self, gy, b):
        if self.left:
            return PRODUCTS[self.right, True](b, gy)
        return PRODUCTS[False, not self.right](gy, b)

    def right_gradient(self, gy, a, b):
        if b.ndim == 2 and gy.ndim > 2 and not self.left and gy.ndim == a.ndim:
            a, gy = _rows(a), _rows(gy)  # one product in place of a stack that is summed
        if self.right:
            return PRODUCTS[True, self.left](gy, a)
        return PRODUCTS[not self.left, False](a, gy)

    def misfit(self, a, b):
        return _misfit(_turned_shape(a.shape, self.left), _turned_shape(b.shape, self.right))


PRODUCTS = {(left, right): MatMul(left, right) for left in (False, True) for right in (False, True)}
"""The four of them, made once."""


MANY = 1 << 20
"""Multiply-adds from which faster code for a product is asked for. From there on OpenBLAS 0.3.31
uses two threads, which spin for 0.1 s and more after it and take a core from native code."""


def _faster(function: Function, a: Any, b: Any, *bias: Any) -> Any:
    """A large product, or ``a @ b + bias``, from faster code; None if NumPy is to compute it."""
    if type(a) is not np.ndarray or a.size * b.shape[-1] < MANY:
        return None
    if len(b.shape) != 2:
        return substitute(function, a, b, *bias, least=0)
    found = substitute(function, a.reshape(-1, a.shape[-1]), b, *bias, least=0)
    return None if found is None else found.reshape(a.shape[:-1] + b.shape[1:])


def _product(a: Any, b: Any) -> Any:
    found = _faster(PRODUCTS[False, False], a, b)
    if found is not None:
        return found
    if len(a.shape) == 2 or len(b.shape) != 2:
        return np.matmul(a, b)
    # one large product is faster than a stack of small ones
    flat = np.matmul(a.reshape(prod(a.shape[:-1]), a.shape[-1]), b)
    return flat.reshape(a.shape[:-1] + b.shape[1:])


def _turned(a: Any, yes: bool) -> Any:
    return a.swapaxes(-1, -2) if yes else a


def _turned_shape(shape: Shape, yes: bool) -> Shape:
    return (*shape[:-2], shape[-1], shape[-2]) if yes else shape


def _misfit(a: Shape, b: Shape) -> ShapeError:
    k, k2 = a[-1], b[0] if len(b) == 1 else b[-2]
    if k != k2:
        return ShapeError(f"matmul: {a} @ {b}, inner lengths {k} and {k2} differ")
    return ShapeError(f"matmul: {a} @ {b}, leading axes {a[:-2]} and {b[:-2]} do not broadcast")


def _rows(v: Variable) -> Variable:
    return v if v.ndim == 2 else v.reshape(prod(v.shape[:-1]), v.shape[-1])


def matmul(a: ArrayLike, b: ArrayLike) -> Variable:
    """Product of matrices, ``y[..., i, j] = sum_k a[..., i, k] b[..., k, j]``: `numpy.matmul`.

    Args:
        a: (..., m, k), or (k,).
        b: (..., k, n), or (k,). Leading axes broadcast.
    Returns:
        (..., m, n); without m if ``a`` has one axis, without n if ``b`` has.
    Raises:
        ShapeError: if the inner lengths differ, the leading axes do not broadcast, or an operand
            is a single number.
    Example:
        >>> matmul([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0])
        Variable([3., 7.], float64)
    """
    a, b = as_variable(a, "matmul"), as_variable(b, "matmul")
    m, n = a.ndim, b.ndim
    if m > 1 and n > 1:
        return PRODUCTS[False, False](a, b)
    if not (m and n):
        raise ShapeError(f"matmul: {a.shape} @ {b.shape}, a single number; use * in place of @")
    if a.shape[-1] != b.shape[0 if n == 1 else -2]:
        raise _misfit(a.shape, b.shape)
    row = a.reshape(1, a.size) if m == 1 else a
    column = b.reshape(b.size, 1) if n == 1 else b
    y = PRODUCTS[False, False](row, column)
    return y.reshape(
        y.shape[:-2] + (a.shape[-2:-1] if m > 1 else ()) + (b.shape[-1:] if n > 1 else ())
    )


LEADING = tuple([tuple(range(n - 1)) for n in range(65)])
"""All axes but the last, by their number; NumPy has at most 64."""


class Linear(Function):
    """``y = x W + b``, for any leading axes of ``x``; ``b`` may be None.

    One operator for speed: one pass over ``y`` and one node in place of two.
    """

    def forward(self, x, W, b):
        _check(x, W, b)
        found = None if b is None else _faster(LINEAR, x, W, b)
        if found is not None:
            return found
        y = _product(x, W)
        if b is None:
            return y
        # in place where nothing but the sum itself can notice
        return np.add(y, b, out=y) if type(y) is np.ndarray and y.dtype == b.dtype else y + b

    def backward(self, gy, x, W, b):
        gb = None if b is None else lambda: gy.sum(LEADING[gy.ndim])
        return (
            (lambda: self.x_gradient(gy, W)),
            (lambda: PRODUCTS[True, False](_rows(x), _rows(gy))),
            gb,
        )

    def x_gradient(self, gy, W):
        if gy.ndim > 1:
            return PRODUCTS[False, True](gy, W)
        return PRODUCTS[False, True](_rows(gy), W).reshape(W.shape[0])


def _check(x: Any, W: Any, b: Any) -> None:
    if b is not None and len(W.shape) == 2 and W.shape == x.shape[-1:] + b.shape:
        return  # as nearly always: one comparison
    if len(W.shape) != 2:
        raise ShapeError(f"linear: W should have shape (in, out), got {W.shape}")
    if x.shape[-1:] != W.shape[:1]:
        got = x.shape[-1] if x.shape else "a single number"
        raise ShapeError(
            f"linear: last axis of x should be {W.shape[0]} (W is {W.shape}), got {got}"
            f" (x is {x.shape})"
        )
    if b is not None and b.shape != W.shape[1:]:
        raise ShapeError(
            f"linear: b should have shape {W.shape[1:]} (W is {W.shape}), got {b.shape}"
        )


def linear(x: ArrayLike, W: ArrayLike, b: ArrayLike | None = None) -> Variable:
    """An affine map of the last axis, ``y = x W + b``.

    Args:
        x: (..., in), floating.
        W: (in, out), floating.
        b: (out,), floating, or None.
    Returns:
        (..., out).
    Raises:
        ShapeError: if the last axis of ``x`` is not ``in``, or W or b have other shapes.
    Example:
        >>> linear([1.0, 2.0], [[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]], [0.0, 0.0, 0.5])
        Variable([1. , 2. , 3.5], float64)
    """
    if not isinstance(x, Variable):
        x = as_variable(x, "linear")
    if not isinstance(W, Variable):
        W = as_variable(W, "linear")
    return LINEAR(x, W, b)


LINEAR = Linear()


register(__matmul__=matmul, __rmatmul__=lambda self, other: matmul(other, self))
