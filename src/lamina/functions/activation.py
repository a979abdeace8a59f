"""Activations: what stands between the linear maps of a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..core import Function, Variable
from .compare import where

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["relu", "tanh"]


class Tanh(Function):
    """``tanh x``."""

    def forward(self, x):
        return np.tanh(x)

    def backward(self, gy, y):
        return gy * (1 - y * y)


def tanh(x: ArrayLike) -> Variable:
    """Hyperbolic tangent, elementwise: ``y = tanh x``.

    Args:
        x: any shape, floating.
    Returns:
        Shape and dtype of ``x``, in [-1, 1].
    """
    return TANH(x)


class Relu(Function):
    """``max(x, 0)``. A primitive for speed: one comparison backward, and only y is kept."""

    def forward(self, x):
        return np.maximum(x, 0)

    def backward(self, gy, y):
        return where(y > 0, gy, 0)


def relu(x: ArrayLike) -> Variable:
    """Rectified linear unit, elementwise: ``y = max(x, 0)``. The derivative at 0 is 0.

    Args:
        x: any shape, floating.
    Returns:
        Shape and dtype of ``x``.
    Source:
        V. Nair and G. Hinton, "Rectified Linear Units Improve Restricted Boltzmann Machines", 2010.
    """
    return RELU(x)


TANH, RELU = Tanh(), Relu()
