"""Dropout against a mask drawn by hand from the same stream."""

from __future__ import annotations

import numpy as np

import lamina.functions as F
from lamina import seed
from lamina.check import case
from lamina.random import stream


def dropout_once(x, ratio):
    seed(7)
    return F.dropout(x, ratio)


def reference(x, ratio):
    seed(7)
    drawn = stream("dropout", 0).random(x.shape, np.float32)
    return np.array(
        [
            0.0 if r < ratio else v / (1 - ratio)
            for r, v in zip(drawn.ravel(), x.ravel(), strict=True)
        ]
    ).reshape(x.shape)


CASES = [
    case(
        dropout_once,
        reference,
        shapes=[(2, 3, 5), (0, 3), (1,), ()],
        kwargs={"ratio": ratio},
        name=f"dropout {ratio}",
    )
    for ratio in (0.25, 0.5, 0.9)
]
