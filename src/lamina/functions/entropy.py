"""Losses of classes: the cross entropy of predicted probabilities and labels."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Function, Variable
from ..errors import DTypeError, RangeError, ShapeError
from .activation import Softmax, log_softmax, sigmoid, softplus
from .arith import maximum
from .bound import floating, probabilities
from .compare import not_equal, where
from .index import get_item
from .label import check_labels
from .loss import check_reduction, paired, reduced
from .operand import as_variable, beside
from .shape import moveaxis
from .unary import log

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["softmax_cross_entropy", "nll_loss", "sigmoid_cross_entropy", "binary_cross_entropy"]


class SoftmaxCrossEntropy(Function):
    """``log Σ exp x[i, :] - x[i, t[i]]``, reduced over i; x: (n, classes), t: (n,).

    A kernel for speed: two thirds of the time of log_softmax, a gather and a mean
    (benchmarks/losses.py).
    """

    reduction: str

    def forward(self, x, t):
        z = x - x.max(axis=1, keepdims=True)
        picked = z[beside(np.arange(len(t)), x), t]
        y = np.log(np.exp(z, out=z).sum(axis=1)) - picked
        if self.reduction == "none":
            return y
        return y.sum() if self.reduction == "sum" else y.mean()

    def backward(self, gy, x, t):
        if self.reduction == "none":
            gy = gy.reshape(gy.size, 1)
        elif self.reduction == "mean":
            gy = gy / len(x)
        return MINUS_ONE_HOT(SOFTMAX(x), t) * gy, None

    def spec(self, x, t):
        return t.shape if self.reduction == "none" else (), x.dtype


class MinusOneHot(Function):
    """``x`` less 1 at the labels; x: (n, classes), t: (n,). A kernel: n numbers change of n c."""

    def forward(self, x, t):
        y = x.copy()
        y[beside(np.arange(len(t)), x), t] -= 1
        return y

    def backward(self, gy):
        return gy, None

    def spec(self, x, t):
        return x.shape, x.dtype


MINUS_ONE_HOT, SOFTMAX = MinusOneHot(), Softmax((1,))


def softmax_cross_entropy(
    x: ArrayLike,
    t: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Variable:
    """Cross entropy of ``p = softmax(x)`` and labels, ``-log p[i, t[i]]``, computed stably.

    Args:
        x: (n, classes) or (n, classes, ...), floating: logits. The classes are axis 1.
        t: (n,) or (n, ...): integers in 0..classes - 1. Or the shape of ``x``, floating:
            probabilities q, and the loss is ``-Σ_c q[i, c] log p[i, c]``.
        weight: (classes,): multiplies the loss of each class.
        ignore_index: a label whose samples count nothing; it need not be a class.
        label_smoothing: in [0, 1]: this part of the probability is spread over all classes.
        reduction: ``"mean"`` over samples and positions, ``"sum"`` or ``"none"``. With labels, the
            mean is weighted: the sum of ``weight[t]`` divides, over what is not ignored; it is 0
            if all is ignored. With probabilities the number of samples and positions divides.
    Returns:
        One number, or the shape of ``t`` (without the classes) for ``"none"``.
    Raises:
        ShapeError: if the shapes do not fit, or the mean would be over nothing.
        RangeError: naming the first label that is no class; or an option is outside its range.
        DTypeError: if ``x`` is not floating, or ``t`` neither integer nor floating.
    Source:
        The choices are PyTorch's, ``torch.nn.functional.cross_entropy``, but for the mean of
        nothing, NaN there. Smoothing: C. Szegedy and others, "Rethinking the Inception
        Architecture for Computer Vision", 2016, section 7.
    Example:
        >>> softmax_cross_entropy([[0.0, 0.0], [50.0, 0.0]], [1, 0], reduction="none")
        Variable([0.69314718, 0.        ], float64)
    """
    v, labels = as_variable(x, NAME), as_variable(t, NAME)
    check_classes(v, labels, NAME)
    check_reduction(reduction, v.shape, NAME)
    if not 0 <= label_smoothing <= 1:
        raise RangeError(f"{NAME}: label_smoothing should be from 0 to 1, got {label_smoothing!r}")
    w = None if weight is None else class_weight(weight, v, NAME)
    rows, classes = rows_of(v), v.shape[1]
    if labels.dtype.kind == "f":
        if ignore_index is not None:
            raise DTypeError(f"{NAME}: ignore_index needs integer labels, got {labels.dtype}")
        y = _of_probabilities(rows, rows_of(labels), w, label_smoothing)
        y = reduced(y, reduction)
    else:
        labels = check_labels(labels, classes, ignore_index, NAME)
        flat = labels if labels.ndim == 1 else labels.reshape(-1)
        if w is None and ignore_index is None and not label_smoothing:
            y = SoftmaxCrossEntropy(reduction)(rows, flat)
        else:
            logp = log_softmax(rows, axis=1)
            y = of_labels(-picked(logp, flat, ignore_index), logp, flat, w, ignore_index,
                          label_smoothing, reduction)  # fmt: skip
    return placed(y, v)


NAME = "softmax_cross_entropy"


def check_classes(x: Variable, t: Variable, operation: str, shared: bool = True) -> None:
    """Raise what does not fit of ``x``: (n, classes, ...) and of its labels.

    Args:
        x: any.
        t: any.
        operation: who asks.
        shared: whether ``t`` may also be probabilities, of the shape of ``x``.
    """
    floating(x, f"{operation}: x")
    if x.ndim < 2 or x.shape[1] == 0:
        raise ShapeError(f"{operation}: x should be (n, classes, ...), got {x.shape}")
    expected = x.shape[:1] + x.shape[2:]
    if t.dtype.kind == "f" and shared:
        if t.shape == x.shape:
            return
        if t.shape != expected:
            raise ShapeError(
                f"{operation}: probabilities t should have shape {x.shape}, got {t.shape}"
            )
    if t.dtype.kind == "f":
        raise DTypeError(
            f"{operation}: labels should be integers, got {t.dtype}; convert them with astype(int)"
        )
    if t.shape != expected:
        hint = ""
        if t.shape == x.shape:
            hint = "; one-hot vectors should be floating"
        elif prod(t.shape) == prod(expected):
            hint = f"; t.reshape{expected} makes it so"
        raise ShapeError(
            f"{operation}: labels t of x {x.shape} should have shape {expected}, got "
            f"{t.shape}{hint}"
        )


def class_weight(weight: Any, x: Variable, operation: str) -> Variable:
    """``weight``: (classes,), in the dtype and on the device of ``x``."""
    w = option(weight, x, f"{operation}: weight")
    if w.shape != x.shape[1:2]:
        raise ShapeError(f"{operation}: weight should have shape {x.shape[1:2]}, got {w.shape}")
    return w


def option(value: Any, x: Variable, what: str) -> Variable:
    """An array of options, which may be a list, in the dtype and on the device of ``x``."""
    v = as_variable(value, what)
    if not isinstance(value, Variable) and isinstance(v.data, np.ndarray):
        v = as_variable(beside(v.data, x.data), what)
    return v if v.dtype == x.dtype else v.astype(x.dtype)


def rows_of(x: Variable) -> Variable:
    """(n, classes, ...) as (samples and positions, classes)."""
    if x.ndim == 2:
        return x
    return moveaxis(x, 1, -1).reshape(x.size // x.shape[1], x.shape[1])


def placed(y: Variable, x: Variable) -> Variable:
    """Losses of all rows of ``x`` in its shape without the classes; one number as it is."""
    return y if y.ndim == 0 or x.ndim == 2 else y.reshape(x.shape[:1] + x.shape[2:])


def picked(x: Variable, t: Variable, ignore: int | None) -> Variable:
    """``x[i, t[i]]``; where the label is to be ignored, that of class 0. x: (n, classes)."""
    chosen = t if ignore is None else where(not_equal(t, ignore), t, 0)
    return get_item(x, (np.arange(len(t)), chosen))


def of_labels(
    y: Variable,
    logp: Variable,
    t: Variable,
    weight: Variable | None,
    ignore: int | None,
    smoothing: float,
    reduction: str,
) -> Variable:
    """Losses ``y`` of samples, weighted, smoothed, ignored and reduced; logp: (n, classes)."""
    counted = None if ignore is None else not_equal(t, ignore)
    chosen = t if counted is None else where(counted, t, 0)
    share = None if weight is None else get_item(weight, chosen)
    if share is not None:
        y = y * share
    if smoothing:
        spread = logp if weight is None else logp * weight
        y = y * (1 - smoothing) - spread.sum(1) * (smoothing / logp.shape[1])
    if counted is not None:
        y = where(counted, y, 0)
        share = counted.astype(logp.dtype) if share is None else where(counted, share, 0)
    if reduction != "mean" or share is None:
        return reduced(y, reduction)
    total = share.sum()
    return y.sum() / where(total == 0, 1, total)


def _of_probabilities(
    x: Variable, q: Variable, weight: Variable | None, smoothing: float
) -> Variable:
    logp = log_softmax(x, axis=1)
    if weight is not None:
        logp = logp * weight
    if smoothing:
        q = q * (1 - smoothing) + smoothing / x.shape[1]
    return -(q * logp).sum(1)


def nll_loss(
    x: ArrayLike,
    t: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    ignore_index: int | None = None,
    reduction: str = "mean",
) -> Variable:
    """Negative log-likelihood of labels, ``-x[i, t[i]]``, of log-probabilities that are given.

    `softmax_cross_entropy` of logits is this of their `log_softmax`, in one operator.

    Args:
        x: (n, classes) or (n, classes, ...), floating: log-probabilities.
        t: (n,) or (n, ...): integers in 0..classes - 1.
        weight: (classes,): multiplies the loss of each class.
        ignore_index: a label whose samples count nothing; it need not be a class.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``; the mean is weighted, as it is there.
    Returns:
        One number, or the shape of ``t`` for ``"none"``.
    Raises:
        ShapeError: if the shapes do not fit, or the mean would be over nothing.
        RangeError: naming the first label that is no class; or ``reduction`` is none of the three.
        DTypeError: if ``x`` is not floating, or ``t`` does not hold integers.
    Example:
        >>> nll_loss([[-0.5, -1.0], [-2.0, -0.25]], [0, 1], reduction="none")
        Variable([0.5 , 0.25], float64)
    """
    v, labels = as_variable(x, "nll_loss"), as_variable(t, "nll_loss")
    check_classes(v, labels, "nll_loss", shared=False)
    check_reduction(reduction, v.shape, "nll_loss")
    w = None if weight is None else class_weight(weight, v, "nll_loss")
    flat = check_labels(labels, v.shape[1], ignore_index, "nll_loss").reshape(-1)
    logp = rows_of(v)
    y = of_labels(-picked(logp, flat, ignore_index), logp, flat, w, ignore_index, 0.0, reduction)
    return placed(y, v)


class SigmoidCrossEntropy(Function):
    """``-t log p - (1 - t) log(1 - p)`` with ``p = sigmoid(x)``, elementwise.

    A primitive for stability: p is never rounded to 1, and no large numbers cancel.
    """

    def forward(self, x, t):
        return np.maximum(x, 0) - x * t + np.log1p(np.exp(-np.abs(x)))

    def backward(self, gy, x, t):
        return (lambda: gy * (sigmoid(x) - t)), (lambda: -gy * x)


def sigmoid_cross_entropy(
    x: ArrayLike,
    t: ArrayLike,
    *,
    pos_weight: ArrayLike | None = None,
    reduction: str = "mean",
) -> Variable:
    """Cross entropy of ``p = sigmoid(x)`` and yes or no, ``-t log p - (1 - t) log(1 - p)``.

    Finite for all finite logits.

    Args:
        x: any shape, floating: logits.
        t: the same shape: 0 or 1 as integers or bools, or floating probabilities.
        pos_weight: multiplies the term of t = 1; broadcasts against ``x``.
        reduction: ``"mean"`` over all elements, ``"sum"`` or ``"none"``.
    Returns:
        One number, or the shape of ``x`` for ``"none"``.
    Raises:
        ShapeError: if the shapes differ, or the mean would be over nothing.
        RangeError: if an integer in ``t`` is neither 0 nor 1.
        DTypeError: if ``x`` is not floating.
    Example:
        >>> sigmoid_cross_entropy([0.0, 80.0, -80.0], [1, 0, 1], reduction="none")
        Variable([ 0.69314718, 80.        , 80.        ], float64)
    """
    name = "sigmoid_cross_entropy"
    logits, target = binary(x, t, reduction, name)
    y = SigmoidCrossEntropy()(logits, target)
    if pos_weight is not None:
        w = option(pos_weight, logits, f"{name}: pos_weight")
        more = target * (w - 1) * softplus(-logits)
        if more.shape != y.shape:
            raise ShapeError(
                f"{name}: pos_weight of shape {w.shape} does not broadcast to x, {y.shape}"
            )
        y = y + more
    return reduced(y, reduction)


def binary(x: Any, t: Any, reduction: str, name: str) -> tuple[Variable, Variable]:
    """Operands of one shape and one dtype; integer labels are 0 or 1."""
    a, b = paired(x, t, reduction, name)
    floating(a, f"{name}: x")
    if b.dtype.kind in "iu":
        b = check_labels(b, 2, None, name)
    return a, b if b.dtype.kind == "f" else b.astype(a.dtype)


def binary_cross_entropy(p: ArrayLike, t: ArrayLike, *, reduction: str = "mean") -> Variable:
    """Cross entropy of probabilities and yes or no, ``-t log p - (1 - t) log(1 - p)``.

    Logarithms are taken of no less than the dtype's epsilon: a perfect prediction costs 0, the
    worst 15.9 in float32, where the gradient is 0. `sigmoid_cross_entropy`, of logits, has no
    such limit; prefer it in training.

    Args:
        p: any shape, floating, in [0, 1].
        t: the same shape: 0 or 1 as integers or bools, or floating probabilities.
        reduction: ``"mean"`` over all elements, ``"sum"`` or ``"none"``.
    Returns:
        One number, or the shape of ``p`` for ``"none"``.
    Raises:
        ShapeError: if the shapes differ, or the mean would be over nothing.
        RangeError: if ``p`` leaves [0, 1], or an integer in ``t`` is neither 0 nor 1.
        DTypeError: if ``p`` is not floating.
    Example:
        >>> binary_cross_entropy([0.5, 1.0, 0.0], [1, 1, 0], reduction="none")
        Variable([0.69314718, 0.        , 0.        ], float64)
    """
    a, target = binary(p, t, reduction, "binary_cross_entropy")
    a = probabilities(a, "binary_cross_entropy", "; for logits use sigmoid_cross_entropy")
    least = float(np.finfo(a.dtype).eps)
    yes, no = log(maximum(a, least)), log(maximum(1 - a, least))
    return reduced(0 - (target * yes + (1 - target) * no), reduction)  # 0 - 0 is 0; -0 looks odd
