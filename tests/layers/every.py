"""Layers that come with lamina: with sizes learnt and given, and an input for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lamina import Layer, Linear
from lamina import functions as F
from lamina import layers as L
from lamina.layers import GRU, LSTM, BatchNorm, Embedding, LayerNorm, MultiHeadAttention


@dataclass(frozen=True)
class Row:
    """``lazy(**options)`` learns its sizes from ``x(dtype)``; ``eager(**options)`` knows them."""

    name: str
    lazy: Callable[..., Layer]
    eager: Callable[..., Layer]
    x: Callable[[Any], Any]
    wrong: Any = None  # an input that does not fit
    message: str = ""
    inside: str = ""  # where the input is refused, if in a Layer inside

    def inputs(self, dtype: Any) -> tuple[Any, ...]:
        x = self.x(dtype)
        return x if isinstance(x, tuple) else (x,)

    @property
    def wrongs(self) -> tuple[Any, ...]:
        return self.wrong if isinstance(self.wrong, tuple) else (self.wrong,)


def floats(*shape: int) -> Callable[[Any], Any]:
    return lambda dtype: np.random.default_rng(7).normal(size=shape).astype(dtype)


def numbers(_: Any) -> Any:
    return np.array([[0, 4, 2], [4, 1, 3]])


def both(*each: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Several inputs."""
    return lambda dtype: tuple([make(dtype) for make in each])


def around(make: Callable[..., Layer], **sizes: Any) -> dict[str, Callable[..., Layer]]:
    """The two ways to make a Layer; ``sizes`` are what the lazy one learns."""
    return {"lazy": make, "eager": lambda **options: make(**options, **sizes)}


class Apart(Layer):
    """An LSTMCell that gets h and c as two inputs, and not as a pair."""

    def __init__(self, **options: Any):
        super().__init__()
        self.cell = L.LSTMCell(5, **options)

    def forward(self, x: Any, h: Any, c: Any) -> Any:
        return self.cell(x, (h, c))


def wide(**o: Any) -> Layer:
    return L.WeightNorm(Linear(3, **o))


def spectral(**o: Any) -> Layer:
    return L.SpectralNorm(L.Conv2d(3, 2, **o))


