"""Losses that ask for a margin: hinges of one score, of several classes, of pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core import Variable
from ..errors import RangeError, ShapeError
from .activation import relu, softplus
from .bound import floating, signs
from .compare import where
from .entropy import SigmoidCrossEntropy, binary, check_classes, class_weight, picked
from .index import get_item
from .label import check_labels, one_hot
from .loss import check_reduction, paired, reduced
from .operand import as_variable

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "hinge_loss",
    "squared_hinge_loss",
    "soft_margin_loss",
    "multi_margin_loss",
    "multi_label_margin_loss",
    "multi_label_soft_margin_loss",
    "margin_ranking_loss",
]


def _signed(x: Any, t: Any, reduction: str, name: str) -> Variable:
    """``t x``: how far each score is on its right side."""
    a, b = paired(floating(x, f"{name}: x"), t, reduction, name)
    return signs(b, a, name) * a


def hinge_loss(
    x: ArrayLike, t: ArrayLike, *, margin: float = 1.0, reduction: str = "mean"
) -> Variable:
    """``max(0, margin - t x)``: nothing for a score that is far enough on its right side.

    Args:
        x: any shape, floating: scores.
        t: the same shape: -1 or 1, of any dtype.
        margin: how far is far enough.
        reduction: ``"mean"`` over all elements, ``"sum"`` or ``"none"``.
    Returns:
        One number, or the shape of ``x`` for ``"none"``. At the margin the derivative is 0.
    Raises:
        ShapeError: if the shapes differ, or the mean would be over nothing.
        RangeError: if a label is neither -1 nor 1, or ``reduction`` is none of the three.
        DTypeError: if ``x`` is not floating.
    Source:
        C. Cortes and V. Vapnik, "Support-Vector Networks", 1995.
    Example:
        >>> hinge_loss([0.5, 2.0, 0.5], [1, 1, -1], reduction="none")
        Variable([0.5, 0. , 1.5], float64)
    """
    return reduced(relu(margin - _signed(x, t, reduction, "hinge_loss")), reduction)


def squared_hinge_loss(
    x: ArrayLike, t: ArrayLike, *, margin: float = 1.0, reduction: str = "mean"
) -> Variable:
    """``max(0, margin - t x)²``: the square of `hinge_loss`, smooth at the margin.

    Arguments, result and errors as there.

    Example:
        >>> squared_hinge_loss([0.5, 2.0, 0.5], [1, 1, -1], reduction="none")
        Variable([0.25, 0.  , 2.25], float64)
    """
    y = relu(margin - _signed(x, t, reduction, "squared_hinge_loss"))
    return reduced(y * y, reduction)


def soft_margin_loss(x: ArrayLike, t: ArrayLike, *, reduction: str = "mean") -> Variable:
    """``log(1 + e**(-t x))``: `sigmoid_cross_entropy` with labels -1 and 1, finite for all ``x``.

    Args:
        x: any shape, floating: logits.
        t: the same shape: -1 or 1, of any dtype.
        reduction: ``"mean"`` over all elements, ``"sum"`` or ``"none"``.
    Returns:
        One number, or the shape of ``x`` for ``"none"``.
    Raises:
        ShapeError: if the shapes differ, or the mean would be over nothing.
        RangeError: if a label is neither -1 nor 1, or ``reduction`` is none of the three.
        DTypeError: if ``x`` is not floating.
    Example:
        >>> soft_margin_loss([0.0, 80.0, 80.0], [1, 1, -1], reduction="none")
        Variable([6.93147181e-01, 1.80485139e-35, 8.00000000e+01], float64)
    """
    return reduced(softplus(-_signed(x, t, reduction, "soft_margin_loss")), reduction)


def multi_margin_loss(
    x: ArrayLike,
    t: ArrayLike,
    *,
    power: int = 1,
    margin: float = 1.0,
    weight: ArrayLike | None = None,
    reduction: str = "mean",
) -> Variable:
    """The right class should lead every other by a margin:
    ``Σ_j≠t max(0, margin - x[i, t[i]] + x[i, j])**power / classes``.

    Args:
        x: (n, classes), floating: scores.
        t: (n,): integers in 0..classes - 1.
        power: 1 or 2.
        margin: how far the right class should lead.
        weight: (classes,): multiplies the loss of each class.
        reduction: ``"mean"`` over samples, not weighted; ``"sum"`` or ``"none"``.
    Returns:
        One number, or (n,) for ``"none"``.
    Raises:
        ShapeError: if the shapes do not fit, or the mean would be over nothing.
        RangeError: naming the first label that is no class; or ``power`` is neither 1 nor 2, or
            ``reduction`` none of the three.
        DTypeError: if ``x`` is not floating, or ``t`` does not hold integers.
    Source:
        J. Weston and C. Watkins, "Support Vector Machines for Multi-Class Pattern Recognition",
        1999; divided by the number of classes, as in PyTorch.
    Example:
        >>> multi_margin_loss([[0.0, 0.5, -2.0]], [1])
        Variable(0.16666667, float64)
    """
    name = "multi_margin_loss"
    v, labels = as_variable(x, name), as_variable(t, name)
    check_classes(v, labels, name, shared=False)
    if v.ndim != 2:
        raise ShapeError(f"{name}: x should be (n, classes), got {v.shape}")
    if power not in (1, 2):
        raise RangeError(f"{name}: power should be 1 or 2, got {power!r}")
    check_reduction(reduction, v.shape, name)
    labels = check_labels(labels, v.shape[1], None, name)
    gap = relu(v - picked(v, labels, None).reshape(len(labels), 1) + margin)
    gap = where(one_hot(labels, v.shape[1], bool), 0, gap if power == 1 else gap * gap)
    y = gap.sum(1) / float(v.shape[1])
    if weight is not None:
        y = y * get_item(class_weight(weight, v, name), labels)
    return reduced(y, reduction)


def multi_label_margin_loss(x: ArrayLike, t: ArrayLike, *, reduction: str = "mean") -> Variable:
    """Every class that holds should lead every class that does not by 1:
    ``Σ_j,k max(0, 1 - x[i, j] + x[i, k]) / classes`` over j that hold and k that do not.

    Args:
        x: (n, classes), floating: scores.
        t: the same shape: 1 for a class that holds, else 0; integers or bools. (PyTorch lists the
            classes that hold, up to the first -1.)
        reduction: ``"mean"`` over samples, ``"sum"`` or ``"none"``.
    Returns:
        One number, or (n,) for ``"none"``. Memory for (n, classes, classes) is needed.
    Raises:
        ShapeError: if the shapes do not fit, or the mean would be over nothing.
        RangeError: if a label is neither 0 nor 1, or ``reduction`` is none of the three.
        DTypeError: if ``x`` is not floating.
    Example:
        >>> multi_label_margin_loss([[0.0, 0.5, -2.0]], [[0, 1, 1]])
        Variable(1.16666667, float64)
    """
    name = "multi_label_margin_loss"
    v, holds = _labelled(x, t, reduction, name)
    n, classes = v.shape
    gap = relu(v.reshape(n, 1, classes) - v.reshape(n, classes, 1) + 1)
    pairs = holds.reshape(n, classes, 1) * (1 - holds.reshape(n, 1, classes))
    return reduced((gap * pairs).sum((1, 2)) / float(max(classes, 1)), reduction)


def multi_label_soft_margin_loss(
    x: ArrayLike, t: ArrayLike, *, weight: ArrayLike | None = None, reduction: str = "mean"
) -> Variable:
    """Each class by itself yes or no: the mean over classes of `sigmoid_cross_entropy`.

    Args:
        x: (n, classes), floating: logits.
        t: the same shape: 1 for a class that holds, else 0; integers, bools, or probabilities.
        weight: (classes,): multiplies the loss of each class.
        reduction: ``"mean"`` over samples, ``"sum"`` or ``"none"``.
    Returns:
        One number, or (n,) for ``"none"``.
    Raises:
        ShapeError: if the shapes do not fit, or the mean would be over nothing.
        RangeError: if an integer in ``t`` is neither 0 nor 1, or ``reduction`` none of the three.
        DTypeError: if ``x`` is not floating.
    Example:
        >>> multi_label_soft_margin_loss([[0.0, 80.0]], [[1, 0]], reduction="none")
        Variable([40.34657359], float64)
    """
    name = "multi_label_soft_margin_loss"
    v, holds = _labelled(x, t, reduction, name)
    y = SigmoidCrossEntropy()(v, holds)
    if weight is not None:
        y = y * class_weight(weight, v, name)
    return reduced(y.sum(1) / float(max(v.shape[1], 1)), reduction)


def _labelled(x: Any, t: Any, reduction: str, name: str) -> tuple[Variable, Variable]:
    v, holds = binary(x, t, reduction, name)
    if v.ndim != 2:
        raise ShapeError(f"{name}: x should be (n, classes), got {v.shape}")
    return v, holds


def margin_ranking_loss(
    a: ArrayLike, b: ArrayLike, t: ArrayLike, *, margin: float = 0.0, reduction: str = "mean"
) -> Variable:
    """``max(0, margin - t (a - b))``: a should rank above b where t is 1, below where it is -1.

    Args:
        a: any shape, floating: scores.
        b: the same shape, floating.
        t: the same shape: -1 or 1, of any dtype.
        margin: how far apart they should be.
        reduction: ``"mean"`` over all elements, ``"sum"`` or ``"none"``.
    Returns:
        One number, or the shape of ``a`` for ``"none"``. At the margin the derivative is 0.
    Raises:
        ShapeError: if the shapes differ, or the mean would be over nothing.
        RangeError: if a label is neither -1 nor 1, or ``reduction`` is none of the three.
        DTypeError: if ``a`` or ``b`` is not floating.
    Example:
        >>> margin_ranking_loss([1.0, 1.0], [3.0, 3.0], [1, -1], reduction="none")
        Variable([2., 0.], float64)
    """
    name = "margin_ranking_loss"
    va, vb = floating(a, f"{name}: a"), floating(b, f"{name}: b")
    if va.shape != vb.shape:
        raise ShapeError(f"{name}: a and b should have one shape, got {va.shape} and {vb.shape}")
    return reduced(relu(margin - _signed(va - vb, t, reduction, name)), reduction)
