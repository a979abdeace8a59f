"""U-Net: an image in, a map of classes out."""

from __future__ import annotations

from .. import functions as F
from ..core import Variable
from ..errors import ShapeError
from ..layers import Conv2d, ConvTranspose2d, Layer
from ..layers.initializers import he_normal


class Double(Layer):
    """Two convolutions of 3 by 3, ReLU behind each."""

    def __init__(self, channels: int):
        super().__init__()
        self.c1 = Conv2d(channels, kernel=3, padding=1, init=he_normal())
        self.c2 = Conv2d(channels, kernel=3, padding=1, init=he_normal())

    def forward(self, x: Variable) -> Variable:
        """(n, c, h, w) to (n, channels, h, w)"""
        return F.relu(self.c2(F.relu(self.c1(x))))


class UNet(Layer):
    """Down to small images of many channels, and up again, with a way across at each size.

    Args:
        classes: how many scores each pixel gets.
        channels: at full size; twice as many each time the image is halved.
        depth: how often it is halved.
    Source:
        O. Ronneberger, P. Fischer, T. Brox, "U-Net: Convolutional Networks for Biomedical Image
        Segmentation", 2015, figure 1, but with borders of zeros, so that the map is as large as the
        image. 31,030,658 parameters for images of one channel and two classes: a border has none.
    """

    def __init__(self, classes: int = 2, channels: int = 64, depth: int = 4):
        super().__init__()
        widths = [channels << i for i in range(depth)]
        self.down = [Double(width) for width in widths]
        self.bottom = Double(channels << depth)
        self.larger = [ConvTranspose2d(width, kernel=2, stride=2) for width in reversed(widths)]
        self.up = [Double(width) for width in reversed(widths)]
        self.last = Conv2d(classes, kernel=1)

    def forward(self, x: Variable) -> Variable:
        """(n, c, h, w) to (n, classes, h, w); 2**depth divides h and w"""
        if any(n % (1 << len(self.down)) for n in x.shape[2:]):
            raise ShapeError(
                f"UNet: h and w should be multiples of {1 << len(self.down)}, got shape {x.shape}"
            )
        across = []
        for double in self.down:
            across.append(double(x))
            x = F.max_pool2d(across[-1], 2)
        x = self.bottom(x)
        for larger, double in zip(self.larger, self.up, strict=True):
            x = double(F.concatenate([across.pop(), larger(x)], 1))
        return self.last(x)
