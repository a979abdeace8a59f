"""The network of ``lamina demo``: two Layers of the kind that users write."""

from __future__ import annotations

from .. import functions as F
from ..core import Variable
from ..layers import Layer, Linear


class Block(Layer):
    """Two Linear layers, and a way around them: relu(x + l2(relu(l1(x))))."""

    def __init__(self, width: int, dropout: float):
        super().__init__()
        self.l1 = Linear(width)
        self.l2 = Linear(width)
        self.dropout = dropout

    def forward(self, x: Variable) -> Variable:
        """(n, width) to (n, width)"""
        h = F.dropout(F.relu(self.l1(x)), self.dropout)
        return F.relu(x + self.l2(h))


class MLP(Layer):
    """A few Blocks between pixels and the scores of ten digits."""

    def __init__(self, width: int = 256, depth: int = 2, dropout: float = 0.5):
        super().__init__()
        self.first = Linear(width)
        self.blocks = [Block(width, dropout) for _ in range(depth)]
        self.last = Linear(10)

    def forward(self, x: Variable) -> Variable:
        """(n, 64) to (n, 10)"""
        x = F.relu(self.first(x))
        for block in self.blocks:
            x = block(x)
        return self.last(x)
