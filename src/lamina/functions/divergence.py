"""Losses between distributions, and cross entropies that look at what is hard: kl, js, focal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Variable
from ..errors import RangeError, ShapeError
from .activation import log_softmax, softplus
from .arith import maximum
from .bound import floating, not_negative, probabilities
from .compare import where
from .entropy import binary, check_classes, class_weight, of_labels, picked, placed, rows_of
from .label import check_labels
from .loss import check_reduction, paired, reduced
from .operand import as_axes, as_variable
from .unary import exp, expm1, log, log1p

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["kl_divergence", "js_divergence", "focal_loss", "sigmoid_focal_loss"]


def _log(p: Variable) -> Variable:
    """Log p where p is above 0, else 0: it is multiplied by p again, whose limit is 0."""
    return log(where(p > 0, p, 1))


def kl_divergence(
    x: ArrayLike,
    t: ArrayLike,
    *,
    axis: int | tuple[int, ...] = -1,
    reduction: str = "mean",
) -> Variable:
    """How far a distribution is from what is true, ``Σ t (log t - x)`` with x its *logarithm*.

    Kullback and Leibler's divergence KL(t ‖ e**x), summed over ``axis``. Of logits: of their
    `log_softmax`.

    Args:
        x: any shape of one axis or more, floating: log-probabilities.
        t: the same shape, floating: probabilities. Where one is 0 it adds 0.
        axis: the outcomes: one axis or several.
        reduction: ``"mean"`` over all distributions (PyTorch's ``"batchmean"``; its ``"mean"`` is
            over outcomes as well), ``"sum"`` or ``"none"``.
    Returns:
        One number, or the shape of ``x`` without ``axis`` for ``"none"``.
    Raises:
        ShapeError: if the shapes differ, or the mean would be over nothing.
        RangeError: if a probability is outside [0, 1], there is no such axis, or ``reduction`` is
            none of the three.
        DTypeError: if one is not floating.
    Source:
        S. Kullback and R. Leibler, "On Information and Sufficiency", 1951.
    Example:
        >>> kl_divergence(np.log([0.25, 0.75]), [1.0, 0.0])
        Variable(1.38629436, float64)
    """
    name = "kl_divergence"
    a, b, axes = _distributions(x, t, axis, reduction, name)
    b = probabilities(b, name, "; the true ones are not logarithms")
    return reduced((b * (_log(b) - a)).sum(axes), reduction)


def js_divergence(
    p: ArrayLike,
    q: ArrayLike,
    *,
    axis: int | tuple[int, ...] = -1,
    reduction: str = "mean",
) -> Variable:
    """Jensen and Shannon's divergence of two distributions, ``(KL(p ‖ m) + KL(q ‖ m)) / 2`` with
    ``m = (p + q) / 2``: symmetric, from 0 to log 2.

    Args:
        p: any shape of one axis or more, floating: probabilities.
        q: the same shape, floating: probabilities.
        axis: the outcomes: one axis or several.
        reduction: ``"mean"`` over all pairs of distributions, ``"sum"`` or ``"none"``.
    Returns:
        One number, or the shape of ``p`` without ``axis`` for ``"none"``.
    Raises:
        ShapeError: if the shapes differ, or the mean would be over nothing.
        RangeError: if a probability is outside [0, 1], there is no such axis, or ``reduction`` is
            none of the three.
        DTypeError: if one is not floating.
    Source:
        J. Lin, "Divergence Measures Based on the Shannon Entropy", 1991.
    Example:
        >>> js_divergence([1.0, 0.0], [0.0, 1.0])
        Variable(0.69314718, float64)
    """
    name = "js_divergence"
    a, b, axes = _distributions(p, q, axis, reduction, name)
    a, b = probabilities(a, name), probabilities(b, name)
    both = a + b
    r = (a - b) / where(both > 0, both, 1)  # p = m (1 + r), q = m (1 - r): no digits of r are lost
    y = a * log1p(where(a > 0, r, 0)) + b * log1p(where(b > 0, -r, 0))
    return reduced(y.sum(axes) * 0.5, reduction)


def _distributions(
    x: Any, t: Any, axis: Any, reduction: str, name: str
) -> tuple[Variable, Variable, tuple[int, ...]]:
    a, b = paired(floating(x, f"{name}: x"), floating(t, f"{name}: t"), reduction, name)
    if not a.ndim:
        raise ShapeError(f"{name}: a distribution has an axis of outcomes, got shape ()")
    return a, b, as_axes(axis, a.ndim, name)


def focal_loss(
    x: ArrayLike,
    t: ArrayLike,
    *,
    gamma: float = 2.0,
    weight: ArrayLike | None = None,
    ignore_index: int | None = None,
    reduction: str = "mean",
) -> Variable:
    """Cross entropy that looks away from what is easy, ``-(1 - p)**gamma log p`` with
    ``p = softmax(x)[i, t[i]]``; `softmax_cross_entropy` for gamma 0.

    Args:
        x: (n, classes) or (n, classes, ...), floating: logits.
        t: (n,) or (n, ...): integers in 0..classes - 1.
        gamma: 0 or more.
        weight: (classes,): multiplies the loss of each class.
        ignore_index: a label whose samples count nothing; it need not be a class.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``; the mean is weighted, as in
            `softmax_cross_entropy`.
    Returns:
        One number, or the shape of ``t`` for ``"none"``.
    Raises:
        ShapeError: if the shapes do not fit, or the mean would be over nothing.
        RangeError: naming the first label that is no class; or an option is outside its range.
        DTypeError: if ``x`` is not floating, or ``t`` does not hold integers.
    Source:
        T.-Y. Lin and others, "Focal Loss for Dense Object Detection", 2017, for
        several classes.
    Example:
        >>> focal_loss([[0.0, 0.0], [50.0, 0.0]], [1, 0], reduction="none")
        Variable([0.1732868, 0.       ], float64)
    """
    name = "focal_loss"
    v, labels = as_variable(x, name), as_variable(t, name)
    check_classes(v, labels, name, shared=False)
    check_reduction(reduction, v.shape, name)
    w = None if weight is None else class_weight(weight, v, name)
    flat = check_labels(labels, v.shape[1], ignore_index, name).reshape(-1)
    logp = log_softmax(rows_of(v), axis=1)
    right = picked(logp, flat, ignore_index)
    # 1 - p no less than epsilon: where p is 1, a power below 1 would have an infinite derivative
    missing = maximum(-expm1(right), float(np.finfo(v.dtype).eps))
    y = missing ** not_negative(gamma, f"{name}: gamma") * (0 - right)
    return placed(of_labels(y, logp, flat, w, ignore_index, 0.0, reduction), v)


def sigmoid_focal_loss(
    x: ArrayLike,
    t: ArrayLike,
    *,
    alpha: float | None = 0.25,
    gamma: float = 2.0,
    reduction: str = "mean",
) -> Variable:
    """`sigmoid_cross_entropy` that looks away from what is easy: with ``p = sigmoid(x)``
    ``-alpha t (1 - p)**gamma log p - (1 - alpha) (1 - t) p**gamma log(1 - p)``.

    Finite for all finite logits, with all derivatives.

    Args:
        x: any shape, floating: logits.
        t: the same shape: 0 or 1 as integers or bools, or floating probabilities.
        alpha: the weight of yes, in [0, 1]; None leaves out both weights.
        gamma: 0 or more.
        reduction: ``"mean"`` over all elements, ``"sum"`` or ``"none"``.
    Returns:
        One number, or the shape of ``x`` for ``"none"``.
    Raises:
        ShapeError: if the shapes differ, or the mean would be over nothing.
        RangeError: if an integer in ``t`` is neither 0 nor 1, or an option is outside its range.
        DTypeError: if ``x`` is not floating.
    Source:
        T.-Y. Lin and others, "Focal Loss for Dense Object Detection", 2017; for a
        probability t the mean of both losses, which torchvision has otherwise.
    Example:
        >>> sigmoid_focal_loss([0.0, 80.0], [1, 0], alpha=None, reduction="none")
        Variable([ 0.1732868, 80.       ], float64)
    """
    name = "sigmoid_focal_loss"
    v, target = binary(x, t, reduction, name)
    if alpha is not None and not 0 <= alpha <= 1:
        raise RangeError(f"{name}: alpha should be from 0 to 1 or None, got {alpha!r}")
    yes, no = (1.0, 1.0) if alpha is None else (float(alpha), 1 - float(alpha))
    focus, up, down = (
        not_negative(gamma, f"{name}: gamma"),
        softplus(v),
        softplus(-v),
    )  # -log(1 - p), -log p
    y = target * exp(up * -focus) * down * yes + (1 - target) * exp(down * -focus) * up * no
    return reduced(y, reduction)
