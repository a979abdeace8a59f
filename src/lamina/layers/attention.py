"""MultiHeadAttention and CrossAttention: positions that look at one another, or at others."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import Variable
from ..errors import RangeError, ShapeError
from ..functions import (
    grouped_query_attention,
    rotary_embedding,
    scaled_dot_product_attention,
    split,
)
from ..functions.operand import as_variable
from .checked import as_floating, as_share, as_size, as_switch
from .layer import Layer
from .linear import Linear


class MultiHeadAttention(Layer):
    """Self-attention of several heads: each position becomes a mean over positions, a different
    one for each head, weighted by how well their keys fit its query.

    ``q, k, v = x qkv``, cut into heads; ``y = [softmax(q kᵀ / √d) v] out``, heads side by side,
    ``d = size / heads``. The columns of ``qkv/W`` are those of q, then of k, then of v, each head
    after head, as in PyTorch.

    Args:
        size: length of the last axis of the result, of all heads together.
        heads: how many; divides ``size``.
        causal: True lets a position see only itself and those before it.
        dropout: the probability that a weight is set to zero in training, in [0, 1].
        nobias: True leaves out the biases of both ``qkv`` and ``out``.
        kv_heads: heads of keys and values, each for as many heads of queries; divides ``heads``.
            None means one for each; 1 is multi-query attention.
        rotary: True turns queries and keys by an angle that grows with the position:
            `lamina.functions.rotary_embedding`. Then ``size / heads`` should be even.
        dtype: of the parameters, floating.
        in_size: length of the last axis of ``x``; None learns it at the first call.
    Raises:
        RangeError: a size that is not a positive integer, ``heads`` that does not divide it, or
            ``dropout`` outside [0, 1].
        DTypeError: ``causal``, ``rotary`` or ``nobias`` that is not a bool, a ``dropout`` that is
            no number, or a ``dtype`` that is not floating.
    Example:
        >>> layer = MultiHeadAttention(6, heads=2, causal=True)
        >>> layer(np.ones((2, 5, 4), np.float32)).shape
        (2, 5, 6)
        >>> layer
        MultiHeadAttention(2 heads of 3, causal
          qkv: Linear(4 -> 18)
          out: Linear(6 -> 6)
        )

    Source:
        A. Vaswani and others, "Attention Is All You Need", 2017, section 3.2.2. J. Ainslie and
        others, "GQA: Training Generalized Multi-Query Transformer Models from Multi-Head
        Checkpoints", 2023. J. Su and others, "RoFormer: Enhanced Transformer with Rotary Position
        Embedding", 2021.
    """

    def __init__(
        self,
        size: int,
        heads: int,
        causal: bool = False,
        dropout: float = 0.0,
        *,
        nobias: bool = False,
        kv_heads: int | None = None,
        rotary: bool = False,
        dtype: Any = np.float32,
        in_size: int | None = None,
    ):
        super().__init__()
        name = "MultiHeadAttention"
        self.size, self.heads = as_size(size, f"{name}: size"), as_size(heads, f"{name}: heads")
        if self.size % self.heads:
            raise RangeError(f"{name}: heads should divide size {self.size}, got {self.heads}")
        self.causal = as_switch(causal, f"{name}: causal")
        self.dropout = as_share(dropout, f"{name}: dropout")
        nobias, dtype = as_switch(nobias, f"{name}: nobias"), as_floating(dtype, name)
        self.kv_heads = self.heads if kv_heads is None else as_size(kv_heads, f"{name}: kv_heads")
        if self.heads % self.kv_heads:
            raise RangeError(f"{name}: kv_heads should divide {self.heads}, got {self.kv_heads}")
        self.rotary, width = as_switch(rotary, f"{name}: rotary"), self.size // self.heads
        if self.rotary and width % 2:
            raise RangeError(f"{name}: rotary needs heads of an even size, got {width}")
        self.qkv = Linear((self.heads + 2 * self.kv_heads) * width, nobias, dtype, in_size)
        self.out = Linear(self.size, nobias, dtype, self.size)

    def forward(self, x: Any, mask: Any = None) -> Variable:
        """``x: (..., positions, in_size)`` to ``(..., positions, size)``.

        ``mask`` broadcasts to (..., heads, positions, positions); bools, True for what may be seen,
        or numbers that are added.
        """
        x = as_variable(x, "MultiHeadAttention: x")
        if x.ndim < 2:
            raise ShapeError(
                f"MultiHeadAttention: x should be (..., positions, size), got shape {x.shape}"
            )
        width = self.size // self.heads
        ends = (self.size, self.size + self.kv_heads * width)
        q, k, v = [_heads(part, width) for part in split(self.qkv(x), ends, -1)]
        if self.rotary:
            q, k = rotary_embedding(q), rotary_embedding(k)
        attend = (
            scaled_dot_product_attention if self.kv_heads == self.heads else grouped_query_attention
        )
        y = attend(q, k, v, mask, self.causal, self.dropout)
        return self.out(y.swapaxes(-2, -3).reshape(*x.shape[:-1], self.size))

    def describe(self) -> str:
        causal = ", causal" if self.causal else ""
        dropout = f", dropout={self.dropout:g}" if self.dropout else ""
        shared = f", {self.kv_heads} of keys" if self.kv_heads != self.heads else ""
        rotary = ", rotary" if self.rotary else ""
        return f"{self.heads} heads of {self.size // self.heads}{shared}{causal}{rotary}{dropout}"


class CrossAttention(Layer):
    """Attention to a memory: queries come from ``x``, keys and values from other positions, such
    as those of an encoder.

    ``q = x q``, ``k, v = memory kv``, cut into heads; ``y = [softmax(q kᵀ / √d) v] out``.

    Args:
        size: length of the last axis of the result, of all heads together.
        heads: how many; divides ``size``.
        dropout: the probability that a weight is set to zero in training, in [0, 1].
        nobias: True leaves out all biases.
        dtype: of the parameters, floating.
        in_size: length of the last axis of ``x``; None learns it at the first call.
        memory_size: that of the memory; None learns it at the first call.
    Raises:
        RangeError: a size that is not a positive integer, ``heads`` that does not divide it, or
            ``dropout`` outside [0, 1].
        DTypeError: ``nobias`` that is not a bool, or a ``dtype`` that is not floating.
    Example:
        >>> layer = CrossAttention(6, heads=2)
        >>> layer(np.ones((2, 5, 4), np.float32), np.ones((2, 7, 3), np.float32)).shape
        (2, 5, 6)

    Source:
        A. Vaswani and others, "Attention Is All You Need", 2017, section 3.2.3.
    """

    def __init__(
        self,
        size: int,
        heads: int,
        dropout: float = 0.0,
        *,
        nobias: bool = False,
        dtype: Any = np.float32,
        in_size: int | None = None,
        memory_size: int | None = None,
    ):
        super().__init__()
        name = "CrossAttention"
        self.size, self.heads = as_size(size, f"{name}: size"), as_size(heads, f"{name}: heads")
        if self.size % self.heads:
            raise RangeError(f"{name}: heads should divide size {self.size}, got {self.heads}")
        self.dropout = as_share(dropout, f"{name}: dropout")
        nobias, dtype = as_switch(nobias, f"{name}: nobias"), as_floating(dtype, name)
        self.q = Linear(self.size, nobias, dtype, in_size)
        self.kv = Linear(2 * self.size, nobias, dtype, memory_size)
        self.out = Linear(self.size, nobias, dtype, self.size)

    def forward(self, x: Any, memory: Any, mask: Any = None) -> Variable:
        """``x: (..., positions, in_size)`` and ``memory: (..., others, memory_size)`` to
        ``(..., positions, size)``. ``mask`` broadcasts to (..., heads, positions, others).
        """
        x, memory = [as_variable(v, "CrossAttention") for v in (x, memory)]
        if min(x.ndim, memory.ndim) < 2:
            raise ShapeError(
                "CrossAttention: x and memory should be (..., positions, size), got shapes "
                f"{x.shape} and {memory.shape}"
            )
        width = self.size // self.heads
        k, v = [_heads(part, width) for part in split(self.kv(memory), 2, -1)]
        q = _heads(self.q(x), width)
        y = scaled_dot_product_attention(q, k, v, mask, False, self.dropout)
        return self.out(y.swapaxes(-2, -3).reshape(*x.shape[:-1], self.size))

    def describe(self) -> str:
        dropout = f", dropout={self.dropout:g}" if self.dropout else ""
        return f"{self.heads} heads of {self.size // self.heads}{dropout}"


def _heads(x: Variable, width: int) -> Variable:
    """(..., positions, heads * width) to (..., heads, positions, width)"""
    return x.reshape(*x.shape[:-1], x.shape[-1] // width, width).swapaxes(-2, -3)
