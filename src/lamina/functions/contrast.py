"""Losses of pairs and triples of vectors: what belongs together should be close."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Variable
from ..errors import RangeError, ShapeError
from .activation import relu
from .arith import maximum, minimum
from .bound import CheckBetween, floating, positive, signs, wide
from .compare import where
from .entropy import softmax_cross_entropy
from .join import concatenate
from .length import cosine, l2_normalize
from .linear import PRODUCTS
from .loss import check_reduction, reduced
from .operand import as_variable, beside
from .unary import sqrt

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["cosine_embedding_loss", "triplet_loss", "contrastive_loss", "info_nce"]

NEAREST = 1e-6
"""Distances are taken as no less than this, so that equal vectors have a gradient: 0."""


def _vectors(operation: str, reduction: str, **given: Any) -> list[Variable]:
    """Floating arrays of one shape, (..., size)."""
    vs = [floating(x, f"{operation}: {word}") for word, x in given.items()]
    shapes = {v.shape for v in vs}
    if len(shapes) > 1 or not vs[0].ndim:
        got = ", ".join(f"{word} {v.shape}" for word, v in zip(given, vs))
        raise ShapeError(f"{operation}: vectors should have one shape (..., size), got {got}")
    check_reduction(reduction, vs[0].shape[:-1], operation)
    return vs


def _labels(t: Any, like: Variable, operation: str) -> Variable:
    v = as_variable(t, f"{operation}: t")
    if v.shape != like.shape[:-1]:
        raise ShapeError(
            f"{operation}: t of vectors {like.shape} should have shape {like.shape[:-1]}, got "
            f"{v.shape}"
        )
    return v


def _finished(y: Variable, like: Variable, reduction: str) -> Variable:
    y = reduced(y, reduction)
    return y if y.dtype == like.dtype else y.astype(like.dtype)


def _squared_distance(a: Variable, b: Variable) -> Variable:
    d = wide(a) - wide(b)
    return (d * d).sum(-1)


def _distance(a: Variable, b: Variable) -> Variable:
    return sqrt(maximum(_squared_distance(a, b), NEAREST * NEAREST))


def cosine_embedding_loss(
    a: ArrayLike, b: ArrayLike, t: ArrayLike, *, margin: float = 0.0, reduction: str = "mean"
) -> Variable:
    """``1 - cos(a, b)`` of what belongs together, t = 1; ``max(0, cos(a, b) - margin)`` of what
    does not, t = -1. float16 is computed in float32.

    Args:
        a: (..., size), floating.
        b: the same shape, floating.
        t: (...): -1 or 1, of any dtype.
        margin: from -1 to 1: cosines below it cost nothing.
        reduction: ``"mean"`` over pairs, ``"sum"`` or ``"none"``.
    Returns:
        One number, or the shape of ``t`` for ``"none"``.
    Raises:
        ShapeError: if the shapes do not fit, or the mean would be over nothing.
        RangeError: if a label is neither -1 nor 1, or an option is outside its range.
        DTypeError: if ``a`` or ``b`` is not floating.
    Example:
        >>> pair = [[1.0, 0.0], [1.0, 0.0]], [[0.0, 2.0], [2.0, 0.0]]
        >>> cosine_embedding_loss(*pair, [1, -1], reduction="none")
        Variable([1., 1.], float64)
    """
    name = "cosine_embedding_loss"
    if not -1 <= margin <= 1:
        raise RangeError(f"{name}: margin should be from -1 to 1, got {margin!r}")
    va, vb = _vectors(name, reduction, a=a, b=b)
    similar = cosine(va, vb, -1, 1e-8, name)
    side = signs(_labels(t, va, name), similar, name)
    return _finished(where(side > 0, 1 - similar, relu(similar - margin)), va, reduction)


def triplet_loss(
    anchor: ArrayLike,
    positive: ArrayLike,
    negative: ArrayLike,
    *,
    margin: float = 1.0,
    squared: bool = False,
    swap: bool = False,
    reduction: str = "mean",
) -> Variable:
    """What belongs together should be closer than what does not, by a margin:
    ``max(0, d(anchor, positive) - d(anchor, negative) + margin)``, d Euclid's distance.

    Where two vectors are equal the gradient of their distance is taken as 0. float16 is computed
    in float32.

    Args:
        anchor: (..., size), floating.
        positive: the same shape, floating: what belongs to it.
        negative: the same shape, floating: what does not.
        margin: how much closer.
        squared: True takes squares of distances, as the paper does; PyTorch does not.
        swap: True takes the negative's distance to the positive where that is less.
        reduction: ``"mean"`` over triples, ``"sum"`` or ``"none"``.
    Returns:
        One number, or (...) for ``"none"``.
    Raises:
        ShapeError: if the shapes differ, or the mean would be over nothing.
        RangeError: if ``reduction`` is none of the three.
        DTypeError: if one is not floating.
    Source:
        F. Schroff, D. Kalenichenko and J. Philbin, "FaceNet: A Unified Embedding for Face
        Recognition and Clustering", 2015; ``swap``: V. Balntas and others, "Learning
        Local Feature Descriptors with Triplets and Shallow Convolutional Neural Networks", 2016.
    Example:
        >>> triplet_loss([[0.0, 0.0]], [[3.0, 4.0]], [[0.0, 5.5]])
        Variable(0.5, float64)
    """
    a, p, n = _vectors(
        "triplet_loss", reduction, anchor=anchor, positive=positive, negative=negative
    )
    apart = _squared_distance if squared else _distance
    far = minimum(apart(a, n), apart(p, n)) if swap else apart(a, n)
    return _finished(relu(apart(a, p) - far + margin), a, reduction)


def contrastive_loss(
    a: ArrayLike, b: ArrayLike, t: ArrayLike, *, margin: float = 1.0, reduction: str = "mean"
) -> Variable:
    """``d² / 2`` of what belongs together, t = 1; ``max(0, margin - d)² / 2`` of what does not,
    t = 0, with Euclid's distance d.

    Where two vectors are equal the gradient of d is taken as 0. float16 is computed in float32.

    Args:
        a: (..., size), floating.
        b: the same shape, floating.
        t: (...): 0 or 1, or between. (The paper has it the other way round.)
        margin: above 0: how far apart is far enough.
        reduction: ``"mean"`` over pairs, ``"sum"`` or ``"none"``.
    Returns:
        One number, or the shape of ``t`` for ``"none"``.
    Raises:
        ShapeError: if the shapes do not fit, or the mean would be over nothing.
        RangeError: if a label is outside [0, 1], or an option outside its range.
        DTypeError: if ``a`` or ``b`` is not floating.
    Source:
        R. Hadsell, S. Chopra and Y. LeCun, "Dimensionality Reduction by Learning an Invariant
        Mapping", 2006.
    Example:
        >>> pair = [[0.0, 0.0], [0.0, 0.0]], [[0.0, 0.5], [0.0, 0.5]]
        >>> contrastive_loss(*pair, [1, 0], reduction="none")
        Variable([0.125, 0.125], float64)
    """
    name = "contrastive_loss"
    va, vb = _vectors(name, reduction, a=a, b=b)
    edge = positive(margin, f"{name}: margin")
    same = CheckBetween(f"{name}: labels t", 0, 1)(_labels(t, va, name))
    squares = _squared_distance(va, vb)
    same = same if same.dtype == squares.dtype else same.astype(squares.dtype)
    short = relu(edge - sqrt(maximum(squares, NEAREST * NEAREST)))
    return _finished((same * squares + (1 - same) * short * short) * 0.5, va, reduction)


def info_nce(
    query: ArrayLike,
    key: ArrayLike,
    negatives: ArrayLike | None = None,
    *,
    temperature: float = 0.07,
    normalize: bool = True,
    reduction: str = "mean",
) -> Variable:
    """Which key belongs to a query, among those of the whole batch, as a question of classes:
    `softmax_cross_entropy` of ``query keyᵀ / temperature`` and labels 0 to n - 1.

    CLIP's loss is the mean of this and of this with queries and keys exchanged.

    Args:
        query: (n, size), floating.
        key: (n, size), floating: the i-th belongs to query i, all others do not.
        negatives: (m, size), floating: more keys, which belong to none.
        temperature: a number above 0.
        normalize: whether vectors are divided by their lengths first, so that products are
            cosines.
        reduction: ``"mean"`` over queries, ``"sum"`` or ``"none"``.
    Returns:
        One number, or (n,) for ``"none"``.
    Raises:
        ShapeError: if the shapes do not fit, or the mean would be over nothing.
        RangeError: if ``temperature`` is not above 0, or ``reduction`` is none of the three.
        DTypeError: if one is not floating.
    Source:
        A. van den Oord, Y. Li and O. Vinyals, "Representation Learning with Contrastive Predictive
        Coding", 2018; the temperature of Z. Wu and others, "Unsupervised Feature
        Learning via Non-Parametric Instance Discrimination", 2018.
    Example:
        >>> eye = [[1.0, 0.0], [0.0, 1.0]]
        >>> info_nce(eye, eye, temperature=1.0)
        Variable(0.31326169, float64)
    """
    name = "info_nce"
    q, k = _vectors(name, reduction, query=query, key=key)
    if q.ndim != 2:
        raise ShapeError(f"{name}: query should be (n, size), got {q.shape}")
    if negatives is not None:
        more = floating(negatives, f"{name}: negatives")
        if more.shape[1:] != k.shape[1:] or more.ndim != 2:
            raise ShapeError(
                f"{name}: negatives should be (m, {k.shape[1]}), as keys are, got {more.shape}"
            )
        k = concatenate([k, more])
    scale = 1 / positive(temperature, f"{name}: temperature")
    if normalize:
        q, k = l2_normalize(q), l2_normalize(k)
    logits = PRODUCTS[False, True](q * scale, k)
    if not len(q):
        return reduced(logits.sum(1), reduction)
    return softmax_cross_entropy(logits, beside(np.arange(len(q)), q.data), reduction=reduction)
