"""The family of dropout, against masks drawn by hand from the same streams."""

from __future__ import annotations

import numpy as np

import lamina.functions as F
from lamina import seed
from lamina.check import case
from lamina.random import stream

LIMIT = -1.7580993408473766  # selu's, -scale alpha, written out


def seeded(f):
    """As if nothing was drawn before."""

    def call(*args, **kwargs):
        seed(7)
        return f(*args, **kwargs)

    return call


def drawn(name, shape):
    """What the operator of this name draws first."""
    return stream(name, 0).random(shape, np.float32)


def dropout(x, ratio):
    return np.where(drawn("dropout", x.shape) < ratio, 0, x / (1 - ratio))


def channel_dropout(x, ratio):
    y = np.zeros(x.shape)
    chances = drawn("channel_dropout", (*x.shape[:2], *[1] * (x.ndim - 2)))
    for n, c in np.ndindex(*x.shape[:2]):
        y[n, c] = 0 if chances[n, c].item() < ratio else x[n, c] / (1 - ratio)
    return y


def drop_path(x, ratio):
    chances = drawn("drop_path", (len(x), *[1] * (x.ndim - 1))).ravel()
    rows = [
        np.zeros(x.shape[1:]) if c < ratio else r / (1 - ratio)
        for c, r in zip(chances, x, strict=True)
    ]
    return np.array(rows).reshape(x.shape)


def alpha_dropout(x, ratio):
    """Mean and variance of what is kept or at the limit, undone."""
    y = np.where(drawn("alpha_dropout", x.shape) < ratio, LIMIT, x)
    mean = ratio * LIMIT
    variance = (1 - ratio) * 1 + ratio * LIMIT**2 - mean**2
    return (y - mean) / np.sqrt(variance)


def gaussian(name, f):
    def reference(x, amount):
        kind = np.float64  # values are compared in float64, from the same numbers
        return f(x, stream(name, 0).standard_normal(x.shape, kind), amount)

    return reference


gaussian_dropout = gaussian("gaussian_dropout", lambda x, z, r: x * (1 + z * np.sqrt(r / (1 - r))))
gaussian_noise = gaussian("gaussian_noise", lambda x, z, std: x + std * z)

SHAPES = {
    "dropout": [(2, 3, 5), (0, 3), (1,), ()],
    "channel_dropout": [(3, 5, 2), (0, 3), (1, 1)],
    "drop_path": [(5, 3), (0, 3), (1,)],
    "alpha_dropout": [(3, 5), (0, 3), (1,), ()],
    "gaussian_dropout": [(3, 5), (0, 3), (1,), ()],
    "gaussian_noise": [(3, 5), (0, 3), (1,), ()],
}
RATIOS = {"dropout": (0.25, 0.5, 0.9), "gaussian_noise": (0.5,)}


def row(name, amount):
    f, reference = getattr(F, name), globals()[name]
    smooth = name.startswith("gaussian")
    return case(
        seeded(lambda x, amount: f(x, amount)),
        seeded(lambda x, amount: reference(x, amount)),
        shapes=SHAPES[name],
        kwargs={"amount": amount},
        # normal numbers are drawn in the dtype of x: others in float32
        dtypes=(np.float64,) if smooth else (np.float16, np.float32, np.float64),
        name=f"{name} {amount}",
    )


CASES = [row(name, amount) for name in SHAPES for amount in RATIOS.get(name, (0.25, 0.5))]
