"""Layers that come with lamina: with sizes learnt and given, and an input for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lamina import Layer, Linear
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


def floats(*shape: int) -> Callable[[Any], Any]:
    return lambda dtype: np.random.default_rng(7).normal(size=shape).astype(dtype)


def numbers(_: Any) -> Any:
    return np.array([[0, 4, 2], [4, 1, 3]])


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
        for kind in (LSTM, GRU)
    ],
]
