"""The variational autoencoder: few numbers for an image, and images out of noise."""

from __future__ import annotations

from .. import functions as F
from ..core import Variable
from ..layers import Layer, Linear
from .mlp import MLP


class VAE(Layer):
    """An encoder to mean and variance of a normal distribution, a decoder from draws of it.

    Args:
        size: length of a sample.
        latent: how many numbers stand for it.
        hidden: width of the layer in the middle of both.
    Source:
        D. Kingma, M. Welling, "Auto-Encoding Variational Bayes", 2013, section 3 and appendix C.1.
        For 784 pixels, 400 hidden and 20 latent numbers 652,824 parameters.
    """

    def __init__(self, size: int, latent: int = 20, hidden: int = 400):
        super().__init__()
        self.latent = latent
        self.hidden = Linear(hidden, in_size=size)
        self.mean = Linear(latent, in_size=hidden)
        self.log_variance = Linear(latent, in_size=hidden)
        self.decoder = MLP([hidden, size])

    def encode(self, x: Variable) -> tuple[Variable, Variable]:
        """(n, size) to mean and logarithm of the variance, (n, latent) each"""
        h = F.relu(self.hidden(x))
        return self.mean(h), self.log_variance(h)

    def forward(self, x: Variable) -> tuple[Variable, Variable, Variable]:
        """(n, size) to logits of the pixels (n, size), and what `encode` gives"""
        mean, log_variance = self.encode(x)
        noise = F.normal(mean.shape, dtype=mean.dtype)
        return self.decoder(mean + F.exp(log_variance / 2) * noise), mean, log_variance

    def loss(self, x: Variable) -> Variable:
        """The negative lower bound, per sample: bits to say the pixels and the latent numbers."""
        logits, mean, log_variance = self(x)
        pixels = F.sigmoid_cross_entropy(logits, x, reduction="sum")
        divergence = (F.exp(log_variance) + mean * mean - 1 - log_variance).sum() / 2
        return (pixels + divergence) / mean.shape[0]

    def sample(self, count: int) -> Variable:
        """``count`` new samples (count, size), in [0, 1]"""
        noise = F.normal((count, self.latent), dtype=self.mean.dtype)
        return F.sigmoid(self.decoder(noise))
