"""Kernels that read a part of an array, which begins behind the beginning of its buffer."""

from __future__ import annotations

import numpy as np
import pytest

import lamina
from lamina import functions as F

pytest.importorskip("llvmlite")

RNG = np.random.default_rng(7)


def floats(*shape):
    return RNG.normal(size=shape).astype(np.float32)


IMAGES, KERNELS = floats(2, 2, 3, 6, 6), floats(2, 2, 3, 3, 3)
TEXT, STATES = floats(3, 2, 4), floats(2, 3, 5)
TABLES, NUMBERS = floats(2, 6, 4), np.array([[0, 5], [2, 3]])
Wx, Wh, b = floats(4, 20), floats(5, 20), floats(20)
WIDE = 15

PARTS = {
    "conv2d": (lambda x, W: F.conv2d(x[1], W[1]), IMAGES, KERNELS),
    "max_pool2d": (lambda x: F.max_pool2d(x[1], 2), IMAGES),
    "lstm": (lambda x, s: F.lstm(x, s[0], s[1], Wx, Wh, b)[0], TEXT, STATES),
    "gru": (
        lambda x, s: F.gru(x, s[1], Wx[:, :WIDE], Wh[:, :WIDE], b[:WIDE], b[:WIDE])[0],
        TEXT,
        STATES,
    ),
    "embedding": (lambda W, i: F.embedding(i[1], W[1]), TABLES, NUMBERS),
    "matmul": (lambda s, W: F.matmul(s[1], W), STATES, Wh),
    "sum": (lambda x: x[1].sum(-1), IMAGES),
}


@pytest.mark.parametrize("name", PARTS)
def test_a_part_of_an_array_is_read_from_where_it_begins(name):
    f, *inputs = PARTS[name]
    compiled = lamina.compile(f, backend="native")
    compiled(*inputs)  # heard, and run as it is
    # float32; sums of up to 27 products in another order, and Winograd's error, below 1e-5
    np.testing.assert_allclose(compiled(*inputs), f(*inputs).data, rtol=1e-4, atol=1e-4)
