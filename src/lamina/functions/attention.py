"""Attention: averages of values, weighted by how well keys fit a query."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Function, Variable
from ..errors import DTypeError, ShapeError
from .linear import PRODUCTS
from .noise import dropout as drop
from .operand import as_variable, beside

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["scaled_dot_product_attention"]

NAME = "scaled_dot_product_attention"


class AttentionWeights(Function):
    """Softmax over the last axis of what the mask lets through; zeros where that is nothing.

    A primitive for what softmax leaves undefined, and for speed: what is masked has weight 0, so
    backward need not mask again.
    """

    causal: bool

    def forward(self, x, mask):
        if mask is not None:
            x = np.where(mask, x, -np.inf) if mask.dtype.kind == "b" else x + mask
        if self.causal:
            x = np.where(beside(np.tri(*x.shape[-2:], dtype=bool), x), x, -np.inf)
        top = x.max(-1, keepdims=True)
        y = np.exp(x - np.where(top == -np.inf, 0, top))
        total = y.sum(-1, keepdims=True)
        y /= np.where(total == 0, 1, total)
        return y

    def backward(self, gy, y):
        gx = gy * y
        gx = gx - y * gx.sum(-1, keepdims=True)
        return gx, gx


def scaled_dot_product_attention(
    q: ArrayLike,
    k: ArrayLike,
    v: ArrayLike,
    mask: ArrayLike | None = None,
    causal: bool = False,
    dropout: float = 0.0,
    scale: float | None = None,
) -> Variable:
    """For each query the mean of the values, weighted by the softmax of its products with the
    keys: ``y = softmax(scale q kᵀ + mask) v``.

    A query that may see no key gives zeros, and gets no gradient.

    Args:
        q: (..., queries, d), floating.
        k: (..., keys, d), at least one key.
        v: (..., keys, e). Leading axes of all broadcast.
        mask: broadcasts to (..., queries, keys). Bools say which keys a query may see; floating
            numbers are added to the products (minus infinity hides a key) and get a gradient.
        causal: True lets query i see only keys 0 to i, beside what ``mask`` says.
        dropout: the probability that a weight is set to zero in training; see `dropout`.
        scale: None means ``1 / √d``.
    Returns:
        (..., queries, e), in the dtype of ``q``.
    Raises:
        ShapeError: if the shapes do not fit, or there is no key.
        DTypeError: if an operand is not floating, or ``mask`` holds integers.
        RangeError: if ``dropout`` is outside [0, 1].
    Source:
        A. Vaswani and others, "Attention Is All You Need", 2017, equation 1; masks as in PyTorch.
    Example:
        >>> eye = [[10.0, 0.0], [0.0, 10.0]]
        >>> scaled_dot_product_attention(eye, eye, [[1.0], [2.0]], causal=True)
        Variable([[1.],
                  [2.]], float64)
    """
    vq, vk, vv = [as_variable(x, f"{NAME}: {n}") for n, x in (("q", q), ("k", k), ("v", v))]
    _check(vq, vk, vv)
    seen = None if mask is None else _mask(mask, vq, vk)
    factor = 1 / sqrt(max(vq.shape[-1], 1)) if scale is None else float(scale)
    weights = AttentionWeights(bool(causal))(PRODUCTS[False, True](vq * factor, vk), seen)
    return PRODUCTS[False, False](drop(weights, dropout), vv)


def _check(q: Variable, k: Variable, v: Variable) -> None:
    shapes = f"got q {q.shape}, k {k.shape}, v {v.shape}"
    if min(q.ndim, k.ndim, v.ndim) < 2:
        raise ShapeError(f"{NAME}: q, k and v should be (..., positions, size), {shapes}")
    if q.shape[-1] != k.shape[-1]:
        raise ShapeError(f"{NAME}: last axes of q and k should be equal, {shapes}")
    if k.shape[-2] != v.shape[-2] or not k.shape[-2]:
        raise ShapeError(f"{NAME}: k and v should have as many positions, 1 or more, {shapes}")
    try:
        np.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2])
    except ValueError:
        raise ShapeError(f"{NAME}: leading axes should broadcast, {shapes}") from None
    for name, x in (("q", q), ("k", k), ("v", v)):
        if x.dtype.kind != "f":
            raise DTypeError(f"{NAME}: {name} should be floating, got {x.dtype}")


def _mask(mask: Any, q: Variable, k: Variable) -> Variable:
    """The mask, which fits the weights and does not change their dtype."""
    m = as_variable(mask, f"{NAME}: mask")
    if m.dtype.kind not in "bf":
        raise DTypeError(f"{NAME}: mask should hold bools or floating numbers, got {m.dtype}")
    lead = np.broadcast_shapes(q.shape[:-2], k.shape[:-2])
    expected = (*lead, q.shape[-2], k.shape[-2])
    fits = all(n in (1, to) for n, to in zip(m.shape[-2:], expected[-2:])) and m.ndim >= 2
    try:
        np.broadcast_shapes(m.shape[:-2], lead)
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(f"{NAME}: mask should broadcast to {expected}, got {m.shape}")
    return m if m.dtype.kind == "b" or m.dtype == q.dtype else m.astype(q.dtype)
