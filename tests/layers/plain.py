"""Layers without parameters: each with its words, the function it stands for, and an input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lamina import Layer
from lamina import functions as F
from lamina import layers as L
from layers.every import floats


@dataclass(frozen=True)
class Plain:
    """``make(*words)`` prints as ``shown``, and of ``x`` gives what ``function`` does."""

    make: Callable[..., Layer]
    words: dict[str, Any]
    shown: str
    function: Callable[..., Any]
    shapes: tuple[tuple[int, ...], ...]

    @property
    def name(self) -> str:
        return self.make.__name__

    def inputs(self, dtype: Any) -> list[Any]:
        return [floats(*shape)(dtype) for shape in self.shapes]


def row(make: Any, shown: str, function: Any, *shapes: tuple[int, ...], **words: Any) -> Plain:
    return Plain(make, words, shown, function, shapes or ((2, 3, 4),))


IMAGE = (2, 4, 6, 5)

PLAIN = [
    row(L.ReLU, "ReLU()", F.relu),
    row(L.Sigmoid, "Sigmoid()", F.sigmoid),
    row(L.Tanh, "Tanh()", F.tanh),
    row(L.LogSigmoid, "LogSigmoid()", F.log_sigmoid),
    row(L.Softsign, "Softsign()", F.softsign),
    row(L.SELU, "SELU()", F.selu),
    row(L.ReLU6, "ReLU6()", F.relu6),
    row(L.HardSigmoid, "HardSigmoid()", F.hard_sigmoid),
    row(L.SiLU, "SiLU()", F.silu),
    row(L.Mish, "Mish()", F.mish),
    row(L.HardSwish, "HardSwish()", F.hard_swish),
    row(L.LeakyReLU, "LeakyReLU(slope=0.5)", lambda x: F.leaky_relu(x, 0.5), slope=0.5),
    row(L.ELU, "ELU(alpha=2.0)", lambda x: F.elu(x, 2.0), alpha=2),
    row(L.CELU, "CELU(alpha=2.0)", lambda x: F.celu(x, 2.0), alpha=2),
    row(L.GELU, "GELU()", F.gelu),
    row(L.GELU, "GELU(form='tanh')", F.gelu_tanh, form="tanh"),
    row(L.Softplus, "Softplus(beta=3.0)", lambda x: F.log1p(F.exp(x * 3)) / 3, beta=3),
    row(L.Squareplus, "Squareplus(b=1.0)", lambda x: F.squareplus(x, 1.0), b=1),
    row(L.HardTanh, "HardTanh(high=0.5)", lambda x: F.clip(x, -1, 0.5), high=0.5),
    row(L.HardShrink, "HardShrink(limit=1.0)", lambda x: F.hard_shrink(x, 1.0), limit=1),
    row(L.SoftShrink, "SoftShrink(limit=1.0)", lambda x: F.soft_shrink(x, 1.0), limit=1),
    row(
        L.Threshold,
        "Threshold(limit=0.2, value=-3.0)",
        lambda x: F.threshold(x, 0.2, -3.0),
        limit=0.2,
        value=-3,
    ),
    row(L.CReLU, "CReLU(axis=1)", lambda x: F.crelu(x, 1), axis=1),
    row(L.Softmax, "Softmax(axis=1)", lambda x: F.softmax(x, 1), axis=1),
    row(L.LogSoftmax, "LogSoftmax(axis=1)", lambda x: F.log_softmax(x, 1), axis=1),
    row(L.Sparsemax, "Sparsemax(axis=1)", lambda x: F.sparsemax(x, 1), axis=1),
    row(L.GLU, "GLU()", F.glu),
    row(
        L.LocalResponseNorm,
        "LocalResponseNorm(size=3, k=2.0)",
        lambda x: F.local_response_norm(x, 3, k=2.0),
        IMAGE,
        size=3,
        k=2,
    ),
    row(L.Identity, "Identity()", lambda x: x + 0),
    row(L.Reshape, "Reshape(shape=(4, -1))", lambda x: x.reshape(2, 4, 3), shape=(4, -1)),
    row(
        L.Unflatten,
        "Unflatten(axis=-1, shape=(2, -1))",
        lambda x: x.reshape(2, 3, 2, 2),
        axis=-1,
        shape=(2, -1),
    ),
    row(L.Flatten, "Flatten()", lambda x: x.reshape(2, 12)),
    row(L.Upsample, "Upsample(scale=2)", lambda x: F.interpolate(x, scale=2), IMAGE, scale=2),
    row(
        L.Upsample,
        "Upsample(size=(3, 4), mode='cubic', align_corners=True)",
        lambda x: F.interpolate(x, (3, 4), mode="cubic", align_corners=True),
        IMAGE,
        size=(3, 4),
        mode="cubic",
        align_corners=True,
    ),
    row(L.PixelShuffle, "PixelShuffle(factor=2)", lambda x: F.pixel_shuffle(x, 2), IMAGE, factor=2),
    row(
        L.PixelUnshuffle,
        "PixelUnshuffle(factor=2)",
        lambda x: F.pixel_unshuffle(x, 2),
        (2, 3, 6, 4),
        factor=2,
    ),
    row(
        L.ChannelShuffle,
        "ChannelShuffle(groups=2)",
        lambda x: F.channel_shuffle(x, 2),
        IMAGE,
        groups=2,
    ),
    row(
        L.Unfold,
        "Unfold(kernel=(2, 3), padding=1)",
        lambda x: F.unfold(x, (2, 3), padding=1),
        IMAGE,
        kernel=(2, 3),
        padding=1,
    ),
    row(
        L.Fold,
        "Fold(size=(4, 5), kernel=2, stride=(2, 3))",
        lambda x: F.fold(x, (4, 5), 2, (2, 3)),
        (2, 12, 4),
        size=(4, 5),
        kernel=2,
        stride=(2, 3),
    ),
    row(
        L.AdaptiveAveragePool,
        "AdaptiveAveragePool(size=(3, 2))",
        lambda x: F.adaptive_average_pool(x, (3, 2)),
        IMAGE,
        size=(3, 2),
    ),
    row(
        L.AdaptiveMaxPool,
        "AdaptiveMaxPool(size=3)",
        lambda x: F.adaptive_max_pool(x, 3),
        IMAGE,
        size=3,
    ),
    row(
        L.LPPool,
        "LPPool(power=2.0, kernel=2, stride=1)",
        lambda x: F.lp_pool(x, 2.0, 2, 1),
        IMAGE,
        power=2,
        kernel=2,
        stride=1,
    ),
    row(
        L.MaxPoolWithIndices,
        "MaxPoolWithIndices(kernel=2, stride=1)",
        lambda x: F.max_pool_with_indices(x, 2, 1),
        IMAGE,
        kernel=2,
        stride=1,
    ),
    row(
        L.ConstantPad,
        "ConstantPad(width=((1, 2), 0), value=3.0)",
        lambda x: F.pad(x, ((0, 0), (0, 0), (1, 2), (0, 0)), "constant", 3.0),
        IMAGE,
        width=((1, 2), 0),
        value=3,
    ),
    row(
        L.ReflectionPad,
        "ReflectionPad(width=1)",
        lambda x: F.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), "reflect"),
        IMAGE,
        width=1,
    ),
    row(
        L.ReplicationPad,
        "ReplicationPad(width=(1, 2))",
        lambda x: F.pad(x, ((0, 0), (0, 0), (1, 1), (2, 2)), "edge"),
        IMAGE,
        width=(1, 2),
    ),
    row(
        L.CircularPad,
        "CircularPad(width=1)",
        lambda x: F.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), "wrap"),
        IMAGE,
        width=1,
    ),
    row(
        L.PositionalEncoding,
        "PositionalEncoding(base=100.0)",
        lambda x: x + F.sinusoidal_positions(np.arange(3), 4, base=100, dtype=x.dtype),
        base=100,
    ),
    row(
        L.CosineSimilarity,
        "CosineSimilarity(axis=1)",
        lambda a, b: F.cosine_similarity(a, b, 1),
        (2, 3, 4),
        (2, 3, 1),
        axis=1,
    ),
    row(
        L.PairwiseDistance,
        "PairwiseDistance(power=3.0)",
        lambda a, b: ((abs(a - b) ** 3).sum(-1)) ** (1 / 3),
        (2, 3, 4),
        (3, 1),
        power=3,
    ),
]
