"""More pooling, against loops over windows; images of one number and of none among them."""

from __future__ import annotations

import numpy as np

import lamina.functions as F
from functions.cases_pool import apart, each, pooled, windows
from lamina.check import case


def adaptive(take):
    def reference(x, size):
        out = each(size, x.ndim - 2)
        y = np.zeros((*x.shape[:2], *out))
        for place in np.ndindex(*out):
            part = [
                slice(i * n // m, -(-(i + 1) * n // m))
                for i, n, m in zip(place, x.shape[2:], out, strict=True)
            ]
            axes = tuple(range(2, x.ndim))
            whole = (slice(None), slice(None))
            y[(*whole, *place)] = take(x[(*whole, *part)], axes)
        return y

    return reference


def lp_pool(x, power, kernel, stride=None):
    def take(part, axes):
        return (np.abs(part) ** power).sum(axes) ** (1 / power)

    return pooled(x, kernel, stride, 0, take)


def with_indices(x, kernel, stride=None, padding=0):
    numbers = np.arange(np.prod(x.shape[2:])).reshape(x.shape[2:])
    shape = x.shape[:2]
    at = np.zeros(pooled(x, kernel, stride, padding, np.max).shape, np.int64)
    marked = np.broadcast_to(numbers, x.shape)
    pairs = zip(
        windows(x, kernel, stride, padding), windows(marked, kernel, stride, padding), strict=True
    )
    for (place, _, part), (_, _, names) in pairs:
        count = int(np.prod(part.shape[2:]))
        flat, named = part.reshape(*shape, count), names.reshape(*shape, count)
        best = flat.argmax(2)[..., None]
        at[(slice(None), slice(None), *place)] = np.take_along_axis(named, best, 2)[..., 0]
    return pooled(x, kernel, stride, padding, np.max), at


def max_unpool(x, indices, size):
    y = np.zeros((*x.shape[:2], int(np.prod(size))))
    for n, c, *place in np.ndindex(*x.shape):
        y[n, c, indices[(n, c, *place)]] += x[(n, c, *place)]
    return y.reshape(*x.shape[:2], *size)


def placed(shape, places):
    def make(rng, dtype):
        return rng.uniform(-2, 2, shape).astype(dtype), rng.integers(0, places, shape)

    return make


def row(f, reference, name, shapes=(), make=None, domain=(-2.0, 2.0), **kwargs):
    return case(
        f,
        reference,
        shapes=shapes,
        make=make,
        kwargs=kwargs,
        domain=domain,
        name=f"{f.__name__} {name}".strip(),
    )


CASES = [
    row(F.adaptive_average_pool, adaptive(np.mean), "", [(2, 3, 5, 7), (0, 2, 3, 4)], size=(3, 2)),
    row(F.adaptive_average_pool, adaptive(np.mean), "even", [(1, 2, 6, 4)], size=2),
    row(F.adaptive_average_pool, adaptive(np.mean), "larger", [(1, 2, 3), (1, 1, 1)], size=5),
    row(F.adaptive_max_pool, adaptive(np.max), "", make=[apart(2, 2, 5, 3)], size=(3, 2)),
    row(F.adaptive_max_pool, adaptive(np.max), "even", [(0, 2, 4)], [apart(1, 2, 6)], size=2),
    row(F.adaptive_max_pool, adaptive(np.max), "of one number", [(1, 1, 1)], size=1),
    row(F.lp_pool, lp_pool, "", [(2, 3, 4, 5), (0, 1, 2, 3)], kernel=(2, 3), power=2),
    row(
        F.lp_pool,
        lp_pool,
        "of a cube",
        [(2, 1, 5), (1, 1, 2)],
        domain=(0.25, 2),
        kernel=2,
        stride=1,
        power=3.5,
    ),
    row(F.lp_pool, lp_pool, "of one number", [(1, 1, 1)], kernel=1, power=1),
    row(
        F.max_pool_with_indices,
        with_indices,
        "",
        make=[apart(2, 3, 4, 5), apart(0, 1, 3, 3)],
        kernel=(2, 3),
        stride=(1, 2),
    ),
    row(F.max_pool_with_indices, with_indices, "1d", make=[apart(2, 1, 7)], kernel=3, padding=1),
    row(F.max_pool_with_indices, with_indices, "3d", make=[apart(1, 2, 2, 4, 3)], kernel=(1, 2, 2)),
    row(F.max_pool_with_indices, with_indices, "of one number", make=[apart(1, 1, 1)], kernel=1),
    row(F.max_unpool, max_unpool, "", make=[placed((2, 3, 2, 3), 20)], size=(4, 5)),
    row(
        F.max_unpool, max_unpool, "1d", make=[placed((1, 1, 1), 4), placed((0, 2, 3), 4)], size=(4,)
    ),
]
