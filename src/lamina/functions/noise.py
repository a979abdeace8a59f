"""Noise that is added, or that multiplies, while training: the family of dropout."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import random
from ..config import current
from ..core import Function, Variable
from ..errors import RangeError, ShapeError
from .bound import floating, not_negative
from .operand import as_variable, beside
from .rectifier import SELU_ALPHA, SELU_SCALE
from .sample import draw

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "dropout",
    "channel_dropout",
    "alpha_dropout",
    "drop_path",
    "gaussian_dropout",
    "gaussian_noise",
]


class KeepMask(Function):
    """0 with probability ``ratio``, else 1 / (1 - ratio), independently for each element of x.

    A kernel, as random numbers are no formula. They come from the stream ``"dropout"``.
    """

    acts = True
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
    v = _checked(x, ratio, "dropout")
    if ratio == 0 or not current().train:
        return v
    return v * KeepMask(float(ratio))(v.data)


def _checked(x: Any, ratio: Any, name: str) -> Variable:
    v = as_variable(x, name)
    if not 0 <= ratio <= 1:
        raise RangeError(f"{name}: ratio should be from 0 to 1, got {ratio!r}")
    return floating(v, f"{name}: x")


def _kept(shape: tuple[int, ...], ratio: float, x: Variable, stream: str) -> Variable:
    """0 with probability ``ratio``, else 1, in the dtype of ``x``."""
    return (draw("uniform", stream, shape, np.float32, x.data) >= ratio).astype(x.dtype)


def _scaled(v: Variable, shape: tuple[int, ...], ratio: float, stream: str) -> Variable:
    """``v`` with whole parts of it set to zero: one decision for each number of ``shape``."""
    if ratio == 0 or not current().train:
        return v
    kept = _kept(shape, ratio, v, stream)
    return v * (kept if ratio == 1 else kept * (1 / (1 - ratio)))


def channel_dropout(x: ArrayLike, ratio: float = 0.5) -> Variable:
    """`dropout` of whole channels: neighbours in an image know of one another, and one lost among
    them is no loss. PyTorch's Dropout1d, 2d and 3d.

    Args:
        x: (n, channels, ...), floating.
        ratio: the probability of zero, in [0, 1].
    Returns:
        Shape and dtype of ``x``; ``x`` itself with ``using(train=False)`` or a ratio of 0.
    Raises:
        ShapeError: if ``x`` has no axis 1.
        RangeError: if ``ratio`` is outside [0, 1].
        DTypeError: if ``x`` is not floating.
    Source:
        J. Tompson and others, "Efficient Object Localization Using Convolutional Networks", 2015.
    Example:
        >>> y = channel_dropout(np.ones((1, 50, 7)))
        >>> bool((y.data == y.data[..., :1]).all())
        True
    """
    v = _checked(x, ratio, "channel_dropout")
    if v.ndim < 2:
        raise ShapeError(f"channel_dropout: x should be (n, channels, ...), got {v.shape}")
    shape = (*v.shape[:2], *[1] * (v.ndim - 2))
    return _scaled(v, shape, float(ratio), "channel_dropout")


def drop_path(x: ArrayLike, ratio: float = 0.5) -> Variable:
    """`dropout` of whole samples: in a residual branch, some of them skip it. Stochastic depth.

    Args:
        x: (n, ...), floating: what a branch gave.
        ratio: the probability of zero, in [0, 1].
    Returns:
        Shape and dtype of ``x``; ``x`` itself with ``using(train=False)`` or a ratio of 0.
    Raises:
        ShapeError: if ``x`` has no axis.
        RangeError: if ``ratio`` is outside [0, 1].
        DTypeError: if ``x`` is not floating.
    Source:
        G. Huang and others, "Deep Networks with Stochastic Depth", 2016; with the scale
        in training.
    Example:
        >>> y = drop_path(np.ones((50, 7)))
        >>> bool((y.data == y.data[:, :1]).all())
        True
    """
    v = _checked(x, ratio, "drop_path")
    if not v.ndim:
        raise ShapeError("drop_path: x should be (n, ...), got shape ()")
    return _scaled(v, (v.shape[0], *[1] * (v.ndim - 1)), float(ratio), "drop_path")


FLOOR = -SELU_SCALE * SELU_ALPHA
"""The limit of `selu` towards minus infinity, ``-scale alpha``: what is dropped becomes this."""


def alpha_dropout(x: ArrayLike, ratio: float = 0.5) -> Variable:
    """`dropout` behind `selu`: elements set to its lower limit, and all then scaled and shifted, so
    that mean 0 and variance 1 remain.

    ``y = a (x kept + limit (1 - kept)) + b`` with ``a = 1 / √((1 - ratio) (1 + ratio limit²))`` and
    ``b = -a ratio limit``.

    Args:
        x: any shape, floating.
        ratio: the probability of the limit, in [0, 1).
    Returns:
        Shape and dtype of ``x``; ``x`` itself with ``using(train=False)`` or a ratio of 0.
    Raises:
        RangeError: if ``ratio`` is outside [0, 1).
        DTypeError: if ``x`` is not floating.
    Source:
        G. Klambauer and others, "Self-Normalizing Neural Networks", 2017.
    Example:
        >>> alpha_dropout([1.0, 2.0], 0)
        Variable([1., 2.], float64)
    """
    v = _checked(x, ratio, "alpha_dropout")
    if ratio == 1:
        raise RangeError("alpha_dropout: ratio should be below 1, got 1: no variance would remain")
    if ratio == 0 or not current().train:
        return v
    kept = _kept(v.shape, float(ratio), v, "alpha_dropout")
    scale = 1 / sqrt((1 - ratio) * (1 + ratio * FLOOR * FLOOR))
    dropped = (1 - kept) * (scale * FLOOR)
    return v * kept * scale + dropped - scale * ratio * FLOOR


def gaussian_dropout(x: ArrayLike, ratio: float = 0.5) -> Variable:
    """Elements multiplied by noise of mean 1, with the variance that `dropout` has:
    ``y = x (1 + z √(ratio / (1 - ratio)))``, while training.

    Args:
        x: any shape, floating.
        ratio: in [0, 1).
    Returns:
        Shape and dtype of ``x``; ``x`` itself with ``using(train=False)`` or a ratio of 0.
    Raises:
        RangeError: if ``ratio`` is outside [0, 1).
        DTypeError: if ``x`` is not floating.
    Source:
        N. Srivastava and others, "Dropout: A Simple Way to Prevent Neural Networks from
        Overfitting", 2014.
    Example:
        >>> gaussian_dropout([1.0, 2.0], 0)
        Variable([1., 2.], float64)
    """
    v = _checked(x, ratio, "gaussian_dropout")
    if ratio == 1:
        raise RangeError("gaussian_dropout: ratio should be below 1, got 1: it has no variance")
    if ratio == 0 or not current().train:
        return v
    z = draw("normal", "gaussian_dropout", v.shape, v.dtype, v.data)
    return v * (z * sqrt(ratio / (1 - ratio)) + 1)


def gaussian_noise(x: ArrayLike, std: float = 0.1) -> Variable:
    """Elements with noise added to them, ``y = x + std z``, while training.

    Args:
        x: any shape, floating.
        std: its standard deviation, 0 or more.
    Returns:
        Shape and dtype of ``x``; ``x`` itself with ``using(train=False)`` or a deviation of 0.
    Raises:
        RangeError: if ``std`` is negative.
        DTypeError: if ``x`` is not floating.
    Source:
        C. Bishop, "Training with Noise is Equivalent to Tikhonov Regularization", 1995.
    Example:
        >>> gaussian_noise([1.0, 2.0], 0)
        Variable([1., 2.], float64)
    """
    v = _checked(x, 0, "gaussian_noise")
    not_negative(std, "gaussian_noise: std")
    if std == 0 or not current().train:
        return v
    return v + draw("normal", "gaussian_noise", v.shape, v.dtype, v.data) * float(std)
