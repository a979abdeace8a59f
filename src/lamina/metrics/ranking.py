"""Scores against the truth: how well they rank, and how likely they find it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Array
from ..errors import RangeError, ShapeError
from .given import filled, labels, numbers, real

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def roc_auc(y: ArrayLike, t: ArrayLike) -> float:
    """The area under the curve of hits against false alarms: the probability that a sample that is
    gets a higher score than one that is not. Equal scores count half.

    Args:
        y: (n,), real: scores, of any scale; or (n, classes), one a class.
        t: (n,): 0 or 1; or integers in 0..classes - 1, and the answer is the mean, over the
            classes, of each against all others.
    Returns:
        1 if all are ranked right, 0.5 for scores at random.
    Raises:
        ShapeError: if the shapes do not fit, or there is nothing.
        DTypeError: if labels are not integers.
        RangeError: if a label is no class, a score NaN, or no sample is, or all are, of a class:
            there is no area then.
    Source:
        J. Hanley and B. McNeil, "The Meaning and Use of the Area under a Receiver Operating
        Characteristic (ROC) Curve", 1982; one against all others: F. Provost and P. Domingos,
        "Well-Trained PETs", 2000, without weights.
    Example:
        >>> roc_auc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
        0.75
    """
    scores, right = _ranked(y, t, "roc_auc")
    if scores.ndim == 1:
        return _area(scores, right == 1, 1)
    areas = [_area(column, right == c, c) for c, column in enumerate(scores.T)]
    return float(np.mean(areas))


def _ranked(y: Any, t: Any, name: str) -> tuple[Array, Array]:
    scores = real(y, f"{name}: scores y")
    if scores.ndim not in (1, 2):
        raise ShapeError(f"{name}: scores y should be (n,) or (n, classes), got {scores.shape}")
    right = labels(t, f"{name}: labels t", scores.shape[1] if scores.ndim == 2 else 2)
    if right.shape != scores.shape[:1]:
        raise ShapeError(
            f"{name}: labels t should have shape {scores.shape[:1]}, got {right.shape}"
        )
    filled(scores, name)
    return scores, right


def _area(scores: Array, holds: Array, which: int) -> float:
    """By the ranks of those that are: Mann and Whitney's statistic."""
    n, many = int(holds.sum()), int((~holds).sum())
    if not n or not many:
        raise RangeError(
            f"roc_auc: of class {which} are {n} samples, and {many} are not; there should be both"
        )
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2  # equal scores share the mean of their ranks
    return float((ranks[place[holds]].sum() - n * (n + 1) / 2) / (n * many))


def average_precision(y: ArrayLike, t: ArrayLike) -> float:
    """The mean precision over all that are to be found: ``Σ (R_k - R_(k-1)) P_k``, with precision
    and recall of what has the k highest scores. Equal scores are taken together.

    Args:
        y: (n,), real: scores, of any scale; or (n, classes), one a class.
        t: (n,): 0 or 1; or integers in 0..classes - 1, and the answer is the mean over classes.
    Returns:
        From 0 to 1.
    Raises:
        ShapeError: if the shapes do not fit, or there is nothing.
        DTypeError: if labels are not integers.
        RangeError: if a label is no class, a score NaN, or a class has no sample.
    Source:
        M. Zhu, "Recall, Precision and Average Precision", 2004; as a step function, as in
        scikit-learn.
    Example:
        >>> average_precision([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
        0.8333333333333333
    """
    scores, right = _ranked(y, t, "average_precision")
    if scores.ndim == 1:
        return _steps(scores, right == 1, 1)
    return float(np.mean([_steps(column, right == c, c) for c, column in enumerate(scores.T)]))


def _steps(scores: Array, holds: Array, which: int) -> float:
    if not holds.any():
        raise RangeError(f"average_precision: no sample is of class {which}, nothing can be found")
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)  # of equal scores
    hits = np.cumsum(holds[order])[last]
    shown = np.flatnonzero(last) + 1
    return float((np.diff(hits, prepend=0) / hits[-1] * (hits / shown)).sum())


def perplexity(x: ArrayLike, t: ArrayLike, ignore_index: int | None = None) -> float:
    """Among how many classes the model is as uncertain as if it guessed: ``e**loss`` with the mean
    cross entropy of ``softmax(x)`` and labels, computed in float64.

    Args:
        x: (n, classes) or (n, classes, ...), floating: logits, or log-probabilities.
        t: (n,) or (n, ...), integers in 0..classes - 1.
        ignore_index: a label whose samples count nothing.
    Returns:
        1 or more, up to infinity.
    Raises:
        ShapeError: if the shapes do not fit, or nothing counts.
        DTypeError: if labels are not integers.
        RangeError: if a label is no class, or a logit NaN.
    Example:
        >>> round(perplexity([[0.0, 0.0], [0.0, 0.0]], [1, 0]), 12)
        2.0
    """
    name = "perplexity"
    logits = real(x, f"{name}: x")
    if logits.ndim < 2 or not logits.shape[1]:
        raise ShapeError(f"{name}: x should be (n, classes, ...), got {logits.shape}")
    classes = logits.shape[1]
    rows = np.moveaxis(logits, 1, -1)
    given = numbers(t, f"{name}: labels t")
    if given.shape != rows.shape[:-1]:
        raise ShapeError(f"{name}: labels t should have shape {rows.shape[:-1]}, got {given.shape}")
    counts = np.ones(given.shape, bool) if ignore_index is None else given != ignore_index
    right = labels(given[counts], f"{name}: labels t", classes)
    filled(right, name)
    rows = rows[counts]
    rows = rows - rows.max(1, keepdims=True)
    losses = np.log(np.exp(rows).sum(1)) - rows[np.arange(len(right)), right]
    with np.errstate(over="ignore"):
        return float(np.exp(losses.mean()))
