"""Reductions: sums, means, extremes over axes."""

from __future__ import annotations

from functools import lru_cache
from math import prod as product
from typing import TYPE_CHECKING, Any

from ..core import Function, Variable
from ..core.variable import Shape
from .compare import where
from .operand import as_axes, as_variable
from .shape import BroadcastTo, Reshape

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["sum", "mean", "max", "min"]


class Reduction(Function):
    """Over ``axis``. ``source`` is the shape of x: so x itself need not be kept."""

    axis: tuple[int, ...]
    keepdims: bool
    source: Shape

    @property
    def count(self) -> int:
        """How many numbers become one."""
        return product([self.source[i] for i in self.axis])

    def spread(self, y: Variable) -> Variable:
        """A result laid over what it was made from."""
        return BroadcastTo(self.source)(self.aligned(y))

    def aligned(self, y: Variable) -> Variable:
        """A result with the reduced axes in place, where broadcasting needs them."""
        if self.keepdims or self.axis == tuple(range(len(self.axis))):
            return y
        kept = tuple([1 if i in self.axis else n for i, n in enumerate(self.source)])
        return Reshape(kept, y.shape)(y)


class Sum(Reduction):
    """Sum over axes."""

    def forward(self, x):
        return x.sum(self.axis, keepdims=self.keepdims)

    def backward(self, gy):
        return self.spread(gy)


class Mean(Reduction):
    """Mean over axes. A primitive for precision: float16 is summed in float32."""

    def forward(self, x):
        return x.mean(self.axis, keepdims=self.keepdims)

    def backward(self, gy):
        return self.spread(gy / self.count)


class Extreme(Reduction):
    """Largest or smallest over axes; the gradient is shared by all that are equal to it."""

    largest: bool

    def forward(self, x):
        reduced = x.max if self.largest else x.min
        return reduced(self.axis, keepdims=self.keepdims)

    def backward(self, gy, x, y):
        top = self.aligned(y)
        # "not beaten" and not "equal": with a NaN, all share
        beaten = x < top if self.largest else x > top
        winners = self.count - beaten.sum(self.axis, keepdims=self.keepdims)
        return where(beaten, 0, self.aligned((gy / winners).astype(gy.dtype)))


@lru_cache(maxsize=4096)
def _over(kind: Any, axis: Any, keepdims: bool, source: Shape, *fields: Any) -> Function:
    """The operator; made once, as making it takes as long as applying it."""
    ndim = len(source)
    axes = tuple(range(ndim)) if axis is None else as_axes(axis, ndim, kind.__name__.lower())
    return kind(axes, keepdims, source, *fields)


def sum(x: ArrayLike, axis: Any = None, keepdims: bool = False) -> Variable:
    """Sum over axes.

    Args:
        x: any shape and dtype.
        axis: one axis or a tuple; None means all.
        keepdims: keep them, with length 1.
    Returns:
        Shape of ``x`` without those axes, its dtype (bools and small integers become int64).
    Raises:
        RangeError: if there is no such axis, or one is named twice.
    Example:
        >>> sum([[1.0, 2.0], [3.0, 4.0]], axis=1)
        Variable([3., 7.], float64)
    """
    v = as_variable(x, "sum")
    return _over(Sum, axis, keepdims, v.shape)(v)


def mean(x: ArrayLike, axis: Any = None, keepdims: bool = False) -> Variable:
    """Arithmetic mean over axes. Arguments as in `sum`; integers give float64."""
    v = as_variable(x, "mean")
    return _over(Mean, axis, keepdims, v.shape)(v)


def max(x: ArrayLike, axis: Any = None, keepdims: bool = False) -> Variable:
    """Largest over axes; NaN if one is. Arguments as in `sum`. Equal ones share the gradient."""
    v = as_variable(x, "max")
    return _over(Extreme, axis, keepdims, v.shape, True)(v)


def min(x: ArrayLike, axis: Any = None, keepdims: bool = False) -> Variable:
    """Smallest over axes, as `max`."""
    v = as_variable(x, "min")
    return _over(Extreme, axis, keepdims, v.shape, False)(v)


Variable.sum = sum
Variable.mean = mean
Variable.max = max
Variable.min = min
