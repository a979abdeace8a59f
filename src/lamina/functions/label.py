"""Class labels: their check, and one-hot vectors made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import DType
from ..config import current
from ..core import Function, Variable
from ..errors import DTypeError, RangeError
from .operand import as_integer, as_variable, beside

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["one_hot"]


class CheckLabels(Function):
    """The labels themselves, once all are found to lie in 0..classes - 1, or to be ``ignore``.

    An operator and not a line of Python, so that a compiled program checks as well.
    """

    views = acts = True
    classes: int
    ignore: int | None
    operation: str

    def forward(self, t):
        bad = (t < 0) | (t >= self.classes)
        if self.ignore is not None:
            bad = bad & (t != self.ignore)
        if bad.any():
            raise self.found(t, bad)
        return t

    def backward(self, gt):
        return None

    def spec(self, t):
        return t.shape, t.dtype

    def found(self, t: Any, bad: Any) -> RangeError:
        """The error that names the first bad label."""
        place = tuple([int(i) for i in np.unravel_index(int(bad.argmax()), t.shape)])
        label = int(t[place])
        hint = "labels count from 0"
        if label < 0:
            hint = f"ignore_index={label} leaves such samples out"
        at = f" at {place[0] if len(place) == 1 else place}" if place else ""
        return RangeError(
            f"{self.operation}: label {label}{at} is outside 0..{self.classes - 1} "
            f"({self.classes} classes); {hint}"
        )


def check_labels(t: Variable, classes: int, ignore: int | None, operation: str) -> Variable:
    """``t``, of integers, each of which is a class or ``ignore``.

    Raises:
        DTypeError: if ``t`` does not hold integers.
        RangeError: naming the first label that is no class, and its place.
    """
    if t.dtype.kind not in "iu":
        raise DTypeError(
            f"{operation}: labels should be integers, got {t.dtype}; convert them with astype(int)"
        )
    return CheckLabels(classes, ignore, operation)(t)


class OneHot(Function):
    """A last axis of zeros, but 1 at the label; for a label that is no class only zeros."""

    classes: int
    dtype: DType

    def forward(self, t):
        numbers = beside(np.arange(self.classes), t)
        return (t.reshape((*t.shape, 1)) == numbers).astype(self.dtype)

    def backward(self, gy):
        return None


def one_hot(t: ArrayLike, classes: int, dtype: Any = None) -> Variable:
    """Vectors of zeros with a 1 at the label.

    Args:
        t: any shape, integers in 0..classes - 1.
        classes: how many there are.
        dtype: of the result; None means ``current().dtype``.
    Returns:
        The shape of ``t`` with one more axis at its end, of length ``classes``. No gradient.
    Raises:
        DTypeError: if ``t`` does not hold integers.
        RangeError: if a label is no class; or ``classes`` is negative.
    Example:
        >>> one_hot([2, 0], 3)
        Variable([[0., 0., 1.],
                  [1., 0., 0.]], float32)
    """
    count = as_integer(classes, "one_hot: classes")
    if count < 0:
        raise RangeError(f"one_hot: classes should be 0 or more, got {count}")
    chosen = current().dtype if dtype is None else np.dtype(dtype)
    labels = check_labels(as_variable(t, "one_hot"), count, None, "one_hot")
    return OneHot(count, chosen)(labels)
