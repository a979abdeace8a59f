"""Losses of overlap, for regions that fill little of an image: Tversky, dice, iou."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core import Variable
from ..errors import ShapeError
from .bound import not_negative, probabilities, wide
from .entropy import binary
from .loss import check_reduction, reduced

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["tversky_loss", "dice_loss", "iou_loss"]


def tversky_loss(
    p: ArrayLike,
    t: ArrayLike,
    *,
    alpha: float = 0.5,
    beta: float = 0.5,
    smooth: float = 1.0,
    reduction: str = "mean",
) -> Variable:
    """What two regions do not share: ``1 - (s + hit) / (s + hit + alpha false + beta missed)``
    with ``hit = Σ p t``, ``false = Σ p (1 - t)``, ``missed = Σ (1 - p) t`` and s for smooth.

    The sums are over all axes but the first: one loss a sample. Where each class is to count the
    same, give (n classes, ...). float16 is computed in float32.

    Args:
        p: (n, ...), floating: probabilities, as `sigmoid` or `softmax` gives them.
        t: the same shape: 0 or 1 as integers or bools, or floating probabilities.
        alpha: what a false number costs, 0 or more.
        beta: what a missed number costs, 0 or more.
        smooth: added above and below; 0 or more. With 0 two empty regions give NaN.
        reduction: ``"mean"`` over samples, ``"sum"`` or ``"none"``.
    Returns:
        One number, or (n,) for ``"none"``, from 0 to 1.
    Raises:
        ShapeError: if the shapes differ, there is no axis, or the mean would be over nothing.
        RangeError: if ``p`` leaves [0, 1], an integer in ``t`` is neither 0 nor 1, or an option is
            outside its range.
        DTypeError: if ``p`` is not floating.
    Source:
        S. Salehi, D. Erdogmus and A. Gholipour, "Tversky Loss Function for Image Segmentation
        Using 3D Fully Convolutional Deep Networks", 2017; smooth as is usual since.
    Example:
        >>> tversky_loss([[1.0, 1.0, 0.0, 0.0]], [[1, 0, 1, 0]], alpha=0.25, beta=0.75)
        Variable(0.33333333, float64)
    """
    words = {"alpha": alpha, "beta": beta, "smooth": smooth}
    a, b, s = [not_negative(value, f"tversky_loss: {word}") for word, value in words.items()]
    return _overlap(p, t, a, b, s, reduction, "tversky_loss")


def dice_loss(
    p: ArrayLike, t: ArrayLike, *, smooth: float = 1.0, reduction: str = "mean"
) -> Variable:
    """``1 - (2 Σ p t + s) / (Σ p + Σ t + s)``: `tversky_loss` with both costs 1/2 and half the
    ``smooth``.

    Arguments, result and errors as there.

    Source:
        L. Dice, "Measures of the Amount of Ecologic Association Between Species", 1945; as a loss
        F. Milletari, N. Navab and S.-A. Ahmadi, "V-Net", 2016, where the numbers below are squared.
    Example:
        >>> dice_loss([[1.0, 1.0, 0.0, 0.0]], [[1, 0, 1, 0]])
        Variable(0.4, float64)
    """
    s = not_negative(smooth, "dice_loss: smooth") / 2
    return _overlap(p, t, 0.5, 0.5, s, reduction, "dice_loss")


def iou_loss(
    p: ArrayLike, t: ArrayLike, *, smooth: float = 1.0, reduction: str = "mean"
) -> Variable:
    """``1 - (Σ p t + s) / (Σ p + Σ t - Σ p t + s)``: `tversky_loss` with both costs 1.

    Intersection over union, also called Jaccard's index. Arguments, result and errors as there.

    Source:
        M. Rahman and Y. Wang, "Optimizing Intersection-Over-Union in Deep Neural Networks for
        Image Segmentation", 2016.
    Example:
        >>> iou_loss([[1.0, 1.0, 0.0, 0.0]], [[1, 0, 1, 0]])
        Variable(0.5, float64)
    """
    s = not_negative(smooth, "iou_loss: smooth")
    return _overlap(p, t, 1.0, 1.0, s, reduction, "iou_loss")


def _overlap(
    p: ArrayLike,
    t: ArrayLike,
    alpha: float,
    beta: float,
    smooth: float,
    reduction: str,
    name: str,
) -> Variable:
    check_reduction(reduction, (1,), name)
    given, target = binary(p, t, "none", name)
    if not given.ndim:
        raise ShapeError(f"{name}: p should be (n, ...), got shape ()")
    check_reduction(reduction, given.shape[:1], name)
    a = wide(probabilities(given, name, "; of logits take sigmoid or softmax"))
    b = wide(target)
    axes = tuple(range(1, a.ndim))
    hit = (a * b).sum(axes)
    false, missed = (a * (1 - b)).sum(axes), ((1 - a) * b).sum(axes)
    costs = false * alpha + missed * beta
    y = reduced(costs / (hit + costs + smooth), reduction)
    return y if y.dtype == given.dtype else y.astype(given.dtype)
