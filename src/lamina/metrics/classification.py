"""Predicted classes against true ones: counts, and the ratios that are made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Array
from ..errors import RangeError, ShapeError
from .given import filled, labels, predicted, ratio, real

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

AVERAGES = ("binary", "micro", "macro", "weighted", "none")


def accuracy(y: ArrayLike, t: ArrayLike) -> float:
    """The share of predictions that are right.

    Args:
        y: predicted labels in the shape of ``t``; or scores, floating, with one axis more, axis 1,
            of classes: the largest counts, of equal ones the first.
        t: any shape, integers of 0 or more.
    Returns:
        From 0 to 1.
    Raises:
        ShapeError: if the shapes do not fit, or there is nothing.
        DTypeError: if labels are not integers.
        RangeError: if a label is negative, or a score NaN.
    Example:
        >>> accuracy([[0.1, 0.9], [0.8, 0.2]], [1, 1])
        0.5
    """
    given, right = predicted(y, t, "accuracy")
    return float((given == right).mean())


def top_k_accuracy(y: ArrayLike, t: ArrayLike, k: int = 5) -> float:
    """The share of samples whose true class is among the k of highest score.

    Args:
        y: (n, classes), real: scores. Of equal ones the first class comes first.
        t: (n,), integers in 0..classes - 1.
        k: how many, 1 or more; with as many as classes the answer is 1.
    Returns:
        From 0 to 1.
    Raises:
        ShapeError: if the shapes do not fit, or there is nothing.
        DTypeError: if labels are not integers.
        RangeError: if a label is no class, a score NaN, or ``k`` less than 1.
    Example:
        >>> top_k_accuracy([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]], [1, 2], k=2)
        0.5
    """
    name = "top_k_accuracy"
    scores = real(y, f"{name}: scores y")
    if k < 1:
        raise RangeError(f"{name}: k should be 1 or more, got {k!r}")
    if scores.ndim != 2:
        raise ShapeError(f"{name}: scores y should be (n, classes), got {scores.shape}")
    right = labels(t, f"{name}: labels t", scores.shape[1])
    if right.shape != scores.shape[:1]:
        raise ShapeError(
            f"{name}: labels t should have shape {scores.shape[:1]}, got {right.shape}"
        )
    filled(scores, name)
    own = np.take_along_axis(scores, right[:, None], 1)
    first = np.arange(scores.shape[1]) < right[:, None]
    before = (scores > own) | ((scores == own) & first)
    return float((before.sum(1) < k).mean())


def confusion_matrix(y: ArrayLike, t: ArrayLike, classes: int | None = None) -> Array:
    """How often each class was taken for each: ``counts[true, predicted]``.

    Matrices of parts of the data add up to that of all.

    Args:
        y: predicted labels or scores, as in `accuracy`.
        t: any shape, integers of 0 or more.
        classes: how many there are; None means up to the largest label.
    Returns:
        (classes, classes), int64.
    Raises:
        ShapeError: if the shapes do not fit, or there is nothing.
        DTypeError: if labels are not integers.
        RangeError: if a label is no class.
    Example:
        >>> confusion_matrix([0, 1, 1], [0, 0, 1])
        array([[1, 1],
               [0, 1]])
    """
    return counted(y, t, classes, "confusion_matrix")


def counted(y: Any, t: Any, classes: int | None, name: str) -> Array:
    """`confusion_matrix`, in whose errors another metric is named."""
    given, right = predicted(y, t, name, classes)
    n = max(int(given.max()), int(right.max())) + 1 if classes is None else classes
    return np.bincount(right * n + given, minlength=n * n).reshape(n, n)


def precision(
    y: ArrayLike,
    t: ArrayLike,
    average: str = "binary",
    *,
    positive: int = 1,
    classes: int | None = None,
) -> Any:
    """Of what was predicted to be of a class, the share that is: ``hits / (hits + false)``.

    Args:
        y: predicted labels or scores, as in `accuracy`.
        t: any shape, integers of 0 or more.
        average: ``"binary"``: of the class ``positive`` alone; ``"macro"``: the mean of all classes
            that occur in ``y`` or ``t``; ``"weighted"``: the same, weighted by how often each is
            true; ``"micro"``: of all counts together, which is `accuracy`; ``"none"``: of each.
        positive: the class that is meant by ``"binary"``.
        classes: how many there are; None means up to the largest label.
    Returns:
        A float from 0 to 1; for ``"none"`` (classes,), float64. Where nothing was predicted to be
        of a class, it is 0.
    Raises:
        ShapeError: if the shapes do not fit, or there is nothing.
        DTypeError: if labels are not integers.
        RangeError: if a label is no class, ``average`` is something else, or it is ``"binary"`` and
            there are labels of a third class.
    Example:
        >>> precision([1, 1, 0, 1], [1, 0, 1, 1])
        0.6666666666666666
    """
    hits, said, true = _parts(y, t, average, positive, classes, "precision")
    return _averaged(ratio(hits, said), said, true, average)


def recall(
    y: ArrayLike,
    t: ArrayLike,
    average: str = "binary",
    *,
    positive: int = 1,
    classes: int | None = None,
) -> Any:
    """Of what is of a class, the share that was predicted to be: ``hits / (hits + missed)``.

    Arguments, result and errors as in `precision`; 0 where nothing is of a class.

    Example:
        >>> recall([1, 1, 0, 0], [1, 0, 1, 1])
        0.3333333333333333
    """
    hits, said, true = _parts(y, t, average, positive, classes, "recall")
    return _averaged(ratio(hits, true), said, true, average)


def f1(
    y: ArrayLike,
    t: ArrayLike,
    average: str = "binary",
    *,
    positive: int = 1,
    classes: int | None = None,
) -> Any:
    """The harmonic mean of `precision` and `recall`: ``2 hits / (2 hits + false + missed)``.

    Arguments, result and errors as in `precision`; 0 where a class neither is nor was predicted.
    ``"macro"`` is the mean of all classes, not of the mean precision and recall.

    Source:
        C. van Rijsbergen, "Information Retrieval", 1979.
    Example:
        >>> f1([1, 1, 0, 0], [1, 0, 1, 1])
        0.4
    """
    hits, said, true = _parts(y, t, average, positive, classes, "f1")
    return _averaged(ratio(2 * hits, said + true), said, true, average)


def _parts(
    y: Any, t: Any, average: Any, positive: int, classes: int | None, name: str
) -> tuple[Array, Array, Array]:
    """For each class that is meant: hits, how often it was predicted, how often true."""
    if average not in AVERAGES:
        raise RangeError(f"{name}: average should be one of {', '.join(AVERAGES)}, got {average!r}")
    counts = counted(y, t, classes, name).astype(np.float64)
    hits, said, true = counts.diagonal(), counts.sum(0), counts.sum(1)
    if average == "binary":
        if np.count_nonzero(np.arange(len(hits))[(said + true) > 0] != positive) > 1:
            raise RangeError(
                f"{name}: there are more than two classes; average='macro', 'micro', 'weighted' or "
                "'none' says what is asked"
            )
        if not 0 <= positive < len(hits):
            hits, said, true = np.zeros(1), np.zeros(1), np.zeros(1)
        else:
            hits, said, true = [x[positive : positive + 1] for x in (hits, said, true)]
    elif average == "micro":
        hits, said, true = [x.sum(keepdims=True) for x in (hits, said, true)]
    return hits, said, true


def _averaged(each: Array, said: Array, true: Array, average: str) -> Any:
    if average == "none":
        return each
    if average == "macro":
        return float(each[(said + true) > 0].mean())
    if average == "weighted":
        return float((each * true).sum() / true.sum())
    return float(each[0])


def balanced_accuracy(y: ArrayLike, t: ArrayLike) -> float:
    """The mean, over the classes that are true of a sample, of the share that was found.

    A class that nobody has counts nothing, whatever was predicted.

    Args:
        y: predicted labels or scores, as in `accuracy`.
        t: any shape, integers of 0 or more.
    Returns:
        From 0 to 1.
    Raises:
        ShapeError: if the shapes do not fit, or there is nothing.
        DTypeError: if labels are not integers.
        RangeError: if a label is negative.
    Source:
        K. Brodersen and others, "The Balanced Accuracy and Its Posterior Distribution", 2010.
    Example:
        >>> balanced_accuracy([0, 0, 0, 0], [0, 0, 0, 1])
        0.5
    """
    counts = counted(y, t, None, "balanced_accuracy")
    true = counts.sum(1)
    return float((counts.diagonal()[true > 0] / true[true > 0]).mean())


def cohen_kappa(y: ArrayLike, t: ArrayLike, weights: str | None = None) -> float:
    """How far two judges agree beyond chance: ``(agreed - expected) / (1 - expected)``.

    Args:
        y: labels of one of them, or scores, as in `accuracy`.
        t: any shape, integers of 0 or more: labels of the other.
        weights: how much a disagreement counts: None, each the same; ``"linear"`` or
            ``"quadratic"``, by how far the classes are apart.
    Returns:
        1 for agreement, 0 for what chance would give, less below. 0 also where both always say the
        same one class, and nothing can be told.
    Raises:
        ShapeError: if the shapes do not fit, or there is nothing.
        DTypeError: if labels are not integers.
        RangeError: if a label is negative, or ``weights`` is something else.
    Source:
        J. Cohen, "A Coefficient of Agreement for Nominal Scales", 1960; weights: J. Cohen,
        "Weighted Kappa", 1968.
    Example:
        >>> cohen_kappa([0, 1, 1, 0], [0, 1, 0, 0])
        0.5
    """
    if weights not in (None, "linear", "quadratic"):
        raise RangeError(
            f"cohen_kappa: weights should be None, 'linear' or 'quadratic', got {weights!r}"
        )
    counts = counted(y, t, None, "cohen_kappa").astype(np.float64)
    apart = np.abs(np.subtract.outer(np.arange(len(counts)), np.arange(len(counts))))
    cost = (apart > 0) if weights is None else apart ** (1 if weights == "linear" else 2)
    expected = np.outer(counts.sum(1), counts.sum(0)) / counts.sum()
    chance = (cost * expected).sum()
    return float(1 - (cost * counts).sum() / chance) if chance else 0.0


def matthews(y: ArrayLike, t: ArrayLike) -> float:
    """The correlation of predicted and true classes, for two classes or more.

    Args:
        y: predicted labels or scores, as in `accuracy`.
        t: any shape, integers of 0 or more.
    Returns:
        From -1 to 1; 0 for predictions at random, and where all are predicted, or all are, one
        class.
    Raises:
        ShapeError: if the shapes do not fit, or there is nothing.
        DTypeError: if labels are not integers.
        RangeError: if a label is negative.
    Source:
        B. Matthews, "Comparison of the Predicted and Observed Secondary Structure of T4 Phage
        Lysozyme", 1975; for more classes J. Gorodkin, "Comparing Two K-Category Assignments by a
        K-Category Correlation Coefficient", 2004.
    Example:
        >>> matthews([1, 1, 0, 0], [1, 0, 0, 0])
        0.5773502691896258
    """
    counts = counted(y, t, None, "matthews").astype(np.float64)
    n, said, true = counts.sum(), counts.sum(0), counts.sum(1)
    both = counts.trace() * n - said @ true
    spread = np.sqrt(n * n - said @ said) * np.sqrt(n * n - true @ true)
    return float(both / spread) if spread else 0.0