ROWS = [
    Row(
        "Linear",
        lambda **o: Linear(3, **o),
        lambda **o: Linear(3, in_size=4, **o),
        floats(2, 5, 4),
        np.ones((2, 3)),
        "last axis of x should be 4",
    ),
    Row(
        "LayerNorm",
        LayerNorm,
        lambda **o: LayerNorm(4, **o),
        floats(2, 5, 4),
        np.ones((2, 3)),
        r"LayerNorm: last axes of x should be \(4,\), got shape \(2, 3\)",
    ),
    Row(
        "BatchNorm",
        BatchNorm,
        lambda **o: BatchNorm(4, **o),
        floats(5, 4, 2),
        np.ones((2, 3)),
        r"BatchNorm: axis 1 of x should be 4, got shape \(2, 3\)",
    ),
    Row(
        "Embedding",
        lambda **o: Embedding(5, 3, **o),
        lambda **o: Embedding(5, 3, **o),
        numbers,
        np.array([5]),
        "embedding: 5 at 0 is outside 0..4",
    ),
    Row(
        "MultiHeadAttention",
        lambda **o: MultiHeadAttention(6, 2, causal=True, **o),
        lambda **o: MultiHeadAttention(6, 2, causal=True, in_size=4, **o),
        floats(2, 5, 4),
        np.ones(4),
        r"MultiHeadAttention: x should be \(..., positions, size\), got shape \(4,\)",
    ),
    *[
        Row(
            kind.__name__,
            lambda kind=kind, **o: kind(5, layers=2, **o),
            lambda kind=kind, **o: kind(5, layers=2, in_size=4, **o),
            floats(2, 3, 4),
            np.ones((2, 3, 5)),
            rf"{kind.__name__}: last axis of x should be 4, got shape \(2, 3, 5\)",
        )
        for kind in (LSTM, GRU, L.RNN)
    ],
    *[
        Row(
            kind.__name__,
            **around(kind, size=4),
            x=floats(3, 4, 2),
            wrong=np.ones((2, 3)),
            message=rf"{kind.__name__}: x should have 4 channels, got shape \(2, 3\)",
        )
        for kind in (L.PReLU, L.Snake)
    ],
    *[
        Row(
            kind.__name__,
            **around(lambda kind=kind, **o: kind(3, **o), in_size=4),
            x=floats(2, 5, 4),
            wrong=np.ones((2, 3)),
            message="last axis of x should be 4",
            inside="/linear (Linear ",
        )
        for kind in (L.Maxout, L.GatedLinear)
    ],
    Row(
        "GroupNorm",
        **around(lambda **o: L.GroupNorm(2, **o), size=4),
        x=floats(3, 4, 5),
        wrong=np.ones((2, 3)),
        message=r"GroupNorm: axis 1 of x should be 4, got shape \(2, 3\)",
    ),
    Row(
        "InstanceNorm",
        **around(L.InstanceNorm, size=4),
        x=floats(3, 4, 5),
        wrong=np.ones((2, 3)),
        message=r"InstanceNorm: axis 1 of x should be 4, got shape \(2, 3\)",
    ),
    Row(
        "RMSNorm",
        **around(L.RMSNorm, size=4),
        x=floats(2, 5, 4),
        wrong=np.ones((2, 3)),
        message=r"RMSNorm: the last axis of x should be 4, got shape \(2, 3\)",
    ),
    Row(
        "WeightNorm",
        **around(wide, in_size=4),
        x=floats(2, 5, 4),
        wrong=np.ones((2, 3)),
        message="linear: last axis of x should be 4|last axis of x should be 4",
    ),
    Row(
        "SpectralNorm",
        **around(spectral, in_channels=4),
        x=floats(2, 4, 3, 5),
        wrong=np.ones((2, 3, 3, 5)),
        message="conv2d: ",
    ),
    Row(
        "EmbeddingBag",
        **around(lambda **o: L.EmbeddingBag(5, 3, **o)),
        x=numbers,
        wrong=np.array([5]),
        message="embedding: 5 at 0 is outside 0..4",
    ),
    Row(
        "LearnedPositions",
        **around(lambda **o: L.LearnedPositions(5, **o), size=4),
        x=floats(2, 5, 4),
        wrong=np.ones((6, 4)),
        message="LearnedPositions: 6 positions are more than length=5",
    ),
    Row(
        "Bilinear",
        **around(lambda **o: L.Bilinear(3, **o), in_sizes=(4, 2)),
        x=both(floats(5, 4), floats(5, 2)),
        wrong=(np.ones((5, 4)), np.ones((5, 3))),
        message=r"Bilinear: last axes of a and b should be 4 and 2, got \(5, 4\) and \(5, 3\)",
    ),
    Row(
        "DepthwiseConv2d",
        **around(lambda **o: L.DepthwiseConv2d(2, multiplier=2, **o), in_channels=3),
        x=floats(2, 3, 4, 5),
        wrong=np.ones((2, 4, 4, 5)),
        message=r"DepthwiseConv2d: x should have 3 channels, got shape \(2, 4, 4, 5\)",
    ),
    Row(
        "SeparableConv2d",
        **around(lambda **o: L.SeparableConv2d(2, 3, padding=1, **o), in_channels=3),
        x=floats(2, 3, 4, 5),
        wrong=np.ones((2, 4, 4, 5)),
        message=r"DepthwiseConv2d: x should have 3 channels, got shape \(2, 4, 4, 5\)",
        inside="/depthwise (DepthwiseConv2d ",
    ),
    *[
        Row(
            kind.__name__,
            **around(lambda kind=kind, **o: kind(5, **o), in_size=4),
            x=both(floats(3, 4), state),
            wrong=np.ones((3, 5)),
            message=rf"{kind.__name__}: x should be \(n, 4\), got shape \(3, 5\)",
        )
        for kind, state in (
            (L.RNNCell, floats(3, 5)),
            (L.GRUCell, floats(3, 5)),
        )
    ],
    Row(
        "LSTMCell",
        **around(Apart, in_size=4),
        x=both(floats(3, 4), floats(3, 5), floats(3, 5)),
        wrong=(np.ones((3, 5)), np.ones((3, 5)), np.ones((3, 5))),
        message=r"LSTMCell: x should be \(n, 4\), got shape \(3, 5\)",
        inside="/cell (LSTMCell ",
    ),
    Row(
        "Bidirectional",
        **around(lambda **o: L.Bidirectional(GRU(3, **o), L.RNN(2, **o)), in_size=4),
        x=floats(2, 3, 4),
        wrong=np.ones((2, 3, 5)),
        message=r"GRU: last axis of x should be 4, got shape \(2, 3, 5\)",
        inside="/ahead (GRU ",
    ),
    Row(
        "MultiHeadAttention",
        **around(
            lambda **o: MultiHeadAttention(8, 4, True, kv_heads=2, rotary=True, **o), in_size=4
        ),
        x=floats(2, 5, 4),
        wrong=np.ones(4),
        message=r"MultiHeadAttention: x should be \(..., positions, size\), got shape \(4,\)",
    ),
    Row(
        "CrossAttention",
        **around(lambda **o: L.CrossAttention(6, 2, **o), in_size=4, memory_size=3),
        x=both(floats(2, 5, 4), floats(2, 7, 3)),
        wrong=(np.ones((5, 4)), np.ones(3)),
        message=r"CrossAttention: x and memory should be .*, got shapes \(5, 4\) and \(3,\)",
    ),
    Row(
        "FeedForward",
        **around(lambda **o: L.FeedForward(4, 3, F.softplus, **o)),
        x=floats(2, 5, 4),
        wrong=np.ones((2, 3)),
        message="last axis of x should be 4",
        inside="/wide (Linear ",
    ),
    Row(
        "TransformerEncoder",
        **around(lambda **o: L.TransformerEncoder(2, 4, 2, causal=True, **o)),
        x=floats(2, 5, 4),
        wrong=np.ones((2, 3)),
        message=r"LayerNorm: last axes of x should be \(4,\), got shape \(2, 3\)",
        inside="/blocks/0/norm1 (LayerNorm ",
    ),
    Row(
        "TransformerDecoder",
        **around(lambda **o: L.TransformerDecoder(1, 4, 2, norm_first=False, **o)),
        x=both(floats(2, 3, 4), floats(2, 5, 4)),
        wrong=(np.ones((3, 4)), np.ones((2, 3))),
        message="last axis of x should be 4",
        inside="/blocks/0/cross/kv (Linear ",
    ),
]
