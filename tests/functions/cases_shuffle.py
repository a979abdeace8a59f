"""Channels and places exchanged, one number at a time; convolutions of single channels."""

from __future__ import annotations

import numpy as np

import lamina.functions as F
from lamina.check import case


def pixel_shuffle(x, factor):
    n, channels, *size = x.shape
    rank = len(size)
    y = np.zeros((n, channels // factor**rank, *[factor * s for s in size]))
    for sample, c, *place in np.ndindex(*y.shape):
        channel = c
        for p in place:
            channel = channel * factor + p % factor
        y[(sample, c, *place)] = x[(sample, channel, *[p // factor for p in place])]
    return y


def pixel_unshuffle(x, factor):
    n, channels, *size = x.shape
    y = np.zeros((n, channels * factor ** len(size), *[s // factor for s in size]))
    for sample, c, *place in np.ndindex(*x.shape):
        channel = c
        for p in place:
            channel = channel * factor + p % factor
        y[(sample, channel, *[p // factor for p in place])] = x[(sample, c, *place)]
    return y


def channel_shuffle(x, groups):
    size = x.shape[1] // groups
    order = [g * size + i for i in range(size) for g in range(groups)]
    return x[:, order]


CASES = [
    case(F.pixel_shuffle, pixel_shuffle, shapes=[(2, 8, 3, 2), (0, 4, 1, 1)], kwargs={"factor": 2}),
    case(
        F.pixel_shuffle,
        pixel_shuffle,
        shapes=[(1, 6, 2)],
        kwargs={"factor": 3},
        name="pixel_shuffle 1d",
    ),
    case(
        F.pixel_shuffle,
        pixel_shuffle,
        shapes=[(1, 1, 1)],
        kwargs={"factor": 1},
        name="pixel_shuffle by 1",
    ),
    case(
        F.pixel_unshuffle,
        pixel_unshuffle,
        shapes=[(2, 3, 4, 2), (0, 1, 2, 2)],
        kwargs={"factor": 2},
    ),
    case(
        F.pixel_unshuffle,
        pixel_unshuffle,
        shapes=[(1, 1, 2, 4, 2)],
        kwargs={"factor": 2},
        name="pixel_unshuffle 3d",
    ),
    case(
        F.pixel_unshuffle,
        pixel_unshuffle,
        shapes=[(1, 1, 1)],
        kwargs={"factor": 1},
        name="pixel_unshuffle by 1",
    ),
    case(F.channel_shuffle, channel_shuffle, shapes=[(2, 6, 2), (0, 3)], kwargs={"groups": 3}),
    case(
        F.channel_shuffle,
        channel_shuffle,
        shapes=[(1, 1)],
        kwargs={"groups": 1},
        name="channel_shuffle of one",
    ),
]
