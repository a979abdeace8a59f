"""LeNet-5: the first convolution net that read real writing."""

from __future__ import annotations

from .. import functions as F
from ..core import Variable
from ..layers import AveragePool2d, Conv2d, Layer, Linear


class LeNet5(Layer):
    """Two convolutions with pooling, three Linear layers, tanh between them.

    Args:
        classes: how many scores it gives.
    Source:
        Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-Based Learning Applied to Document
        Recognition", 1998, section II.B, as it is built today: every map of C3 sees all of S2 (the
        paper's table I leaves some out), S2 and S4 have no numbers of their own, the last layer is
        Linear (the paper's measures distances). 61,706 parameters for 10 classes, of which C1 has
        156, C5 48,120 and F6 10,164, as in the paper.
    """

    def __init__(self, classes: int = 10):
        super().__init__()
        self.c1, self.c3 = Conv2d(6, kernel=5), Conv2d(16, kernel=5)
        self.pool = AveragePool2d(2)
        self.c5, self.f6, self.last = Linear(120), Linear(84), Linear(classes)

    def forward(self, x: Variable) -> Variable:
        """(n, 1, 32, 32) to (n, classes)"""
        x = self.pool(F.tanh(self.c1(x)))  # (n, 6, 14, 14)
        x = self.pool(F.tanh(self.c3(x)))  # (n, 16, 5, 5)
        x = F.tanh(self.c5(F.flatten(x, start=1)))
        return self.last(F.tanh(self.f6(x)))
