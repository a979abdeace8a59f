"""VGG-11 and VGG-16: many convolutions of 3 by 3."""

from __future__ import annotations

from .. import functions as F
from ..core import Variable
from ..layers import Conv2d, Dropout, Layer, Linear, MaxPool2d
from ..layers.initializers import he_normal

STAGES = ((64, 1), (128, 1), (256, 2), (512, 2), (512, 2))
"""Configuration A: channels, and how many convolutions there are before the image is halved."""

DEEP = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
"""Configuration D."""


class VGG(Layer):
    """Stages of convolutions of 3 by 3 and a pooling, then three Linear layers.

    Args:
        stages: channels and number of convolutions of each.
        classes: how many scores it gives.
        dropout: between the Linear layers.
    Source:
        K. Simonyan, A. Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
        Recognition", 2014, tables 1 and 2, for images of 224 by 224.
    """

    def __init__(
        self,
        stages: tuple[tuple[int, int], ...],
        classes: int = 1000,
        dropout: float = 0.5,
    ):
        super().__init__()
        self.stages = [
            [Conv2d(channels, kernel=3, padding=1, init=he_normal()) for _ in range(count)]
            for channels, count in stages
        ]
        self.pool, self.dropout = MaxPool2d(2), Dropout(dropout)
        self.wide = [Linear(4096, init=he_normal()) for _ in range(2)]
        self.last = Linear(classes)

    def forward(self, x: Variable) -> Variable:
        """(n, 3, h, w) to (n, classes)"""
        for stage in self.stages:
            for conv in stage:
                x = F.relu(conv(x))
            x = self.pool(x)
        x = F.flatten(x, start=1)
        for linear in self.wide:
            x = self.dropout(F.relu(linear(x)))
        return self.last(x)


class VGG11(VGG):
    """Configuration A: 132,863,336 parameters for 1000 classes (table 2 says 133 million)."""

    def __init__(self, classes: int = 1000, dropout: float = 0.5):
        super().__init__(STAGES, classes, dropout)


class VGG16(VGG):
    """Configuration D: 138,357,544 parameters for 1000 classes (table 2 says 138 million)."""

    def __init__(self, classes: int = 1000, dropout: float = 0.5):
        super().__init__(DEEP, classes, dropout)
