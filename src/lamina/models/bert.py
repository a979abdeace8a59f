"""BERT: an encoder of texts, which sees both sides of a word."""

from __future__ import annotations

from .. import functions as F
from ..core import Variable
from ..errors import ShapeError
from ..functions.operand import as_variable
from ..layers import (
    Dropout,
    Embedding,
    Layer,
    LayerNorm,
    LearnedPositions,
    Linear,
    TransformerEncoder,
)
from ..layers.initializers import normal


class BERT(Layer):
    """Vectors of all tokens, and one of the whole text.

    Args:
        tokens: how many there are.
        length: the longest text.
        size: of a token's vector.
        layers: of the encoder.
        heads: of each attention.
        segments: how many parts a text may have.
        dropout: everywhere.
    Source:
        J. Devlin, M.-W. Chang, K. Lee, K. Toutanova, "BERT: Pre-training of Deep Bidirectional
        Transformers for Language Understanding", 2018, section 3. The defaults are those of BERT
        base, uncased: 109,482,240 parameters with the pooler (the paper says 110 million).
    """

    def __init__(
        self,
        tokens: int = 30522,
        length: int = 512,
        size: int = 768,
        layers: int = 12,
        heads: int = 12,
        segments: int = 2,
        dropout: float = 0.1,
    ):
        super().__init__()
        self.embed = Embedding(tokens, size, init=normal(0.02))
        self.segment = Embedding(segments, size, init=normal(0.02))
        self.place = LearnedPositions(length, size)
        self.norm, self.dropout = LayerNorm(size), Dropout(dropout)
        self.encoder = TransformerEncoder(layers, size, heads, dropout=dropout, norm_first=False)
        self.pooler = Linear(size, in_size=size)

    def forward(
        self, t: Variable, segment: Variable | None = None, seen: Variable | None = None
    ) -> tuple[Variable, Variable]:
        """Tokens (n, length) to vectors (n, length, size) and, from the first of them, (n, size)

        ``segment: (n, length)`` says which part a token is of, None: all of the first;
        ``seen: (n, length)``, bool, is False where a text is filled up.
        """
        t = as_variable(t, "BERT: t")
        if t.ndim != 2:
            raise ShapeError(f"BERT: tokens should be (n, length), got shape {t.shape}")
        parts = self.segment(t * 0 if segment is None else segment)
        x = self.dropout(self.norm(self.place(self.embed(t) + parts)))
        mask = None
        if seen is not None:
            mask = as_variable(seen, "BERT: seen").reshape(t.shape[0], 1, 1, t.shape[1])
        x = self.encoder(x, mask)
        return x, F.tanh(self.pooler(x[:, 0]))
