"""Losses of classes: the cross entropy of predicted probabilities and labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..core import Function, Variable
from ..errors import ShapeError
from .label import OneHot, check_labels
from .loss import check_reduction
from .operand import as_variable, beside
from .unary import exp

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["softmax_cross_entropy"]


class SoftmaxCrossEntropy(Function):
    """``log Σ exp x[i, :] - x[i, t[i]]``, reduced over i.

    One kernel for speed, over x: (n, classes), t: (n,); everything else is a composition.
    """

    reduction: str

    def forward(self, x, t):
        z = x - x.max(axis=1, keepdims=True)
        picked = z[beside(np.arange(len(t)), x), t]
        y = np.log(np.exp(z).sum(axis=1)) - picked
        if self.reduction == "none":
            return y
        return y.sum() if self.reduction == "sum" else y.mean()

    def backward(self, gy, x, t):
        n, classes = x.shape
        if self.reduction == "none":
            gy = gy.reshape(n, 1)
        elif self.reduction == "mean":
            gy = gy / n
        e = exp(x - x.max(axis=1, keepdims=True).detach())
        p = e / e.sum(axis=1, keepdims=True)
        return (p - OneHot(classes, x.dtype)(t)) * gy, None

    def spec(self, x, t):
        return t.shape if self.reduction == "none" else (), x.dtype


def softmax_cross_entropy(x: ArrayLike, t: ArrayLike, *, reduction: str = "mean") -> Variable:
    """Cross entropy of ``softmax(x)`` and labels, ``-log softmax(x)[i, t[i]]``.

    Args:
        x: (n, classes), floating, logits.
        t: (n,), integers in 0..classes - 1.
        reduction: ``"mean"`` over samples, ``"sum"`` or ``"none"``.
    Returns:
        One number, or the shape of ``t`` for ``"none"``.
    """
    v, labels = as_variable(x, "softmax_cross_entropy"), as_variable(t, "softmax_cross_entropy")
    if v.ndim != 2 or labels.shape != v.shape[:1]:
        raise ShapeError(
            f"softmax_cross_entropy: x should be (n, classes) and t (n,), got {v.shape} and "
            f"{labels.shape}"
        )
    check_reduction(reduction, v.shape, "softmax_cross_entropy")
    labels = check_labels(labels, v.shape[1], None, "softmax_cross_entropy")
    return SoftmaxCrossEntropy(reduction)(v, labels)
