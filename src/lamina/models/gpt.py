"""GPT: a decoder of tokens, of blocks of causal attention and a small network."""

from __future__ import annotations

import numpy as np

from .. import functions as F
from ..core import Variable
from ..errors import ShapeError
from ..layers import Dropout, Embedding, Layer, LayerNorm, Linear, MultiHeadAttention
from ..layers.initializers import normal
from ..parameter import Parameter


class Block(Layer):
    """``x + attention(norm(x))``, then ``x + mlp(norm(x))``."""

    def __init__(self, size: int, heads: int, dropout: float):
        super().__init__()
        self.norm1 = LayerNorm(size)
        self.attention = MultiHeadAttention(size, heads, causal=True, dropout=dropout)
        self.norm2 = LayerNorm(size)
        self.wide = Linear(4 * size, in_size=size)
        self.narrow = Linear(size, in_size=4 * size)
        self.dropout = Dropout(dropout)

    def forward(self, x: Variable) -> Variable:
        """(n, t, size) to the same"""
        x = x + self.dropout(self.attention(self.norm1(x)))
        h = F.gelu_tanh(self.wide(self.norm2(x)))
        return x + self.dropout(self.narrow(h))


class GPT(Layer):
    """Scores of the next token, from all tokens before it.

    Args:
        tokens: how many there are.
        length: the longest sequence.
        size: of a token's vector.
        layers: blocks on top of one another.
        heads: of each attention.
        dropout: behind each attention and network, and in the attention.
    Source:
        A. Radford and others, "Language Models are Unsupervised Multitask Learners", 2019: layer
        norm in front of each part, and one more at the end. The last matrix is its own, not tied.
    """

    def __init__(
        self,
        tokens: int,
        length: int,
        size: int = 256,
        layers: int = 4,
        heads: int = 8,
        dropout: float = 0.0,
    ):
        super().__init__()
        self.embed = Embedding(tokens, size, init=normal(0.02))
        self.place = Parameter(None, shape=(length, size), init=normal(0.02))
        self.blocks = [Block(size, heads, dropout) for _ in range(layers)]
        self.norm = LayerNorm(size)
        self.last = Linear(tokens, nobias=True, in_size=size)

    def forward(self, t: Variable) -> Variable:
        """Tokens (n, t) to scores (n, t, tokens)"""
        length = np.shape(t)[-1] if not hasattr(t, "shape") else t.shape[-1]
        if length > self.place.shape[0]:
            raise ShapeError(f"GPT: {length} tokens are longer than length={self.place.shape[0]}")
        x = self.embed(t) + self.place[:length]
        for block in self.blocks:
            x = block(x)
        return self.last(self.norm(x))
