"""Pooling, against a loop over every window."""

from __future__ import annotations

import numpy as np

import lamina.functions as F
from lamina.check import case


def each(word, rank):
    return (word,) * rank if isinstance(word, int) else tuple(word)


def windows(x, kernel, stride, padding):
    """Each place with what lies in its window: parts of the image, without its borders."""
    size = x.shape[2:]
    kernel = each(kernel, len(size))
    stride = kernel if stride is None else each(stride, len(size))
    borders = [(p, p) if isinstance(p, int) else p for p in each(padding, len(size))]
    out = [
        len(range(-a, n + z - k + 1, s))
        for n, k, s, (a, z) in zip(size, kernel, stride, borders, strict=True)
    ]
    for place in np.ndindex(*out):
        starts = [p * s - a for p, s, (a, _) in zip(place, stride, borders, strict=True)]
        part = tuple(slice(max(t, 0), t + k) for t, k in zip(starts, kernel, strict=True))
        yield place, out, x[(slice(None), slice(None), *part)]


def pooled(x, kernel, stride, padding, take):
    y = None
    for place, out, part in windows(x, kernel, stride, padding):
        y = np.zeros((*x.shape[:2], *out)) if y is None else y
        y[(slice(None), slice(None), *place)] = take(part, tuple(range(2, x.ndim)))
    return y


def max_by_loops(x, kernel, stride=None, padding=0):
    return pooled(x, kernel, stride, padding, np.max)


def average_by_loops(x, kernel, stride=None, padding=0, count_include_pad=True):
    whole = np.prod(each(kernel, x.ndim - 2))
    take = (lambda part, axes: part.sum(axes) / whole) if count_include_pad else np.mean
    return pooled(x, kernel, stride, padding, take)


def apart(*shape):
    """All numbers different, so that a small step changes no maximum."""

    def make(rng, dtype):
        numbers = rng.permutation(int(np.prod(shape))) / 8 - 1
        return (numbers.reshape(shape).astype(dtype),)

    return make


def max_pool(f, shapes, name, kernel, **words):
    return case(
        f,
        max_by_loops,
        make=[apart(*shape) for shape in shapes],
        kwargs={"kernel": kernel, **words},
        name=f"{f.__name__} {name}",
    )


def average_pool(f, shapes, name, kernel, **words):
    return case(
        f,
        average_by_loops,
        shapes=shapes,
        kwargs={"kernel": kernel, **words},
        name=f"{f.__name__} {name}",
    )


def rows(one, two, three, make):
    """The same windows for both kinds."""
    return [
        make(one, [(2, 3, 7), (0, 3, 4), (2, 0, 4)], "plain", 2),
        make(one, [(1, 1, 1), (2, 1, 5)], "of one", 1),
        make(one, [(2, 3, 7)], "padded", 3, stride=2, padding=((2, 1),)),
        make(two, [(2, 3, 5, 7), (0, 3, 2, 4), (1, 2, 2, 3)], "plain", (2, 3)),
        make(two, [(1, 1, 1, 1)], "of one", 1),
        make(two, [(2, 3, 4, 5)], "over all", (4, 5)),
        make(two, [(2, 2, 5, 4)], "overlapping", (3, 2), stride=1),
        make(two, [(2, 2, 7, 5)], "apart", (2, 1), stride=(3, 2)),
        make(two, [(2, 2, 5, 7)], "padded", (3, 2), stride=(2, 3), padding=(1, (0, 1))),
        make(three, [(2, 2, 2, 3, 5), (0, 2, 2, 3, 5)], "plain", (2, 1, 3)),
        make(three, [(1, 1, 1, 1, 1)], "of one", 1),
        make(three, [(1, 2, 3, 2, 4)], "padded", (2, 1, 3), stride=2, padding=(1, 0, 2)),
    ]


def squared_max_pool(x):
    """Its gradient depends on its value, so that derivatives of both kinds meet."""
    return F.max_pool2d(x, (3, 2), stride=(2, 1), padding=(1, 0)) ** 2


CASES = [
    *rows(F.max_pool1d, F.max_pool2d, F.max_pool3d, max_pool),
    case(
        squared_max_pool,
        lambda x: max_by_loops(x, (3, 2), (2, 1), (1, 0)) ** 2,
        make=apart(2, 2, 5, 4),
        name="max_pool2d squared",
    ),
    *rows(F.average_pool1d, F.average_pool2d, F.average_pool3d, average_pool),
    *[
        average_pool(
            f, shapes, "without padding", kernel, stride=2, padding=1, count_include_pad=False
        )
        for f, shapes, kernel in [
            (F.average_pool1d, [(2, 3, 6)], 3),
            (F.average_pool2d, [(2, 3, 5, 4)], (3, 2)),
            (F.average_pool3d, [(1, 2, 3, 4, 2)], (2, 3, 2)),
        ]
    ],
    case(
        F.global_average_pool,
        lambda x: x.mean(tuple(range(2, x.ndim))),
        shapes=[(2, 3, 5), (2, 3, 5, 7), (1, 2, 3, 4, 2), (1, 1, 1), (0, 2, 3), (2, 0, 3, 1)],
    ),
    case(
        F.global_max_pool,
        lambda x: x.max(tuple(range(2, x.ndim))),
        make=[apart(2, 3, 5), apart(2, 3, 4, 5), apart(1, 1, 1), apart(0, 2, 3)],
    ),
]
