"""Interpolation, one pixel of the result at a time."""

from __future__ import annotations

from itertools import product
from math import floor, prod

import numpy as np

import lamina.functions as F
from functions.cases_pool import each
from lamina.check import case


def kernel(d, mode):
    """How much a pixel at this distance counts."""
    d = abs(d)
    if mode == "linear":
        return max(0.0, 1 - d)
    a = -0.75
    if d <= 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    return a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a if d < 2 else 0.0


def along(i, n, out, step, mode, align_corners):
    """The pixels that pixel ``i`` of the result is made of, with their weights."""
    if mode == "nearest":
        return [(i * n // out if step is None else min(floor(i * step), n - 1), 1.0)]
    place = i * ((n - 1) / (out - 1) if out > 1 else 0) if align_corners else (i + 0.5) * step - 0.5
    if mode == "linear":
        place = min(max(place, 0), n - 1)
    low = floor(place)
    return [(min(max(j, 0), n - 1), kernel(place - j, mode)) for j in range(low - 1, low + 3)]


def interpolate(x, size=None, scale=None, mode="nearest", align_corners=False):
    spatial = x.shape[2:]
    if scale is None:
        out = each(size, len(spatial))
        steps = [None if mode == "nearest" else n / m for n, m in zip(spatial, out, strict=True)]
    else:
        scales = scale if isinstance(scale, tuple) else (scale,) * len(spatial)
        out = [floor(n * s) for n, s in zip(spatial, scales, strict=True)]
        steps = [1 / s for s in scales]
    y = np.zeros((*x.shape[:2], *out))
    whole = (slice(None), slice(None))
    for place in np.ndindex(*out):
        axes = [
            along(i, n, m, step, mode, align_corners)
            for i, n, m, step in zip(place, spatial, out, steps, strict=True)
        ]
        for taps in product(*axes):
            weight = prod(w for _, w in taps)
            y[(*whole, *place)] += weight * x[(*whole, *[j for j, _ in taps])]
    return y


def row(name, shapes, **kwargs):
    return case(
        F.interpolate, interpolate, shapes=shapes, kwargs=kwargs, name=f"interpolate {name}".strip()
    )


CASES = [
    row("", [(2, 3, 3, 4), (0, 2, 1, 3), (1, 1, 1, 1)], size=(5, 3)),
    row("by a scale", [(1, 2, 3, 2)], scale=(2.0, 1.5)),
    row("1d", [(2, 1, 5)], size=3),
    row("doubled", [(1, 2, 3, 2)], size=(6, 4)),
    row("to many", [(1, 1, 2)], size=98),  # 49 times 2 / 98 is less than 1
    row("linear 1d", [(2, 3, 4), (1, 1, 1)], size=7, mode="linear"),
    row("linear 2d", [(1, 2, 3, 4), (0, 1, 2, 2)], size=(5, 2), mode="linear"),
    row("linear 3d", [(1, 1, 2, 3, 2)], size=(3, 2, 4), mode="linear"),
    row("linear by a scale", [(1, 2, 5)], scale=1.5, mode="linear"),
    row("linear corners", [(1, 2, 3, 4)], size=(5, 2), mode="linear", align_corners=True),
    row("linear one corner", [(1, 2, 3)], size=1, mode="linear", align_corners=True),
    row("cubic", [(1, 2, 3, 4), (1, 1, 1, 2)], size=(5, 2), mode="cubic"),
    row("cubic corners", [(1, 1, 3, 4)], size=(5, 3), mode="cubic", align_corners=True),
    row("cubic by a scale", [(1, 2, 4)], scale=2.5, mode="cubic"),
]
