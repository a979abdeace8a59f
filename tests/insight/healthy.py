"""Models in which nothing is wrong, with their losses and batches."""

from __future__ import annotations

from typing import Any

import numpy as np

import lamina.functions as F
import lamina.layers as L
import lamina.optimizers as O
from lamina import Parameter
from lamina.data import digits


def entropy(model: Any, x: Any, t: Any) -> Any:
    return F.softmax_cross_entropy(model(x), t)


def squared(model: Any, x: Any, t: Any) -> Any:
    return F.mean_squared_error(model(x), t)


def blobs(n: int = 32, size: int = 6, classes: int = 3) -> tuple[Any, Any]:
    """Classes around points, as (n, size) and labels."""
    rng = np.random.default_rng(0)
    t = np.arange(n) % classes
    middle = rng.standard_normal((classes, size))
    x = middle[t] + 0.5 * rng.standard_normal((n, size))
    return x.astype(np.float32), t


def wave(n: int = 32) -> tuple[Any, Any]:
    """Points of a sine, as (n, 1) both."""
    x = np.linspace(-2, 2, n, dtype=np.float32).reshape(n, 1)
    return x, np.sin(x)


def images(n: int = 8) -> tuple[Any, Any]:
    """Noise of shape (n, 1, 8, 8) with a bright half, and which half."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((n, 1, 8, 8)).astype(np.float32)
    t = np.arange(n) % 2
    x[t == 1, :, :4] += 1
    return x, t


def mlp(classes: int = 3) -> Any:
    return L.Sequential(L.Linear(32), F.relu, L.Linear(classes))


class Residual(L.Layer):
    """Two branches and a normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.into = L.Linear(16)
        self.blocks = [L.Sequential(L.LayerNorm(), L.Linear(16), F.gelu) for _ in range(3)]
        self.out = L.Linear(3)

    def forward(self, x: Any) -> Any:
        y = self.into(x)
        for block in self.blocks:
            y = y + block(y)
        return self.out(y)


class Tied(L.Layer):
    """Words in, words out, through one matrix."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = L.Embedding(11, 16)
        self.inner = L.Linear(16)

    def forward(self, x: Any) -> Any:
        return F.tanh(self.inner(self.embed(x))) @ self.embed.W.T


class Positions(L.Layer):
    """Tokens, and a parameter of its own beside them."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = L.Embedding(40, 16)
        self.place = Parameter(np.zeros((5, 16), np.float32))
        self.out = L.Linear(2)

    def forward(self, x: Any) -> Any:
        return self.out(F.gelu(self.embed(x) + self.place).mean(axis=1))


class Recurrent(L.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = L.LSTM(12)
        self.out = L.Linear(2)

    def forward(self, x: Any) -> Any:
        y = self.lstm(x)
        y = y[0] if isinstance(y, tuple) else y
        return self.out(y[:, -1])


def frozen() -> Any:
    model = mlp()
    model.build((32, 6))
    model.freeze("0/*")
    return model


def sequences() -> tuple[Any, Any]:
    rng = np.random.default_rng(2)
    x = rng.standard_normal((16, 5, 3)).astype(np.float32)
    return x, (x[:, -1, 0] > 0).astype(int)


def words() -> tuple[Any, Any]:
    rng = np.random.default_rng(3)
    x = rng.integers(0, 11, 40)
    return x, (x + 1) % 11


def tokens() -> tuple[Any, Any]:
    x = np.random.default_rng(4).integers(0, 40, (16, 5))
    return x, x[:, 0] % 2


def some_digits() -> tuple[Any, Any]:
    x, t = digits()
    return x[:64], t[:64]


def yes_or_no(model: Any, x: Any, t: Any) -> Any:
    return F.sigmoid_cross_entropy(model(x), t.reshape(-1, 1))


def adam(model: Any) -> Any:
    return O.Adam(lr=3e-3).setup(model)


HEALTHY: dict[str, tuple[Any, Any, Any, Any]] = {
    "mlp": (mlp, entropy, blobs, None),
    "digits": (lambda: mlp(10), entropy, some_digits, adam),
    "regression": (
        lambda: L.Sequential(L.Linear(32), F.tanh, L.Linear(1)),
        squared,
        wave,
        lambda model: O.Momentum(lr=0.05).setup(model),
    ),
    "convolution": (
        lambda: L.Sequential(
            L.Conv2d(8, 3), L.BatchNorm(), F.relu, L.Flatten(), L.Dropout(0.3), L.Linear(2)
        ),
        entropy,
        images,
        adam,
    ),
    "residual": (Residual, entropy, blobs, adam),
    "tied": (Tied, entropy, words, adam),
    "tokens": (Positions, entropy, tokens, adam),
    "recurrent": (Recurrent, entropy, sequences, adam),
    "frozen": (frozen, entropy, blobs, adam),
    "binary": (
        lambda: L.Sequential(L.Linear(16), F.relu, L.Linear(1)),
        yes_or_no,
        lambda: blobs(classes=2),
        lambda model: O.SGD(lr=0.1).setup(model),
    ),
    "normalised inside": (
        lambda: L.Sequential(L.BatchNorm(), L.Linear(16), F.sigmoid, L.Linear(3)),
        entropy,
        lambda: (blobs()[0] * 40 + 100, blobs()[1]),
        adam,
    ),
    "linear": (lambda: L.Linear(3), entropy, blobs, None),
}
