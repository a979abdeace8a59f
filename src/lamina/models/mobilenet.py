"""MobileNet: a convolution net for small machines, of separable convolutions."""

from __future__ import annotations

from .. import functions as F
from ..core import Variable
from ..layers import BatchNorm, Conv2d, DepthwiseConv2d, Layer, Linear
from ..layers.initializers import he_normal

STEPS = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)),
    *((512, 1),) * 5,
    *((1024, 2), (1024, 1)),
)
"""Channels and stride of each separable convolution."""


class Separable(Layer):
    """``relu(norm(pointwise(relu(norm(depthwise(x))))))``"""

    def __init__(self, channels: int, stride: int):
        super().__init__()
        self.depthwise = DepthwiseConv2d(3, stride, 1, nobias=True, init=he_normal())
        self.norm1 = BatchNorm()
        self.pointwise = Conv2d(channels, 1, nobias=True, init=he_normal())
        self.norm2 = BatchNorm()

    def forward(self, x: Variable) -> Variable:
        """(n, c, h, w) to (n, channels, h / stride, w / stride)"""
        x = F.relu(self.norm1(self.depthwise(x)))
        return F.relu(self.norm2(self.pointwise(x)))


class MobileNet(Layer):
    """The first MobileNet.

    Args:
        classes: how many scores it gives.
        width: what all channels are multiplied with.
    Source:
        A. Howard and others, "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision
        Applications", 2017, table 1. 4,231,976 parameters for 1000 classes and width 1 (table 8
        says 4.2 million), of which 21,888 are gamma and beta of the norms.
    """

    def __init__(self, classes: int = 1000, width: float = 1.0):
        super().__init__()
        first = max(1, int(32 * width))
        self.conv = Conv2d(first, 3, stride=2, padding=1, nobias=True, init=he_normal())
        self.norm = BatchNorm()
        self.steps = [Separable(max(1, int(c * width)), stride) for c, stride in STEPS]
        self.last = Linear(classes)

    def forward(self, x: Variable) -> Variable:
        """(n, 3, h, w) to (n, classes)"""
        x = F.relu(self.norm(self.conv(x)))
        for step in self.steps:
            x = step(x)
        return self.last(F.mean(x, (2, 3)))
