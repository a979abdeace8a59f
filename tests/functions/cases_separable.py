"""Convolutions of each channel by itself, against the loops of grouped convolution."""

from __future__ import annotations

import lamina.functions as F
from functions.cases_conv import conv_by_loops
from lamina.check import case


def depthwise(x, W, b=None, **words):
    return conv_by_loops(x, W, b, groups=x.shape[1], **words)


def separable(x, W, pointwise, b=None, **words):
    return conv_by_loops(depthwise(x, W, **words), pointwise, b)


CASES = [
    case(
        F.depthwise_conv,
        depthwise,
        shapes=[((2, 2, 4, 3), (4, 1, 2, 3), (4,)), ((0, 1, 2, 2), (1, 1, 1, 1), (1,))],
    ),
    case(
        F.depthwise_conv,
        depthwise,
        shapes=[((1, 3, 6), (3, 1, 2)), ((1, 1, 1), (1, 1, 1))],
        kwargs={"stride": 2, "padding": 1, "dilation": 2},
        name="depthwise_conv 1d",
    ),
    case(
        F.separable_conv,
        separable,
        shapes=[((2, 2, 3, 2), (2, 1, 2, 1), (3, 2, 1, 1), (3,))],
        kwargs={"padding": 1},
    ),
    case(
        F.separable_conv,
        separable,
        shapes=[((0, 1, 2), (1, 1, 1), (1, 1, 1)), ((1, 1, 1), (1, 1, 1), (2, 1, 1))],
        name="separable_conv 1d",
    ),
]
