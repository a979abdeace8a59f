"""A language model of characters: embedding, LSTM, scores of the next character."""

from __future__ import annotations

from ..core import Variable
from ..layers import LSTM, Embedding, Layer, Linear


class CharLSTM(Layer):
    """Scores of the next token, from all tokens before it.

    Args:
        tokens: how many there are.
        embedding: length of a token's vector.
        hidden: size of the LSTM's state.
        layers: LSTMs on top of one another.
        dropout: between them.
    """

    def __init__(
        self, tokens: int, embedding: int, hidden: int, layers: int = 1, dropout: float = 0.0
    ):
        super().__init__()
        self.embed = Embedding(tokens, embedding)
        self.lstm = LSTM(hidden, layers, dropout)
        self.last = Linear(tokens)

    def forward(self, t: Variable) -> Variable:
        """Tokens (n, length) to scores (n, length, tokens)"""
        outputs, _ = self.lstm(self.embed(t))
        return self.last(outputs)
