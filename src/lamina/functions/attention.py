"""Attention: averages of values, weighted by how well keys fit a query."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Function, Variable
from ..errors import DTypeError, RangeError, ShapeError
from .bound import floating
from .linear import PRODUCTS
from .noise import dropout as drop
from .operand import as_variable, beside

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["scaled_dot_product_attention", "grouped_query_attention"]

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


def grouped_query_attention(
    q: ArrayLike,
    k: ArrayLike,
    v: ArrayLike,
    mask: ArrayLike | None = None,
    causal: bool = False,
    dropout: float = 0.0,
    scale: float | None = None,
) -> Variable:
    """`scaled_dot_product_attention` of many heads that share fewer keys and values: head h of the
    queries sees head ``h // (heads / kv_heads)`` of theirs. With one it is multi-query attention.

    Keys and values are not repeated in memory.

    Args:
        q: (..., heads, queries, d), floating.
        k: (..., kv_heads, keys, d); kv_heads divides heads.
        v: (..., kv_heads, keys, e).
        mask: broadcasts to (..., heads, queries, keys); as there, and so the rest.
        causal: True lets query i see only keys 0 to i.
        dropout: the probability that a weight is set to zero in training.
        scale: None means ``1 / √d``.
    Returns:
        (..., heads, queries, e), in the dtype of ``q``.
    Raises:
        ShapeError: if the shapes do not fit.
        DTypeError: if an operand is not floating, or ``mask`` holds integers.
        RangeError: if kv_heads does not divide heads, or ``dropout`` is outside [0, 1].
    Source:
        J. Ainslie and others, "GQA: Training Generalized Multi-Query Transformer Models from
        Multi-Head Checkpoints", 2023.
    Example:
        >>> q, kv = np.ones((2, 6, 5, 4)), np.ones((2, 3, 7, 4))
        >>> grouped_query_attention(q, kv, kv).shape
        (2, 6, 5, 4)
    """
    name = "grouped_query_attention"
    vq, vk, vv = [as_variable(x, f"{name}: {n}") for n, x in (("q", q), ("k", k), ("v", v))]
    shapes = f"got q {vq.shape}, k {vk.shape}, v {vv.shape}"
    if min(vq.ndim, vk.ndim, vv.ndim) < 3 or vk.shape[-3] != vv.shape[-3]:
        raise ShapeError(f"{name}: q, k and v should be (..., heads, positions, size), {shapes}")
    heads, shared = vq.shape[-3], vk.shape[-3]
    if not shared or heads % shared:
        raise RangeError(f"{name}: heads of k and v should divide those of q, {shapes}")
    seen = None if mask is None else _grouped(as_variable(mask, f"{name}: mask"), heads, shared)
    parted = vq.reshape(*vq.shape[:-3], shared, heads // shared, *vq.shape[-2:])
    keys, values = [x.reshape(*x.shape[:-2], 1, *x.shape[-2:]) for x in (vk, vv)]
    y = scaled_dot_product_attention(parted, keys, values, seen, causal, dropout, scale)
    return y.reshape(*y.shape[:-4], heads, *y.shape[-2:])


def _grouped(mask: Variable, heads: int, shared: int) -> Variable:
    """A mask with its axis of heads, if it has one, as two."""
    if mask.ndim < 3:
        return mask
    if mask.shape[-3] not in (1, heads):
        raise ShapeError(
            f"grouped_query_attention: mask should have 1 or {heads} heads, got {mask.shape}"
        )
    parts = (1, 1) if mask.shape[-3] == 1 else (shared, heads // shared)
    return mask.reshape(*mask.shape[:-3], *parts, *mask.shape[-2:])


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
        floating(x, f"{NAME}: {name}")


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
