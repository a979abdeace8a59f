"""ResNet-18, with the stem for images of 32 by 32."""

from __future__ import annotations

from .. import functions as F
from ..core import Variable
from ..layers import BatchNorm, Conv2d, Layer, Linear
from ..layers.initializers import he_normal

STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))  # channels, and the stride of the first block


class Block(Layer):
    """``relu(x + norm(conv(relu(norm(conv(x))))))``; a 1x1 convolution where sizes change."""

    def __init__(self, channels: int, stride: int, changes: bool):
        super().__init__()
        self.c1 = _conv(channels, 3, stride)
        self.b1 = BatchNorm()
        self.c2 = _conv(channels, 3, 1)
        self.b2 = BatchNorm()
        self.around = [_conv(channels, 1, stride), BatchNorm()] if changes else []

    def forward(self, x: Variable) -> Variable:
        """(n, c, h, w) to (n, channels, h / stride, w / stride)"""
        y = self.b2(self.c2(F.relu(self.b1(self.c1(x)))))
        for layer in self.around:
            x = layer(x)
        return F.relu(x + y)


class ResNet18(Layer):
    """The residual network of 18 layers, for small images: no stride and no pooling at the stem.

    Args:
        classes: how many scores it gives.
    Source:
        K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", 2015, table
        1, with the stem of section 4.2. 11,173,962 parameters for 10 classes.
    """

    def __init__(self, classes: int = 10):
        super().__init__()
        self.conv, self.norm = _conv(64, 3, 1), BatchNorm()
        self.blocks = [
            Block(channels, stride if i == 0 else 1, changes=i == 0 and channels > 64)
            for channels, stride in STAGES
            for i in range(2)
        ]
        self.last = Linear(classes)

    def forward(self, x: Variable) -> Variable:
        """(n, 3, h, w) to (n, classes)"""
        x = F.relu(self.norm(self.conv(x)))
        for block in self.blocks:
            x = block(x)
        return self.last(F.mean(x, (2, 3)))


def _conv(channels: int, kernel: int, stride: int) -> Conv2d:
    padding = kernel // 2
    return Conv2d(channels, kernel, stride, padding, nobias=True, init=he_normal())
