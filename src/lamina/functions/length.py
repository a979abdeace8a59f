"""Vectors and matrices by their length: divided by it, compared by their angle, and weights that
are parted into length and direction.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..config import no_grad
from ..core import Variable
from ..errors import RangeError, ShapeError
from .arith import maximum
from .bound import floating, positive, wide
from .linear import PRODUCTS
from .norm import along
from .operand import as_axes, as_axis, as_integer
from .shape import moveaxis
from .unary import rsqrt

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["l2_normalize", "cosine_similarity", "weight_norm", "spectral_norm"]


def _unit(x: Variable, axes: tuple[int, ...], eps: float) -> Variable:
    """``x`` divided by its length over ``axes``, but not by less than ``eps``."""
    return x * rsqrt(maximum((x * x).sum(axes, keepdims=True), eps * eps))


def l2_normalize(x: ArrayLike, axis: int | Iterable[int] = -1, *, eps: float = 1e-12) -> Variable:
    """Every vector divided by its length: ``y = x / max(√Σ x², eps)``.

    float16 is computed in float32.

    Args:
        x: any shape of one axis or more, floating.
        axis: of the vectors: one axis or several.
        eps: a positive number, so that zeros stay zeros and not NaN.
    Returns:
        Shape and dtype of ``x``.
    Raises:
        RangeError: if there is no such axis, or ``eps`` is not above 0.
        DTypeError: if ``x`` is not floating.
    Example:
        >>> l2_normalize([[3.0, 4.0], [0.0, 0.0]])
        Variable([[0.6, 0.8],
                  [0. , 0. ]], float64)
    """
    v = floating(x, "l2_normalize: x")
    axes = as_axes(axis, v.ndim, "l2_normalize")
    y = _unit(wide(v), axes, positive(eps, "l2_normalize: eps"))
    return y if y.dtype == v.dtype else y.astype(v.dtype)


def cosine_similarity(a: ArrayLike, b: ArrayLike, axis: int = -1, *, eps: float = 1e-8) -> Variable:
    """The cosine of the angle between vectors: ``Σ a b / (max(√Σ a², eps) max(√Σ b², eps))``.

    float16 is computed in float32.

    Args:
        a: any shape of one axis or more, floating.
        b: the same shape, or one that broadcasts with it; floating.
        axis: of the vectors.
        eps: a positive number, so that zeros give 0 and not NaN.
    Returns:
        The broadcast shape without ``axis``, from -1 to 1 but for roundings.
    Raises:
        ShapeError: if the shapes do not broadcast.
        RangeError: if there is no such axis, or ``eps`` is not above 0.
        DTypeError: if one is not floating.
    Example:
        >>> cosine_similarity([[1.0, 0.0], [3.0, 3.0]], [0.0, 2.0])
        Variable([0.        , 0.70710678], float64)
    """
    name = "cosine_similarity"
    va, vb = floating(a, f"{name}: a"), floating(b, f"{name}: b")
    y = cosine(va, vb, axis, positive(eps, f"{name}: eps"), name)
    dtype = np.result_type(va.dtype, vb.dtype)
    return y if y.dtype == dtype else y.astype(dtype)


def cosine(a: Variable, b: Variable, axis: int, eps: float, operation: str) -> Variable:
    """`cosine_similarity`, in float32 at least."""
    try:
        np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        raise ShapeError(
            f"{operation}: a and b should have shapes that broadcast, got {a.shape} and {b.shape}"
        ) from None
    last = as_axis(axis, max(a.ndim, b.ndim), operation) - max(a.ndim, b.ndim)
    units = [_unit(wide(v), as_axes(last, v.ndim, operation), eps) for v in (a, b)]
    return (units[0] * units[1]).sum(last)


def weight_norm(v: ArrayLike, g: ArrayLike, axis: int = -1, *, eps: float = 1e-12) -> Variable:
    """A weight parted into direction and length: ``W = g v / ‖v‖``, one length an output.

    Args:
        v: any shape, floating: the directions.
        g: (length of ``axis``,): the lengths.
        axis: that of the outputs: the last of the weight of `linear`, the first of those of
            convolutions. The norm is over all others.
        eps: what a norm is at least, above 0.
    Returns:
        Shape and dtype of ``v``.
    Raises:
        ShapeError: if ``g`` has another shape.
        RangeError: if there is no such axis, or ``eps`` is not above 0.
        DTypeError: if one is not floating.
    Source:
        T. Salimans and D. Kingma, "Weight Normalization: A Simple Reparameterization to Accelerate
        Training of Deep Neural Networks", 2016.
    Example:
        >>> weight_norm([[3.0, 0.0], [4.0, 2.0]], [10.0, 1.0])
        Variable([[6., 0.],
                  [8., 1.]], float64)
    """
    name = "weight_norm"
    direction = floating(v, f"{name}: v")
    chosen = as_axis(axis, direction.ndim, name)
    axes = tuple([i for i in range(direction.ndim) if i != chosen])
    y = _unit(wide(direction), axes, positive(eps, f"{name}: eps"))
    y = y * along(floating(g, f"{name}: g"), direction, (chosen,), f"{name}: g")
    return y if y.dtype == direction.dtype else y.astype(direction.dtype)


def spectral_norm(
    W: ArrayLike, u: ArrayLike, axis: int = -1, *, iterations: int = 1, eps: float = 1e-12
) -> tuple[Variable, Variable]:
    """A weight divided by its largest singular value, estimated by power iteration from ``u``:
    ``v = Wu / ‖Wu‖``, ``u = Wᵀv / ‖Wᵀv‖``, ``σ = vᵀWu``, and the result is ``W / σ``.

    Training keeps the new ``u`` for the next step, where W has changed little. u and v are taken
    as constants in the gradient, as in the paper; that is exact once they have converged.

    Args:
        W: two axes or more, floating; as a matrix of (all others, outputs).
        u: (length of ``axis``,), floating: not zero; random at first.
        axis: that of the outputs: the last of the weight of `linear`, the first of those of
            convolutions.
        iterations: how many, 1 or more.
        eps: what a length is at least, above 0.
    Returns:
        ``W / σ`` in shape and dtype of ``W``, and the new ``u``, without gradient.
    Raises:
        ShapeError: if ``W`` has less than two axes, or ``u`` another shape.
        RangeError: if there is no such axis, or an option is outside its range.
        DTypeError: if one is not floating.
    Source:
        T. Miyato and others, "Spectral Normalization for Generative Adversarial Networks", 2018.
    Example:
        >>> W, u = spectral_norm([[3.0, 0.0], [0.0, 5.0]], [1.0, 1.0], iterations=60)
        >>> W
        Variable([[0.6, 0. ],
                  [0. , 1. ]], float64)
    """
    name = "spectral_norm"
    weight, start = floating(W, f"{name}: W"), floating(u, f"{name}: u")
    count = as_integer(iterations, f"{name}: iterations")
    if count < 1:
        raise RangeError(f"{name}: iterations should be 1 or more, got {count}")
    least = positive(eps, f"{name}: eps")
    matrix = _matrix(wide(weight), axis, name)
    if start.shape != matrix.shape[1:]:
        raise ShapeError(f"{name}: u should have shape {matrix.shape[1:]}, got {start.shape}")
    with no_grad():
        row, column = _iterated(matrix.detach(), wide(start.detach()), count, least)
    sigma = (PRODUCTS[False, False](row, matrix) * column).sum()
    y = weight / (sigma if sigma.dtype == weight.dtype else sigma.astype(weight.dtype))
    new = column.reshape(start.shape)
    return y, new if new.dtype == weight.dtype else new.astype(weight.dtype)


def _matrix(W: Variable, axis: Any, name: str) -> Variable:
    if W.ndim < 2:
        raise ShapeError(f"{name}: W should have two axes or more, got {W.shape}")
    chosen = as_axis(axis, W.ndim, name)
    moved = W if chosen == W.ndim - 1 else moveaxis(W, chosen, -1)
    size = W.shape[chosen]
    return moved.reshape(W.size // size if size else 0, size)


def _iterated(W: Variable, u: Variable, count: int, eps: float) -> tuple[Variable, Variable]:
    """The vectors v and u, as matrices of one row, after so many iterations."""
    column = row = u.reshape(1, u.size)
    for _ in range(count):
        row = _unit(PRODUCTS[False, True](column, W), (1,), eps)
        column = _unit(PRODUCTS[False, False](row, W), (1,), eps)
    return row, column
