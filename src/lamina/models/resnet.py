"""ResNet-18, 34 and 50, with the stem for large images or that for images of 32 by 32."""

from __future__ import annotations

from .. import functions as F
from ..core import Variable
from ..layers import BatchNorm, Conv2d, Layer, Linear
from ..layers.initializers import he_normal

STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))  # channels, and the stride of the first block


class Block(Layer):
    """``relu(x + norm(conv(relu(norm(conv(x))))))``; a 1x1 convolution where sizes change."""

    expansion = 1

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


class Bottleneck(Layer):
    """`Block` of three convolutions, 1x1, 3x3 and 1x1, the last four times as wide. The stride is
    that of the 3x3, as in the code that most weights come from; the paper has it at the first 1x1.
    """

    expansion = 4

    def __init__(self, channels: int, stride: int, changes: bool):
        super().__init__()
        self.convs = [_conv(channels, 1, 1), _conv(channels, 3, stride), _conv(4 * channels, 1, 1)]
        self.norms = [BatchNorm() for _ in self.convs]
        self.around = [_conv(4 * channels, 1, stride), BatchNorm()] if changes else []

    def forward(self, x: Variable) -> Variable:
        """(n, c, h, w) to (n, 4 channels, h / stride, w / stride)"""
        y = x
        for i, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            y = norm(conv(y if i == 0 else F.relu(y)))
        for layer in self.around:
            x = layer(x)
        return F.relu(x + y)


class ResNet(Layer):
    """A residual network.

    Args:
        block: `Block`, or `Bottleneck` for the deep ones.
        counts: of blocks in each of four stages.
        classes: how many scores it gives.
        small: for images of 32 by 32: no stride and no pooling at the stem.
    Source:
        K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", 2015, table
        1, and section 4.2 for the small stem.
    """

    def __init__(
        self,
        block: type[Block] | type[Bottleneck],
        counts: tuple[int, ...],
        classes: int = 1000,
        small: bool = False,
    ):
        super().__init__()
        self.small = small
        self.conv, self.norm = (_conv(64, 3, 1) if small else _conv(64, 7, 2)), BatchNorm()
        wide = block.expansion > 1
        self.blocks = [
            block(channels, stride if i == 0 else 1, changes=i == 0 and (wide or channels > 64))
            for (channels, stride), count in zip(STAGES, counts, strict=True)
            for i in range(count)
        ]
        self.last = Linear(classes)

    def forward(self, x: Variable) -> Variable:
        """(n, 3, h, w) to (n, classes)"""
        x = F.relu(self.norm(self.conv(x)))
        if not self.small:
            x = F.max_pool2d(x, 3, 2, 1)
        for block in self.blocks:
            x = block(x)
        return self.last(F.mean(x, (2, 3)))


class ResNet18(ResNet):
    """18 layers. For 10 classes of small images 11,173,962 parameters; with the large stem and
    1000 classes 11,689,512.
    """

    def __init__(self, classes: int = 10, small: bool = True):
        super().__init__(Block, (2, 2, 2, 2), classes, small)


class ResNet34(ResNet):
    """34 layers: 21,797,672 parameters for 1000 classes."""

    def __init__(self, classes: int = 1000, small: bool = False):
        super().__init__(Block, (3, 4, 6, 3), classes, small)


class ResNet50(ResNet):
    """50 layers: 25,557,032 parameters for 1000 classes."""

    def __init__(self, classes: int = 1000, small: bool = False):
        super().__init__(Bottleneck, (3, 4, 6, 3), classes, small)


def _conv(channels: int, kernel: int, stride: int) -> Conv2d:
    padding = kernel // 2
    return Conv2d(channels, kernel, stride, padding, nobias=True, init=he_normal())
