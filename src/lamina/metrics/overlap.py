"""Regions of images against true ones: iou, dice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..arrays import Array
from .classification import counted
from .given import ratio

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def iou(y: ArrayLike, t: ArrayLike, classes: int | None = None) -> Array:
    """Of each class the share that predicted and true regions have in common, of what either has:
    intersection over union, or Jaccard's index.

    Args:
        y: predicted labels in the shape of ``t``; or scores, floating, with one axis more, axis 1,
            of classes: the largest counts, of equal ones the first.
        t: any shape, integers of 0 or more; bools are regions and what is not.
        classes: how many there are; None means up to the largest label.
    Returns:
        (classes,), float64, from 0 to 1; NaN for a class that neither has.
    Raises:
        ShapeError: if the shapes do not fit, or there is nothing.
        DTypeError: if labels are not integers.
        RangeError: if a label is no class.
    Example:
        >>> iou([[0, 1], [1, 1]], [[0, 0], [1, 1]])
        array([0.5       , 0.66666667])
    """
    counts = counted(y, t, classes, "iou").astype(np.float64)
    hits = counts.diagonal()
    return ratio(hits, counts.sum(0) + counts.sum(1) - hits, np.nan)


def mean_iou(y: ArrayLike, t: ArrayLike, classes: int | None = None) -> float:
    """The mean of `iou` over the classes that occur in ``y`` or ``t``.

    Arguments and errors as there.

    Example:
        >>> mean_iou([[0, 1], [1, 1]], [[0, 0], [1, 1]], classes=5)
        0.5833333333333333
    """
    return float(np.nanmean(iou(y, t, classes)))


def dice_score(y: ArrayLike, t: ArrayLike, classes: int | None = None) -> Array:
    """Of each class twice what both regions have in common, of what each has: ``2 |A ∩ B| / (|A| +
    |B|)``, which is `f1` of its pixels.

    Arguments, result and errors as in `iou`.

    Example:
        >>> dice_score([[0, 1], [1, 1]], [[0, 0], [1, 1]])
        array([0.66666667, 0.8       ])
    """
    counts = counted(y, t, classes, "dice_score").astype(np.float64)
    return ratio(2 * counts.diagonal(), counts.sum(0) + counts.sum(1), np.nan)
