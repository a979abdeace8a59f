"""Operators that draw random numbers: dropout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import random
from ..config import current
from ..core import Function, Variable
from ..errors import DTypeError, RangeError
from .operand import as_variable, beside

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["dropout"]


class KeepMask(Function):
    """0 with probability ``ratio``, else 1 / (1 - ratio), independently for each element of x.

    A kernel, as random numbers are no formula. They come from the stream ``"dropout"``.
    """

    ratio: float

    def forward(self, x):
        drawn = random.draw("dropout").random(x.shape, np.float32)  # k / 2**24 in [0, 1)
        kept = (drawn >= self.ratio).astype(x.dtype)
        if self.ratio < 1:
            kept *= 1 / (1 - self.ratio)
        return beside(kept, x)

    def backward(self, gy):
        return None

    def spec(self, x):
        return x.shape, x.dtype


def dropout(x: ArrayLike, ratio: float = 0.5) -> Variable:
    """Elements set to zero at random while training, the others multiplied by 1 / (1 - ratio).

    The scale keeps the expected value, so that nothing is left to do for prediction.

    Args:
        x: any shape, floating.
        ratio: the probability of zero, in [0, 1].
    Returns:
        Shape and dtype of ``x``; ``x`` itself with ``using(train=False)`` or a ratio of 0.
    Raises:
        RangeError: if ``ratio`` is outside [0, 1].
        DTypeError: if ``x`` is not floating.
    Source:
        N. Srivastava and others, "Dropout: A Simple Way to Prevent Neural Networks from
        Overfitting", 2014; with the scale in training ("inverted"), as in PyTorch and Chainer.
    Example:
        >>> from lamina.config import test_mode
        >>> with test_mode():
        ...     dropout([1.0, 2.0], 0.5)
        Variable([1., 2.], float64)
    """
    v = as_variable(x, "dropout")
    if not 0 <= ratio <= 1:
        raise RangeError(f"dropout: ratio should be from 0 to 1, got {ratio!r}")
    if v.dtype.kind != "f":
        raise DTypeError(f"dropout: x should be floating, got {v.dtype}")
    if ratio == 0 or not current().train:
        return v
    return v * KeepMask(float(ratio))(v.data)
