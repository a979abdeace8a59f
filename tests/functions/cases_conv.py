"""Convolution and its transpose, against loops over every place and every number of the kernel."""

from __future__ import annotations

import itertools

import numpy as np

import lamina.functions as F
from lamina.check import case


def each(word, rank):
    return (word,) * rank if isinstance(word, int) else tuple(word)


def pairs(padding, size, kernel, stride, dilation):
    """Padding as (before, after) for each axis; "same" as its definition says."""
    if padding == "same":
        found = []
        for n, k, s, d in zip(size, kernel, stride, dilation, strict=True):
            places = (n + s - 1) // s
            total = max((places - 1) * s + (k - 1) * d + 1 - n, 0)
            found.append((total // 2, total - total // 2))
        return found
    return [(p, p) if isinstance(p, int) else p for p in each(padding, len(size))]


def conv_by_loops(x, W, b=None, stride=1, padding=0, dilation=1, groups=1):
    (n, _, *size), (c_out, per_group, *kernel) = x.shape, W.shape
    rank = len(size)
    stride, dilation = each(stride, rank), each(dilation, rank)
    borders = pairs(padding, size, kernel, stride, dilation)
    x = np.pad(x, [(0, 0), (0, 0), *borders])
    out = [
        len(range(0, m - (k - 1) * d, s))
        for m, k, s, d in zip(x.shape[2:], kernel, stride, dilation, strict=True)
    ]
    y = np.zeros((n, c_out, *out))
    for o in range(c_out):
        first = o // (c_out // groups) * per_group
        for place in np.ndindex(*out):
            for c in range(per_group):
                for i in np.ndindex(*kernel):
                    at = tuple(np.array(place) * stride + np.array(i) * dilation)
                    y[(slice(None), o, *place)] += W[(o, c, *i)] * x[(slice(None), first + c, *at)]
            y[(slice(None), o, *place)] += 0 if b is None else b[o]
    return y


def transposed_by_loops(x, W, b=None, stride=1, padding=0, output_padding=0, dilation=1, groups=1):
    (n, c_in, *size), (_, per_group, *kernel) = x.shape, W.shape
    rank = len(size)
    stride, dilation, more = each(stride, rank), each(dilation, rank), each(output_padding, rank)
    whole = [
        (m - 1) * s + (k - 1) * d + 1 + p
        for m, s, k, d, p in zip(size, stride, kernel, dilation, more, strict=True)
    ]
    y = np.zeros((n, per_group * groups, *whole))
    for c, o in itertools.product(range(c_in), range(per_group)):
        channel = c // (c_in // groups) * per_group + o
        for place in np.ndindex(*size):
            for i in np.ndindex(*kernel):
                at = tuple(np.array(place) * stride + np.array(i) * dilation)
                y[(slice(None), channel, *at)] += W[(c, o, *i)] * x[(slice(None), c, *place)]
    cut = pairs(padding, size, kernel, stride, dilation)
    inner = [slice(a, m - z) for m, (a, z) in zip(whole, cut, strict=True)]
    y = y[(slice(None), slice(None), *inner)]
    return y if b is None else y + b.reshape(-1, *[1] * rank)


def conv(f, shapes, name, **words):
    return case(f, conv_by_loops, shapes=shapes, kwargs=words, name=f"{f.__name__} {name}")


def transposed(f, shapes, name, **words):
    return case(f, transposed_by_loops, shapes=shapes, kwargs=words, name=f"{f.__name__} {name}")


ONE = [
    conv(
        F.conv1d,
        [
            ((2, 3, 7), (4, 3, 2), (4,)),
            ((2, 3, 5), (4, 3, 5)),
            ((1, 1, 1), (1, 1, 1), (1,)),
            ((0, 2, 5), (3, 2, 2), (3,)),
            ((2, 0, 5), (3, 0, 2)),
            ((2, 3, 5), (0, 3, 2)),
        ],
        "plain",
    ),
    conv(F.conv1d, [((2, 3, 7), (4, 3, 2), (4,))], "strided", stride=3, padding=((2, 1),)),
    conv(F.conv1d, [((2, 4, 9), (6, 2, 3))], "groups", groups=2, dilation=2, padding=1),
    conv(F.conv1d, [((2, 3, 6), (3, 1, 4), (3,))], "depthwise", groups=3, padding="same"),
]

TWO = [
    conv(
        F.conv2d,
        [
            ((2, 3, 5, 6), (4, 3, 3, 2), (4,)),
            ((2, 3, 5, 6), (4, 3, 5, 6)),
            ((2, 1, 3, 4), (1, 1, 1, 2), (1,)),
            ((1, 1, 1, 1), (1, 1, 1, 1)),
            ((0, 2, 3, 4), (3, 2, 2, 1), (3,)),
            ((2, 0, 3, 4), (3, 0, 2, 1)),
        ],
        "plain",
    ),
    conv(F.conv2d, [((3, 2, 4, 5), (3, 2, 1, 1), (3,)), ((0, 2, 3, 4), (3, 2, 1, 1))], "1x1"),
    conv(F.conv2d, [((2, 4, 3, 5), (6, 2, 1, 1))], "1x1 groups", groups=2),
    conv(F.conv2d, [((2, 3, 5, 6), (4, 3, 1, 1))], "1x1 strided", stride=(2, 3)),
    conv(F.conv2d, [((2, 3, 3, 4), (4, 3, 1, 1))], "1x1 padded", padding=(0, 1)),
    conv(F.conv2d, [((2, 2, 5, 7), (3, 2, 3, 2))], "strided", stride=(2, 3), padding=(1, 0)),
    conv(F.conv2d, [((2, 2, 4, 5), (3, 2, 2, 3))], "padded", padding=((0, 2), (1, 0))),
    conv(F.conv2d, [((2, 2, 4, 5), (3, 2, 2, 3), (3,))], "same", padding="same"),
    conv(F.conv2d, [((1, 2, 5, 6), (3, 2, 3, 2))], "same strided", padding="same", stride=(3, 2)),
    conv(F.conv2d, [((2, 2, 7, 6), (2, 2, 3, 2))], "dilated", dilation=(2, 3), padding=(1, 2)),
    conv(F.conv2d, [((2, 4, 4, 3), (6, 2, 2, 3), (6,))], "groups", groups=2, padding=1),
    conv(F.conv2d, [((2, 3, 4, 5), (6, 1, 2, 3))], "depthwise", groups=3, stride=2),
    conv(
        F.conv2d,
        [((2, 4, 8, 7), (2, 2, 3, 2), (2,))],
        "everything",
        stride=(2, 1),
        padding=((2, 1), (0, 3)),
        dilation=(1, 3),
        groups=2,
    ),
]

THREE = [
    conv(
        F.conv3d,
        [
            ((2, 2, 3, 4, 5), (3, 2, 2, 1, 3), (3,)),
            ((1, 1, 1, 1, 1), (1, 1, 1, 1, 1)),
            ((0, 2, 2, 3, 1), (3, 2, 2, 1, 1)),
        ],
        "plain",
    ),
    conv(
        F.conv3d,
        [((1, 4, 4, 3, 5), (2, 2, 3, 2, 2), (2,))],
        "everything",
        stride=(1, 2, 3),
        padding=(1, (0, 1), 2),
        dilation=(1, 1, 2),
        groups=2,
    ),
]

TRANSPOSED = [
    transposed(
        F.conv_transpose1d,
        [
            ((2, 3, 5), (3, 4, 2), (4,)),
            ((1, 1, 1), (1, 1, 1), (1,)),
            ((0, 2, 3), (2, 3, 2)),
            ((2, 0, 3), (0, 3, 2)),
        ],
        "plain",
    ),
    transposed(
        F.conv_transpose1d,
        [((2, 4, 5), (4, 3, 3), (6,))],
        "everything",
        stride=3,
        padding=((2, 1),),
        output_padding=2,
        dilation=2,
        groups=2,
    ),
    transposed(
        F.conv_transpose2d,
        [
            ((2, 3, 2, 4), (3, 4, 3, 2), (4,)),
            ((1, 1, 1, 1), (1, 1, 1, 1)),
            ((0, 2, 2, 3), (2, 3, 2, 1)),
        ],
        "plain",
    ),
    transposed(F.conv_transpose2d, [((2, 3, 2, 4), (3, 5, 1, 1), (5,))], "1x1"),
    transposed(
        F.conv_transpose2d,
        [((2, 2, 3, 2), (2, 3, 2, 3))],
        "strided",
        stride=(3, 2),
        padding=(0, 1),
        output_padding=(2, 1),
    ),
    transposed(
        F.conv_transpose2d,
        [((2, 4, 2, 3), (4, 1, 3, 2), (4,))],
        "depthwise",
        groups=4,
        dilation=(2, 1),
        padding=((1, 0), 1),
    ),
    transposed(
        F.conv_transpose3d,
        [
            ((2, 2, 2, 1, 3), (2, 3, 1, 3, 2), (3,)),
            ((1, 1, 1, 1, 1), (1, 1, 1, 1, 1)),
            ((0, 2, 2, 1, 3), (2, 3, 1, 3, 2)),
        ],
        "plain",
    ),
    transposed(
        F.conv_transpose3d,
        [((1, 4, 2, 1, 3), (4, 1, 2, 3, 1))],
        "everything",
        stride=(2, 1, 3),
        padding=(1, 0, (0, 2)),
        output_padding=(1, 0, 2),
        groups=2,
    ),
]

CASES = [*ONE, *TWO, *THREE, *TRANSPOSED]
