"""DCGAN: a generator of images, and a discriminator that learns to tell them from real ones."""

from __future__ import annotations

from .. import functions as F
from ..core import Variable
from ..layers import BatchNorm, Conv2d, ConvTranspose2d, Layer
from ..layers.initializers import normal


class Generator(Layer):
    """Noise to images of 64 by 64, twice as large from step to step.

    Args:
        channels: of an image.
        width: of the last step but one; eight times as many at first.
        latent: how many numbers of noise there are.
    Source:
        A. Radford, L. Metz, S. Chintala, "Unsupervised Representation Learning with Deep
        Convolutional Generative Adversarial Networks", 2015, section 3 and figure 1, with half its
        channels, as is usual. 3,576,704 parameters for 3 channels.
    """

    def __init__(self, channels: int = 3, width: int = 64, latent: int = 100):
        super().__init__()
        self.first = ConvTranspose2d(8 * width, 4, nobias=True, in_channels=latent, init=_start())
        self.steps = [
            ConvTranspose2d(c * width, 4, 2, 1, nobias=True, init=_start()) for c in (4, 2, 1)
        ]
        self.norms = [BatchNorm() for _ in range(4)]
        self.last = ConvTranspose2d(channels, 4, 2, 1, nobias=True, init=_start())

    def forward(self, z: Variable) -> Variable:
        """(n, latent) to (n, channels, 64, 64), in [-1, 1]"""
        x = z.reshape(*z.shape, 1, 1)
        for conv, norm in zip([self.first, *self.steps], self.norms, strict=True):
            x = F.relu(norm(conv(x)))
        return F.tanh(self.last(x))


class Discriminator(Layer):
    """Images of 64 by 64 to one score each: how real they look.

    Args:
        width: channels of the first step; eight times as many at last.
    Source:
        As `Generator`. 2,765,568 parameters for images of 3 channels.
    """

    def __init__(self, width: int = 64):
        super().__init__()
        self.first = Conv2d(width, 4, 2, 1, nobias=True, init=_start())
        self.steps = [Conv2d(c * width, 4, 2, 1, nobias=True, init=_start()) for c in (2, 4, 8)]
        self.norms = [BatchNorm() for _ in self.steps]
        self.last = Conv2d(1, 4, nobias=True, init=_start())

    def forward(self, x: Variable) -> Variable:
        """(n, channels, 64, 64) to (n,)"""
        x = F.leaky_relu(self.first(x), 0.2)
        for conv, norm in zip(self.steps, self.norms, strict=True):
            x = F.leaky_relu(norm(conv(x)), 0.2)
        return self.last(x).reshape(x.shape[0])


def _start():
    return normal(0.02)
