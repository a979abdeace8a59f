"""The multi-layer perceptron."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .. import functions as F
from ..core import Variable
from ..layers import Layer, Linear
from ..layers.initializers import he_normal


class MLP(Layer):
    """Linear layers with an activation between them.

    Args:
        sizes: output size of each layer; the input size is learnt at the first call.
        activation: between layers. The weights before it start from He's distribution, which is
            meant for ReLU.
    Example:
        >>> import numpy as np
        >>> model = MLP([100, 10])
        >>> model(np.ones((32, 784), np.float32)).shape
        (32, 10)
    """

    def __init__(self, sizes: Sequence[int], activation: Callable[[Variable], Variable] = F.relu):
        super().__init__()
        self.hidden = [Linear(size, init=he_normal()) for size in sizes[:-1]]
        self.last = Linear(sizes[-1])
        self.activation = activation

    def forward(self, x: Variable) -> Variable:
        """(..., in) to (..., sizes[-1])"""
        for layer in self.hidden:
            x = self.activation(layer(x))
        return self.last(x)
