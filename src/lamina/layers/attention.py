"""MultiHeadAttention: positions that look at one another."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import Variable
from ..errors import RangeError, ShapeError
from ..functions import moveaxis, scaled_dot_product_attention, split
from ..functions.operand import as_variable
from .checked import as_floating, as_size, as_switch
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
        dtype: of the parameters, floating.
        in_size: length of the last axis of ``x``; None learns it at the first call.
    Raises:
        RangeError: a size that is not a positive integer, ``heads`` that does not divide it, or
            ``dropout`` outside [0, 1].
        DTypeError: ``causal`` or ``nobias`` that is not a bool, or a ``dtype`` that is not
            floating.
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
        A. Vaswani and others, "Attention Is All You Need", 2017, section 3.2.2.
    """

    def __init__(
        self,
        size: int,
        heads: int,
        causal: bool = False,
        dropout: float = 0.0,
        *,
        nobias: bool = False,
        dtype: Any = np.float32,
        in_size: int | None = None,
    ):
        super().__init__()
        name = "MultiHeadAttention"
        self.size, self.heads = as_size(size, f"{name}: size"), as_size(heads, f"{name}: heads")
        if self.size % self.heads:
            raise RangeError(f"{name}: heads should divide size {self.size}, got {self.heads}")
        if not 0 <= dropout <= 1:
            raise RangeError(f"{name}: dropout should be from 0 to 1, got {dropout!r}")
        self.causal, self.dropout = as_switch(causal, f"{name}: causal"), float(dropout)
        nobias, dtype = as_switch(nobias, f"{name}: nobias"), as_floating(dtype, name)
        self.qkv = Linear(3 * self.size, nobias, dtype, in_size)
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
        z = self.qkv(x).reshape(*x.shape[:-1], 3, self.heads, width)
        z = moveaxis(z, (-3, -2), (0, -3))  # (3, ..., heads, positions, width)
        q, k, v = [part.reshape(part.shape[1:]) for part in split(z, 3)]
        y = scaled_dot_product_attention(q, k, v, mask, self.causal, self.dropout)
        return self.out(y.swapaxes(-2, -3).reshape(*x.shape[:-1], self.size))

    def describe(self) -> str:
        causal = ", causal" if self.causal else ""
        dropout = f", dropout={self.dropout:g}" if self.dropout else ""
        return f"{self.heads} heads of {self.size // self.heads}{causal}{dropout}"
